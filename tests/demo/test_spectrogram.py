"""The picture shows tones where they are, on one time axis, and no digit in its text."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ivr.demo.evidence import EvidenceError
from ivr.demo.microphone import press_timeline
from ivr.demo.spectrogram import Picture, Span, draw, levels_db, offset_s, wav_seconds
from tests.support.wav import keyed, pad, silence, speech, write_wav

_HZ_PER_ROW = 8000 / 256


def _picture(tmp_path: Path) -> Picture:
    tones = keyed("4019", on_ms=80, off_ms=80)
    return Picture(
        caller=write_wav(tmp_path / "caller.wav", pad(tones, before_s=2, after_s=2)),
        agent=write_wav(tmp_path / "agent.wav", pad(speech(2), after_s=2)),
        agent_offset_s=0.04,
        presses=press_timeline(4, on_samples=640, off_samples=640, start=16_000),
        secure=[Span(start_s=1.5, end_s=3.0)],
    )


def test_the_picture_is_wide_enough_for_a_readme(tmp_path: Path) -> None:
    draw(_picture(tmp_path), tmp_path / "spectrogram.png")
    with Image.open(tmp_path / "spectrogram.png") as image:
        assert image.width == 1500
        assert image.height > 600
        pixels = np.asarray(image.convert("RGB")).astype(int)
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 500  # something is drawn


def test_a_press_stands_at_its_two_tones() -> None:
    levels = levels_db(pad(keyed("4", on_ms=100), before_s=0.1, after_s=0.1))
    middle = levels[:, round(0.15 * 8000 / 64)]
    low, high = np.argmax(middle[:32]), 32 + np.argmax(middle[32:])
    assert abs(low * _HZ_PER_ROW - 770) < _HZ_PER_ROW
    assert abs(high * _HZ_PER_ROW - 1209) < _HZ_PER_ROW
    assert levels[:, round(0.05 * 8000 / 64)].max() < -100


def test_silence_is_drawn_too(tmp_path: Path) -> None:
    quiet = write_wav(tmp_path / "quiet.wav", silence(0))
    picture = Picture(caller=quiet, agent=quiet, agent_offset_s=0.0, presses=(), secure=())
    draw(picture, tmp_path / "spectrogram.png")
    assert (tmp_path / "spectrogram.png").stat().st_size > 0


def test_a_missing_recording_is_named(tmp_path: Path) -> None:
    missing = tmp_path / "nowhere.wav"
    picture = Picture(caller=missing, agent=missing, agent_offset_s=0.0, presses=(), secure=())
    with pytest.raises(EvidenceError, match=r"nowhere\.wav"):
        draw(picture, tmp_path / "spectrogram.png")


def _sidecar(path: Path, times_ms: list[int], positions: list[int]) -> Path:
    times = np.array(times_ms, np.int64) * 1_000_000
    np.savez(path, monotonic_ns=times, position=np.array(positions), origin_ns=times[:1].sum())
    return path


def test_both_ends_are_put_on_one_time_axis(tmp_path: Path) -> None:
    caller = _sidecar(tmp_path / "caller.npz", [5000, 6000, 7000], [0, 7920, 15840])
    agent = _sidecar(tmp_path / "agent.npz", [6500], [0])
    # The caller's clock is slow: after 1.5 s of the machine's time its WAV is at 1.485 s.
    assert offset_s(caller, agent) == pytest.approx(1.485)


@pytest.mark.parametrize(("at_ms", "seconds"), [(4500, -0.5), (5000, 0.0), (7250, 2.23)])
def test_a_moment_outside_the_call_lies_outside_the_wav(
    tmp_path: Path, at_ms: int, seconds: float
) -> None:
    caller = _sidecar(tmp_path / "caller.npz", [5000, 6000, 7000], [0, 7920, 15840])
    assert wav_seconds(caller, at_ms * 1_000_000) == pytest.approx(seconds)


def test_a_sidecar_without_packets_is_named(tmp_path: Path) -> None:
    with pytest.raises(EvidenceError, match=r"empty\.npz"):
        wav_seconds(_sidecar(tmp_path / "empty.npz", [], []), 0)
