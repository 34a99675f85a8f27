"""Presses that may be: from the first hint of stage 1 until stage 2 has enough signal to decide."""

from typing import Final

import numpy as np
import numpy.typing as npt

from dtmf.frames import Bools, Indices, KeyIndices
from dtmf.goertzel import ENERGY_OF_UNIT_SINE, Surroundings
from dtmf.keys import KEYS
from dtmf.repeats import Repeats

_LOWEST_SHARE: Final = 0.36
"Share of all energy that the pair has in noise of equal level (0 dB), less what chance takes."

_LOWEST_ENERGY: Final = 120.0**2 * ENERGY_OF_UNIT_SINE
"Amplitude 120, 4 dB below the default lowest level of stage 2: fades and alignment cost up to that."

_PATIENCE_FRAMES: Final = 4
"80 ms after its last hint a candidate is dropped: a press is decided at most 76 ms after it began."

Frames = npt.NDArray[np.int64]
"Frame numbers, counted from the slot's reset."


def hints(repeats: Repeats, around: Surroundings) -> Bools:
    """Return which windows (2, r) hint at a key: a repeated pair with enough of all energy."""
    low, high = repeats.energy[1:, 0], repeats.energy[1:, 1]
    enough = low + high > _LOWEST_SHARE * around.total[1:]
    return np.asarray(repeats.found & enough & (np.minimum(low, high) > _LOWEST_ENERGY))


class Candidates:
    """All candidates, at most sixteen a slot (one a key)."""

    def __init__(self, capacity: int) -> None:
        shape = capacity, len(KEYS)
        self._any = np.zeros(capacity, np.bool_)
        self._active = np.zeros(shape, np.bool_)
        self._due = np.zeros(shape, np.int64)
        "Frame at which to test."
        self._hinted = np.zeros(shape, np.int64)
        "Frame of the last hint."
        self._failed = np.zeros(shape, np.bool_)
        "Tested in vain: test again with each new hint, as a voice may have covered the start."

    def reset(self, slots: Indices) -> None:
        """Drop the candidates of `slots`."""
        self._any[slots] = False
        self._active[slots] = False

    def hint(self, slots: Indices, keys: KeyIndices, frames: Frames, *, early: Bools) -> None:
        """Stage 1 hinted at `keys` of `slots` in `frames`; `early` where in the first window of the frame."""
        place = slots, keys
        known, failed = self._active[place], self._failed[place]
        # the tone began 15 to 30 ms before the end of the window, so one or two frames are missing to 56 ms
        first = frames + 2 - early
        again = np.where(failed, frames, self._due[place])
        self._due[place] = np.where(known, again, first)
        self._failed[place] = known & failed
        self._hinted[place] = frames
        self._active[place] = self._any[slots] = True

    def due(self, slots: Indices, frames: Frames) -> tuple[Indices, Indices]:
        """Return rows of `slots` and keys to test in `frames`, in order, and forget those without a recent hint."""
        rows = np.flatnonzero(self._any[slots])
        slots, now = slots[rows], frames[rows, None]
        active = self._active[slots] & (now - self._hinted[slots] <= _PATIENCE_FRAMES)
        self._active[slots], self._any[slots] = active, active.any(axis=1)
        which, keys = np.nonzero(active & (self._due[slots] == now))
        return rows[which], keys

    def postpone(self, slots: Indices, keys: Indices) -> None:
        """Test again with the next frame: too little of the tone has been heard."""
        self._due[slots, keys] += 1

    def fail(self, slots: Indices, keys: Indices) -> None:
        """Test again only with a new hint."""
        self._failed[slots, keys] = True
