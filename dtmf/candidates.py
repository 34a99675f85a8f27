"""Presses that may be: from the first hint of stage 1 until stage 2 has enough signal to decide."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from dtmf.frames import Bools, Indices, KeyIndices
from dtmf.goertzel import ENERGY_OF_UNIT_SINE, Windows

_LOWEST_SHARE: Final = 0.36
"Share of all energy that the pair has in noise of equal level (0 dB), less what chance takes."

_LARGEST_TWIST: Final = 10**1.4
"14 dB as an energy ratio: 3 dB beyond the limit of stage 2, as noise and alignment move it."

_LOWEST_ENERGY: Final = 120.0**2 * ENERGY_OF_UNIT_SINE
"Amplitude 120, 4 dB below the default lowest level of stage 2: fades and alignment cost up to that."

_PATIENCE_FRAMES: Final = 4
"80 ms after its last hint a candidate is dropped: a press is decided at most 76 ms after it began."


def hints(windows: Windows, runs: KeyIndices) -> Bools:
    """Return which windows (2, n) hint at a key: the same pair twice in a row, with enough of all energy."""
    pair = windows.low + windows.high
    found = (pair > _LOWEST_SHARE * windows.total) & (runs > 0)
    found &= np.minimum(windows.low, windows.high) > _LOWEST_ENERGY
    found &= np.maximum(windows.low, windows.high) < _LARGEST_TWIST * np.minimum(
        windows.low, windows.high
    )
    return np.asarray(found)


@dataclass(slots=True)
class Candidate:
    """One key that may be down on one slot; frames count from the slot's reset."""

    due: int
    "Frame at which to test it."

    hinted: int
    "Frame of the last hint."

    failed: bool = False
    "Tested once in vain: test again with each new hint, as a voice may have covered the start."


class Candidates:
    """All candidates, at most sixteen a slot (one a key)."""

    def __init__(self, capacity: int) -> None:
        self._of_slot: dict[int, dict[int, Candidate]] = {}
        self._any = np.zeros(capacity, np.bool_)

    def reset(self, slots: Indices) -> None:
        """Drop the candidates of `slots`."""
        for slot in slots[self._any[slots]]:
            self.drop(int(slot))

    def drop(self, slot: int) -> None:
        """Drop the candidates of one slot."""
        self._of_slot.pop(slot, None)
        self._any[slot] = False

    def hint(self, slot: int, key: int, frame: int, *, early: bool) -> None:
        """Stage 1 hinted at `key` in `frame`; `early` if already in the frame's first window."""
        keys = self._of_slot.setdefault(slot, {})
        self._any[slot] = True
        known = keys.get(key)
        if known is None:
            # the tone began 15 to 30 ms before the end of the window, so one or two frames are missing to 56 ms
            keys[key] = Candidate(due=frame + (1 if early else 2), hinted=frame)
            return
        known.hinted = frame
        if known.failed:
            known.due = frame

    def rows(self, slots: Indices) -> Indices:
        """Return the rows of `slots` that have candidates."""
        return np.flatnonzero(self._any[slots])

    def due(self, slot: int, frame: int) -> list[int]:
        """Return the keys to test on `slot` in `frame`, and forget those without a recent hint."""
        keys = self._of_slot.get(slot, {})
        for key in [k for k, c in keys.items() if frame - c.hinted > _PATIENCE_FRAMES]:
            del keys[key]
        if not keys:
            self.drop(slot)
        return [key for key, candidate in keys.items() if candidate.due == frame]

    def postpone(self, slot: int, key: int) -> None:
        """Test again with the next frame: too little of the tone has been heard."""
        self._of_slot[slot][key].due += 1

    def fail(self, slot: int, key: int) -> None:
        """Test again only with a new hint."""
        self._of_slot[slot][key].failed = True
