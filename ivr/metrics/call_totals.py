"""What is counted of calls as the bridge tells of them.

Rules of this file: of a call only totals and histograms remain, and while it lives its name, to count it once.
"""

from typing import Final

from bridge.call.events import (
    BridgeEvent,
    CallChanged,
    CallMeasured,
    CallState,
    MediaInterrupted,
    MediaLost,
    MediaMoved,
)
from bridge.histogram import Histogram
from bridge.media.messages import CallId
from bridge.rtp.call_quality import CallQuality

MOS_BOUNDS: Final = (1.5, 2.0, 2.58, 3.1, 3.6, 4.03, 4.34)
"Those of ITU-T G.107 table B.1, where users become more satisfied, and two more below."

LOSS_BOUNDS: Final = (0.0, 0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
JITTER_BOUNDS_S: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1)
ROUND_TRIP_BOUNDS_S: Final = (0.005, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0)

LEGS: Final = ("caller", "agent")


def _by_leg(bounds: tuple[float, ...]) -> dict[str, Histogram]:
    return {leg: Histogram(bounds) for leg in LEGS}


class CallTotals:
    """Calls since the gateway's start."""

    def __init__(self) -> None:
        self.started = self.ended = self.secured = 0
        self.interrupted = self.moved = self.media_lost = 0
        self.mos = _by_leg(MOS_BOUNDS)
        "By who listened."
        self.loss = _by_leg(LOSS_BOUNDS)
        self.jitter_s = _by_leg(JITTER_BOUNDS_S)
        self.round_trip_s = _by_leg(ROUND_TRIP_BOUNDS_S)
        self._is_secure: dict[CallId, bool] = {}
        "Calls that live, so as many as there are."

    def receive(self, event: BridgeEvent) -> None:
        """Count what an event says; most say nothing."""
        match event:
            case CallChanged():
                self._call_changed(event)
            case CallMeasured():
                self._call_measured(event.quality)
            case MediaInterrupted():
                self.interrupted += 1
            case MediaMoved():
                self.moved += 1
            case MediaLost():
                self.media_lost += 1
            case _:
                pass

    def _call_changed(self, event: CallChanged) -> None:
        info = event.info
        before = self._is_secure.get(info.call)
        self.started += before is None
        self.secured += info.secure and not before
        if info.state is CallState.ENDED:
            self.ended += 1
            self._is_secure.pop(info.call, None)
        else:
            self._is_secure[info.call] = info.secure

    def _call_measured(self, quality: CallQuality) -> None:
        sides = (quality.caller, quality.heard_by_caller), (quality.agent, quality.heard_by_agent)
        for name, (leg, heard) in zip(LEGS, sides, strict=True):
            if heard is not None:
                self.mos[name].add(heard.mos)
            if leg.packets_received:
                self.loss[name].add(leg.loss)
                self.jitter_s[name].add(leg.jitter_ms / 1000)
            if leg.round_trip_ms is not None:
                self.round_trip_s[name].add(leg.round_trip_ms / 1000)
