"""One media worker as the pool sees it: what it carries, whether it lives, whether it has room."""

from bridge.media import messages as m
from bridge.media.settings import WorkerSettings
from bridge.media.statistics import WorkerStatistics
from bridge.workers.heartbeat import Pulse
from bridge.workers.worker_process import WorkerProcess


class Carrier:
    """A running worker process and its calls."""

    def __init__(self, worker: WorkerProcess, settings: WorkerSettings, pulse: Pulse) -> None:
        self.worker, self.settings, self.pulse = worker, settings, pulse
        self.calls: dict[m.CallId, tuple[int, ...]] = {}
        "Calls that were given to this worker, and their RTP ports once it has told them."
        self.last = m.Heartbeat(calls=0, late_ticks=0)
        "What it last told of itself."
        self.statistics: WorkerStatistics | None = None
        "What it had counted when it last told; None before it has."

    @property
    def has_room(self) -> bool:
        """Return whether it may be given one more call."""
        return len(self.calls) < self.settings.calls and not self.last.overloaded

    @property
    def ports(self) -> tuple[int, ...]:
        """Return the RTP ports of all its calls."""
        return tuple(port for ports in self.calls.values() for port in ports)

    async def end(self) -> None:
        """Return when the process has ended: in order, or at once where it has not begun and so has no recording."""
        if not (self.pulse.started or self.calls):
            self.worker.abandon()
        await self.worker.stop()

    def receive(self, report: m.Report, now: float) -> None:
        """Note what concerns the pool; any report is a sign of life."""
        self.pulse.beat(now)
        match report:
            case m.Heartbeat():
                self.last = report
            case m.WorkerCounted():
                self.statistics = report.statistics
            case m.CallOpened() if report.call in self.calls:
                self.calls[report.call] = (report.caller_port, report.agent_port)
            case m.CallRefused():
                self.calls.pop(report.call, None)
            case _:
                pass
