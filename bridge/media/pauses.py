"""Which legs are in a pause that their far end has described, and what it sounds like (RFC 3389).

Columns of all legs, like the leg table. A leg is in a pause from a comfort noise packet until anything else comes
from it.
"""

import numpy as np
from numpy.typing import NDArray

from bridge.media.leg_table import Legs
from bridge.rtp.comfort_noise import noise


class Pauses:
    """The pauses of `rows` legs; true while there is any."""

    def __init__(self, rows: int) -> None:
        self._level: NDArray[np.int64] = np.zeros(rows, np.int64)
        "In -dBov."
        self._frames: NDArray[np.int64] = np.zeros(rows, np.int64)
        self._legs: set[int] = set()

    def __bool__(self) -> bool:
        return bool(self._legs)

    def begin(self, leg: int, level: int) -> None:
        """Take `level` (-dBov) as the sound of the leg's pause, from now on."""
        self._level[leg] = level
        self._legs.add(leg)

    def end(self, leg: int) -> None:
        """There is no pause, or no longer."""
        self._legs.discard(leg)

    def legs(self) -> Legs:
        """Return the legs that pause."""
        return np.array(sorted(self._legs), np.intp)

    def sound(self, legs: Legs) -> NDArray[np.int16]:
        """Return the next 20 ms of these legs' pauses, shape `(n, 160)`."""
        self._frames[legs] += 1
        return noise(self._level[legs], self._frames[legs])
