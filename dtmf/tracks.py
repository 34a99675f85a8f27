"""Tone tracks: amplitude and phase of the eight tones every 2.5 ms.

A window of 10 ms is as short as it may be to tell the low tones apart, and as long as it must be for 0 dB noise.
"""

from typing import Final, overload

import numpy as np

from dtmf.compiled import compiled
from dtmf.frames import RATE_HZ, Complexes, Floats, Indices
from dtmf.keys import HIGH_HZ, LOW_HZ

HOP_SAMPLES: Final = 20
"2.5 ms: the step in which starts and ends are told."

TRACK_WINDOW_SAMPLES: Final = 80
"Hann over 10 ms."

_BLOCKS: Final = TRACK_WINDOW_SAMPLES // HOP_SAMPLES


def hops_of(samples: int) -> int:
    """Return how many track points `samples` give."""
    return (samples - TRACK_WINDOW_SAMPLES) // HOP_SAMPLES + 1


@overload
def centre_samples(hop: int) -> int: ...
@overload
def centre_samples(hop: Indices) -> Indices: ...
def centre_samples(hop: int | Indices) -> int | Indices:
    """Return the middle of the window of track point `hop`, counted from the first sample of the track."""
    return hop * HOP_SAMPLES + TRACK_WINDOW_SAMPLES // 2


def _oscillators() -> Floats:
    """Return, for blocks of 20 samples, cosines and negative sines of all four blocks of a window: (20, 4 * 16).

    Scaled so that a steady sine of amplitude 1 reads 1.
    """
    window = 0.5 - 0.5 * np.cos(
        2 * np.pi * (np.arange(TRACK_WINDOW_SAMPLES) + 0.5) / TRACK_WINDOW_SAMPLES
    )
    t = np.arange(TRACK_WINDOW_SAMPLES) - TRACK_WINDOW_SAMPLES / 2
    phase = 2 * np.pi / RATE_HZ * np.outer(t, LOW_HZ + HIGH_HZ)
    columns = np.concatenate([np.cos(phase), -np.sin(phase)], axis=1) * window[:, None]
    columns *= 2 / window.sum()
    blocks = columns.reshape(_BLOCKS, HOP_SAMPLES, 16).transpose(1, 0, 2)
    return np.ascontiguousarray(blocks.reshape(HOP_SAMPLES, _BLOCKS * 16), dtype=np.float32)


_OSCILLATORS: Final = _oscillators()

_LONGEST_HOPS: Final = 64
_TURN: Final = np.exp(
    -2j * np.pi * HOP_SAMPLES / RATE_HZ * np.outer(LOW_HZ + HIGH_HZ, np.arange(_LONGEST_HOPS))
).astype(np.complex64)
"How far the phase of each nominal tone has turned at each track point, taken back."


def demodulate(samples: Floats, rows: Indices, keys: Indices) -> Complexes:
    """Return the two tones of c keys as phasors against their nominal frequencies: (c, 2, hops).

    `samples` is (m, s), s a multiple of 20, `rows` (c,) names the row of each key. A steady tone at its nominal
    frequency has a constant phasor; the phase of one that is off by d Hz turns by 2 pi d / 400 a hop.
    """
    calls, length = samples.shape
    blocks = samples.reshape(calls, length // HOP_SAMPLES, HOP_SAMPLES) @ _OSCILLATORS
    return _gather(blocks, rows, keys, hops_of(length))


@compiled
def _gather(blocks: Floats, rows: Indices, keys: Indices, hops: int) -> Complexes:
    """Add up the blocks (m, blocks, 4 * 16) of each window, for the tones asked for alone."""
    phasors = np.empty((len(rows), 2, hops), np.complex64)
    for index in range(len(rows)):
        for place, tone in enumerate((keys[index] // 4, 4 + keys[index] % 4)):
            for hop in range(hops):
                real, imaginary = np.float32(0), np.float32(0)
                for block in range(_BLOCKS):
                    real += blocks[rows[index], hop + block, 16 * block + tone]
                    imaginary += blocks[rows[index], hop + block, 16 * block + 8 + tone]
                phasors[index, place, hop] = complex(real, imaginary) * _TURN[tone, hop]
    return phasors
