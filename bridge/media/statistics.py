"""What a media worker counts, told once a second: totals of all its calls, since it was started.

Rules of this file: nothing here names a call, or is of a single packet, frame or press. Totals never fall while the
worker lives; the next worker in its place begins at nothing.
"""

from dataclasses import dataclass
from typing import Final

TICK_BOUNDS_S: Final = (0.0005, 0.001, 0.002, 0.003, 0.004, 0.005, 0.01, 0.02, 0.05, 0.1)
"A tick is due every 5 ms, so one that takes longer makes the next one late."


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerStatistics:
    """One worker."""

    calls: int
    "Just now, as are the next four."

    secure_calls: int

    ports_in_use: int
    "RTP and RTCP ports of calls, and of calls that ended so recently that late packets may still come."

    ports: int
    "As many as there are to be given out."

    jitter_s: float
    "Interarrival jitter, mean of the legs that are heard just now."

    packets_received: int
    "RTP that was in its turn, or late, or came twice."

    packets_missed: int
    "That were not there when their turn came."

    packets_late: int
    "That came after their turn, or twice, and were dropped."

    packets_malformed: int
    packets_foreign: int
    "Of a payload that was not agreed on, or too long."

    packets_sent: int
    packets_unsent: int
    "That the kernel did not take, RTCP too."

    frames_masked: int
    "20 ms frames of callers on secure lines; what the kinds mean: `bridge.media.secure_counters.SecureTotals`."

    frames_passed: int
    frames_muted: int
    frames_lost: int

    presses_in_band: int
    presses_rfc4733: int
    presses_sip_info: int

    events_withheld: int
    stream_restarts: int

    cpu_s: float
    "Processor time of the process, user and system."

    late_ticks: int
    "That began more than a tick late."

    withheld_ticks: int
    "That began so late that nothing was sent."

    tick_counts: tuple[int, ...]
    "How many took up to each of :data:`TICK_BOUNDS_S`, and longer than the one before; the last: longer than all."

    tick_total_s: float
    "What all ticks took together."


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopTotals:
    """What only the worker's loop knows of the above."""

    cpu_s: float
    late_ticks: int
    withheld_ticks: int
    tick_counts: tuple[int, ...]
    tick_total_s: float
