"""Keys that are down: follows each accepted press to its end, all calls at once."""

from typing import Final

import numpy as np
import numpy.typing as npt

from dtmf.candidates import drop
from dtmf.compiled import compiled
from dtmf.found import FIRST, HIGH, KEY, LAST, LOW, SLOT
from dtmf.frames import FRAME_SAMPLES, Bools, Floats, Indices, KeyIndices, Pcm
from dtmf.history import (
    HISTORY_FRAMES,
    HISTORY_SAMPLES,
    Counts,
    newest,
    unknown_points,
    was_lost,
)
from dtmf.keys import NO_KEY
from dtmf.limit_table import longest_gap
from dtmf.spans import ON_SHARE
from dtmf.tracks import (
    CENTRE_SAMPLES,
    HOP_SAMPLES,
    TRACK_WINDOW_SAMPLES,
    amplitudes_of,
    demodulate,
)

FOLLOW_SAMPLES: Final = FRAME_SAMPLES + TRACK_WINDOW_SAMPLES - HOP_SAMPLES
"The newest frame and what its first window needs: eight track points, one window step after the last."

_HOPS: Final = FRAME_SAMPLES // HOP_SAMPLES

_OLD_HOPS: Final = (TRACK_WINDOW_SAMPLES - HOP_SAMPLES) // HOP_SAMPLES
"Track points whose window reaches into the frame before."

_NEVER: Final = -(1 << 40)
"Before any sample of any call."

_FALL_SHARE: Final = 0.3
_FALL_HOPS: Final = 6
"""A level may fall, never rise, and only where this many of eight points hear the tone above this share: GSM lets a
tone sink after its start, and a fading tail must not drag the level down with it."""


Samples = npt.NDArray[np.int64]
"Times, counted from the slot's reset."

LetGo = npt.NDArray[np.int64]
"Keys that are up again, (m, 4): slot, key, first and last sample."


class HeldKeys:
    """The press, if any, that is down on each slot."""

    def __init__(self, capacity: int) -> None:
        self.key = np.full(capacity, NO_KEY, np.int8)
        "Index in `KEYS`, NO_KEY where no key is down."
        self._start = np.full(capacity, _NEVER, np.int64)
        "First sample of the press that is or was down."
        self.end = np.full(capacity, _NEVER, np.int64)
        "Last sample known to belong to it; nothing before it can be another press."
        self._levels = np.zeros((capacity, 2), np.float32)
        self._since = np.zeros(capacity, np.int64)
        "Track points since the last one at which the tones were on."
        self._off = np.zeros(capacity, np.bool_)
        "Whether any of these was heard, without the tones; else all were lost, and the key may be down still."
        self.state: Final = (
            self.key,
            self._start,
            self.end,
            self._levels,
            self._since,
            self._off,
        )
        "All of it, as compiled loops take it."

    def reset(self, slots: Indices) -> None:
        """Let go of every key of `slots`, without a word."""
        self.key[slots] = NO_KEY
        self._start[slots] = self.end[slots] = _NEVER


@compiled
def any_down(slots: Indices, keys: KeyIndices) -> bool:
    """Return whether a key is down on any of `slots`."""
    down = False
    for slot in slots:
        down |= keys[slot] != NO_KEY
    return down


@compiled
def follow(
    slots: Indices,
    hinted: KeyIndices,
    limits: Indices,
    counts: Counts,
    history: Pcm,
    unknown: Bools,
    keys: KeyIndices,
    starts: Samples,
    ends: Samples,
    levels: Floats,
    since: Indices,
    off: Bools,
) -> LetGo:
    """Follow the keys that are down on `slots` (n,) through their newest frame and return those let go.

    `hinted` (n,) is the key heard in that frame, if any: where it is another, the one held is not heard. `limits` as in
    `LimitTable.hops`; then come `History.ring` and `HeldKeys.state`.
    """
    let_go = np.empty((len(slots), 4), np.int64)
    count = 0
    for row in range(len(slots)):
        slot = slots[row]
        if keys[slot] == NO_KEY:
            continue
        key = int(np.intp(keys[slot]))  # to the compiler int() of eight bits has eight
        samples = newest(slot, FOLLOW_SAMPLES, counts, history)
        tones = amplitudes_of(demodulate(samples, key, _HOPS))
        gone = np.full(_HOPS, was_lost(slot, HISTORY_FRAMES - 1, counts, unknown))
        gone[:_OLD_HOPS] |= was_lost(slot, HISTORY_FRAMES - 2, counts, unknown)
        other = hinted[row] != NO_KEY and hinted[row] != key
        start = counts[slot] * FRAME_SAMPLES - FOLLOW_SAMPLES + CENTRE_SAMPLES
        if _follow(slot, tones, gone, other, start, limits, ends, levels, since, off):
            let_go[count] = slot, key, starts[slot], ends[slot]
            count += 1
            keys[slot] = NO_KEY
        elif not (other or gone.any()):
            _lower(levels[slot], tones)
    return let_go[:count]


@compiled
def _follow(
    slot: int,
    tones: Floats,
    gone: Bools,
    other: bool,
    start: int,
    limits: Indices,
    ends: Samples,
    levels: Floats,
    since: Indices,
    off: Bools,
) -> bool:
    """Follow one key through the points of a frame, (8,), of which the first is at the sample `start`.

    `gone` (8,) are those that a lost frame touches. Returns whether the key is let go; what is on later is another.
    """
    for hop in range(_HOPS):
        if _is_on(tones[:, hop], levels[slot], ON_SHARE) and not (gone[hop] or other):
            since[slot], off[slot] = 0, False
            ends[slot] = start + HOP_SAMPLES * hop
            continue
        since[slot] += 1
        # a hole is a pause if the tone is off on either side of it
        off[slot] |= not gone[hop]
        if since[slot] > longest_gap(slot, off[slot], limits):
            return True
    return False


@compiled
def _is_on(tones: Floats, levels: Floats, share: float) -> bool:
    """Return whether both amplitudes (2,) are above a share of the levels (2,)."""
    return bool(tones[0] > share * levels[0] and tones[1] > share * levels[1])


@compiled
def _lower(levels: Floats, tones: Floats) -> None:
    """Let the levels (2,) of a key fall with its tones (2, 8)."""
    falling = 0
    for hop in range(_HOPS):
        falling += _is_on(tones[:, hop], levels, _FALL_SHARE)
    if falling < _FALL_HOPS:
        return
    for tone in range(2):
        ordered = np.sort(tones[tone])
        middle = (ordered[_HOPS // 2 - 1] + ordered[_HOPS // 2]) / 2
        levels[tone] = min(levels[tone], middle)


@compiled
def press(
    spans: npt.NDArray[np.int64],
    figures: Floats,
    pressed: Bools,
    limits: Indices,
    counts: Counts,
    history: Pcm,
    unknown: Bools,
    keys: KeyIndices,
    starts: Samples,
    ends: Samples,
    levels: Floats,
    since: Indices,
    off: Bools,
    candidates: Bools,
    active: Bools,
) -> tuple[LetGo, Samples]:
    """Hold the key of the first span of each slot that is `pressed` (k,); return what is let go, and what is pressed.

    Let go is what was down before, and what is over already. A press is slot, key, first sample and row of its span
    (m, 4). All candidates of its slot are dropped. `spans` (k, COLUMNS) and `figures` (k, FIGURES) as in `Found`; the
    rest as in :func:`follow`, and what :func:`drop` takes.
    """
    let_go, down = np.empty((2 * len(spans), 4), np.int64), np.empty((len(spans), 4), np.int64)
    gone, count = 0, 0
    for row in range(len(spans)):
        slot, key = spans[row, SLOT], spans[row, KEY]
        if not pressed[row] or (count and down[count - 1, 0] == slot):
            continue
        if keys[slot] != NO_KEY:
            let_go[gone] = slot, np.intp(keys[slot]), starts[slot], ends[slot]
            gone += 1
        start = counts[slot] * FRAME_SAMPLES - HISTORY_SAMPLES + CENTRE_SAMPLES
        starts[slot] = max(start + HOP_SAMPLES * spans[row, FIRST], 0)
        ends[slot] = start + HOP_SAMPLES * spans[row, LAST]
        levels[slot] = figures[row, LOW], figures[row, HIGH]
        rest = unknown_points(slot, counts, unknown)[spans[row, LAST] + 1 :]
        since[slot], off[slot] = len(rest), not rest.all()
        keys[slot] = key
        drop(slot, candidates, active)
        down[count] = slot, key, starts[slot], row
        count += 1
        if since[slot] > longest_gap(slot, off[slot], limits):
            let_go[gone] = slot, key, starts[slot], ends[slot]
            gone += 1
            keys[slot] = NO_KEY
    return let_go[:gone], down[:count]
