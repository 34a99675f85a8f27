"""Where sound leaves: it is sent, and recorded as what it is heard as.

Rules of this file: the recorder hears of each side what the other side hears of it.
"""

import numpy as np
from numpy.typing import NDArray

from bridge.media.frame_loops import decoded
from bridge.media.leg_table import Legs, LegTable
from bridge.media.sender import Sender
from bridge.recording.timelines import Timelines
from bridge.rtp.g711 import DECODE


class Outlets:
    """Of all legs. `timelines`: of the calls that are recorded."""

    def __init__(self, legs: LegTable, sender: Sender, timelines: Timelines) -> None:
        self._legs, self._sender, self._timelines = legs, sender, timelines

    def send_sound(
        self, to: Legs, audio: NDArray[np.int16], chosen: NDArray[np.bool_], now: float
    ) -> None:
        """Let `to` (n,) hear the `chosen` (n,) frames of `audio` (n, 160) instead of the other side's packets."""
        self._sender.send(to, audio, chosen)
        if self._timelines.taking:
            self._record(to ^ 1, audio, chosen, now)

    def pass_on(
        self, legs: Legs, coded: NDArray[np.uint8], chosen: NDArray[np.bool_], now: float
    ) -> None:
        """Let the other sides of `legs` (n,) hear the `chosen` (n,) of their frames, coded (n, 160)."""
        self._sender.pass_on(legs, coded, chosen)
        if self._timelines.taking:
            self._record(legs, decoded(self._legs.rows, legs, coded, DECODE), chosen, now)

    def _record(
        self, legs: Legs, audio: NDArray[np.int16], chosen: NDArray[np.bool_], now: float
    ) -> None:
        timestamps = self._legs.out_timestamp[legs ^ 1]
        self._timelines.take(legs, timestamps, audio, chosen, now)
