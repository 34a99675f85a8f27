"""Spans: the stretches of a track in which both tones of a key are on, of many tracks at once."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from dtmf.frames import Bools, Complexes, Floats, Indices
from dtmf.limit_table import HopLimits

ON_SHARE: Final = 0.45
"A tone is on above this share of its level: a step reads 0.5 where it happens, and noise must not open holes."

_SPAN_SHARE: Final = 0.48
"The same for the spans that are tested: an echo 10 dB down that weakens the tone ends at 0.46 of what it leaves."

_STEADY_SHARE: Final = 10 ** (-9 / 20)
"Points within 9 dB of the best count for the level: a median of them ignores the burst with which GSM starts a tone."

_SHORTEST_RUN_HOPS: Final = 4
"On for less than 10 ms is chance."

_BOTH: Final = np.array([[[0], [1]]])

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
    "Median amplitudes of the two tones while they are on (k, 2)."

    def take(self, which: Indices | Bools) -> "Spans":
        """Return some of the spans."""
        return Spans(
            self.track[which], self.first[which], self.last[which], self.on, self.levels[which]
        )


def find_spans(amplitudes: Floats, unknown: Bools, first_hop: Indices, limits: HopLimits) -> Spans:
    """Return the spans of c pairs from `first_hop` (c,) on.

    `amplitudes` is (c, 2, hops) and written to, `unknown` (c, hops) marks points whose window a lost packet touches,
    `limits` has a row a track.
    """
    old = np.arange(amplitudes.shape[2]) < first_hop[:, None]
    np.copyto(amplitudes, 0, where=old[:, None])
    levels = _levels(amplitudes)
    on = np.logical_and.reduce(amplitudes > _SPAN_SHARE * levels[..., None], axis=1)
    track, first, last = _runs(on)
    long = last - first >= _SHORTEST_RUN_HOPS - 1
    track, first, last = track[long], first[long], last[long]
    heads = np.flatnonzero(~_joins(track, first, last, unknown, limits))
    if not len(heads):
        return Spans(track, first, last, on, levels[:0])
    points = np.add.reduceat(last - first + 1, heads)
    tails = np.empty_like(heads)
    tails[:-1], tails[-1] = heads[1:] - 1, len(first) - 1
    enough = points >= limits.shortest[track[heads]]
    heads, tails = heads[enough], tails[enough]
    return Spans(track[heads], first[heads], last[tails], on, levels[track[heads]])


def _levels(amplitudes: Floats) -> Floats:
    """Return the level of both tones of each track (c, 2): the upper of the two middle amplitudes while steady."""
    weaker = np.minimum(amplitudes[:, 0], amplitudes[:, 1])
    strongest = np.maximum.reduce(weaker, axis=1, keepdims=True)
    return _middle(amplitudes, weaker <= _STEADY_SHARE * strongest)


def levels_within(spans: Spans, tones: Complexes) -> Spans:
    """Return spans of one length with the levels of what is on inside them; `tones` is (c, 2, hops)."""
    place = spans.first[:, None] + np.arange(int((spans.last - spans.first).max(initial=0)) + 1)
    on = spans.on[spans.track[:, None], place]
    amplitudes = np.abs(tones[spans.track[:, None, None], _BOTH, place[:, None]])
    return replace(spans, levels=_middle(amplitudes, ~on))


def _middle(amplitudes: Floats, without: Bools) -> Floats:
    """Return the upper of the two middle values of rows (c, 2, hops) without some points (c, hops): (c, 2)."""
    ordered = np.where(without[:, None], np.float32(np.inf), amplitudes)
    ordered.sort(axis=2)
    count = amplitudes.shape[2] - np.add.reduce(without, axis=1, dtype=np.intp)
    return np.asarray(ordered[np.arange(len(ordered)), :, count // 2])


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
    gap = stop - start
    short = gap <= limits.longest_break[of]
    if unknown.any():
        lost = np.zeros((len(unknown), unknown.shape[1] + 1), np.intp)
        np.cumsum(unknown, axis=1, out=lost[:, 1:])
        heard = gap - (lost[of, stop] - lost[of, start])
        short |= (gap <= limits.longest_loss[of]) & (heard <= _EDGE_HOPS)
    joins[1:] = (of == track[:-1]) & short
    return joins
