"""Which calls show the same pair in two windows in a row: nothing else is looked at any further.

A tone of 23 ms and more shows so wherever it starts; seven of eight windows of a voice do not.
"""

from typing import Final, NamedTuple

import numpy as np

from dtmf.compiled import compiled
from dtmf.frames import Bools, Floats, Indices, KeyIndices
from dtmf.goertzel import LOWEST_ENERGY, Pairs
from dtmf.keys import NO_KEY

_LARGEST_TWIST: Final = 10**1.4
"14 dB as an energy ratio: 3 dB beyond the limit of stage 2, as noise and alignment move it."

_LOWEST_SHARE: Final = 0.001
"""Share of the unweighted power of the window, about 25 dB under all else, hum and all: a quarter of what repeats in a
voice has less, and nothing that is evidence."""


class Repeats(NamedTuple):
    """The r rows of a batch that show the same pair in two windows in a row, at a level and twist of a key."""

    rows: Indices
    "Which rows of the batch (r,)."

    found: Bools
    "In which of the frame's two windows (r, 2)."

    key: KeyIndices
    "Index in `KEYS` of the pair of each of the two windows (r, 2)."

    energy: Floats
    "Of the two tones (r, 3, 2), in the window before the frame's first and in its two."


class RepeatFinder:
    """What stage 1 remembers of each slot: the pair of its last window."""

    def __init__(self, capacity: int) -> None:
        self._key = np.full(capacity, NO_KEY, np.int8)
        self._energy = np.zeros((capacity, 2), np.float32)

    def reset(self, slots: Indices) -> None:
        """Forget what was heard on `slots`: the next window repeats nothing."""
        self._key[slots] = NO_KEY

    def find(self, pairs: Pairs, slots: Indices) -> Repeats:
        """Take the pairs of n slots' next frame and return the rows with repeats."""
        rows, found, energy = _repeated(
            pairs.energy, pairs.key, pairs.clear, pairs.power, slots, self._key, self._energy
        )
        return Repeats(rows=rows, found=found, key=pairs.key[rows], energy=energy)


@compiled
def _repeated(
    energy: Floats,
    key: KeyIndices,
    clear: Bools,
    power: Floats,
    slots: Indices,
    last_key: KeyIndices,
    last_energy: Floats,
) -> tuple[Indices, Bools, Floats]:
    """Return rows, windows and energies as in `Repeats`; what is remembered of each slot is taken on."""
    rows = np.empty(len(slots), np.intp)
    found = np.empty((len(slots), 2), np.bool_)
    energies = np.empty((len(slots), 3, 2), np.float32)
    count = 0
    for row in range(len(slots)):
        slot = slots[row]
        before = last_key[slot]
        for window in range(2):
            low, high = energy[row, window]
            weaker, stronger = min(low, high), max(low, high)
            found[count, window] = (
                key[row, window] == before
                and clear[row, window]
                and weaker > LOWEST_ENERGY
                and stronger < _LARGEST_TWIST * weaker
                and stronger > _LOWEST_SHARE * power[row, window]
            )
            before = key[row, window]
        if found[count, 0] or found[count, 1]:
            rows[count] = row
            energies[count, 0] = last_energy[slot]
            energies[count, 1:] = energy[row]
            count += 1
        last_key[slot] = key[row, 1]
        last_energy[slot] = energy[row, 1]
    return rows[:count], found[:count], energies[:count]
