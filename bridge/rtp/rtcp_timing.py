"""When RTCP is sent (RFC 3550 sections 6.2 and 6.3, appendix A.7), for the two parties of a telephone call.

Rules of this file: time and chance are arguments. There is one other member at most, so that the reconsideration of
section 6.3.3 changes little; it is here because the far end may leave or be silent.
"""

import math
from collections.abc import Callable
from typing import Final

MIN_INTERVAL_S: Final = 5.0
"Section 6.2; half of it before the first report."

SENDER_SHARE: Final = 0.25
"Of the bandwidth, for those who send RTP, while they are at most a quarter of the members."

COMPENSATION: Final = math.e - 1.5
"Reconsideration makes the mean interval longer than it was computed; this makes up for it."

RTCP_OCTETS_PER_S: Final = 500
"5 % of what G.711 in packets of 20 ms takes with RTP, UDP and IP headers: 200 octets, 50 times a second."

UDP_IP_OCTETS: Final = 28
"What each datagram takes beside its own octets (section 6.3.3)."

FIRST_SIZE_OCTETS: Final = 120.0
"A sender report with one block and a CNAME, and the headers: the average before there is one."

TIMEOUT_INTERVALS: Final = 5
"A far end that has been silent for so many intervals is not counted (section 6.3.5)."


def deterministic_interval_s(
    *, members: int, senders: int, we_sent: bool, average_octets: float, initial: bool
) -> float:
    """Return Td of section 6.3.1, in seconds."""
    octets_per_s, n = float(RTCP_OCTETS_PER_S), members
    if 0 < senders <= members * SENDER_SHARE:
        share = SENDER_SHARE if we_sent else 1 - SENDER_SHARE
        octets_per_s, n = octets_per_s * share, senders if we_sent else members - senders
    return max(MIN_INTERVAL_S / 2 if initial else MIN_INTERVAL_S, n * average_octets / octets_per_s)


class ReportTimer:
    """Tells when a report is due. `chance` draws from 0 to 1."""

    def __init__(self, chance: Callable[[], float], now: float) -> None:
        self._chance = chance
        self._initial = True
        self._average_octets = FIRST_SIZE_OCTETS
        self._last_s = now
        "When a report was sent, or there was none."
        self._heard_s: float | None = None
        "When the far end was heard; None where it has not been, or has left."
        self._next_s = now + self._draw(now, we_sent=False, far_sends=False)

    def next_timer(self) -> float:
        """Return when :meth:`handle_timer` wants to be called, in monotonic seconds."""
        return self._next_s

    def receive(self, octets: int, now: float) -> None:
        """The far end's RTCP came, in a datagram of `octets`."""
        self._heard_s = now
        self._weigh(octets)

    def leave(self) -> None:
        """The far end has said good-bye (section 6.3.4)."""
        self._heard_s = None

    def handle_timer(self, now: float, *, we_sent: bool, far_sends: bool) -> bool:
        """Return whether a report is due: it is where the interval, drawn anew, is over as well (section 6.3.6)."""
        if now < self._next_s:
            return False
        self._next_s = self._last_s + self._draw(now, we_sent=we_sent, far_sends=far_sends)
        if self._next_s > now:
            return False
        self._last_s = now
        self._initial = False
        self._next_s = now + self._draw(now, we_sent=we_sent, far_sends=far_sends)
        return True

    def sent(self, octets: int) -> None:
        """A report of `octets` was sent."""
        self._weigh(octets)

    def _draw(self, now: float, *, we_sent: bool, far_sends: bool) -> float:
        interval_s = deterministic_interval_s(
            members=1 + self._far_counts(now),
            senders=int(we_sent) + int(far_sends and self._far_counts(now)),
            we_sent=we_sent,
            average_octets=self._average_octets,
            initial=self._initial,
        )
        return interval_s * (0.5 + self._chance()) / COMPENSATION

    def _far_counts(self, now: float) -> bool:
        heard_s = self._heard_s
        return heard_s is not None and now - heard_s <= TIMEOUT_INTERVALS * MIN_INTERVAL_S

    def _weigh(self, octets: int) -> None:
        self._average_octets += (octets + UDP_IP_OCTETS - self._average_octets) / 16
