"""Tones, the beep, levels."""

import numpy as np
import pytest

from dtmf import decode
from dtmf.keys import HIGH_HZ, KEYS, LOW_HZ
from dtmf.tones import BEEP_HZ, BEEP_LEVEL_DBM0, BEEP_SAMPLES, amplitude, beep, tone


def test_full_scale_is_that_of_mu_law() -> None:
    assert amplitude(3.17) == pytest.approx(32124)
    assert amplitude(-16.83) == pytest.approx(3212.4)


@pytest.mark.parametrize("key", KEYS)
def test_the_tone_of_a_key_is_read_as_that_key(key: str) -> None:
    assert [press.key for press in decode(tone(key, 480))] == [key]


def test_level_and_twist_are_those_asked_for() -> None:
    spectrum = np.abs(np.fft.rfft(tone("5", 8000, level_dbm0=-20, twist_db=4))) / 4000
    assert spectrum[770] == pytest.approx(amplitude(-20), rel=0.01)
    assert spectrum[1336] == pytest.approx(amplitude(-16), rel=0.01)


def test_a_tone_too_loud_for_int16_clips() -> None:
    assert np.abs(tone("5", 800, level_dbm0=6).astype(np.int64)).max() <= 32768


def test_the_beep_is_three_frames_of_one_frequency_without_a_click() -> None:
    sound = beep()
    assert sound.dtype == np.int16
    assert sound.shape == (BEEP_SAMPLES,) == (480,)
    assert abs(int(sound[0])) <= 2
    assert abs(int(sound[-1])) <= 2
    assert np.abs(np.diff(sound.astype(np.int64))).max() < amplitude(BEEP_LEVEL_DBM0)
    spectrum = np.abs(np.fft.rfft(sound, 8000))
    assert int(spectrum.argmax()) == pytest.approx(BEEP_HZ, abs=2)


def test_the_beep_is_always_the_same() -> None:
    np.testing.assert_array_equal(beep(), beep())


def test_no_harmonic_of_the_beep_is_near_a_key() -> None:
    for harmonic in range(1, 4):
        for hz in LOW_HZ + HIGH_HZ:
            assert abs(BEEP_HZ * harmonic / hz - 1) > 0.035


@pytest.mark.parametrize("gain", [1, 4, 40])
def test_beeps_are_read_as_no_key_even_clipped(gain: int) -> None:
    sound = np.clip(np.tile(beep().astype(np.int64), 20) * gain, -32124, 32124).astype(np.int16)
    assert decode(sound) == []
