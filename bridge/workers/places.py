"""The places of a node's media workers: in each runs one process, and one that died or hangs is replaced."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

import structlog

from bridge.media import messages as m
from bridge.media.settings import WorkerSettings
from bridge.workers.carrier import Carrier
from bridge.workers.heartbeat import Pulse
from bridge.workers.restart_pause import RestartPause
from bridge.workers.spare import Spare, StartWorker
from bridge.workers.worker_process import WorkerProcess

log = structlog.get_logger(__name__)


class Places:
    """Keeps one worker running for each of `settings`. `carriers` are those that run, by their places.

    `on_report` gets what they tell, `on_lost` one that is gone, and why; `on_begun` is called when one was replaced.
    """

    def __init__(
        self,
        settings: tuple[WorkerSettings, ...],
        *,
        on_report: Callable[[Carrier, m.Report], None],
        on_lost: Callable[[Carrier, str], None],
        on_begun: Callable[[], None],
        now: Callable[[], float],
        hang_s: float,
        start_worker: StartWorker,
        keep_spare: bool,
    ) -> None:
        """`now`: monotonic seconds; `hang_s`: the silence after which a worker is replaced."""
        self._settings = settings
        self._on_report, self._on_lost, self._on_begun = on_report, on_lost, on_begun
        self._now, self._hang_s, self._start_worker = now, hang_s, start_worker
        self.carriers: dict[int, Carrier] = {}
        self.lost = 0
        "Workers that died or hung."
        self._pauses = tuple(RestartPause() for _ in settings)
        self._spare: Spare | None = None
        if keep_spare:
            self._spare = Spare(start_worker, self._spawn, hang_s=hang_s, now=now)
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = asyncio.Event()

    @property
    def complete(self) -> bool:
        """Return whether there is a worker in every place, though some may still be starting."""
        return len(self.carriers) == len(self._settings)

    @property
    def spare_ready(self) -> bool:
        """Return whether a process waits to take a place."""
        return self._spare is not None and self._spare.ready

    async def start(self) -> None:
        """Start all workers; raise OSError where one cannot be started. :meth:`stop` ends those that were."""
        for place, settings in enumerate(self._settings):
            self._begin(place, settings, *await self._new_process())

    async def stop(self) -> None:
        """End all workers; recordings are on disk afterwards."""
        self._stopping.set()
        await self._settle()
        if self._spare is not None:
            await self._spare.stop()
        await asyncio.gather(*(carrier.end() for carrier in self.carriers.values()))
        self.carriers.clear()
        await self._settle()

    async def stopped_within(self, pause_s: float) -> bool:
        """Wait for the pause, or for :meth:`stop`; return whether that came."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), pause_s)
        return self._stopping.is_set()

    def check(self, now: float) -> None:
        """Replace the workers that hang; keep a spare one where all others run."""
        for place, carrier in list(self.carriers.items()):
            if carrier.pulse.has_stopped(now):
                carrier.worker.abandon()
                self._gone(place, carrier, "no heartbeat")
        if self._spare is not None:
            all_run = self.complete and all(c.pulse.started for c in self.carriers.values())
            self._spare.check(now, may_start=all_run and not self._stopping.is_set())

    def _begin(
        self, place: int, settings: WorkerSettings, worker: WorkerProcess, pulse: Pulse
    ) -> None:
        carrier = Carrier(worker, settings, pulse)
        self.carriers[place] = carrier
        self._pauses[place].begun(self._now())
        worker.listen(
            lambda report: self._receive(carrier, report),
            lambda: self._gone(place, carrier, "it has ended"),
        )
        worker.begin(settings)

    def _receive(self, carrier: Carrier, report: m.Report) -> None:
        carrier.receive(report, self._now())
        self._on_report(carrier, report)

    def _gone(self, place: int, carrier: Carrier, reason: str) -> None:
        """Go on without a worker that has died, or was killed; at once with the spare one, where there is one."""
        del self.carriers[place]
        self.lost += 1
        log.error(
            "media worker lost", pid=carrier.worker.pid, reason=reason, calls=len(carrier.calls)
        )
        settings = replace(self._settings[place], resting_ports=carrier.ports)
        pause_s = self._pauses[place].after_loss(self._now())
        if not self._stopping.is_set() and not (
            pause_s == 0 and self._begin_spare(place, settings)
        ):
            self._spawn(self._replace(place, settings, pause_s))
        self._spawn(_reap(carrier.worker))
        self._on_lost(carrier, reason)
        if place in self.carriers:
            self._on_begun()

    def _begin_spare(self, place: int, settings: WorkerSettings) -> bool:
        if self._spare is None or (taken := self._spare.take()) is None:
            return False
        worker, pulse = taken
        log.info("spare media worker takes over", pid=worker.pid, ready=pulse.started)
        self._begin(place, settings, worker, pulse)
        return True

    async def _replace(self, place: int, settings: WorkerSettings, pause_s: float) -> None:
        while not await self.stopped_within(pause_s):
            if self._begin_spare(place, settings) or await self._begin_new(place, settings):
                self._on_begun()
                return
            pause_s = self._pauses[place].after_loss(self._now())

    async def _begin_new(self, place: int, settings: WorkerSettings) -> bool:
        try:
            self._begin(place, settings, *await self._new_process())
        except OSError as error:
            log.error("media worker cannot be started", reason=error.strerror)
            return False
        return True

    async def _new_process(self) -> tuple[WorkerProcess, Pulse]:
        began_s = self._now()
        return await self._start_worker(), Pulse(self._hang_s, began_s)

    async def _settle(self) -> None:
        # Waited for, not cancelled: a process that is being started would be left without an owner.
        while self._tasks:
            await asyncio.gather(*self._tasks)

    def _spawn(self, step: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(step)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _reap(worker: WorkerProcess) -> None:
    await worker.stop()
    log.error("media worker ended", pid=worker.pid, exit_code=worker.returncode)
