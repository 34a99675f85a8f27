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
        self.active = np.zeros(shape, np.bool_)
        self.due_at = np.zeros(shape, np.int64)
        "Frame at which to test."
        self.hinted = np.zeros(shape, np.int64)
        "Frame of the last hint."
        self.failed = np.zeros(shape, np.bool_)
        "Tested in vain: test again with each new hint, as a voice may have covered the start."

    def reset(self, slots: Indices) -> None:
        """Drop the candidates of `slots`."""
        self.any[slots] = False
        self.active[slots] = False

    def due(self, slots: Indices, frames: Frames) -> tuple[Indices, Indices]:
        """Return rows of `slots` and keys to test in `frames`, in order, and forget those without a recent hint."""
        return _due(slots, frames, self.any, self.active, self.due_at, self.hinted)

    def tested(self, slots: Indices, keys: Indices, young: Indices, pressed: Indices) -> None:
        """Take what became of c tested `keys`, of which some are `young` and some were `pressed` (indices below c).

        A young one is tested again with the next frame, as too little of it has been heard; of the others those that
        were not pressed are tested again only with a new hint.
        """
        _tested(slots, keys, young, pressed, self.due_at, self.failed)


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
    all energy from the window before them on; the rest are the arrays of :class:`Candidates`.
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
def _tested(
    slots: Indices, keys: Indices, young: Indices, pressed: Indices, due: Frames, failed: Bools
) -> None:
    in_vain = np.ones(len(slots), np.bool_)
    in_vain[pressed] = False
    for index in young:
        if in_vain[index]:
            due[slots[index], keys[index]] += 1
            in_vain[index] = False
    for index in range(len(slots)):
        if in_vain[index]:
            failed[slots[index], keys[index]] = True


@compiled
def _due(
    slots: Indices,
    frames: Frames,
    candidates: Bools,
    active: Bools,
    due: Frames,
    hinted: Frames,
) -> tuple[Indices, Indices]:
    rows, keys = [0][:0], [0][:0]  # empty, and the compiler knows of what
    for row in range(len(slots)):
        slot = slots[row]
        if not candidates[slot]:
            continue
        candidates[slot] = False
        for key in range(active.shape[1]):
            if not active[slot, key]:
                continue
            if frames[row] - hinted[slot, key] > _PATIENCE_FRAMES:
                active[slot, key] = False
                continue
            candidates[slot] = True
            if due[slot, key] == frames[row]:
                rows.append(row)
                keys.append(key)
    return np.array(rows, np.intp), np.array(keys, np.intp)
