"""A worker process that is started and has no settings yet: it takes the place of a lost one at once.

A new process takes a second or two until it can carry a call, for which the callers of a lone worker hear nothing.
Rules of this file: the spare has no calls and no ports; it is started only when every other worker runs, and after a
loss not before its calls have been moved, so that it keeps none of them waiting.
"""

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final

import structlog

from bridge.workers.heartbeat import Pulse
from bridge.workers.restart_pause import RestartPause
from bridge.workers.worker_process import WorkerProcess

log = structlog.get_logger(__name__)

MOVES_S: Final = 2.0
"""So long after one was taken no other is started: it is as long as hundreds of calls need to be moved, and a process
that starts takes a core from them for a second and more."""

StartWorker = Callable[[], Awaitable[WorkerProcess]]
Spawn = Callable[[Coroutine[Any, Any, None]], object]


class Spare:
    """Keeps one process ready. `spawn` starts a task that its owner waits for before :meth:`stop`."""

    def __init__(
        self,
        start_worker: StartWorker,
        spawn: Spawn,
        *,
        hang_s: float,
        now: Callable[[], float],
    ) -> None:
        """`hang_s`: the silence after which it is replaced; `now`: monotonic seconds."""
        self._start_worker, self._spawn = start_worker, spawn
        self._hang_s, self._now = hang_s, now
        self._waiting: tuple[WorkerProcess, Pulse] | None = None
        self._starting = False
        self._pause = RestartPause()
        self._not_before_s = 0.0

    @property
    def ready(self) -> bool:
        """Return whether it has told that it only waits for its settings."""
        return self._waiting is not None and self._waiting[1].started

    def take(self) -> tuple[WorkerProcess, Pulse] | None:
        """Return the process, ready or on its way, and its heartbeats; None where there is none."""
        taken, self._waiting = self._waiting, None
        if taken is not None:
            self._not_before_s = self._now() + MOVES_S
        return taken

    def check(self, now: float, *, may_start: bool) -> None:
        """Replace one that hangs; start one where there is none, if that is allowed just now."""
        if self._waiting is not None:
            worker, pulse = self._waiting
            if pulse.has_stopped(now):
                worker.abandon()
                self._lost(worker)
        elif may_start and not self._starting and now >= self._not_before_s:
            self._starting = True
            self._spawn(self._start())

    async def stop(self) -> None:
        """End it, where there is one: at once, as it has no recording to bring to disk."""
        if (taken := self.take()) is not None:
            worker, _ = taken
            worker.abandon()
            await worker.stop()

    async def _start(self) -> None:
        try:
            worker = await self._start_worker()
        except OSError as error:
            log.error("spare media worker cannot be started", reason=error.strerror)
            self._wait()
            return
        finally:
            self._starting = False
        now = self._now()
        pulse = Pulse(self._hang_s, now)
        self._pause.begun(now)
        self._waiting = worker, pulse
        worker.listen(lambda report: pulse.beat(self._now()), lambda: self._lost(worker))

    def _lost(self, worker: WorkerProcess) -> None:
        self._waiting = None
        log.error("spare media worker lost", pid=worker.pid)
        self._spawn(worker.stop())
        self._wait()

    def _wait(self) -> None:
        now = self._now()
        self._not_before_s = now + self._pause.after_loss(now)
