"""The tape puts every packet where its RTP timestamp says, and keeps when it came."""

import struct
import wave
from pathlib import Path

import numpy as np
import pytest

from samples.softphone import mulaw
from samples.softphone.tape import Tape
from tests.support.wav import Pcm, read_wav, speech

_MS = 1_000_000


def _packet(
    timestamp: int, pcm: Pcm, *, ssrc: int = 7, payload_type: int = 0, sequence: int = 0
) -> bytes:
    header = struct.pack("!BBHII", 0x80, payload_type, sequence, timestamp % 2**32, ssrc)
    return header + mulaw.encode(pcm)


def _level(value: int) -> Pcm:
    return np.full(160, value, np.int16)


def _written(tape: Tape, tmp_path: Path) -> Pcm:
    tape.write(tmp_path / "tape.wav")
    return read_wav(tmp_path / "tape.wav")


def test_a_lost_packet_is_silence_of_its_length(tmp_path: Path) -> None:
    tape = Tape()
    tape.append(_packet(1000, _level(4000)), 0)
    tape.append(_packet(1320, _level(4000)), 40 * _MS)
    audio = _written(tape, tmp_path)
    assert len(audio) == 480
    assert not audio[160:320].any()
    assert audio[:160].all()
    assert audio[320:].all()


def test_late_packets_go_where_they_belong(tmp_path: Path) -> None:
    tape = Tape()
    for timestamp, value, at_ms in ((160, 2000, 0), (480, 6000, 40), (320, 4000, 41)):
        tape.append(_packet(timestamp, _level(value)), at_ms * _MS)
    audio = _written(tape, tmp_path)
    assert list(np.diff(audio[80::160].astype(int)) > 0) == [True, True]


def test_timestamps_wrap(tmp_path: Path) -> None:
    tape = Tape()
    tape.append(_packet(2**32 - 160, _level(2000)), 0)
    tape.append(_packet(0, _level(4000)), 20 * _MS)
    assert len(_written(tape, tmp_path)) == 320


@pytest.mark.parametrize("ssrc", [7, 8], ids=["same-ssrc", "new-ssrc"])
def test_a_new_timeline_is_anchored_at_its_arrival(tmp_path: Path, ssrc: int) -> None:
    tape = Tape()
    tape.append(_packet(0, _level(2000)), 0)
    tape.append(_packet(5_000_000, _level(4000), ssrc=ssrc), 500 * _MS)
    audio = _written(tape, tmp_path)
    assert len(audio) == 4000 + 160


def test_what_is_no_audio_is_counted_and_not_taped(tmp_path: Path) -> None:
    tape = Tape()
    tape.append(b"", 0)
    tape.append(b"\x80\x00 too short", 0)
    tape.append(b"STUN-like garbage that is not RTP at all", 0)
    tape.append(_packet(0, _level(0), payload_type=101), 0)
    assert len(tape) == 0
    assert tape.payload_types == {101: 1}
    assert len(_written(tape, tmp_path)) == 0


def test_the_sidecar_holds_each_packet_as_it_crossed(tmp_path: Path) -> None:
    tape = Tape()
    pcm = speech(0.06)
    for i in range(3):
        tape.append(_packet(9000 + 160 * i, pcm[160 * i : 160 * i + 160]), (70 + 20 * i) * _MS)
    _written(tape, tmp_path)
    with np.load(tmp_path / "tape.npz") as sidecar:
        assert list(sidecar["monotonic_ns"]) == [70 * _MS, 90 * _MS, 110 * _MS]
        assert list(sidecar["rtp_timestamp"]) == [9000, 9160, 9320]
        assert list(sidecar["position"]) == [0, 160, 320]
        assert sidecar["payload"].tobytes() == mulaw.encode(pcm)
        assert int(sidecar["origin_ns"]) == 70 * _MS


def test_mu_law_is_that_of_the_standard_library() -> None:
    audioop = pytest.importorskip("audioop", reason="gone in Python 3.13")
    pcm = np.arange(-32768, 32768, 3, dtype=np.int64).astype(np.int16)
    assert mulaw.decode(bytes(range(256))).tobytes() == audioop.ulaw2lin(bytes(range(256)), 2)
    coded = mulaw.encode(pcm)
    assert np.abs(mulaw.decode(coded).astype(int) - pcm).max() <= 1024
    assert mulaw.encode(mulaw.decode(coded)) == coded


def test_the_wav_is_mono_at_8000_hz(tmp_path: Path) -> None:
    _written(Tape(), tmp_path)
    with wave.open(str(tmp_path / "tape.wav")) as wav:
        assert (wav.getnchannels(), wav.getframerate(), wav.getsampwidth()) == (1, 8000, 2)
