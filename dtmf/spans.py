"""Spans: the stretches of a track in which both tones of a key are on, of many tracks at once."""

from typing import Final, NamedTuple

import numpy as np

from dtmf.compiled import compiled
from dtmf.frames import Bools, Floats, Indices
from dtmf.limit_table import HopLimits

ON_SHARE: Final = 0.45
"A tone is on above this share of its level: a step reads 0.5 where it happens, and noise must not open holes."

_SPAN_SHARE: Final = 0.48
"The same for the spans that are tested: an echo 10 dB down that weakens the tone ends at 0.46 of what it leaves."

_STEADY_SHARE: Final = 10 ** (-9 / 20)
"Points within 9 dB of the best count for the level: a median of them ignores the burst with which GSM starts a tone."

_SHORTEST_RUN_HOPS: Final = 4
"On for less than 10 ms is chance."

_EDGE_HOPS: Final = 2
"Points beside a hole that still hear it, or the tone, in part."


class Spans(NamedTuple):
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

    `amplitudes` is (c, 2, hops), `unknown` (c, hops) marks points whose window a lost packet touches,
    `limits` has a row a track.
    """
    track, first, last, levels, on = _find(
        amplitudes,
        unknown,
        first_hop,
        limits.longest_break,
        limits.longest_loss,
        limits.shortest,
    )
    return Spans(track=track, first=first, last=last, on=on, levels=levels)


@compiled
def _find(
    amplitudes: Floats,
    unknown: Bools,
    first_hop: Indices,
    longest_break: Indices,
    longest_loss: Indices,
    shortest: Indices,
) -> tuple[Indices, Indices, Indices, Floats, Bools]:
    """Return track, first and last point and levels of the spans, and which points are on."""
    count, _, hops = amplitudes.shape
    on = np.zeros((count, hops), np.bool_)
    found = np.empty((count * hops, 3), np.intp)
    levels = np.empty((count * hops, 2), np.float32)
    spans = 0
    for track in range(count):
        tones = amplitudes[track]
        level = _steady_levels(tones, first_hop[track])
        for hop in range(first_hop[track], hops):
            on[track, hop] = (
                tones[0, hop] > _SPAN_SHARE * level[0] and tones[1, hop] > _SPAN_SHARE * level[1]
            )
        runs = _joined(on[track], unknown[track], longest_break[track], longest_loss[track])
        for first, last, points in runs:
            if points >= shortest[track]:
                found[spans] = track, first, last
                levels[spans] = level
                spans += 1
    found = found[:spans].copy()
    return found[:, 0], found[:, 1], found[:, 2], levels[:spans].copy(), on


@compiled
def _steady_levels(tones: Floats, first: int) -> Floats:
    """Return the level of both tones (2,): the middle amplitude while steady, infinite without any."""
    weaker = np.minimum(tones[0], tones[1])
    weaker[:first] = 0
    return _middles(tones, weaker > _STEADY_SHARE * weaker.max())


@compiled
def _middles(tones: Floats, points: Bools) -> Floats:
    """Return the upper of the two middle amplitudes of each tone (2, hops) over some points (hops,)."""
    middles = np.full(2, np.inf, np.float32)
    if points.any():
        for tone in range(2):
            chosen = np.sort(tones[tone][points])
            middles[tone] = chosen[len(chosen) // 2]
    return middles


@compiled
def _joined(on: Bools, unknown: Bools, longest_break: int, longest_loss: int) -> Indices:
    """Return first and last point and points on of each run, short breaks bridged and short runs left out (n, 3)."""
    runs = np.empty((len(on), 3), np.intp)
    count, hop = 0, 0
    while hop < len(on):
        start = hop
        while hop < len(on) and on[hop]:
            hop += 1
        size = hop - start
        hop += 1
        if size < _SHORTEST_RUN_HOPS:
            continue
        if count:
            hole = unknown[runs[count - 1, 1] + 1 : start]
            gap, heard = len(hole), len(hole) - hole.sum()
            if gap <= longest_break or (gap <= longest_loss and heard <= _EDGE_HOPS):
                runs[count - 1, 1] = start + size - 1
                runs[count - 1, 2] += size
                continue
        runs[count] = start, start + size - 1, size
        count += 1
    return runs[:count]


@compiled
def levels_within(first: Indices, last: Indices, on: Bools, amplitudes: Floats) -> Floats:
    """Return the levels (k, 2) of what is on inside k stretches, each of a track of its own (k, 2, hops)."""
    levels = np.empty((len(first), 2), np.float32)
    for index in range(len(first)):
        part = slice(first[index], last[index] + 1)
        levels[index] = _middles(amplitudes[index, :, part], on[index, part])
    return levels
