"""From packets after a loss to rounds of frames: what was lost of each leg first, a frame a leg and round.

A leg's frames are to be treated one after the other, and those of different legs together.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from bridge.media.leg_table import FRAME, Legs
from dtmf.compiled import compiled

Frames = tuple[Legs, NDArray[np.uint8], NDArray[np.bool_], NDArray[np.int64]]
"One frame each of different legs, as `FrameSink.take_frames` wants them."


class Rounds:
    """The memory for rounds of up to `rows` legs."""

    def __init__(self, rows: int) -> None:
        self._all_there: NDArray[np.bool_] = np.zeros(rows, np.bool_)
        self._legs: Legs = np.zeros(rows, np.intp)
        self._coded: NDArray[np.uint8] = np.zeros((rows, FRAME), np.uint8)
        self._lost: NDArray[np.bool_] = np.zeros(rows, np.bool_)
        self._timestamps: NDArray[np.int64] = np.zeros(rows, np.int64)

    def of(
        self,
        legs: Legs,
        coded: NDArray[np.uint8],
        timestamps: NDArray[np.int64],
        gaps: NDArray[np.int64],
        longest_gap: int,
    ) -> Iterator[Frames]:
        """Yield the frames of different legs (n,), each with the `gaps` (n,) that were lost before it.

        Each round is good until the next.
        """
        if not longest_gap:
            yield legs, coded, self._all_there[: len(legs)], timestamps
            return
        for turn in range(longest_gap + 1):
            count = _fill_round(
                turn,
                legs,
                coded,
                timestamps,
                gaps,
                self._legs,
                self._coded,
                self._lost,
                self._timestamps,
            )
            yield (
                self._legs[:count],
                self._coded[:count],
                self._lost[:count],
                self._timestamps[:count],
            )


@compiled
def _fill_round(
    turn: int,
    legs: Legs,
    coded: NDArray[np.uint8],
    timestamps: NDArray[np.int64],
    gaps: NDArray[np.int64],
    round_legs: Legs,
    round_coded: NDArray[np.uint8],
    round_lost: NDArray[np.bool_],
    round_timestamps: NDArray[np.int64],
) -> int:
    """Write the frames of a round, the first of which is 0; return how many there are."""
    count = 0
    for index in range(len(legs)):
        before = gaps[index] - turn
        if before < 0:
            continue
        round_legs[count], round_lost[count] = legs[index], before > 0
        round_timestamps[count] = (timestamps[index] - before * FRAME) & 0xFFFFFFFF
        if before > 0:
            round_coded[count, :] = 0
        else:
            round_coded[count, :] = coded[index]
        count += 1
    return count
