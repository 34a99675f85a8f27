"""Which calls show the same pair in two windows in a row: nothing else is looked at any further.

A tone of 23 ms and more shows so wherever it starts; seven of eight windows of a voice do not.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from dtmf.frames import Bools, Floats, Indices, KeyIndices
from dtmf.goertzel import ENERGY_OF_UNIT_SINE, Pairs
from dtmf.keys import NO_KEY

_LARGEST_TWIST: Final = 10**1.4
"14 dB as an energy ratio: 3 dB beyond the limit of stage 2, as noise and alignment move it."

LOWEST_ENERGY: Final = 40.0**2 * ENERGY_OF_UNIT_SINE
"Amplitude 40 is -55 dBm0, which ITU-T Q.24 calls no signal."

_LONGEST_RUN: Final = 2
"More windows in a row add no evidence."


@dataclass(frozen=True, slots=True)
class Repeats:
    """The r rows of a batch that show the same pair in two windows in a row, at a level and twist of a key."""

    rows: Indices
    "Which rows of the batch (r,)."

    found: Bools
    "In which of the frame's two windows (2, r)."

    key: KeyIndices
    "Index in `KEYS` of the pair of each of the two windows (2, r)."

    run: KeyIndices
    "How many windows before had the same pair, up to 2, in each of the two windows (2, r)."

    low: Floats
    high: Floats
    "Energies of the two tones (3, r), in the window before the frame's first and in its two."


class RepeatFinder:
    """What stage 1 remembers of each slot: the pair of its last window."""

    def __init__(self, capacity: int) -> None:
        self._key = np.full(capacity, NO_KEY, np.int8)
        self._run = np.zeros(capacity, np.int8)
        self._low = np.zeros(capacity, np.float32)
        self._high = np.zeros(capacity, np.float32)

    def reset(self, slots: Indices) -> None:
        """Forget what was heard on `slots`: the next window repeats nothing."""
        self._key[slots] = NO_KEY
        self._run[slots] = 0

    def find(self, pairs: Pairs, slots: Indices) -> Repeats:
        """Take the pairs of n slots' next frame and return the rows with repeats."""
        weaker = np.minimum(pairs.low, pairs.high)
        found = weaker > LOWEST_ENERGY
        found &= np.maximum(pairs.low, pairs.high) < _LARGEST_TWIST * weaker
        same = np.empty_like(found)
        np.equal(pairs.key[0], self._key[slots], out=same[0])
        np.equal(pairs.key[1], pairs.key[0], out=same[1])
        run = np.empty_like(pairs.key)
        run[0] = np.minimum(self._run[slots] + np.int8(1), _LONGEST_RUN) * same[0]
        run[1] = np.minimum(run[0] + np.int8(1), _LONGEST_RUN) * same[1]
        found &= same
        rows = np.flatnonzero(found[0] | found[1])
        repeats = Repeats(
            rows=rows,
            found=found[:, rows],
            key=pairs.key[:, rows],
            run=run[:, rows],
            low=np.concatenate([self._low[slots[rows]][None], pairs.low[:, rows]]),
            high=np.concatenate([self._high[slots[rows]][None], pairs.high[:, rows]]),
        )
        self._key[slots], self._run[slots] = pairs.key[1], run[1]
        self._low[slots], self._high[slots] = pairs.low[1], pairs.high[1]
        return repeats
