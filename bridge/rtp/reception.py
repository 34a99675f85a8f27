"""What was received of each stream: loss and jitter as columns, one row a leg (RFC 3550 appendices A.1, A.3, A.8).

Rules of this file: the usual packet, the next in its stream, is counted for a whole batch at once. Arrival times are
those of the worker's tick, so jitter below a tick (5 ms) is not seen; lost packets are counted exactly.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bridge.rtp.rtcp import ReportBlock

CLOCK_HZ: Final = 8000
_CYCLE: Final = 1 << 16
_WRAP: Final = float(1 << 32)
_LOST_LIMIT: Final = 0x7FFFFF
"What 24 bits with a sign hold."

Rows = NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """What was received on one leg since it was opened, all of its streams together."""

    packets: int
    "Those that came late or twice among them."

    lost: int
    "Packets that never came; 0 where more came than were sent, since some came twice."

    jitter_ms: float
    "Interarrival jitter of the present stream (RFC 3550 section 6.4.1)."


class ReceptionTable:
    """Statistics of `rows` legs."""

    def __init__(self, rows: int) -> None:
        def column() -> NDArray[np.int64]:
            return np.zeros(rows, np.int64)

        self._base, self._highest, self._received = column(), column(), column()
        "First sequence number; extended highest; packets of the present stream. None yet: `_highest` is `_base` - 1."
        self._transit: NDArray[np.float64] = np.zeros(rows)
        "Arrival less timestamp of the last packet that says something about jitter, in timestamp units."
        self._jitter: NDArray[np.float64] = np.zeros(rows)
        self._expected_before, self._received_before = column(), column()
        "At the last report."
        self._packets_former, self._lost_former = column(), column()
        "Of the leg's former streams."

    def open(self, row: int) -> None:
        """Forget everything: the row is another call's."""
        self._packets_former[row] = self._lost_former[row] = 0
        self._begin(row, 0)

    def start(self, row: int, sequence: int, timestamp: int, now: float) -> None:
        """A stream begins with the packet of `sequence`, which is to be counted yet (appendix A.1 `init_seq`)."""
        self._packets_former[row] += self._received[row]
        self._lost_former[row] += max(0, self._lost(row))
        self._begin(row, sequence)
        self._transit[row] = now * CLOCK_HZ - timestamp

    def count_next(self, rows: Rows, timestamps: NDArray[np.int64], now: float) -> None:
        """Count a packet each of different rows, each the next of its stream; shapes `(n,)`."""
        self._received[rows] += 1
        self._highest[rows] += 1
        transit = now * CLOCK_HZ - timestamps
        moved = transit - self._transit[rows]
        moved -= _WRAP * np.rint(moved / _WRAP)
        self._transit[rows] = transit
        self._jitter[rows] += (np.abs(moved) - self._jitter[rows]) / 16

    def count(self, row: int, sequence: int) -> None:
        """Count a packet that is not older than the last one (`update_seq`)."""
        self._received[row] += 1
        ahead = (sequence - int(self._highest[row])) % _CYCLE
        self._highest[row] += ahead

    def count_late(self, row: int) -> None:
        """Count a packet that came after its turn, or twice."""
        self._received[row] += 1

    def measure(self, row: int, timestamp: int, now: float) -> None:
        """Take the jitter of a packet that :meth:`count` has counted.

        Not for telephone events: all packets of one carry the timestamp of its beginning.
        """
        transit = now * CLOCK_HZ - timestamp
        moved = transit - float(self._transit[row])
        moved -= _WRAP * round(moved / _WRAP)
        self._transit[row] = transit
        self._jitter[row] += (abs(moved) - float(self._jitter[row])) / 16

    def received(self, row: int) -> Received:
        """Return the totals of a leg."""
        return Received(
            packets=int(self._packets_former[row] + self._received[row]),
            lost=int(self._lost_former[row]) + max(0, self._lost(row)),
            jitter_ms=round(float(self._jitter[row]) * 1000 / CLOCK_HZ, 3),
        )

    def report(self, row: int, ssrc: int) -> ReportBlock | None:
        """Return the block of the next report, without its times (appendix A.3); None where nothing came since."""
        expected, received = self._expected(row), int(self._received[row])
        expected_since = expected - int(self._expected_before[row])
        received_since = received - int(self._received_before[row])
        if received_since == 0:
            return None
        self._expected_before[row], self._received_before[row] = expected, received
        lost_since = max(0, expected_since - received_since)
        lost = min(max(self._lost(row), -_LOST_LIMIT - 1), _LOST_LIMIT)
        return ReportBlock(
            ssrc=ssrc,
            fraction_lost=min(255, 256 * lost_since // expected_since) if expected_since else 0,
            cumulative_lost=lost,
            highest_sequence=int(self._highest[row]) & 0xFFFFFFFF,
            jitter=int(self._jitter[row]) & 0xFFFFFFFF,
        )

    def _begin(self, row: int, sequence: int) -> None:
        self._base[row], self._highest[row] = sequence, sequence - 1
        self._received[row] = self._expected_before[row] = self._received_before[row] = 0
        self._jitter[row] = 0

    def _expected(self, row: int) -> int:
        return int(self._highest[row] - self._base[row]) + 1

    def _lost(self, row: int) -> int:
        return self._expected(row) - int(self._received[row])
