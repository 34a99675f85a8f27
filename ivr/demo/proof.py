"""From the tapes of a demo call to its evidence: what was keyed, what was heard, and whether that is as it must be."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from ivr.demo import spectrogram
from ivr.demo.ears import detectors
from ivr.demo.evidence import (
    EvidenceError,
    PaymentFacts,
    Recordings,
    build_summary,
    measure_latency,
    read_channels,
    write_summary,
)
from ivr.demo.script import CallFacts
from ivr.demo.stage import Tapes
from ivr.session.words import FieldName, Status

LOG_NAME: Final = "gateway.log"

_FILES: Final = {
    "caller.wav": "what the caller sent, tones and all",
    "agent.wav": "what the agent heard",
    "recording.wav": "what the recorder kept: caller left, agent right",
    "spectrogram.png": "both ends of the call, one above the other",
    "summary.json": "these numbers, for machines",
    LOG_NAME: "the gateway's log",
}
"What a demo leaves, in the order in which it is worth looking at."

_SPEECH_PEAK: Final = 1000
"Linear 16-bit; a recording that never gets there holds nobody's voice, and its silence proves nothing."


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """The evidence in words."""

    sentences: tuple[str, ...]

    complaints: tuple[str, ...]
    "What is not as it must be; empty where the demo has shown what it promises."


def clear(output: Path) -> None:
    """Make the folder, and remove what an earlier demo wrote there: a demo that fails must leave no old evidence."""
    output.mkdir(parents=True, exist_ok=True)
    for name in _FILES:
        (output / name).unlink(missing_ok=True)


def write_proof(tapes: Tapes, facts: CallFacts, output: Path) -> Proof:
    """Copy the recordings, count, draw; raise :class:`EvidenceError` where a file is missing or unreadable."""
    copies = _copied(tapes, output)
    summary = build_summary(
        payment=_payment(facts),
        recordings=copies,
        detectors=detectors(),
        latency=measure_latency(_sidecar(tapes.caller), _sidecar(tapes.agent), facts.secure),
    )
    write_summary(output / "summary.json", summary)
    _draw(tapes, facts, output / "spectrogram.png")
    complaints = _complaints(summary, facts, copies)
    return Proof(sentences=_sentences(summary, facts, output), complaints=tuple(complaints))


def _copied(tapes: Tapes, output: Path) -> Recordings:
    if len(tapes.recordings) != 1:
        raise EvidenceError(f"one call left {len(tapes.recordings)} recordings")
    copies = Recordings(
        caller=output / "caller.wav", agent=output / "agent.wav", recording=output / "recording.wav"
    )
    for source, copy in (
        (tapes.caller, copies.caller),
        (tapes.agent, copies.agent),
        (tapes.recordings[0], copies.recording),
    ):
        try:
            shutil.copyfile(source, copy)
        except FileNotFoundError:
            raise EvidenceError(f"the call left no {copy.name}") from None
    return copies


def _payment(facts: CallFacts) -> PaymentFacts:
    view = facts.view
    if view is None:
        raise EvidenceError("the panel showed no payment")
    card = next(field for field in view.fields if field.name is FieldName.CARD_NUMBER)
    return PaymentFacts(
        status=view.status.value,
        card=card.mask,
        brand=card.brand or "",
        amount_minor=view.amount.minor,
        currency=view.amount.currency,
    )


def _draw(tapes: Tapes, facts: CallFacts, path: Path) -> None:
    sidecar = _sidecar(tapes.caller)
    picture = spectrogram.Picture(
        caller=tapes.caller,
        agent=tapes.agent,
        agent_offset_s=spectrogram.offset_s(sidecar, _sidecar(tapes.agent)),
        presses=facts.presses,
        secure=[
            spectrogram.Span(
                start_s=spectrogram.wav_seconds(sidecar, span.start_ns),
                end_s=spectrogram.wav_seconds(sidecar, span.end_ns),
            )
            for span in facts.secure
        ],
    )
    spectrogram.draw(picture, path)


def _complaints(summary: Mapping[str, Any], facts: CallFacts, recordings: Recordings) -> list[str]:
    found = []
    if summary["payment"]["status"] != Status.SUCCEEDED:
        found.append(f"the payment was not approved: it is {summary['payment']['status']}")
    for name, counts in summary["detectors"].items():
        if counts["digits_keyed"] != facts.digits_keyed:
            found.append(
                f"the caller keyed {facts.digits_keyed} digits, and {name} reads "
                f"{counts['digits_keyed']} in caller.wav"
            )
        if heard := counts["digits_heard_by_agent"]:
            found.append(f"{name} reads {heard} keys in what the agent heard (agent.wav)")
        if recorded := counts["digits_in_recording"]:
            found.append(f"{name} reads {recorded} keys in the recording (recording.wav)")
    for number, channel in enumerate(read_channels(recordings.recording)):
        if np.abs(channel.astype(np.int32)).max(initial=0) < _SPEECH_PEAK:
            found.append(f"channel {number + 1} of recording.wav holds no speech")
    return found


def _sentences(summary: Mapping[str, Any], facts: CallFacts, output: Path) -> tuple[str, ...]:
    assert facts.view is not None
    approved = facts.view.status is Status.SUCCEEDED
    card = f"{summary['payment']['brand']} {summary['payment']['card']}"
    secure_ms = summary["added_latency_secure_ms"]
    while_secure = "" if secure_ms is None else f", {secure_ms:.1f} ms while the line is secure"
    return (
        f"payment  {'approved' if approved else facts.view.status}: {facts.view.amount}, {card}",
        f"digits   {summary['digits_keyed']} keyed, "
        f"{summary['digits_heard_by_agent']} heard by the agent, "
        f"{summary['digits_in_recording']} in the recording",
        f"         counted by {' and '.join(summary['detectors'])}",
        f"latency  {summary['added_latency_ms']:.1f} ms added{while_secure} (median)",
        f"files    in {output}/",
        *(f"         {name:15}  {what}" for name, what in _FILES.items()),
    )


def _sidecar(wav: Path) -> Path:
    return wav.with_suffix(".npz")
