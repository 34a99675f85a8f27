"""The limits of every slot, as arrays in the units of the detector."""

from typing import Final

import numpy as np

from dtmf.compiled import compiled
from dtmf.frames import RATE_HZ, Indices
from dtmf.limits import DetectorLimits
from dtmf.tones import amplitude
from dtmf.tracks import HOP_SAMPLES, TRACK_WINDOW_SAMPLES

_HOP_MS: Final = 1000 * HOP_SAMPLES / RATE_HZ

# Rows of `LimitTable.hops`: what joins and what makes a span.
LONGEST_BREAK: Final = 0
"A gap of up to this many points is bridged."
LONGEST_LOSS: Final = 1
"A gap of up to this many points is bridged where nearly all of it was lost."
SHORTEST: Final = 2
"Fewer points on are no press."

# Rows of `LimitTable.tones`: what two tones must be.
TOLERANCE: Final = 0
LOWEST_AMPLITUDE: Final = 1
POSITIVE_TWIST_DB: Final = 2
NEGATIVE_TWIST_DB: Final = 3


class LimitTable:
    """The limits of up to `capacity` slots."""

    def __init__(self, capacity: int, limits: DetectorLimits) -> None:
        self._default = limits
        self.hops = np.zeros((3, capacity), np.intp)
        "Track points, by limit and slot."
        self.tones = np.zeros((4, capacity), np.float32)
        "By limit and slot."
        self.strict = np.zeros(capacity, np.bool_)
        "By slot: whether no voice may be taken for a key."
        self.set(np.arange(capacity), limits)

    def set(self, slots: Indices, limits: DetectorLimits | None) -> None:
        """Give `slots` their limits; None for those of the bank."""
        limits = limits or self._default
        self.hops[:, slots] = np.array(_in_hops(limits))[:, None]
        self.tones[:, slots] = np.array(_of_tones(limits))[:, None]
        self.strict[slots] = limits.strict


@compiled
def longest_gap(slot: int, heard: bool, hops: Indices) -> int:
    """Return how many points without the tones a press may have, by whether any of these was `heard`."""
    return int(hops[LONGEST_BREAK if heard else LONGEST_LOSS, slot])


def _in_hops(limits: DetectorLimits) -> tuple[int, int, int]:
    return (
        int(np.ceil(limits.longest_break_ms / _HOP_MS)) - 1,
        # every point whose window touches a hole is unknown, so a hole counts a window longer than it is
        int(limits.longest_loss_ms / _HOP_MS) + TRACK_WINDOW_SAMPLES // HOP_SAMPLES,
        int(np.ceil(limits.shortest_tone_ms / _HOP_MS)),
    )


def _of_tones(limits: DetectorLimits) -> tuple[float, float, float, float]:
    return (
        limits.frequency_tolerance,
        amplitude(limits.lowest_level_dbm0),
        limits.positive_twist_db,
        limits.negative_twist_db,
    )
