"""Keys that are down: follows each accepted press to its end, all calls at once."""

from typing import Final

import numpy as np
import numpy.typing as npt

from dtmf.compiled import compiled
from dtmf.frames import FRAME_SAMPLES, Bools, Floats, Indices, KeyIndices
from dtmf.keys import NO_KEY
from dtmf.limit_table import HopLimits
from dtmf.spans import ON_SHARE
from dtmf.tracks import HOP_SAMPLES, TRACK_WINDOW_SAMPLES, centre_samples

FOLLOW_SAMPLES: Final = FRAME_SAMPLES + TRACK_WINDOW_SAMPLES - HOP_SAMPLES
"The newest frame and what its first window needs: eight track points, one window step after the last."

_HOPS: Final = FRAME_SAMPLES // HOP_SAMPLES

_OLD_HOPS: Final = (TRACK_WINDOW_SAMPLES - HOP_SAMPLES) // HOP_SAMPLES
"Track points whose window reaches into the frame before."

_CENTRE: Final = centre_samples(0)

_NEVER: Final = -(1 << 40)
"Before any sample of any call."

_FALL_SHARE: Final = 0.3
_FALL_HOPS: Final = 6
"""A level may fall, never rise, and only where this many of eight points hear the tone above this share: GSM lets a
tone sink after its start, and a fading tail must not drag the level down with it."""


Samples = npt.NDArray[np.int64]
"Times, counted from the slot's reset."


class HeldKeys:
    """The press, if any, that is down on each slot."""

    def __init__(self, capacity: int) -> None:
        self.key = np.full(capacity, NO_KEY, np.int8)
        "Index in `KEYS`, NO_KEY where no key is down."
        self.start = np.full(capacity, _NEVER, np.int64)
        "First sample of the press that is or was down."
        self.end = np.full(capacity, _NEVER, np.int64)
        "Last sample known to belong to it; nothing before it can be another press."
        self._levels = np.zeros((capacity, 2), np.float32)
        self._since = np.zeros(capacity, np.intp)
        "Track points since the last one at which the tones were on."
        self._off = np.zeros(capacity, np.bool_)
        "Whether any of these was heard, without the tones; else all were lost, and the key may be down still."

    def reset(self, slots: Indices) -> None:
        """Let go of every key of `slots`, without a word."""
        self.key[slots] = NO_KEY
        self.start[slots] = self.end[slots] = _NEVER

    def after(self, slots: Indices, since: Samples, hops: int) -> Indices:
        """Return the first track point (n,), up to `hops`, of tracks from `since` (n,) on that may be another press."""
        return _after(self.end[slots], since, hops)

    def press(
        self,
        slots: Indices,
        keys: Indices,
        *,
        start: Samples,
        end: Samples,
        levels: Floats,
        hops: Indices,
        unknown: Bools,
        limits: HopLimits,
    ) -> Bools:
        """Hold `keys` (k,) from now on and return which are over already.

        `end` is the last sample each was heard, `hops` how many track points have been without it since, all of them
        lost where `unknown`.
        """
        self.start[slots], self.end[slots] = start, end
        self._levels[slots] = levels
        self._since[slots], self._off[slots] = hops, ~unknown
        over = _is_over(hops, ~unknown, limits)
        self.key[slots] = np.where(over, NO_KEY, keys)
        return np.asarray(over)

    def follow(
        self,
        tones: Floats,
        slots: Indices,
        unknown: Bools,
        other: Bools,
        now: Samples,
        limits: HopLimits,
    ) -> Bools:
        """Follow m held keys through one frame and return which of them ended (m,).

        `tones` (m, 2, 8) are the amplitudes of each key's tones, `unknown` (m, 2) whether the frame before and
        this one were lost, `other` (m,) whether another key is heard (then this one is not), `now` (m,) the
        slots' time at the end of the frame, in samples.
        """
        return _follow(
            tones,
            slots,
            unknown,
            other,
            now,
            limits.longest_break,
            limits.longest_loss,
            self.key,
            self.end,
            self._levels,
            self._since,
            self._off,
        )


@compiled
def _after(ends: Samples, since: Samples, hops: int) -> Indices:
    first = np.empty(len(ends), np.intp)
    for row in range(len(ends)):
        first[row] = min(max((ends[row] - since[row] - _CENTRE) // HOP_SAMPLES + 1, 0), hops)
    return first


@compiled
def _follow(
    tones: Floats,
    slots: Indices,
    unknown: Bools,
    other: Bools,
    now: Samples,
    longest_break: Indices,
    longest_loss: Indices,
    keys: KeyIndices,
    ends: Samples,
    levels: Floats,
    since: Indices,
    off: Bools,
) -> Bools:
    over = np.zeros(len(slots), np.bool_)
    for row in range(len(slots)):
        slot = slots[row]
        low_level, high_level = levels[slot]
        falling = 0
        for hop in range(_HOPS):
            low, high = tones[row, 0, hop], tones[row, 1, hop]
            falling += low > _FALL_SHARE * low_level and high > _FALL_SHARE * high_level
            lost = unknown[row, 1] or (hop < _OLD_HOPS and unknown[row, 0])
            on = low > ON_SHARE * low_level and high > ON_SHARE * high_level
            if on and not lost and not other[row]:
                since[slot], off[slot] = 0, False
                ends[slot] = now[row] - FOLLOW_SAMPLES + _CENTRE + HOP_SAMPLES * hop
                continue
            since[slot] += 1
            # a hole is a pause if the tone is off on either side of it
            off[slot] |= not lost
            if since[slot] > (longest_break[row] if off[slot] else longest_loss[row]):
                over[row] = True
                keys[slot] = NO_KEY
                # what is on after the end is another press
                break
        if falling >= _FALL_HOPS and not (other[row] or unknown[row, 0] or unknown[row, 1]):
            for tone in range(2):
                ordered = np.sort(tones[row, tone])
                middle = (ordered[_HOPS // 2 - 1] + ordered[_HOPS // 2]) / 2
                levels[slot, tone] = min(levels[slot, tone], middle)
    return over


def _is_over(since: Indices, off: Bools, limits: HopLimits) -> Bools:
    """Return whether keys are up `since` hops (m,) after their tones were on."""
    return np.asarray(since > np.where(off, limits.longest_break, limits.longest_loss))
