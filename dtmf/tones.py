"""Sounds: a key's tone pair, the beep that stands for a key, and levels in dBm0."""

import math
from typing import Final

import numpy as np

from dtmf.frames import RATE_HZ, Pcm
from dtmf.keys import tones_hz

ULAW_PEAK: Final = 32124
"Largest linear value of G.711 mu-law."

ULAW_OVERLOAD_DBM0: Final = 3.17
"Level of a sine that peaks at ULAW_PEAK (ITU-T G.711; A-law 3.14)."

BEEP_HZ: Final = 523.25
"""C5: pleasant, below the DTMF bands, and its harmonics (1046.5, 1569.8) are 3.9 % or more from every key tone,
so that even a clipping telephone makes no key of it."""

BEEP_LEVEL_DBM0: Final = -20.0
"Audible beside speech, never startling."

BEEP_SAMPLES: Final = 480
"60 ms, three frames, whatever the press was: the length tells nothing."

_BEEP_EDGE_SAMPLES: Final = 80
"10 ms of raised cosine at each end: no click."


def amplitude(level_dbm0: float) -> float:
    """Return the peak value of a sine of `level_dbm0` on the int16 scale (mu-law full scale, ITU-T G.711)."""
    return float(ULAW_PEAK * 10 ** ((level_dbm0 - ULAW_OVERLOAD_DBM0) / 20))


def level_of(peak: float) -> float:
    """Return the level in dBm0 of a sine that peaks at `peak` (above 0): the inverse of :func:`amplitude`."""
    return ULAW_OVERLOAD_DBM0 + 20 * math.log10(peak / ULAW_PEAK)


def tone(
    key: str,
    samples: int,
    *,
    level_dbm0: float = -8.0,
    twist_db: float = 0.0,
    low_error: float = 0.0,
    high_error: float = 0.0,
    low_phase: float = 0.0,
    high_phase: float = 0.0,
) -> Pcm:
    """Return `samples` of the tone pair of `key`, clipped to int16; raise ValueError for anything that is no key.

    `level_dbm0` is the level of the low tone (Q.24: per frequency), `twist_db` how much stronger the high tone
    is; errors are relative (0.015 is +1.5 %), phases in radians.
    """
    low_hz, high_hz = tones_hz(key)
    t = np.arange(samples) * (2 * np.pi / RATE_HZ)
    low = amplitude(level_dbm0) * np.sin(low_hz * (1 + low_error) * t + low_phase)
    high = amplitude(level_dbm0 + twist_db) * np.sin(high_hz * (1 + high_error) * t + high_phase)
    return np.asarray(np.clip(np.rint(low + high), -32768, 32767), np.int16)


def beep() -> Pcm:
    """Return the mask tone, int16 (480,): one frequency, flat, always the same."""
    t = np.arange(BEEP_SAMPLES)
    edge = np.minimum(np.minimum(t + 0.5, BEEP_SAMPLES - 0.5 - t) / _BEEP_EDGE_SAMPLES, 1.0)
    envelope = 0.5 - 0.5 * np.cos(np.pi * edge)
    sine = np.sin(2 * np.pi * BEEP_HZ / RATE_HZ * t)
    return np.asarray(np.rint(amplitude(BEEP_LEVEL_DBM0) * envelope * sine), np.int16)
