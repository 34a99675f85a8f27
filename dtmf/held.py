"""Keys that are down: follows each accepted press to its end, all calls at once."""

from typing import Final

import numpy as np
import numpy.typing as npt

from dtmf.frames import FRAME_SAMPLES, Bools, Floats, Indices
from dtmf.keys import NO_KEY
from dtmf.limit_table import HopLimits
from dtmf.spans import ON_SHARE
from dtmf.tracks import HOP_SAMPLES, TRACK_WINDOW_SAMPLES, centre_samples

FOLLOW_SAMPLES: Final = FRAME_SAMPLES + TRACK_WINDOW_SAMPLES - HOP_SAMPLES
"The newest frame and what its first window needs: eight track points, one window step after the last."

_HOPS: Final = FRAME_SAMPLES // HOP_SAMPLES

_OLD_HOPS: Final = (TRACK_WINDOW_SAMPLES - HOP_SAMPLES) // HOP_SAMPLES
"Track points whose window reaches into the frame before."

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
        self._off = np.zeros(capacity, np.intp)
        self._unknown = np.zeros(capacity, np.intp)

    def reset(self, slots: Indices) -> None:
        """Let go of every key of `slots`, without a word."""
        self.key[slots] = NO_KEY
        self.start[slots] = self.end[slots] = _NEVER

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
        off, hole = np.where(unknown, 0, hops), np.where(unknown, hops, 0)
        self._off[slots], self._unknown[slots] = off, hole
        over = _is_over(off, hole, limits)
        self.key[slots] = np.where(over, NO_KEY, keys)
        return over

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

        `tones` (m, 8, 2) are the amplitudes of each key's tones, `unknown` (m, 2) whether the frame before and
        this one were lost, `other` (m,) whether another key is heard (then this one is not), `now` (m,) the
        slots' time at the end of the frame, in samples.
        """
        levels = self._levels[slots]
        on = (tones > ON_SHARE * levels[:, None]).all(axis=2) & ~other[:, None]
        lost = np.repeat(unknown[:, 1:], _HOPS, axis=1)
        lost[:, :_OLD_HOPS] |= unknown[:, :1]
        off, hole, end = self._off[slots], self._unknown[slots], self.end[slots]
        over = np.zeros(len(slots), np.bool_)
        for hop in range(_HOPS):
            heard = ~lost[:, hop]
            is_on = on[:, hop] & heard & ~over
            # a hole is a pause if the tone is off on either side of it
            still_hole = ~heard & (off == 0)
            off = np.where(is_on, 0, np.where(still_hole, off, off + 1 + hole * heard))
            hole = np.where(still_hole, hole + 1, 0)
            centre = centre_samples(hop) - FOLLOW_SAMPLES
            end = np.where(is_on, now + centre, end)
            over |= _is_over(off, hole, limits)
        self._off[slots], self._unknown[slots], self.end[slots] = off, hole, end
        sinking = (
            (tones > _FALL_SHARE * levels[:, None]).all(axis=2).sum(axis=1) >= _FALL_HOPS
        ) & ~other
        sinking &= ~unknown.any(axis=1)
        fallen = np.minimum(levels, np.median(tones, axis=1))
        self._levels[slots] = np.where(sinking[:, None], fallen, levels)
        self.key[slots[over]] = NO_KEY
        return over


def _is_over(off: Indices, hole: Indices, limits: HopLimits) -> Bools:
    return np.asarray((off > limits.longest_break) | (hole > limits.longest_loss))
