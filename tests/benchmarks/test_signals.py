"""Signals have the level, twist, length and noise that they claim."""

import numpy as np
import pytest

from benchmarks.signals import (
    RATE_HZ,
    Keyed,
    Keying,
    at_level,
    coded,
    samples_of_ms,
    sixteen_keys,
    white_noise,
)
from benchmarks.voice import MAN, WOMAN, music, talk
from bridge.rtp.g711 import A_LAW, MU_LAW
from dtmf.keys import KEYS, tones_hz
from dtmf.tones import amplitude


def _level_dbm0(keyed: Keyed, hz: float) -> float:
    """Return the level of one frequency in the first press."""
    press = keyed.presses[0]
    tone = keyed.signal[press.start : press.end]
    t = np.arange(len(tone)) / RATE_HZ
    found = 2 * abs(np.mean(tone * np.exp(-2j * np.pi * hz * t)))
    return float(20 * np.log10(found / amplitude(0)))


@pytest.mark.parametrize(("low", "high"), [(-10, -10), (-6, -14), (-25, -21)])
def test_each_tone_has_its_level(low: float, high: float) -> None:
    keying = Keying(low_dbm0=low, high_dbm0=high, on_ms=(1000, 1000))
    keyed = keying.play(np.random.default_rng(3))
    low_hz, high_hz = tones_hz(keyed.keys[0])
    assert _level_dbm0(keyed, low_hz) == pytest.approx(low, abs=0.1)
    assert _level_dbm0(keyed, high_hz) == pytest.approx(high, abs=0.1)


def test_errors_move_the_tones() -> None:
    keying = Keying(low_error=0.015, high_error=-0.035, on_ms=(1000, 1000))
    keyed = keying.play(np.random.default_rng(3))
    low_hz, high_hz = tones_hz(keyed.keys[0])
    assert _level_dbm0(keyed, low_hz * 1.015) == pytest.approx(-10, abs=0.1)
    assert _level_dbm0(keyed, high_hz * 0.965) == pytest.approx(-10, abs=0.1)
    assert _level_dbm0(keyed, low_hz) < -20


def test_presses_are_where_they_are_said_to_be() -> None:
    keyed = Keying(on_ms=(40, 90), off_ms=(40, 90)).play(np.random.default_rng(3))
    assert sorted(keyed.keys) == sorted(KEYS)
    sounds = np.zeros(len(keyed.signal), np.bool_)
    for press in keyed.presses:
        assert samples_of_ms(40) <= press.end - press.start <= samples_of_ms(90)
        sounds[press.start : press.end] = True
    assert not keyed.signal[~sounds].any()
    assert np.abs(keyed.signal[sounds]).mean() > 1000


def test_noise_has_the_power_of_a_sine_of_its_level() -> None:
    noise = white_noise(80_000, -16, np.random.default_rng(3))
    assert np.sqrt(2 * np.mean(noise**2)) == pytest.approx(amplitude(-16), rel=0.02)


@pytest.mark.parametrize("talker", [MAN, WOMAN])
def test_a_talker_talks_at_the_level_asked_for(talker: object) -> None:
    sound = talk(40_000, -15, MAN if talker is MAN else WOMAN, np.random.default_rng(3))
    spoken = sound[np.abs(sound) > 0.003 * np.abs(sound).max()]
    assert np.sqrt(2 * np.mean(spoken**2)) == pytest.approx(amplitude(-15), rel=0.02)
    assert np.abs(at_level(sound, -15) - sound).max() < 1


def test_music_lasts_as_long_as_asked() -> None:
    assert len(music(20_000, -15, np.random.default_rng(3))) == 20_000


@pytest.mark.parametrize("laws", [(MU_LAW,), (A_LAW,), (MU_LAW, A_LAW, MU_LAW)])
def test_coding_costs_a_little_noise(laws: tuple[int, ...]) -> None:
    signal = Keying(keys=sixteen_keys).play(np.random.default_rng(3)).signal
    noise = coded(signal, *laws) - signal
    snr_db = 10 * np.log10(np.mean(signal**2) / np.mean(noise**2))
    assert 30 < snr_db < 45
