"""Which calls show the same pair in two windows in a row: nothing else is looked at any further.

A tone of 23 ms and more shows so wherever it starts; seven of eight windows of a voice do not.
"""

from typing import Final

from dtmf.compiled import compiled
from dtmf.frames import Bools, Floats, KeyIndices
from dtmf.goertzel import LOWEST_ENERGY

_LARGEST_TWIST: Final = 10**1.4
"14 dB as an energy ratio: 3 dB beyond the limit of stage 2, as noise and alignment move it."

_LOWEST_SHARE: Final = 0.001
"""Share of the unweighted power of the window, about 25 dB under all else, hum and all: a quarter of what repeats in a
voice has less, and nothing that is evidence."""


@compiled
def find_repeats(
    before: int,
    key: KeyIndices,
    clear: Bools,
    energy: Floats,
    power: Floats,
    found: Bools,
) -> bool:
    """Write which of a frame's two windows show the pair of the one before, and return whether any does.

    `before` is the pair of the window before; by window: `key`, `clear`, `found` (2,), `energy` (2, 2) of the pair (see
    `goertzel.strongest_pairs`) and `power` (2,), the sum of the squares of all its samples, without weights.
    """
    for window in range(2):
        low, high = energy[window]
        weaker, stronger = min(low, high), max(low, high)
        found[window] = (
            key[window] == before
            and clear[window]
            and weaker > LOWEST_ENERGY
            and stronger < _LARGEST_TWIST * weaker
            and stronger > _LOWEST_SHARE * power[window]
        )
        before = key[window]
    return bool(found[0] or found[1])
