"""The limits of every slot, as arrays in the units of the detector."""

from typing import Final, NamedTuple

import numpy as np

from dtmf.frames import RATE_HZ, Bools, Floats, Indices
from dtmf.limits import DetectorLimits
from dtmf.tones import amplitude
from dtmf.tracks import HOP_SAMPLES, TRACK_WINDOW_SAMPLES

_HOP_MS: Final = 1000 * HOP_SAMPLES / RATE_HZ


class HopLimits(NamedTuple):
    """What joins and what makes a span, a row a track, in track points."""

    longest_break: Indices
    "A gap of up to this many points is bridged."

    longest_loss: Indices
    "A gap of up to this many points is bridged where nearly all of it was lost."

    shortest: Indices
    "Fewer points on are no press."


class ToneLimits(NamedTuple):
    """What two tones must be, a row a pair."""

    frequency_tolerance: Floats
    lowest_amplitude: Floats
    positive_twist_db: Floats
    negative_twist_db: Floats

    strict: Bools
    "Whether no voice may be taken for a key."


class LimitTable:
    """The limits of up to `capacity` slots."""

    def __init__(self, capacity: int, limits: DetectorLimits) -> None:
        self._default = limits
        # a row a limit, so that what is taken of each lies together: the compiled loops are made for that
        self._hops = np.zeros((3, capacity), np.intp)
        self._tones = np.zeros((4, capacity), np.float32)
        self._strict = np.zeros(capacity, np.bool_)
        self.set(np.arange(capacity), limits)

    def set(self, slots: Indices, limits: DetectorLimits | None) -> None:
        """Give `slots` their limits; None for those of the bank."""
        limits = limits or self._default
        self._hops[:, slots] = np.array(_in_hops(limits))[:, None]
        self._tones[:, slots] = np.array(_of_tones(limits))[:, None]
        self._strict[slots] = limits.strict

    def hops(self, slots: Indices) -> HopLimits:
        """Return the limits of spans, a row a slot."""
        longest_break, longest_loss, shortest = np.take(self._hops, slots, axis=1)
        return HopLimits(longest_break, longest_loss, shortest)

    def tones(self, slots: Indices) -> ToneLimits:
        """Return the limits of tones, a row a slot."""
        tolerance, lowest, positive, negative = np.take(self._tones, slots, axis=1)
        return ToneLimits(tolerance, lowest, positive, negative, self._strict[slots])


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
