"""What was received of each stream: loss and jitter as columns, one row a leg (RFC 3550 appendices A.1, A.3, A.8).

Rules of this file: the usual packet, the next in its stream that came, is counted by whoever recognises it
(`bridge.media.receiver`): it moves the sequence number that is expected next, its time and the jitter, and tells what
was lost before it. Arrival times are those of the worker's tick, so jitter below a tick (5 ms) is not seen.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bridge.rtp.rtcp import ReportBlock

CLOCK_HZ: Final = 8000

CLOCK_JUMP_S: Final = 1.0
"A packet so far from its time says something about the sender's clock, and nothing about jitter."

JITTER_GAIN: Final = 1 / 16
"What of a packet's deviation goes into the jitter (RFC 3550 appendix A.8)."

_CYCLE: Final = 1 << 16
_LOST_LIMIT: Final = 0x7FFFFF
"What 24 bits with a sign hold."


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """What was received on one leg since it was opened, all of its streams together."""

    packets: int
    "Those that came late or twice among them."

    lost: int
    "Packets that never came; 0 where more came than were sent, since some came twice."

    missed: int
    "Packets that were not there when their turn came: those that came too late are among them."

    losses: int
    "How often one or several in a row were missed."

    jitter_ms: float
    "Interarrival jitter of the present stream (RFC 3550 section 6.4.1)."


class ReceptionTable:
    """Statistics of one leg a row.

    Three columns are shared with who recognises the next packet of a stream and counts it: the sequence number that is
    expected, extended by its cycles; when the next packet comes if it takes as long as the last one did; and the
    interarrival jitter.
    """

    def __init__(
        self,
        next_sequence: NDArray[np.int64],
        due_s: NDArray[np.float64],
        jitter_s: NDArray[np.float64],
    ) -> None:
        def column() -> NDArray[np.int64]:
            return np.zeros(len(next_sequence), np.int64)

        self._next, self._due_s, self._jitter_s = next_sequence, due_s, jitter_s
        self._base, self._missing = column(), column()
        "First sequence number of the present stream; packets of it that have not come, less those that came twice."
        self._expected_before, self._received_before = column(), column()
        "At the last report."
        self._packets_former, self._lost_former = column(), column()
        "Of the leg's former streams."
        self._missed, self._losses = column(), column()
        "Of all the leg's streams."
        self._packets_ended = self._missed_ended = 0
        "Of the legs that had the rows before."

    def open(self, row: int) -> None:
        """Forget everything: the row is another call's."""
        self._packets_ended += int(self._packets_former[row]) + self._received(row)
        self._missed_ended += int(self._missed[row])
        self._begin(row, 0, 0.0)
        self._packets_former[row] = self._lost_former[row] = 0
        self._missed[row] = self._losses[row] = 0

    def start(self, row: int, sequence: int, now: float) -> None:
        """A stream begins with the packet of `sequence`, which is to be counted yet (appendix A.1 `init_seq`)."""
        self._packets_former[row] += self._received(row)
        self._lost_former[row] += max(0, int(self._missing[row]))
        self._begin(row, sequence, now)

    def count(self, row: int, sequence: int) -> None:
        """Count a packet that is not older than the last one (`update_seq`)."""
        ahead = (sequence - int(self._next[row])) % _CYCLE
        self._missing[row] += ahead
        self._next[row] += ahead + 1
        self._missed[row] += ahead
        self._losses[row] += ahead > 0

    def count_gaps(self, rows: NDArray[np.intp], gaps: NDArray[np.int64]) -> None:
        """Count what was lost (n,) on different rows (n,), where the sequence number has been moved already."""
        self._missing[rows] += gaps
        self._missed[rows] += gaps
        self._losses[rows] += gaps > 0

    def count_late(self, row: int) -> None:
        """Count a packet that came after its turn, or twice."""
        self._missing[row] -= 1

    def measure(self, row: int, hole_samples: int, samples: int, now: float) -> None:
        """Take the jitter of one packet of `samples` whose timestamp is `hole_samples` behind the end of the last one.

        Not for telephone events: all packets of one carry the timestamp of its beginning.
        """
        moved_s = abs(now - float(self._due_s[row]) - hole_samples / CLOCK_HZ)
        self._due_s[row] = now + samples / CLOCK_HZ
        if moved_s < CLOCK_JUMP_S:
            self._jitter_s[row] += JITTER_GAIN * (moved_s - float(self._jitter_s[row]))

    def received(self, row: int) -> Received:
        """Return the totals of a leg."""
        return Received(
            packets=int(self._packets_former[row]) + self._received(row),
            lost=int(self._lost_former[row]) + max(0, int(self._missing[row])),
            missed=int(self._missed[row]),
            losses=int(self._losses[row]),
            jitter_ms=round(float(self._jitter_s[row]) * 1000, 3),
        )

    def totals(self) -> tuple[int, int]:
        """Return the packets received and missed on all rows, by all legs that ever had them; neither ever falls."""
        received = self._packets_former + self._next - self._base - self._missing
        missed = self._missed_ended + int(self._missed.sum())
        return self._packets_ended + int(received.sum()), missed

    def jitter_s(self, rows: NDArray[np.bool_]) -> float:
        """Return the mean interarrival jitter of the chosen rows (all rows as a mask), 0.0 where there is none."""
        return float(self._jitter_s[rows].mean()) if rows.any() else 0.0

    def report(self, row: int, ssrc: int) -> ReportBlock | None:
        """Return the block of the next report, without its times (appendix A.3); None where nothing came since."""
        expected, received = self._expected(row), self._received(row)
        expected_since = expected - int(self._expected_before[row])
        received_since = received - int(self._received_before[row])
        if received_since == 0:
            return None
        self._expected_before[row], self._received_before[row] = expected, received
        lost_since = max(0, expected_since - received_since)
        lost = min(max(int(self._missing[row]), -_LOST_LIMIT - 1), _LOST_LIMIT)
        return ReportBlock(
            ssrc=ssrc,
            fraction_lost=min(255, 256 * lost_since // expected_since) if expected_since else 0,
            cumulative_lost=lost,
            highest_sequence=(int(self._next[row]) - 1) & 0xFFFFFFFF,
            jitter=int(float(self._jitter_s[row]) * CLOCK_HZ),
        )

    def _begin(self, row: int, sequence: int, now: float) -> None:
        self._base[row] = self._next[row] = sequence
        self._missing[row] = self._expected_before[row] = self._received_before[row] = 0
        self._due_s[row], self._jitter_s[row] = now, 0.0

    def _expected(self, row: int) -> int:
        return int(self._next[row] - self._base[row])

    def _received(self, row: int) -> int:
        return self._expected(row) - int(self._missing[row])
