"""What a line does to keys on the way: each takes what was keyed and returns what arrives."""

import subprocess
from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.random import Generator

from benchmarks import corpus
from benchmarks.rows import NotAvailableError
from benchmarks.signals import (
    RATE_HZ,
    Keyed,
    Signal,
    at_level,
    rounded,
    samples_of_ms,
    white_noise,
)
from benchmarks.voice import MAN, WOMAN, talk
from dtmf.tones import ULAW_PEAK, amplitude

Way = Callable[[Keyed, Generator], Signal]

_RAW: Final = ["-t", "raw", "-r", "8000", "-e", "signed", "-b", "16", "-c", "1"]


def nothing(keyed: Keyed, _: Generator) -> Signal:
    """Return the keys as they were."""
    return keyed.signal


def noise(level_dbm0: float) -> Way:
    """Add white noise of `level_dbm0`."""

    def way(keyed: Keyed, rng: Generator) -> Signal:
        return keyed.signal + white_noise(len(keyed.signal), level_dbm0, rng)

    return way


def speech(level_dbm0: float) -> Way:
    """Let somebody talk: recordings where installed, else our own talkers."""

    def way(keyed: Keyed, rng: Generator) -> Signal:
        return keyed.signal + speech_of(len(keyed.signal), level_dbm0, rng)

    return way


def made_speech(level_dbm0: float) -> Way:
    """Let one of our own talkers talk."""

    def way(keyed: Keyed, rng: Generator) -> Signal:
        talker = MAN if rng.random() < 0.5 else WOMAN
        return keyed.signal + talk(len(keyed.signal), level_dbm0, talker, rng)

    return way


def recorded_speech(level_dbm0: float) -> Way:
    """Play recordings."""

    def way(keyed: Keyed, rng: Generator) -> Signal:
        corpus.require_speech()
        return keyed.signal + speech_of(len(keyed.signal), level_dbm0, rng)

    return way


def speech_of(samples: int, level_dbm0: float, rng: Generator) -> Signal:
    """Return `samples` of recordings that follow each other at random, or of one of our own talkers."""
    recordings = corpus.speech()
    if not recordings:
        return talk(samples, level_dbm0, MAN if rng.random() < 0.5 else WOMAN, rng)
    parts, length = [], 0
    while length < samples:
        parts.append(recordings[rng.integers(len(recordings))].pcm)
        length += len(parts[-1])
    return at_level(np.concatenate(parts)[:samples], level_dbm0)


def interruption(keyed: Keyed, rng: Generator) -> Signal:
    """Break every tone for 10 ms, somewhere from its 45th to its 65th millisecond."""
    signal = keyed.signal.copy()
    for press in keyed.presses:
        start = press.start + samples_of_ms(rng.uniform(45, 65))
        signal[start : start + samples_of_ms(10)] = 0
    return signal


def echo(keyed: Keyed, rng: Generator) -> Signal:
    """Add an echo 10 dB below after 5 to 20 ms."""
    delay = samples_of_ms(rng.uniform(5, 20))
    signal = keyed.signal.copy()
    signal[delay:] += keyed.signal[:-delay] * 10 ** (-10 / 20)
    return signal


def dial_tone(keyed: Keyed, _: Generator) -> Signal:
    """Add a dial tone of 350 and 440 Hz at -22 dBm0 each."""
    t = np.arange(len(keyed.signal)) * (2 * np.pi / RATE_HZ)
    return np.asarray(keyed.signal + amplitude(-22) * (np.sin(350 * t) + np.sin(440 * t)))


def clipping(keyed: Keyed, _: Generator) -> Signal:
    """Drive the line 6 dB beyond where it clips."""
    return np.clip(keyed.signal * 2, -ULAW_PEAK, ULAW_PEAK)


def hum(keyed: Keyed, _: Generator) -> Signal:
    """Add 50 Hz at -20 dBm0 and a constant."""
    t = np.arange(len(keyed.signal)) * (2 * np.pi / RATE_HZ)
    return np.asarray(keyed.signal + amplitude(-20) * np.sin(50 * t) + 300)


def gsm(keyed: Keyed, _: Generator) -> Signal:
    """Send it through GSM 06.10, full rate (sox)."""
    try:
        coded = _sox([*_RAW, "-", "-t", "gsm", "-"], rounded(keyed.signal).tobytes())
        plain = _sox(["-t", "gsm", "-r", "8000", "-", *_RAW, "-"], coded)
    except FileNotFoundError:
        raise NotAvailableError("sox is not installed") from None
    return np.frombuffer(plain, "<i2").astype(np.float64)


def _sox(arguments: list[str], data: bytes) -> bytes:
    return subprocess.run(["sox", *arguments], input=data, capture_output=True, check=True).stdout
