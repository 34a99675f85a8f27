"""The beep that stands for a key: constant length and level, one a press, whatever the press was.

A beep is three frames and one frame of silence after it, so two quick presses (93 ms a digit is the fastest that
ITU-T Q.24 asks for) stay two beeps. Its length, level, frequency and place in the frame say nothing about the press.
When it comes says when the key was pressed, unless the call's beeps are even: then one can begin every
`EVEN_BEEP_S`, counted from the first, and presses wait for their turn.
"""

from math import ceil
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bridge.media.leg_table import FRAME
from dtmf.compiled import compiled
from dtmf.tones import beep

_BEEP_FRAMES: Final = 3
_FRAMES_A_PRESS: Final = _BEEP_FRAMES + 1

MAX_WAITING: Final = 8
"Presses that come faster than beeps can be played wait up to here; more are counted but not heard."

EVEN_BEEP_S: Final = 1.0
"""From even beep to even beep. Whoever keys at least one key a second all the time is heard as a clock; of others a
listener learns in which seconds no key was left to beep."""

_NEAREST_S: Final = 0.01
"Half a frame: a beep begins with the frame nearest to its turn, so packets that come a little sooner change nothing."

MAX_WAITING_EVEN: Final = 32
"A card number, its expiry date, code and end keys, keyed as fast as can be."

_SOUND: Final[NDArray[np.int16]] = np.concatenate(
    [beep().reshape(_BEEP_FRAMES, FRAME), np.zeros((1, FRAME), np.int16)]
)
"The four frames of one press."


class Beeper:
    """What each call slot still has to beep."""

    def __init__(self, calls: int) -> None:
        self._waiting: NDArray[np.int64] = np.zeros(calls, np.int64)
        "Beeps that have not begun."
        self._left: NDArray[np.int64] = np.zeros(calls, np.int64)
        "Frames of the beep that sounds."
        self._due_s: NDArray[np.float64] = np.full(calls, -np.inf)
        "When the next beep may begin; -inf before the first of even beeps, and always where they are not even."
        self._even: NDArray[np.bool_] = np.zeros(calls, np.bool_)

    def press(self, call: int, now: float) -> None:
        """Queue one beep."""
        even = bool(self._even[call])
        if self._waiting[call] >= (MAX_WAITING_EVEN if even else MAX_WAITING):
            return
        if even and not self._waiting[call]:
            self._due_s[call] = _next_turn(float(self._due_s[call]), now)
        self._waiting[call] += 1

    def reset(self, call: int, *, even: bool = False) -> None:
        """Forget what is queued; `even`: how the beeps of `call` come from now on."""
        self._waiting[call] = self._left[call] = 0
        self._due_s[call] = -np.inf
        self._even[call] = even

    def sounds(self, call: int) -> bool:
        """Return whether a beep has begun and is not over."""
        return bool(self._left[call])

    def holds_up(self, call: int) -> bool:
        """Return whether the gate of `call` should wait: for the beep that sounds, and for others unless they are even.

        Those may be many seconds behind.
        """
        return bool(self._left[call] or (self._waiting[call] and not self._even[call]))

    def beeping(self) -> NDArray[np.intp]:
        """Return the calls with something to beep, now or later."""
        return _beeping(self._waiting, self._left)

    def overlay(
        self,
        audio: NDArray[np.int16],
        calls: NDArray[np.intp],
        heard: NDArray[np.bool_],
        now: float,
    ) -> NDArray[np.bool_]:
        """Replace the rows of `audio` (n, 160) whose call (n,) is beeping by its next frame; return which.

        A beep waits where nothing is `heard` (n,).
        """
        return _overlay(audio, calls, heard, now, self._waiting, self._left, self._due_s, _SOUND)


@compiled
def _beeping(waiting: NDArray[np.int64], left: NDArray[np.int64]) -> NDArray[np.intp]:
    calls, count = np.empty(len(waiting), np.intp), 0
    for call in range(len(waiting)):
        if waiting[call] or left[call]:
            calls[count] = call
            count += 1
    return calls[:count]


@compiled
def _overlay(
    audio: NDArray[np.int16],
    calls: NDArray[np.intp],
    heard: NDArray[np.bool_],
    now: float,
    waiting: NDArray[np.int64],
    left: NDArray[np.int64],
    due_s: NDArray[np.float64],
    sound: NDArray[np.int16],
) -> NDArray[np.bool_]:
    active = np.zeros(len(calls), np.bool_)
    for row in range(len(calls)):
        call = calls[row]
        if not heard[row]:
            continue
        if left[call] == 0 and waiting[call] > 0 and due_s[call] <= now + _NEAREST_S:
            waiting[call] -= 1
            left[call] = _FRAMES_A_PRESS
            due_s[call] += EVEN_BEEP_S  # -inf stays
        if left[call] > 0:
            audio[row] = sound[_FRAMES_A_PRESS - left[call]]
            left[call] -= 1
            active[row] = True
    return active


def _next_turn(due_s: float, now: float) -> float:
    """Return the first turn that is not over; the first press of all begins them."""
    if due_s == -np.inf:
        return now
    return due_s + max(0, ceil((now - due_s) / EVEN_BEEP_S)) * EVEN_BEEP_S
