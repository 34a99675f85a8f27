"""The evidence is counted from files and measured from packets; it can come out badly for us."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ivr.demo.evidence import (
    EvidenceError,
    Latency,
    PaymentFacts,
    Recordings,
    SecureSpan,
    build_summary,
    count_keys,
    measure_latency,
    write_summary,
)
from tests.support import spandsp
from tests.support.wav import Pcm, caller_audio, keyed, silence, speech, write_wav

_PAYMENT = PaymentFacts(
    status="succeeded", card="************0019", brand="visa", amount_minor=1250, currency="GBP"
)

_LATENCY = Latency(median_ms=21.5, p99_ms=24.0, packets=900)


def _recordings(tmp_path: Path, *, agent: Pcm, recording: Pcm) -> Recordings:
    return Recordings(
        caller=write_wav(tmp_path / "caller.wav", caller_audio("4019#28*")),
        agent=write_wav(tmp_path / "agent.wav", agent),
        recording=write_wav(tmp_path / "recording.wav", recording),
    )


def _always(keys: str) -> Callable[[Pcm], str]:
    return lambda _: keys


@pytest.mark.peer("spandsp")
def test_a_silent_agent_and_recording_count_nothing(tmp_path: Path) -> None:
    stereo = np.stack([silence(2), speech(2)], axis=1)
    recordings = _recordings(tmp_path, agent=speech(2), recording=stereo)
    counts = count_keys(recordings, spandsp.reader())
    assert (counts.keyed, counts.heard_by_agent, counts.in_recording) == (6, 0, 0)


@pytest.mark.peer("spandsp")
def test_a_leak_in_either_channel_of_the_recording_is_counted(tmp_path: Path) -> None:
    leak = keyed("5#")
    quiet = np.zeros_like(leak)
    stereo = np.stack([quiet, leak], axis=1)
    recordings = _recordings(tmp_path, agent=leak, recording=stereo)
    counts = count_keys(recordings, spandsp.reader())
    assert (counts.heard_by_agent, counts.in_recording) == (2, 2)


def test_the_headline_is_that_of_the_detector_that_speaks_worst_of_us(tmp_path: Path) -> None:
    recordings = _recordings(tmp_path, agent=silence(1), recording=silence(1))
    summary = build_summary(
        payment=_PAYMENT,
        recordings=recordings,
        detectors={"deaf": _always(""), "keen": _always("12")},
        latency=_LATENCY,
    )
    assert summary["digits_keyed"] == 0
    assert summary["digits_heard_by_agent"] == 2
    assert summary["digits_in_recording"] == 2
    assert summary["detectors"]["deaf"]["digits_heard_by_agent"] == 0


def test_the_summary_is_written_as_json(tmp_path: Path) -> None:
    recordings = _recordings(tmp_path, agent=silence(1), recording=silence(1))
    detectors = {"none": _always("")}
    summary = build_summary(
        payment=_PAYMENT, recordings=recordings, detectors=detectors, latency=_LATENCY
    )
    write_summary(tmp_path / "summary.json", summary)
    written = json.loads((tmp_path / "summary.json").read_text())
    assert written["payment"] == {
        "status": "succeeded",
        "card": "************0019",
        "brand": "visa",
        "amount_minor": 1250,
        "currency": "GBP",
    }
    assert written["added_latency_ms"] == 21.5


@pytest.mark.parametrize("card", ["4019280077350019", "4019********0019", "*****350019", ""])
def test_a_card_that_is_not_masked_is_refused(card: str) -> None:
    with pytest.raises(EvidenceError, match="not masked"):
        PaymentFacts(status="succeeded", card=card, brand="visa", amount_minor=1, currency="GBP")


def test_without_a_detector_nothing_is_claimed(tmp_path: Path) -> None:
    recordings = _recordings(tmp_path, agent=silence(1), recording=silence(1))
    with pytest.raises(EvidenceError, match="no detector"):
        build_summary(payment=_PAYMENT, recordings=recordings, detectors={}, latency=_LATENCY)


def test_an_unreadable_recording_is_named(tmp_path: Path) -> None:
    recordings = _recordings(tmp_path, agent=silence(1), recording=silence(1))
    recordings.agent.write_bytes(b"RIFF, or so it says")
    with pytest.raises(EvidenceError, match=r"agent\.wav"):
        count_keys(recordings, _always(""))


def _sidecar(path: Path, times_ms: list[float], payloads: list[bytes]) -> Path:
    np.savez(
        path,
        monotonic_ns=np.array([round(t * 1e6) for t in times_ms], np.int64),
        payload=np.frombuffer(b"".join(payloads), np.uint8).reshape(-1, 160),
    )
    return path


def _speech_payloads(count: int) -> list[bytes]:
    rng = np.random.default_rng(3)
    return [bytes(rng.integers(0, 255, 160, np.uint8)) for _ in range(count)]


def test_latency_is_the_time_between_equal_packets(tmp_path: Path) -> None:
    payloads = _speech_payloads(100)
    sent = _sidecar(tmp_path / "sent.npz", [20.0 * i for i in range(100)], payloads)
    delays = [21.0] * 98 + [41.0, 61.0]
    heard_at = [20.0 * i + delay for i, delay in enumerate(delays)]
    heard = _sidecar(tmp_path / "heard.npz", heard_at, payloads)
    latency = measure_latency(sent, heard)
    assert latency.packets == 100
    assert latency.median_ms == 21.0
    assert 41.0 <= latency.p99_ms <= 61.0


def test_packets_sent_while_the_line_was_secure_are_measured_apart(tmp_path: Path) -> None:
    payloads = _speech_payloads(100)
    sent = _sidecar(tmp_path / "sent.npz", [20.0 * i for i in range(100)], payloads)
    heard_at = [20.0 * i + (24.0 if 40 <= i < 60 else 3.0) for i in range(100)]
    heard = _sidecar(tmp_path / "heard.npz", heard_at, payloads)
    secure = [SecureSpan(start_ns=800_000_000, end_ns=1_190_000_000)]
    latency = measure_latency(sent, heard, secure)
    assert (latency.median_ms, latency.secure_median_ms, latency.packets) == (3.0, 24.0, 80)


def test_silence_repeats_and_replaced_packets_are_not_measured(tmp_path: Path) -> None:
    speech_payloads = _speech_payloads(3)
    quiet, repeated = b"\xff" * 160, _speech_payloads(4)[3]
    sent = _sidecar(
        tmp_path / "sent.npz",
        [0, 20, 40, 60, 80, 100],
        [*speech_payloads, quiet, repeated, repeated],
    )
    heard = _sidecar(
        tmp_path / "heard.npz",
        [25, 45, 500, 600, 700],
        [*speech_payloads[:2], b"\x7f" * 160, quiet, repeated],
    )
    latency = measure_latency(sent, heard)
    assert (latency.packets, latency.median_ms) == (2, 25.0)


def test_no_equal_packet_is_an_error_not_a_zero(tmp_path: Path) -> None:
    sent = _sidecar(tmp_path / "sent.npz", [0.0], _speech_payloads(1))
    heard = _sidecar(tmp_path / "heard.npz", [1.0], [b"\xff" * 160])
    with pytest.raises(EvidenceError, match="nothing to measure"):
        measure_latency(sent, heard)
