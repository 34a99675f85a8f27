"""The beep that stands for a key: constant length and level, one a press, whatever the press was.

A beep is three frames and one frame of silence after it, so two quick presses (93 ms a digit is the fastest that
ITU-T Q.24 asks for) stay two beeps. Its length, level and frequency say nothing about the press.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from bridge.media.leg_table import FRAME
from dtmf.tones import beep

_BEEP_FRAMES: Final = 3
_FRAMES_A_PRESS: Final = _BEEP_FRAMES + 1

MAX_WAITING_FRAMES: Final = 8 * _FRAMES_A_PRESS
"Presses that come faster than beeps can be played wait up to here; more are counted but not heard."

_SOUND: Final[NDArray[np.int16]] = np.concatenate(
    [beep().reshape(_BEEP_FRAMES, FRAME), np.zeros((1, FRAME), np.int16)]
)
"The four frames of one press."


class Beeper:
    """What each call slot still has to beep."""

    def __init__(self, calls: int) -> None:
        self._left: NDArray[np.int64] = np.zeros(calls, np.int64)

    def press(self, call: int) -> None:
        """Queue one beep."""
        if self._left[call] + _FRAMES_A_PRESS <= MAX_WAITING_FRAMES:
            self._left[call] += _FRAMES_A_PRESS

    def reset(self, call: int) -> None:
        """Forget what is queued."""
        self._left[call] = 0

    def is_beeping(self, call: int) -> bool:
        """Return whether `call` has something to beep."""
        return bool(self._left[call])

    def beeping(self) -> NDArray[np.intp]:
        """Return the calls with something to beep."""
        return np.flatnonzero(self._left)

    def overlay(self, audio: NDArray[np.int16], calls: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Replace the rows of `audio` (n, 160) whose call (n,) is beeping by its next frame; return which."""
        left = self._left[calls]
        active = left > 0
        if active.any():
            audio[active] = _SOUND[-left[active] % _FRAMES_A_PRESS]
            self._left[calls[active]] -= 1
        return active
