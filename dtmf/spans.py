"""Spans: the stretches of a track in which both tones of a key are on."""

from typing import Final

import numpy as np

from dtmf.compiled import compiled
from dtmf.frames import Bools, Floats, Indices

ON_SHARE: Final = 0.45
"A tone is on above this share of its level: a step reads 0.5 where it happens, and noise must not open holes."

_SPAN_SHARE: Final = 0.48
"The same for the spans that are tested: an echo 10 dB down that weakens the tone ends at 0.46 of what it leaves."

_STEADY_SHARE: Final = 10 ** (-9 / 20)
"Points within 9 dB of the best count for the level: a median of them ignores the burst with which GSM starts a tone."

SHORTEST_RUN_HOPS: Final = 4
"On for less than 10 ms is chance."

_EDGE_HOPS: Final = 2
"Points beside a hole that still hear it, or the tone, in part."


@compiled
def find_spans(
    tones: Floats, unknown: Bools, first_hop: int, longest_break: int, longest_loss: int
) -> tuple[Indices, Floats, Bools]:
    """Return the spans of a track from `first_hop` on, oldest first: short breaks are bridged.

    `tones` (2, hops) are the amplitudes, `unknown` (hops,) marks points whose window a lost packet touches. A span is
    its first and last point and how many are on (k, 3); then come the level of both tones (2,), which is their middle
    amplitude while they are on, and which points are on (hops,): breaks inside a span are not.
    """
    levels = _steady_levels(tones, first_hop)
    on = points_on(tones, levels)
    on[:first_hop] = False
    return _joined(on, unknown, longest_break, longest_loss), levels, on


@compiled
def points_on(tones: Floats, levels: Floats) -> Bools:
    """Return at which points (hops,) tones (2, hops) of some levels (2,) are on."""
    on = np.empty(tones.shape[1], np.bool_)
    for hop in range(len(on)):
        on[hop] = (
            tones[0, hop] > _SPAN_SHARE * levels[0] and tones[1, hop] > _SPAN_SHARE * levels[1]
        )
    return on


@compiled
def _steady_levels(tones: Floats, first: int) -> Floats:
    """Return the level of both tones (2,): the middle amplitude while steady, infinite without any."""
    weaker = np.minimum(tones[0], tones[1])
    weaker[:first] = 0
    return middles(tones, weaker > _STEADY_SHARE * weaker.max())


@compiled
def middles(tones: Floats, points: Bools) -> Floats:
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
        if size < SHORTEST_RUN_HOPS:
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
