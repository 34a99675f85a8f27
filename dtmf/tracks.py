"""Tone tracks: amplitude and phase of the two tones of a key every 2.5 ms.

A window of 10 ms is as short as it may be to tell the low tones apart, and as long as it must be for 0 dB noise.
"""

import math
from typing import Final

import numpy as np

from dtmf.compiled import compiled, compiled_sum
from dtmf.frames import RATE_HZ, Complexes, Floats
from dtmf.keys import HIGH_HZ, LOW_HZ

HOP_SAMPLES: Final = 20
"2.5 ms: the step in which starts and ends are told."

TRACK_WINDOW_SAMPLES: Final = 80
"Hann over 10 ms."

CENTRE_SAMPLES: Final = TRACK_WINDOW_SAMPLES // 2
"The middle of the window of track point 0, from the first sample of the track; that of point n is n hops later."


def hops_of(samples: int) -> int:
    """Return how many track points `samples` give."""
    return (samples - TRACK_WINDOW_SAMPLES) // HOP_SAMPLES + 1


def _oscillators() -> Floats:
    """Return, for each of the eight tones, cosine and negative sine as the window sees them: (8, 2, 80).

    Scaled so that a steady sine of amplitude 1 reads 1.
    """
    window = 0.5 - 0.5 * np.cos(
        2 * np.pi * (np.arange(TRACK_WINDOW_SAMPLES) + 0.5) / TRACK_WINDOW_SAMPLES
    )
    t = np.arange(TRACK_WINDOW_SAMPLES) - TRACK_WINDOW_SAMPLES / 2
    phase = 2 * np.pi / RATE_HZ * np.outer(LOW_HZ + HIGH_HZ, t)
    both = np.stack([np.cos(phase), -np.sin(phase)], axis=1) * window
    return np.ascontiguousarray(both * (2 / window.sum()), dtype=np.float32)


_OSCILLATORS: Final = _oscillators()

_LONGEST_HOPS: Final = 64
_TURN: Final = np.exp(
    -2j * np.pi * HOP_SAMPLES / RATE_HZ * np.outer(LOW_HZ + HIGH_HZ, np.arange(_LONGEST_HOPS))
).astype(np.complex64)
"How far the phase of each nominal tone has turned at each track point, taken back."


@compiled_sum
def demodulate(samples: Floats, key: int, hops: int) -> Complexes:
    """Return the two tones of `key` as phasors against their nominal frequencies: (2, hops).

    `samples` has at least 20 for each hop and 60 more. A steady tone at its nominal frequency has a constant phasor;
    the phase of one that is off by d Hz turns by 2 pi d / 400 a hop.
    """
    phasors = np.empty((2, hops), np.complex64)
    for place in range(2):
        tone = 4 + key % 4 if place else key // 4
        for hop in range(hops):
            real = imaginary = np.float32(0)
            for time in range(TRACK_WINDOW_SAMPLES):
                sample = samples[HOP_SAMPLES * hop + time]
                real += sample * _OSCILLATORS[tone, 0, time]
                imaginary += sample * _OSCILLATORS[tone, 1, time]
            phasors[place, hop] = complex(real, imaginary) * _TURN[tone, hop]
    return phasors


@compiled
def amplitudes_of(pairs: Complexes) -> Floats:
    """Return the amplitudes of both tones (2, hops)."""
    amplitudes = np.empty(pairs.shape, np.float32)
    for tone in range(2):
        for hop in range(pairs.shape[1]):
            phasor = pairs[tone, hop]
            power = phasor.real * phasor.real + phasor.imag * phasor.imag
            amplitudes[tone, hop] = math.sqrt(power)
    return amplitudes
