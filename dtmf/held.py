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

_HOP_NUMBERS: Final = np.arange(_HOPS)

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
        self._since = np.zeros(capacity, np.intp)
        "Track points since the last one at which the tones were on."
        self._off = np.zeros(capacity, np.bool_)
        "Whether any of these was heard, without the tones; else all were lost, and the key may be down still."

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

        `tones` (m, 8, 2) are the amplitudes of each key's tones, `unknown` (m, 2) whether the frame before and
        this one were lost, `other` (m,) whether another key is heard (then this one is not), `now` (m,) the
        slots' time at the end of the frame, in samples.
        """
        levels = self._levels[slots]
        lost = np.repeat(unknown[:, 1:], _HOPS, axis=1)
        lost[:, :_OLD_HOPS] |= unknown[:, :1]
        on = (tones > ON_SHARE * levels[:, None]).all(axis=2) & ~(other[:, None] | lost)
        last_on = _latest(on, -1 - self._since[slots])
        # before any time if none was off since the last was on
        last_off = _latest(~(on | lost), np.where(self._off[slots], -1, _NEVER))
        since = _HOP_NUMBERS - last_on
        ended = _is_over(since, last_off > last_on, limits)
        over = ended.any(axis=1)
        # what is on after the end is another press
        hop = np.where(over, ended.argmax(axis=1), _HOPS - 1)
        rows = np.arange(len(slots))
        last = last_on[rows, hop]
        self._since[slots], self._off[slots] = hop - last, last_off[rows, hop] > last
        heard_at = now - FOLLOW_SAMPLES + centre_samples(last)
        self.end[slots] = np.where(last >= 0, heard_at, self.end[slots])
        self._sink(tones, slots, other | unknown.any(axis=1))
        self.key[slots[over]] = NO_KEY
        return np.asarray(over)

    def _sink(self, tones: Floats, slots: Indices, not_heard: Bools) -> None:
        """Let levels follow tones that fall."""
        levels = self._levels[slots]
        heard = (tones > _FALL_SHARE * levels[:, None]).all(axis=2)
        sinking = (np.add.reduce(heard, axis=1, dtype=np.intp) >= _FALL_HOPS) & ~not_heard
        if sinking.any():
            middle = np.sort(tones[sinking], axis=1)[:, _HOPS // 2 - 1 : _HOPS // 2 + 1].mean(
                axis=1
            )
            self._levels[slots[sinking]] = np.minimum(levels[sinking], middle)


def _latest(points: Bools, before: Indices) -> Indices:
    """Return, at each of the points (m, 8), the last one up to there that is true, or `before` (m,)."""
    numbers = np.where(points, _HOP_NUMBERS, before[:, None])
    return np.asarray(np.maximum.accumulate(numbers, axis=1))


def _is_over(since: Indices, off: Bools, limits: HopLimits) -> Bools:
    """Return whether a key is up `since` hops, (m,) or (m, hops), after its tones were on."""
    longest_break, longest_loss = limits.longest_break, limits.longest_loss
    if since.ndim > 1:
        longest_break, longest_loss = longest_break[:, None], longest_loss[:, None]
    return np.asarray(since > np.where(off, longest_break, longest_loss))
