"""Presses that may be: from the first hint of stage 1 until stage 2 has enough signal to decide."""

from typing import Final

import numpy as np
import numpy.typing as npt

from dtmf.compiled import compiled
from dtmf.frames import Bools, Floats, Indices, KeyIndices
from dtmf.goertzel import ENERGY_OF_UNIT_SINE
from dtmf.keys import KEYS, NO_KEY

_LOWEST_SHARE: Final = 0.36
"Share of all energy that the pair has in noise of equal level (0 dB), less what chance takes."

_LOWEST_ENERGY: Final = 120.0**2 * ENERGY_OF_UNIT_SINE
"Amplitude 120, 4 dB below the default lowest level of stage 2: fades and alignment cost up to that."

_PATIENCE_FRAMES: Final = 4
"80 ms after its last hint a candidate is dropped: a press is decided at most 76 ms after it began."

Frames = npt.NDArray[np.int64]
"Frame numbers, counted from the slot's reset."


class Candidates:
    """All candidates, at most sixteen a slot (one a key)."""

    def __init__(self, capacity: int) -> None:
        shape = capacity, len(KEYS)
        self.any = np.zeros(capacity, np.bool_)
        "By slot: whether there is one."
        self._active = np.zeros(shape, np.bool_)
        self._due = np.zeros(shape, np.int64)
        "Frame at which to test."
        self._hinted = np.zeros(shape, np.int64)
        "Frame of the last hint."
        self._failed = np.zeros(shape, np.bool_)
        "Tested in vain: test again with each new hint, as a voice may have covered the start."
        self.droppable: Final = (self.any, self._active)
        self.state: Final = (*self.droppable, self._due, self._hinted, self._failed)
        "What :func:`drop` takes, and all of it, as compiled loops take it."

    def reset(self, slots: Indices) -> None:
        """Drop the candidates of `slots`."""
        self.any[slots] = False
        self._active[slots] = False


@compiled
def hint(
    slot: int,
    frame: int,
    held: int,
    found: Bools,
    keys: KeyIndices,
    energy: Floats,
    total: Floats,
    candidates: Bools,
    active: Bools,
    due: Frames,
    hinted: Frames,
    failed: Bools,
) -> int:
    """Take what stage 1 found in a frame of one slot, and return the key that it hints at, or NO_KEY.

    A hint is a repeated pair with enough of all energy. `held` is the key known to be down, which needs no test.
    `found`, `keys` (2,) and `energy` (2, 2) are of the frame's windows (see `repeats.find_repeats`), `total` (3,) is
    all energy from the window before them on; the rest is the `state` of :class:`Candidates`.
    """
    told = NO_KEY
    for window in range(2):
        low, high = energy[window]
        enough = low + high > _LOWEST_SHARE * total[1 + window]
        if not (found[window] and enough and min(low, high) > _LOWEST_ENERGY):
            continue
        told = key = int(keys[window])
        if key == held:
            continue
        if not active[slot, key]:
            # the tone began 15 to 30 ms before the end of the window: one or two frames are missing to 56 ms
            due[slot, key] = frame + 2 - (window == 0)
            failed[slot, key] = False
            active[slot, key] = candidates[slot] = True
        elif failed[slot, key]:
            due[slot, key] = frame
        hinted[slot, key] = frame
    return told


@compiled
def any_waiting(slots: Indices, candidates: Bools) -> bool:
    """Return whether any of `slots` has a candidate."""
    waiting = False
    for slot in slots:
        waiting |= candidates[slot]
    return waiting


@compiled
def due_keys(
    slots: Indices,
    frames: Frames,
    candidates: Bools,
    active: Bools,
    due: Frames,
    hinted: Frames,
) -> Indices:
    """Return slot and key of what is to be tested, in the order of `slots` and keys, (c, 2); forget what is old.

    `frames` (capacity,) counts those of each slot: the newest is that in which candidates are due.
    """
    keys = active.shape[1]
    found = np.empty((candidates[slots].sum() * keys, 2), np.intp)
    count = 0
    for slot in slots:
        if not candidates[slot]:
            continue
        candidates[slot] = False
        for key in range(keys):
            if not active[slot, key]:
                continue
            if frames[slot] - hinted[slot, key] > _PATIENCE_FRAMES:
                active[slot, key] = False
                continue
            candidates[slot] = True
            if due[slot, key] == frames[slot]:
                found[count] = slot, key
                count += 1
    return found[:count]


@compiled
def tested_in_vain(slot: int, key: int, young: bool, due: Frames, failed: Bools) -> None:
    """Test a `young` candidate again with the next frame, as too little of it was heard; others with a new hint."""
    if young:
        due[slot, key] += 1
    else:
        failed[slot, key] = True


@compiled
def drop(slot: int, candidates: Bools, active: Bools) -> None:
    """Drop the candidates of a slot."""
    candidates[slot] = False
    active[slot] = False
