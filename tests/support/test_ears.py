"""The independent detectors read what is keyed and nothing of what is said."""

from pathlib import Path

import pytest

from tests.support import multimon, spandsp
from tests.support.wav import caller_audio, keyed, mix, read_wav, silence, speech, write_wav

_KEYS = "1234567890*#ABCD"


@pytest.mark.peer("spandsp")
def test_spandsp_reads_all_sixteen_keys() -> None:
    assert spandsp.reader()(keyed(_KEYS)) == _KEYS


@pytest.mark.peer("spandsp")
def test_spandsp_reads_digits_between_and_under_speech() -> None:
    read_digits = spandsp.reader()
    assert read_digits(caller_audio("40192800")) == "40192800"
    quiet_talk = (speech(1.5) // 8).astype("int16")
    assert read_digits(mix(keyed("40192800"), quiet_talk)) == "40192800"


@pytest.mark.peer("spandsp")
def test_spandsp_hears_no_key_in_speech_or_silence() -> None:
    read_digits = spandsp.reader()
    assert read_digits(speech(10)) == ""
    assert read_digits(silence(1)) == ""


@pytest.mark.peer("multimon-ng")
def test_multimon_reads_all_sixteen_keys(tmp_path: Path) -> None:
    assert multimon.read_digits(keyed(_KEYS), tmp_path) == _KEYS


@pytest.mark.parametrize("channels", [1, 2])
def test_a_wav_reads_as_it_was_written(tmp_path: Path, channels: int) -> None:
    pcm = speech(0.5) if channels == 1 else speech(0.5).reshape(-1, channels)
    assert (read_wav(write_wav(tmp_path / "a.wav", pcm)) == pcm).all()
