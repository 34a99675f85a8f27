"""A pool whose workers and clock the test plays itself."""

import asyncio
from collections.abc import Callable
from typing import Final

from bridge.media import messages as m
from bridge.media.settings import WorkerSettings
from bridge.workers.pool import MediaPool
from bridge.workers.worker_process import OnGone, OnReport, WorkerProcess

SETTINGS: Final = WorkerSettings(host="127.0.0.1", first_port=20_000, last_port=20_099, calls=4)


class FakeWorker(WorkerProcess):
    """A worker without a process: keeps its commands, tells what the test says."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self.given: list[WorkerSettings] = []
        "Its settings, once it has some."
        self.commands: list[m.Command] = []
        self.abandoned = self.stopped = self.heard = False

    @property
    def pid(self) -> int:
        return self._pid

    @property
    def returncode(self) -> int | None:
        return -9 if self.stopped else None

    @property
    def settings(self) -> WorkerSettings:
        """What it was given, once."""
        (settings,) = self.given
        return settings

    def listen(self, on_report: OnReport, on_gone: OnGone) -> None:
        self._tell, self._tell_gone = on_report, on_gone
        self.heard = True

    def begin(self, settings: WorkerSettings) -> None:
        self.given.append(settings)

    def send(self, command: m.Command) -> None:
        self.commands.append(command)

    def abandon(self) -> None:
        self.abandoned = True

    async def stop(self) -> None:
        self.stopped = True

    def report(self, report: m.Report) -> None:
        """Tell the gateway something."""
        self._tell(report)

    def beat(self, *, overloaded: bool = False) -> None:
        """Tell that it lives."""
        self.report(m.Heartbeat(calls=0, late_ticks=0, overloaded=overloaded))

    def opened(self, call: str, port: int = 20_000) -> None:
        """Tell that a call has ports."""
        self.report(m.CallOpened(call=m.CallId(call), caller_port=port, agent_port=port + 2))

    def refuse(self, call: str, reason: str = "all RTP ports are in use") -> None:
        """Tell that a call is not taken."""
        self.report(m.CallRefused(call=m.CallId(call), reason=reason))

    def die(self) -> None:
        """End without being asked."""
        self._tell_gone()

    def calls(self) -> list[str]:
        """Return the calls that were given to it, in their order."""
        return [command.call for command in self.commands if isinstance(command, m.OpenCall)]


class PoolRig:
    """A pool of fake workers; `now` moves when the test says so."""

    def __init__(self, *settings: WorkerSettings, keep_spare: bool = False) -> None:
        self.now = 100.0
        self.started: list[FakeWorker] = []
        "All workers ever started, replaced ones too."
        self.told: list[m.CallReport] = []
        self.lost: list[tuple[set[str], str]] = []
        self.refuses_to_start = 0
        self.pool = MediaPool(
            settings,
            self.told.append,
            lambda calls, reason: self.lost.append((set(calls), reason)),
            now=lambda: self.now,
            start_worker=self._start,
            keep_spare=keep_spare,
        )

    async def _start(self) -> WorkerProcess:
        if self.refuses_to_start:
            self.refuses_to_start -= 1
            raise OSError(11, "Resource temporarily unavailable")
        worker = FakeWorker(1000 + len(self.started))
        self.started.append(worker)
        return worker

    def open(self, *calls: str) -> None:
        """Let calls begin."""
        for call in calls:
            self.pool.open(m.OpenCall(call=m.CallId(call)))

    def reopen(self, *calls: str) -> None:
        """Let calls go on that have lost their worker."""
        for call in calls:
            self.pool.reopen(m.OpenCall(call=m.CallId(call)))

    def refused(self) -> dict[str, str]:
        """Return the calls that were refused, and why."""
        return {told.call: told.reason for told in self.told if isinstance(told, m.CallRefused)}

    def pass_silently(self, seconds: float, *living: FakeWorker) -> None:
        """Let time pass in which only `living` beat, and the pool look."""
        for _ in range(round(seconds / 0.1)):
            self.now += 0.1
            for worker in living:
                worker.beat()
            self.pool.check(self.now)

    def beats(self, worker: FakeWorker) -> bool:
        """Let a spare worker tell that it waits; return whether the pool has heard."""
        if worker.heard:
            worker.beat()
        return self.pool.load().spare_ready

    async def settle(self) -> None:
        """Let all tasks go on as far as they can."""
        for _ in range(20):
            await asyncio.sleep(0)

    async def replaced(self, workers: int) -> FakeWorker:
        """Return the newest worker once so many have been started."""
        await until(lambda: len(self.started) >= workers)
        return self.started[-1]


async def until(accept: Callable[[], bool]) -> None:
    """Return once `accept()` holds."""
    async with asyncio.timeout(30.0):
        while not accept():  # noqa: ASYNC110  # nothing tells
            await asyncio.sleep(0)
