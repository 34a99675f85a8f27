"""Stage 2 on the candidates of a batch: in one step whatever is plainly a press, or plainly none."""

from typing import Final

import numpy as np
import numpy.typing as npt

from dtmf.acceptance import judge
from dtmf.candidates import Frames, due_keys, tested_in_vain
from dtmf.compiled import compiled
from dtmf.found import COLUMNS, ERROR, FIGURES, HIGH, KIND, NO_PRESS, PRESS, SLOT, TWIST_DB
from dtmf.frames import FRAME_SAMPLES, Bools, Floats, Indices, Pcm, samples_of_ms
from dtmf.history import HISTORY_HOPS, HISTORY_SAMPLES, Counts, newest, unknown_points
from dtmf.limit_table import LONGEST_BREAK, LONGEST_LOSS, SHORTEST
from dtmf.spans import SHORTEST_RUN_HOPS, find_spans
from dtmf.tracks import CENTRE_SAMPLES, HOP_SAMPLES, amplitudes_of, demodulate

_DECIDE_SAMPLES: Final = samples_of_ms(56)
"A press is judged with the first frame that ends this long after it began: 56 to 76 ms, whatever its alignment."

_LAST_DECIDED_HOP: Final = (HISTORY_SAMPLES - _DECIDE_SAMPLES - CENTRE_SAMPLES) // HOP_SAMPLES
"What begins at a later track point of the history has not been heard for so long."

_MOST_SPANS: Final = (HISTORY_HOPS + 1) // (SHORTEST_RUN_HOPS + 1)
"More do not fit on a track."


@compiled
def sift(
    slots: Indices,
    hops: Indices,
    tones: Floats,
    strict: Bools,
    counts: Counts,
    history: Pcm,
    unknown: Bools,
    ends: Frames,
    candidates: Bools,
    active: Bools,
    due: Frames,
    hinted: Frames,
    failed: Bools,
) -> tuple[npt.NDArray[np.int64], Floats]:
    """Test the candidates of `slots` (n,) that are due; return those that are presses or may be, as in `Found`.

    After a plain press nothing more is looked for on its slot. All candidates are taken to be tested in vain, as those
    of a slot with a press are dropped. `hops`, `tones` and `strict` as in `LimitTable`, `ends` as in `HeldKeys`; then
    come `History.ring` and `Candidates.state`.
    """
    tested = due_keys(slots, counts, candidates, active, due, hinted)
    spans = np.empty((len(tested) * _MOST_SPANS, COLUMNS), np.int64)
    figures = np.empty((len(spans), FIGURES), np.float32)
    count, pressed = 0, -1
    for slot, key in tested:
        if slot == pressed:
            continue
        samples = newest(slot, HISTORY_SAMPLES, counts, history)
        lost = unknown_points(slot, counts, unknown)
        end = ends[slot] - (counts[slot] * FRAME_SAMPLES - HISTORY_SAMPLES)
        of_key, of_figures = spans[count:], figures[count:]
        more, young = _presses(
            key, samples, lost, end, hops[:, slot], tones[:, slot], strict[slot], of_key, of_figures
        )
        of_key[:more, SLOT] = slot
        count += more
        if more and spans[count - 1, KIND] == PRESS:
            pressed = slot
        tested_in_vain(slot, key, young, due, failed)
    return spans[:count], figures[:count]


@compiled
def _presses(
    key: int,
    samples: Floats,
    lost: Bools,
    end: int,
    hops: Indices,
    tones: Floats,
    strict: bool,
    spans: npt.NDArray[np.int64],
    figures: Floats,
) -> tuple[int, bool]:
    """Write what may be presses of `key` on one slot; return how many, and whether there is what is too young to tell.

    `lost` (hops,) marks unknown points of the track, `end` is the last sample of a press before this one.
    """
    pairs = demodulate(samples, key, HISTORY_HOPS)
    first_hop = min(max((end - CENTRE_SAMPLES) // HOP_SAMPLES + 1, 0), HISTORY_HOPS)
    runs, levels, on = find_spans(
        amplitudes_of(pairs), lost, first_hop, hops[LONGEST_BREAK], hops[LONGEST_LOSS]
    )
    count, young = 0, False
    for first, last, points in runs:
        if points < hops[SHORTEST]:
            continue
        if first > _LAST_DECIDED_HOP:
            young = True
            continue
        kind, twist_db, error = judge(
            key, first, last, levels, on, lost, pairs, samples, tones, strict
        )
        if kind != NO_PRESS:
            spans[count] = 0, key, first, last, kind
            figures[count, : HIGH + 1] = levels
            figures[count, TWIST_DB], figures[count, ERROR] = twist_db, error
            count += 1
        if kind == PRESS:
            break
    return count, young
