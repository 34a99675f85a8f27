"""Tone tracks: amplitude and phase of a key's two tones every 2.5 ms, and the spans in which both are on.

A window of 10 ms is as short as it may be to tell the low tones apart, and as long as it must be for 0 dB noise.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from dtmf.frames import RATE_HZ, Bools, Floats
from dtmf.keys import HIGH_HZ, LOW_HZ

HOP_SAMPLES: Final = 20
"2.5 ms: the step in which starts and ends are told."

TRACK_WINDOW_SAMPLES: Final = 80
"Hann over 10 ms."

ON_SHARE: Final = 0.45
"A tone is on above this share of its level: a step reads 0.5 where it happens, and noise must not open holes."

_STEADY_SHARE: Final = 10 ** (-9 / 20)
"Hops within 9 dB of the best count for the level: a median of them ignores the burst with which GSM starts a tone."

_SHORTEST_RUN_HOPS: Final = 4
"On for less than 10 ms is chance."

_BLOCKS: Final = TRACK_WINDOW_SAMPLES // HOP_SAMPLES

Complexes = npt.NDArray[np.complex64]


def hops_of(samples: int) -> int:
    """Return how many track points `samples` give."""
    return (samples - TRACK_WINDOW_SAMPLES) // HOP_SAMPLES + 1


def centre_samples(hop: int) -> int:
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


def demodulate(samples: Floats) -> Complexes:
    """Return the eight tones of m calls as phasors (m, hops, 8), each against its nominal frequency.

    `samples` is (m, s), s a multiple of 20. A steady tone at its nominal frequency has a constant phasor; the
    phase of one that is off by d Hz turns by 2 pi d / 400 a hop.
    """
    calls, length = samples.shape
    blocks = samples.reshape(calls, length // HOP_SAMPLES, HOP_SAMPLES) @ _OSCILLATORS
    parts = blocks.reshape(calls, length // HOP_SAMPLES, _BLOCKS, 16)
    hops = hops_of(length)
    total = parts[:, :hops, 0].copy()
    for block in range(1, _BLOCKS):
        total += parts[:, block : block + hops, block]
    step = 2 * np.pi * HOP_SAMPLES / RATE_HZ * np.asarray(LOW_HZ + HIGH_HZ)
    turn = np.exp(-1j * np.outer(np.arange(hops), step)).astype(np.complex64)
    phasors = total[..., :8] + 1j * total[..., 8:]
    return np.asarray(phasors * turn, np.complex64)


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of track points in which both tones are on, short breaks bridged."""

    first: int
    last: int
    "Both inclusive."

    on: Bools
    "Which points of the whole track are on; breaks inside the span are not."

    low_level: float
    high_level: float
    "Median amplitudes of the two tones while they are on."


@dataclass(frozen=True, slots=True)
class SpanLimits:
    """What joins and what makes a span, in track points."""

    break_hops: int
    "A gap of up to this many points is bridged."

    loss_hops: int
    "A gap of up to this many points is bridged where nearly all of it was lost."

    shortest_hops: int
    "Fewer points on are no press."


_EDGE_HOPS: Final = 2
"Points beside a hole that still hear it, or the tone, in part."


def find_spans(
    amplitudes: Floats, unknown: Bools, first_hop: int, limits: SpanLimits
) -> list[Span]:
    """Return the spans of one pair from `first_hop` on, oldest first.

    `amplitudes` is (hops, 2), `unknown` (hops,) marks points whose window a lost packet touches.
    """
    weaker = amplitudes.min(axis=1)
    weaker[:first_hop] = 0
    steady = weaker > weaker.max() * _STEADY_SHARE
    if not steady.any():
        return []
    # the upper of two middle values: np.median costs as much as all the rest here
    chosen = np.sort(amplitudes[steady], axis=0)
    low_level, high_level = chosen[len(chosen) // 2]
    on = (amplitudes[:, 0] > ON_SHARE * low_level) & (amplitudes[:, 1] > ON_SHARE * high_level)
    on[:first_hop] = False
    runs = [run for run in _runs(on) if run[1] - run[0] + 1 >= _SHORTEST_RUN_HOPS]
    joined: list[tuple[int, int, int]] = []
    for first, last in runs:
        size = last - first + 1
        if joined and _is_break(joined[-1][1] + 1, first, unknown, limits):
            begin, _, points = joined[-1]
            joined[-1] = (begin, last, points + size)
        else:
            joined.append((first, last, size))
    return [
        Span(first, last, on, float(low_level), float(high_level))
        for first, last, points in joined
        if points >= limits.shortest_hops
    ]


def _is_break(start: int, stop: int, unknown: Bools, limits: SpanLimits) -> bool:
    """Return whether the gap of points start to stop (exclusive) belongs to the press around it."""
    gap = stop - start
    heard = gap - int(np.count_nonzero(unknown[start:stop]))
    return gap <= limits.break_hops or (gap <= limits.loss_hops and heard <= _EDGE_HOPS)


def _runs(on: Bools) -> list[tuple[int, int]]:
    """Return first and last index of each run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], on, [False]]).astype(np.int8)))
    return [(int(a), int(b) - 1) for a, b in zip(edges[::2], edges[1::2], strict=True)]
