"""How good the sound of one leg is, as far as RTP and RTCP tell: for who keeps statistics of calls."""

from dataclasses import dataclass
from typing import Self

from bridge.rtp.reception import CLOCK_HZ, Received
from bridge.rtp.rtcp import ReportBlock


@dataclass(frozen=True, slots=True, kw_only=True)
class LegQuality:
    """One leg since the call began. What the far end tells is None until it has sent a report."""

    packets_received: int
    "Those that came late or twice among them."

    packets_lost: int
    "That the far end sent and that never came."

    packets_late: int
    "That came after their turn, or twice, and were dropped."

    jitter_ms: float
    "Interarrival jitter of what is received (RFC 3550 section 6.4.1), seen through a tick of 5 ms."

    packets_missed: int
    "That were not there when their turn came: lost, or late. What the other side did not hear."

    losses: int
    "How often one or several in a row were missed."

    packets_sent: int

    far_packets_lost: int | None
    "Of what we sent, by the far end's last report; negative where some arrived twice."

    far_fraction_lost: float | None
    "Of what we sent between the far end's last two reports, 0 to 1."

    far_jitter_ms: float | None

    round_trip_ms: float | None
    "By the far end's last report that allows to tell it."

    @classmethod
    def of(
        cls,
        received: Received,
        *,
        packets_late: int,
        packets_sent: int,
        far: ReportBlock | None,
        round_trip_s: float | None,
    ) -> Self:
        """Return both directions of a leg in one; `far` is what its far end received."""
        return cls(
            packets_received=received.packets,
            packets_lost=received.lost,
            packets_late=packets_late,
            packets_missed=received.missed,
            losses=received.losses,
            jitter_ms=received.jitter_ms,
            packets_sent=packets_sent,
            far_packets_lost=None if far is None else far.cumulative_lost,
            far_fraction_lost=None if far is None else far.fraction_lost / 256,
            far_jitter_ms=None if far is None else round(far.jitter * 1000 / CLOCK_HZ, 3),
            round_trip_ms=None if round_trip_s is None else round(round_trip_s * 1000, 3),
        )

    @property
    def loss(self) -> float:
        """Return the share of the far end's packets that were missed, 0 to 1."""
        due = self.packets_received - self.packets_late + self.packets_missed
        return self.packets_missed / due if due else 0.0

    @property
    def burst_ratio(self) -> float:
        """Return BurstR of ITU-T G.107: mean length of a loss over that of random loss; 1 where there was none."""
        if not self.losses:
            return 1.0
        return max(1.0, self.packets_missed / self.losses * (1 - self.loss))
