"""Reports of a worker that wait while the gateway does not read: bounded; presses and confirmations are never dropped.

Drop policy: of the heartbeats, of the statistics, and of what the recorder of one call says, only the newest waits. All
else waits for its turn. Where even that grows beyond the bound the gateway does not live, and the worker must not go
on: a payment that goes on without some of its presses is worse than a call that falls silent.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from bridge.media import messages as m
from bridge.media.message_codec import encode

REPORTS_PER_CALL: Final = 64
"Two cards keyed without a mistake (some 25 presses each) and what gate and recorder confirm meanwhile."

LEAST_REPORTS: Final = 1024
"Bound of a worker for few calls: calls come and go while the gateway is busy."


class ReportQueue:
    """What waits to be sent, oldest first; for a worker of `calls` call slots."""

    def __init__(self, calls: int) -> None:
        self._bound = max(LEAST_REPORTS, REPORTS_PER_CALL * calls)
        self._waiting: deque[m.Report] = deque()
        self.overflowed = False
        "Something that must not be dropped has found no room: the worker is to end."

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, report: m.Report) -> None:
        """Let a report wait, or tell by :attr:`overflowed` that there is no room left for it."""
        if len(self._waiting) >= self._bound:
            self._drop_overtaken()
        if len(self._waiting) >= self._bound:
            self.overflowed = True
        else:
            self._waiting.append(report)

    def send_to(self, send: Callable[[bytes], object]) -> None:
        """Send what waits until `send` raises BlockingIOError; what it did not take goes on waiting."""
        while self._waiting:
            try:
                send(encode(self._waiting[0]))
            except BlockingIOError:
                return
            self._waiting.popleft()

    def _drop_overtaken(self) -> None:
        """Keep what the worker last told of itself, and each call's last word on its recorder, with why it failed."""
        kept: deque[m.Report] = deque()
        of_itself: set[type[m.Report]] = set()
        recorders: dict[m.CallId, int] = {}
        for report in reversed(self._waiting):
            if isinstance(report, m.Heartbeat | m.WorkerCounted):
                if type(report) in of_itself:
                    continue
                of_itself.add(type(report))
            elif isinstance(report, m.RecorderChanged):
                if (newest := recorders.get(report.call)) is not None:
                    kept[newest] = _with_reason(kept[newest], report.reason)
                    continue
                recorders[report.call] = len(kept)
            kept.append(report)
        kept.reverse()
        self._waiting = kept


def _with_reason(newest: m.Report, reason: str) -> m.Report:
    assert isinstance(newest, m.RecorderChanged)
    return newest if newest.reason or not reason else replace(newest, reason=reason)
