"""Count what the recordings give away, and measure what the gateway costs in time.

Nothing here is asserted by the code that made the call: digits are counted by detectors that are handed in, and
latency is measured by finding the caller's own packets again at the agent.
"""

import json
import re
import wave
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

RATE_HZ: Final = 8000

Detector = Callable[[NDArray[np.int16]], str]
"Reads mono audio at 8000 Hz and returns the keys that it hears."

_MASKED_CARD: Final = re.compile(r"\*{8,15}\d{0,4}")
"What may be written of a card: asterisks, and the last four at most."

_MEANINGFUL_PAYLOAD: Final = 32
"Different bytes a payload must have to be told from another: silence and room noise have fewer."


class EvidenceError(Exception):
    """The evidence cannot be written; the text says why and names the file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recordings:
    """The WAV files of one call, 16-bit at 8000 Hz."""

    caller: Path
    "What the caller's phone sent."

    agent: Path
    "What the agent's phone heard."

    recording: Path
    "What the recorder kept; may be stereo."


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentFacts:
    """The payment's part of the summary."""

    status: str

    card: str
    "Masked: asterisks and at most the last four."

    brand: str

    amount_minor: int

    currency: str
    "ISO 4217."

    def __post_init__(self) -> None:
        if not _MASKED_CARD.fullmatch(self.card):
            raise EvidenceError("a card number that is not masked does not go into the summary")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyCounts:
    """How many keys one detector hears where."""

    keyed: int
    "Digits 0-9 in what the caller sent; `*` and `#` are no digits."

    heard_by_agent: int
    "Keys of any kind in what the agent heard."

    in_recording: int
    "Keys of any kind in all channels of the recording."


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """What the gateway adds between the caller's phone and the agent's, of packets that arrived unchanged."""

    median_ms: float

    p99_ms: float

    packets: int
    "How many of the caller's packets were found again."

    secure_median_ms: float | None = None
    "The same while the line was secure, when the gate holds a frame back; None where nothing was found again."


@dataclass(frozen=True, slots=True, kw_only=True)
class SecureSpan:
    """When the line was secure, in ns of `time.monotonic_ns()`."""

    start_ns: int

    end_ns: int


def count_keys(recordings: Recordings, detector: Detector) -> KeyCounts:
    """Return what `detector` hears in the three recordings."""
    keyed = "".join(detector(channel) for channel in read_channels(recordings.caller))
    heard = [len(detector(channel)) for channel in read_channels(recordings.agent)]
    recorded = [len(detector(channel)) for channel in read_channels(recordings.recording)]
    return KeyCounts(
        keyed=sum(key.isdigit() for key in keyed),
        heard_by_agent=sum(heard),
        in_recording=sum(recorded),
    )


def measure_latency(sent: Path, heard: Path, secure: Sequence[SecureSpan] = ()) -> Latency:
    """Match the packets of two softphone sidecars (`.npz`) by their payload and return the time between.

    A payload counts if it is speech (rich enough to be told from another) and unique on both sides, so what the
    gate replaced, repeated or muted is not measured. Packets that were sent in the `secure` spans are measured apart.
    Raise :class:`EvidenceError` where nothing matches.
    """
    sent_at, heard_at = _moments(sent), _moments(heard)
    open_ms: list[float] = []
    secure_ms: list[float] = []
    for payload in sent_at.keys() & heard_at.keys():
        at_ns = sent_at[payload]
        kept = secure_ms if any(s.start_ns <= at_ns <= s.end_ns for s in secure) else open_ms
        kept.append((heard_at[payload] - at_ns) / 1e6)
    if not open_ms:
        raise EvidenceError(f"no packet of {sent.name} is in {heard.name}: nothing to measure")
    median_ms, p99_ms = np.percentile(open_ms, [50, 99])
    return Latency(
        median_ms=round(float(median_ms), 2),
        p99_ms=round(float(p99_ms), 2),
        packets=len(open_ms),
        secure_median_ms=round(float(np.median(secure_ms)), 2) if secure_ms else None,
    )


def build_summary(
    *,
    payment: PaymentFacts,
    recordings: Recordings,
    detectors: Mapping[str, Detector],
    latency: Latency,
) -> dict[str, Any]:
    """Return the summary: facts of the payment, counts by every detector, latency.

    The headline counts are those of the detector that speaks worst of us: fewest digits keyed, most heard.
    Raise :class:`EvidenceError` where there is no detector, or a recording cannot be read.
    """
    if not detectors:
        raise EvidenceError("no detector: nothing can be counted")
    counts = {name: count_keys(recordings, detector) for name, detector in detectors.items()}
    return {
        "payment": {
            "status": payment.status,
            "card": payment.card,
            "brand": payment.brand,
            "amount_minor": payment.amount_minor,
            "currency": payment.currency,
        },
        "digits_keyed": min(count.keyed for count in counts.values()),
        "digits_heard_by_agent": max(count.heard_by_agent for count in counts.values()),
        "digits_in_recording": max(count.in_recording for count in counts.values()),
        "added_latency_ms": latency.median_ms,
        "added_latency_p99_ms": latency.p99_ms,
        "added_latency_secure_ms": latency.secure_median_ms,
        "latency_packets": latency.packets,
        "detectors": {
            name: {
                "digits_keyed": count.keyed,
                "digits_heard_by_agent": count.heard_by_agent,
                "digits_in_recording": count.in_recording,
            }
            for name, count in counts.items()
        },
    }


def write_summary(path: Path, summary: Mapping[str, Any]) -> None:
    """Write the summary as readable JSON."""
    path.write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")


def read_channels(path: Path) -> list[NDArray[np.int16]]:
    """Return the channels of a 16-bit WAV at 8000 Hz, each int16 (n,); raise :class:`EvidenceError` for others."""
    try:
        with wave.open(str(path), "rb") as wav:
            form = (wav.getframerate(), wav.getsampwidth())
            channels = wav.getnchannels()
            audio = np.frombuffer(wav.readframes(wav.getnframes()), "<i2")
    except (OSError, EOFError, ValueError, wave.Error) as error:
        raise EvidenceError(f"cannot read {path.name}: {error}") from error
    if form != (RATE_HZ, 2):
        raise EvidenceError(f"{path.name} is not 16-bit audio at {RATE_HZ} Hz")
    return [np.ascontiguousarray(audio[i::channels], np.int16) for i in range(channels)]


def _moments(sidecar: Path) -> dict[bytes, int]:
    """Return the monotonic time in ns of each payload that is rich and came only once."""
    try:
        with np.load(sidecar, allow_pickle=False) as packets:
            times, payloads = packets["monotonic_ns"], packets["payload"]
    except (OSError, ValueError, KeyError) as error:
        raise EvidenceError(f"cannot read {sidecar.name}: {error}") from error
    unique, first, count = np.unique(payloads, axis=0, return_index=True, return_counts=True)
    rich = (np.diff(np.sort(unique, axis=1), axis=1) != 0).sum(axis=1) >= _MEANINGFUL_PAYLOAD
    return {payloads[i].tobytes(): int(times[i]) for i in first[rich & (count == 1)]}
