"""ITU-T Q.24: what a receiver must read, and what it must not."""

from collections.abc import Mapping

import numpy as np
import pytest
from numpy.random import Generator

from dtmf.keys import KEYS, tones_hz
from dtmf.tones import amplitude
from tests.dtmf.drive import listen, read
from tests.dtmf.signals import Signal, keyed, ms, pair, silence, ulaw

_ENTRIES = 8

_OPERATE: dict[str, Mapping[str, float]] = {
    "frequency -1.5 % both": {"low_error": -0.015, "high_error": -0.015},
    "frequency -1.5 % opposed": {"low_error": -0.015, "high_error": 0.015},
    "frequency +1.5 % both": {"low_error": 0.015, "high_error": 0.015},
    "frequency +1.5 % opposed": {"low_error": 0.015, "high_error": -0.015},
    "level 0 dBm0": {"low_dbm0": 0, "high_dbm0": 0},
    "level -25 dBm0": {"low_dbm0": -25, "high_dbm0": -25},
    "twist +4 dB": {"low_dbm0": -12, "high_dbm0": -8},
    "twist -8 dB": {"low_dbm0": -6, "high_dbm0": -14},
    "tone 40 ms, pause 40 ms": {"on_ms": 40, "off_ms": 40},
    "93 ms a digit": {"on_ms": 50, "off_ms": 43},
}

_REJECT: dict[str, Mapping[str, float]] = {
    "frequency -3.5 % low": {"low_error": -0.035},
    "frequency -3.5 % high": {"high_error": -0.035},
    "frequency +3.5 % low": {"low_error": 0.035},
    "frequency +3.5 % high": {"high_error": 0.035},
    "level -55 dBm0": {"low_dbm0": -55, "high_dbm0": -55},
    "tone 23 ms": {"on_ms": 23, "off_ms": 60},
    "low tone only": {"high_dbm0": -60},
    "high tone only": {"low_dbm0": -60},
}


def _all_keys(rng: Generator) -> str:
    return "".join(rng.permutation(list(KEYS)))


def _entries(**limits: float) -> tuple[list[str], list[Signal]]:
    rng = np.random.default_rng(24)
    keys = [_all_keys(rng) for _ in range(_ENTRIES)]
    return keys, [keyed(entry, rng, **limits) for entry in keys]


@pytest.mark.parametrize("limit", _OPERATE)
def test_is_read(limit: str) -> None:
    keys, signals = _entries(**_OPERATE[limit])
    assert read([ulaw(signal) for signal in signals]) == keys


@pytest.mark.parametrize("limit", _REJECT)
def test_is_not_read(limit: str) -> None:
    _, signals = _entries(**_REJECT[limit])
    assert read([ulaw(signal) for signal in signals]) == [""] * _ENTRIES


def test_a_break_of_10_ms_is_inside_one_press() -> None:
    rng = np.random.default_rng(24)
    keys, calls = [], []
    for _ in range(_ENTRIES):
        entry = _all_keys(rng)
        parts = [silence(rng.uniform(60, 120))]
        for key in entry:
            tones = pair(key, 120, rng)
            start = int(rng.integers(ms(45), ms(65)))
            tones[start : start + ms(10)] = 0
            parts += [tones, silence(60)]
        keys.append(entry)
        calls.append(ulaw(np.concatenate(parts)))
    assert read(calls) == keys


def test_reads_through_an_echo_of_20_ms_10_db_down() -> None:
    keys, signals = _entries()
    delay = ms(20)
    for signal in signals:
        signal[delay:] += signal[:-delay].copy() * 10 ** (-10 / 20)
    assert read([ulaw(signal) for signal in signals]) == keys


def _weakening_delay(key: str) -> int:
    """Return the delay of 16 to 20 ms, in samples, whose echo comes nearest to cancelling both tones of `key`."""
    delays = np.arange(ms(16), ms(20) + 1)
    phases = 2 * np.pi * np.outer(tones_hz(key), delays) / 8000
    return int(delays[np.argmin(np.cos(phases).max(axis=0))])


@pytest.mark.parametrize("key", KEYS)
def test_reads_through_the_echo_that_weakens_the_key_most(key: str) -> None:
    # the echo goes on when the tone is over, nearly half as strong as the two were together, in opposite phase
    rng = np.random.default_rng(24)
    # each press at another place in the frame: what is tested ends with a frame
    signal, delay = keyed(8 * key, rng, off_ms=57.5), _weakening_delay(key)
    signal[delay:] += signal[:-delay].copy() * 10 ** (-10 / 20)
    assert read([ulaw(signal)]) == [8 * key]


def test_reads_through_dial_tone() -> None:
    keys, signals = _entries(on_ms=60, off_ms=60, low_dbm0=-12, high_dbm0=-12)
    for signal in signals:
        t = np.arange(len(signal)) / 8000
        signal += amplitude(-22) * (np.sin(2 * np.pi * 350 * t) + np.sin(2 * np.pi * 440 * t))
    assert read([ulaw(signal) for signal in signals]) == keys


def test_reads_through_hum_and_dc() -> None:
    keys, signals = _entries(low_dbm0=-18, high_dbm0=-18)
    for signal in signals:
        t = np.arange(len(signal)) / 8000
        signal += amplitude(-20) * np.sin(2 * np.pi * 50 * t) + 300
    assert read([ulaw(signal) for signal in signals]) == keys


def test_reads_clipped_tones() -> None:
    keys, signals = _entries(on_ms=70, off_ms=70, low_dbm0=8, high_dbm0=8)
    assert read([ulaw(signal) for signal in signals]) == keys


def test_a_key_held_for_2_s_is_one_press() -> None:
    rng = np.random.default_rng(24)
    (heard,) = listen([ulaw(keyed("5", rng, on_ms=2000))])
    assert heard.keys == "5"
    (end,) = heard.ended
    assert end.end_samples - end.start_samples == pytest.approx(ms(2000), abs=ms(5))


@pytest.mark.parametrize("seed", range(4))
def test_the_same_key_20_times_is_20_presses(seed: int) -> None:
    rng = np.random.default_rng(seed)
    assert read([ulaw(keyed("8" * 20, rng))]) == ["8" * 20]


@pytest.mark.parametrize("on_ms", [40, 60, 100, 300])
def test_is_told_within_40_ms_of_the_tone_s_40th(on_ms: int) -> None:
    rng = np.random.default_rng(24)
    for _ in range(_ENTRIES):
        lead = silence(rng.uniform(60, 120))
        (heard,) = listen([ulaw(np.concatenate([lead, pair("3", on_ms, rng), silence(60)]))])
        assert heard.reported_samples[0] - len(lead) <= ms(80)


def test_start_and_end_are_those_of_the_tone() -> None:
    rng = np.random.default_rng(24)
    for on_ms in (40, 77, 180):
        lead = silence(rng.uniform(60, 120))
        tones = pair("A", on_ms, rng)
        (heard,) = listen([ulaw(np.concatenate([lead, tones, silence(60)]))])
        (end,) = heard.ended
        assert end.start_samples == heard.started[0].start_samples
        assert end.start_samples == pytest.approx(len(lead), abs=ms(4))
        assert end.end_samples == pytest.approx(len(lead) + len(tones), abs=ms(4))
