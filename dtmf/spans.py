"""Spans: the stretches of a track in which both tones of a key are on, of many tracks at once."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from dtmf.frames import Bools, Floats, Indices
from dtmf.limit_table import HopLimits

ON_SHARE: Final = 0.45
"A tone is on above this share of its level: a step reads 0.5 where it happens, and noise must not open holes."

_STEADY_SHARE: Final = 10 ** (-9 / 20)
"Points within 9 dB of the best count for the level: a median of them ignores the burst with which GSM starts a tone."

_SHORTEST_RUN_HOPS: Final = 4
"On for less than 10 ms is chance."

_EDGE_HOPS: Final = 2
"Points beside a hole that still hear it, or the tone, in part."


@dataclass(frozen=True, slots=True)
class Spans:
    """k stretches of track points in which both tones are on, short breaks bridged; those of a track oldest first."""

    track: Indices
    "Which of the c tracks each belongs to (k,), ascending."

    first: Indices
    last: Indices
    "Track points (k,), both inclusive."

    on: Bools
    "Which points of each of the c tracks are on (c, hops); breaks inside a span are not."

    levels: Floats
    "Median amplitudes of the two tones of each of the c tracks while they are on (c, 2)."

    def take(self, which: Indices | Bools) -> "Spans":
        """Return some of the spans."""
        return Spans(self.track[which], self.first[which], self.last[which], self.on, self.levels)


def find_spans(amplitudes: Floats, unknown: Bools, first_hop: Indices, limits: HopLimits) -> Spans:
    """Return the spans of c pairs from `first_hop` (c,) on.

    `amplitudes` is (c, hops, 2), `unknown` (c, hops) marks points whose window a lost packet touches, `limits`
    has a row a track.
    """
    old = np.arange(amplitudes.shape[1]) < first_hop[:, None]
    levels = _levels(amplitudes, old)
    on = (amplitudes > ON_SHARE * levels[:, None]).all(axis=2) & ~old
    track, first, last = _runs(on)
    long = last - first + 1 >= _SHORTEST_RUN_HOPS
    track, first, last = track[long], first[long], last[long]
    heads = np.flatnonzero(~_joins(track, first, last, unknown, limits))
    if not len(heads):
        return Spans(track, first, last, on, levels)
    points = np.add.reduceat(last - first + 1, heads)
    tails = np.append(heads[1:], len(first)) - 1
    spans = Spans(track[heads], first[heads], last[tails], on, levels)
    return spans.take(points >= limits.shortest[spans.track])


def _levels(amplitudes: Floats, old: Bools) -> Floats:
    """Return the level of both tones of each track (c, 2): the upper of the two middle amplitudes while steady."""
    weaker = amplitudes.min(axis=2)
    weaker[old] = 0
    steady = weaker > _STEADY_SHARE * weaker.max(axis=1, keepdims=True)
    ordered = np.sort(np.where(steady[..., None], amplitudes, np.float32(np.inf)), axis=1)
    middle = np.count_nonzero(steady, axis=1) // 2
    return np.asarray(ordered[np.arange(len(ordered)), middle])


def _runs(on: Bools) -> tuple[Indices, Indices, Indices]:
    """Return track, first and last index of each run of True in (c, hops)."""
    padded = np.zeros((len(on), on.shape[1] + 2), np.bool_)
    padded[:, 1:-1] = on
    track, edge = np.nonzero(padded[:, 1:] != padded[:, :-1])
    return track[::2], edge[::2], edge[1::2] - 1


def _joins(
    track: Indices, first: Indices, last: Indices, unknown: Bools, limits: HopLimits
) -> npt.NDArray[np.bool_]:
    """Return which runs (k,) belong to the press of the run before them."""
    joins = np.zeros(len(track), np.bool_)
    of, start, stop = track[1:], last[:-1] + 1, first[1:]
    lost = np.zeros((len(unknown), unknown.shape[1] + 1), np.intp)
    np.cumsum(unknown, axis=1, out=lost[:, 1:])
    gap = stop - start
    heard = gap - (lost[of, stop] - lost[of, start])
    short = (gap <= limits.longest_break[of]) | (
        (gap <= limits.longest_loss[of]) & (heard <= _EDGE_HOPS)
    )
    joins[1:] = (of == track[:-1]) & short
    return joins
