"""How each side of a call heard the other, estimated from what RTP and RTCP tell of both legs.

Rules of this file: what a listener hears came over two networks, and both count: loss on either is missing, and delays
add up. What the far end never reported (many telephones send no RTCP) is taken as nothing lost and no delay, so the
estimate is the best case then. Masking is no loss: it is meant.
"""

from dataclasses import dataclass
from typing import Final

from bridge.rtp.e_model import mos_of, rating
from bridge.rtp.quality import LegQuality

MIN_PACKETS: Final = 250
"Five seconds of sound: of less nothing is estimated, for one lost packet would weigh too much."

PACKET_MS: Final = 20.0
"Time that a packet takes to be filled."

TICK_MS: Final = 5.0
"Longest stay in the media worker, while the gate is open."

LEAST_BUFFER_MS: Final = 20.0
"A telephone's jitter buffer holds a packet at least, and twice the jitter where there is more."


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What one side heard of the other."""

    loss: float
    "Share of the other side's packets that did not reach its ear, 0 to 1, by both networks."

    delay_ms: float
    "From mouth to ear: half of both round trips, a packet time, a tick, a jitter buffer."

    rating: float
    "R of ITU-T G.107, 0 to 93.2."

    mos: float
    "Mean opinion score, 1 to 4.5, that the E-model gives for it."


@dataclass(frozen=True, slots=True, kw_only=True)
class CallQuality:
    """Both legs of a call, since it began."""

    caller: LegQuality
    agent: LegQuality

    @property
    def heard_by_agent(self) -> Heard | None:
        """What the agent heard of the caller; None where that was too little to judge."""
        return _heard(self.caller, self.agent)

    @property
    def heard_by_caller(self) -> Heard | None:
        """What the caller heard of the agent; None where that was too little to judge."""
        return _heard(self.agent, self.caller)


def _heard(speaker: LegQuality, listener: LegQuality) -> Heard | None:
    if speaker.packets_received < MIN_PACKETS or listener.packets_sent == 0:
        return None
    lost_later = _far_loss(listener)
    loss = 1 - (1 - speaker.loss) * (1 - lost_later)
    trips_ms = (speaker.round_trip_ms or 0.0) + (listener.round_trip_ms or 0.0)
    # The gateway keeps packets in their own time, so what the listener measures has the jitter of both networks.
    jitter_ms = speaker.jitter_ms if listener.far_jitter_ms is None else listener.far_jitter_ms
    delay_ms = trips_ms / 2 + PACKET_MS + TICK_MS + max(LEAST_BUFFER_MS, 2 * jitter_ms)
    r = rating(loss=loss, burst_ratio=speaker.burst_ratio, delay_ms=delay_ms)
    return Heard(
        loss=round(loss, 5),
        delay_ms=round(delay_ms, 1),
        rating=round(r, 1),
        mos=round(mos_of(r), 2),
    )


def _far_loss(leg: LegQuality) -> float:
    """Return the share that never reached the leg's far end of what was sent to it, by its last report."""
    if leg.far_packets_lost is None or leg.packets_sent == 0:
        return 0.0
    return min(1.0, max(0, leg.far_packets_lost) / leg.packets_sent)
