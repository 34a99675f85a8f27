"""All media workers of a node: calls go to the least loaded, a worker that died is replaced.

The commands of a call go to the worker that has it; commands for a call without a worker are nothing.
"""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final

import structlog

from bridge.media import messages as m
from bridge.media.settings import WorkerSettings
from bridge.media.worker_process import WorkerProcess
from dtmf.limits import DetectorLimits

RESTART_PAUSE_S: Final = 0.2
"Before a dead worker is replaced, so that one that cannot start does not spin."

log = structlog.get_logger(__name__)


class MediaPool:
    """Starts one worker for each of `settings`.

    `on_report` gets every report; `on_lost` the calls of a worker that is gone: their sound has stopped for good.
    """

    def __init__(
        self,
        settings: tuple[WorkerSettings, ...],
        on_report: Callable[[m.Report], None],
        on_lost: Callable[[frozenset[m.CallId]], None],
    ) -> None:
        self._settings = settings
        self._on_report, self._on_lost = on_report, on_lost
        self._workers: dict[int, WorkerProcess] = {}
        self._index_of_call: dict[m.CallId, int] = {}
        self._restarts: set[asyncio.Task[None]] = set()
        self._stopping = asyncio.Event()

    async def start(self) -> None:
        """Start all workers; raise OSError where one cannot be started, and leave none behind then."""
        try:
            for index in range(len(self._settings)):
                await self._start_worker(index)
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """End all workers; recordings are on disk afterwards."""
        self._stopping.set()
        # Waited for, not cancelled: a process that is being started would be left without an owner.
        await asyncio.gather(*self._restarts)
        await asyncio.gather(*(worker.stop() for worker in self._workers.values()))
        self._workers.clear()

    def pids(self) -> list[int]:
        """Return the process ids of the running workers."""
        return [worker.pid for worker in self._workers.values()]

    def pid_of(self, call: m.CallId) -> int | None:
        """Return the process id of the worker that carries `call`."""
        worker = self._worker_of(call)
        return None if worker is None else worker.pid

    def open(self, call: m.CallId, detector: DetectorLimits) -> None:
        """Give a new call to the least loaded worker; answered by `CallOpened` or `CallRefused`.

        `detector`: by which the caller's keys are read.
        """
        if not self._workers:
            self._on_report(m.CallRefused(call=call, reason="no media worker is running"))
            return
        index = min(self._workers, key=lambda index: len(self._workers[index].calls))
        self._workers[index].calls.add(call)
        self._index_of_call[call] = index
        self._workers[index].send(m.OpenCall(call=call, detector=detector))

    def send(self, command: m.Command) -> None:
        """Send a command to the worker of its call."""
        worker = self._worker_of(command.call)
        if worker is None:
            return
        worker.send(command)
        if isinstance(command, m.CloseCall):
            self._forget(command.call, worker)

    def _worker_of(self, call: m.CallId) -> WorkerProcess | None:
        index = self._index_of_call.get(call)
        return None if index is None else self._workers.get(index)

    def _forget(self, call: m.CallId, worker: WorkerProcess) -> None:
        worker.calls.discard(call)
        self._index_of_call.pop(call, None)

    async def _start_worker(self, index: int) -> None:
        self._workers[index] = await WorkerProcess.start(
            self._settings[index], self._receive, lambda worker: self._worker_gone(index, worker)
        )

    def _receive(self, worker: WorkerProcess, report: m.Report) -> None:
        if isinstance(report, m.CallRefused):
            self._forget(report.call, worker)
        self._on_report(report)

    def _worker_gone(self, index: int, worker: WorkerProcess) -> None:
        calls = frozenset(worker.calls)
        for call in calls:
            self._forget(call, worker)
        del self._workers[index]
        if not self._stopping.is_set():
            task = asyncio.get_running_loop().create_task(self._replace(index, worker))
            self._restarts.add(task)
            task.add_done_callback(self._restarts.discard)
        if calls:
            self._on_lost(calls)

    async def _replace(self, index: int, dead: WorkerProcess) -> None:
        await dead.stop()
        started = False
        while not started and not await self._stopped_within(RESTART_PAUSE_S):
            started = await self._try_to_start(index)

    async def _stopped_within(self, pause_s: float) -> bool:
        """Wait for the pause, or for the stop of the pool; return whether that came."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), pause_s)
        return self._stopping.is_set()

    async def _try_to_start(self, index: int) -> bool:
        try:
            await self._start_worker(index)
        except OSError as error:
            log.error("media worker cannot be started", reason=error.strerror)
            return False
        return True
