"""The proof is counted from the tapes of a call, and complains of whatever is not as it must be."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ivr.demo.evidence import EvidenceError, SecureSpan
from ivr.demo.microphone import press_timeline
from ivr.demo.proof import Proof, clear, write_proof
from ivr.demo.script import CallFacts
from ivr.demo.stage import Tapes
from ivr.session.words import FieldState, Status
from samples.softphone import mulaw
from tests.demo.views import COLLECTING
from tests.support.wav import Pcm, keyed, silence, speech, write_wav

_KEYS = "4019#28"

_SECOND_NS = 1_000_000_000


def _tape(path: Path, sound: Pcm, *, delay_ms: int = 0) -> None:
    """Write a WAV and its sidecar, as a softphone does, for packets that crossed `delay_ms` late."""
    write_wav(path, sound)
    packets = len(sound) // 160
    payload = np.frombuffer(mulaw.encode(sound[: packets * 160]), np.uint8).reshape(-1, 160)
    at_ns = (np.arange(packets) * 20 + delay_ms) * 1_000_000
    np.savez(
        path.with_suffix(".npz"),
        monotonic_ns=at_ns,
        position=np.arange(packets) * 160,
        payload=payload,
        origin_ns=np.int64(at_ns[0]),
    )


class Call:
    """A call of four seconds: two of talk, then keys; everything as it must be, until a test changes it."""

    def __init__(self, folder: Path) -> None:
        self.tapes = Tapes(folder=folder / "tapes")
        self.output = folder / "output"
        talk = speech(2.0)
        self.sent = np.concatenate([talk, keyed(_KEYS), silence(1.0)])
        self.heard = np.concatenate([talk, silence(2.0)])
        self.recorded = np.stack([self.heard, self.heard], axis=1)
        number = replace(
            COLLECTING.fields[0], state=FieldState.VALID, mask="************0019", brand="visa"
        )
        self.facts = CallFacts(
            view=replace(COLLECTING, status=Status.SUCCEEDED, fields=(number,)),
            digits_keyed=6,
            presses=list(press_timeline(7, on_samples=640, off_samples=640, start=16_000)),
            secure=[SecureSpan(start_ns=_SECOND_NS, end_ns=4 * _SECOND_NS)],
        )

    def proved(self) -> Proof:
        recordings = self.tapes.data / "recordings"
        recordings.mkdir(parents=True)
        _tape(self.tapes.caller, self.sent)
        _tape(self.tapes.agent, self.heard, delay_ms=30)
        write_wav(recordings / "c1.wav", self.recorded)
        clear(self.output)
        return write_proof(self.tapes, self.facts, self.output)


@pytest.fixture
def call(tmp_path: Path) -> Call:
    return Call(tmp_path)


def test_a_silent_call_is_proved(call: Call) -> None:
    proof = call.proved()
    assert proof.complaints == ()
    assert proof.sentences[0] == "payment  approved: £12.50, visa ************0019"
    assert proof.sentences[1].startswith("digits   6 keyed, 0 heard by the agent, 0 in the record")
    summary = json.loads((call.output / "summary.json").read_text())
    assert summary["added_latency_ms"] == summary["added_latency_secure_ms"] == 30.0
    written = {path.name for path in call.output.iterdir()}
    assert written == {
        *("caller.wav", "agent.wav", "recording.wav", "spectrogram.png", "summary.json")
    }


def test_a_key_in_what_the_agent_heard_is_a_complaint(call: Call) -> None:
    call.heard[20_000:20_640] = keyed("4")[:640]
    assert "tonewall reads 1 keys in what the agent heard (agent.wav)" in call.proved().complaints


def test_a_key_in_the_recording_is_a_complaint(call: Call) -> None:
    call.recorded[20_000:20_640, 0] = keyed("4")[:640]
    assert "tonewall reads 1 keys in the recording (recording.wav)" in call.proved().complaints


def test_a_key_that_the_caller_did_not_send_is_a_complaint(call: Call) -> None:
    call.facts.digits_keyed = 7
    told = "the caller keyed 7 digits, and tonewall reads 6 in caller.wav"
    assert told in call.proved().complaints


def test_a_payment_that_is_not_approved_is_a_complaint(call: Call) -> None:
    assert call.facts.view is not None
    call.facts.view = replace(call.facts.view, status=Status.DECLINED)
    assert call.proved().complaints == ("the payment was not approved: it is declined",)


def test_a_recording_without_speech_proves_nothing(call: Call) -> None:
    call.recorded[:, 0] = 0
    assert call.proved().complaints == ("channel 1 of recording.wav holds no speech",)


def test_a_call_without_a_payment_has_no_proof(call: Call) -> None:
    call.facts.view = None
    with pytest.raises(EvidenceError, match="no payment"):
        call.proved()


def test_a_missing_recording_is_told(call: Call) -> None:
    clear(call.output)
    with pytest.raises(EvidenceError, match="left 0 recordings"):
        write_proof(call.tapes, call.facts, call.output)


def test_old_evidence_is_removed_and_nothing_else(tmp_path: Path) -> None:
    for name in ("summary.json", "agent.wav", "notes.txt"):
        (tmp_path / name).write_text("old")
    clear(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
