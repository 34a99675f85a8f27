"""Which calls show the same pair in two windows in a row: nothing else is looked at any further.

A tone of 23 ms and more shows so wherever it starts; seven of eight windows of a voice do not.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from dtmf.frames import Bools, Floats, Indices, KeyIndices
from dtmf.goertzel import LOWEST_ENERGY, Pairs
from dtmf.keys import NO_KEY

_LARGEST_TWIST: Final = 10**1.4
"14 dB as an energy ratio: 3 dB beyond the limit of stage 2, as noise and alignment move it."

_LOWEST_SHARE: Final = 0.001
"""Share of the unweighted power of the window, about 25 dB under all else, hum and all: a quarter of what repeats in a
voice has less, and nothing that is evidence."""


@dataclass(frozen=True, slots=True)
class Repeats:
    """The r rows of a batch that show the same pair in two windows in a row, at a level and twist of a key."""

    rows: Indices
    "Which rows of the batch (r,)."

    found: Bools
    "In which of the frame's two windows (2, r)."

    key: KeyIndices
    "Index in `KEYS` of the pair of each of the two windows (2, r)."

    energy: Floats
    "Of the two tones (3, 2, r), in the window before the frame's first and in its two."


class RepeatFinder:
    """What stage 1 remembers of each slot: the pair of its last window."""

    def __init__(self, capacity: int) -> None:
        self._key = np.full(capacity, NO_KEY, np.int8)
        self._energy = np.zeros((2, capacity), np.float32)

    def reset(self, slots: Indices) -> None:
        """Forget what was heard on `slots`: the next window repeats nothing."""
        self._key[slots] = NO_KEY

    def find(self, pairs: Pairs, slots: Indices) -> Repeats:
        """Take the pairs of n slots' next frame and return the rows with repeats."""
        low, high = pairs.energy[:, 0], pairs.energy[:, 1]
        stronger, weaker = np.maximum(low, high), np.minimum(low, high)
        found = pairs.clear & (weaker > LOWEST_ENERGY)
        found &= stronger < _LARGEST_TWIST * weaker
        found &= stronger > _LOWEST_SHARE * pairs.power
        found[0] &= pairs.key[0] == self._key[slots]
        found[1] &= pairs.key[1] == pairs.key[0]
        rows = np.flatnonzero(found[0] | found[1])
        before = self._energy[:, slots[rows]]
        self._key[slots] = pairs.key[1]
        self._energy[:, slots] = pairs.energy[1]
        return Repeats(
            rows=rows,
            found=found[:, rows],
            key=pairs.key[:, rows],
            energy=np.concatenate([before[None], pairs.energy[..., rows]]),
        )
