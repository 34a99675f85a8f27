"""All media workers of a node: calls go to the least loaded, a worker that died or hangs is replaced.

The commands of a call go to the worker that has it; commands for a call without a worker are nothing.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final

import structlog

from bridge.media import messages as m
from bridge.media.carrier import Carrier
from bridge.media.heartbeat import CHECK_S, Pulse
from bridge.media.load import MediaLoad, load_of
from bridge.media.openings import Opening
from bridge.media.settings import WorkerSettings
from bridge.media.statistics import WorkerStatistics
from bridge.media.worker_process import WorkerProcess
from dtmf.limits import DetectorLimits

RESTART_PAUSE_S: Final = 0.2
"Before a worker that did not even start is replaced, so that one that cannot start does not spin."

HANG_S: Final = 0.5
"A worker that tells nothing of itself for so long hangs: five heartbeats."

OnReport = Callable[[WorkerProcess, m.Report], None]
OnGone = Callable[[WorkerProcess], None]
StartWorker = Callable[[WorkerSettings, OnReport, OnGone], Awaitable[WorkerProcess]]

log = structlog.get_logger(__name__)


class MediaPool:
    """Starts one worker for each of `settings`.

    `on_report` gets what concerns calls; `on_lost` the calls of a worker that is gone,
    and why it is: their sound has stopped.
    """

    def __init__(
        self,
        settings: tuple[WorkerSettings, ...],
        on_report: Callable[[m.CallReport], None],
        on_lost: Callable[[frozenset[m.CallId], str], None],
        *,
        now: Callable[[], float],
        hang_s: float = HANG_S,
        start_worker: StartWorker = WorkerProcess.start,
    ) -> None:
        """`now`: monotonic seconds; `hang_s`: the silence after which a worker is replaced."""
        self._settings = settings
        self._on_report, self._on_lost = on_report, on_lost
        self._now, self._hang_s, self._start_worker = now, hang_s, start_worker
        self._carriers: dict[int, Carrier] = {}
        "By place: worker `n` is started with the settings `n`."
        self._carrier_of: dict[m.CallId, Carrier] = {}
        self._openings: dict[m.CallId, Opening] = {}
        self._restarts: set[asyncio.Task[None]] = set()
        self._stopping = asyncio.Event()
        self._watch: asyncio.Task[None] | None = None
        self._lost = self._refused = 0
        self._nearly_full = False

    async def start(self) -> None:
        """Start all workers; raise OSError where one cannot be started, and leave none behind then."""
        try:
            for place, settings in enumerate(self._settings):
                await self._start_in(place, settings)
        except BaseException:
            await self.stop()
            raise
        self._watch = asyncio.get_running_loop().create_task(self._check_again_and_again())

    async def stop(self) -> None:
        """End all workers; recordings are on disk afterwards."""
        self._stopping.set()
        if self._watch is not None:
            await self._watch
        # Waited for, not cancelled: a process that is being started would be left without an owner.
        await asyncio.gather(*self._restarts)
        await asyncio.gather(*(carrier.worker.stop() for carrier in self._carriers.values()))
        self._carriers.clear()

    def pids(self) -> list[int]:
        """Return the process ids of the running workers."""
        return [carrier.worker.pid for carrier in self._carriers.values()]

    def pid_of(self, call: m.CallId) -> int | None:
        """Return the process id of the worker that carries `call`."""
        carrier = self._carrier_of.get(call)
        return None if carrier is None else carrier.worker.pid

    def load(self) -> MediaLoad:
        """Return how much is carried, and how much more can be."""
        return load_of(
            self._carriers.values(),
            configured=len(self._settings),
            lost=self._lost,
            refused=self._refused,
        )

    def statistics(self) -> dict[int, WorkerStatistics]:
        """Return what each running worker last told, by its place among the settings; one that starts is left out."""
        return {
            place: carrier.statistics
            for place, carrier in self._carriers.items()
            if carrier.statistics is not None
        }

    def open(self, call: m.CallId, detector: DetectorLimits) -> None:
        """Give a new call to the least loaded worker; answered by `CallOpened` or, where none has room, `CallRefused`.

        `detector`: by which the caller's keys are read.
        """
        self._open(Opening(command=m.OpenCall(call=call, detector=detector), waits=False))

    def reopen(self, call: m.CallId, detector: DetectorLimits) -> None:
        """As :meth:`open` for a call whose worker was lost: it waits for a worker that is being started.

        Whoever does not want to wait any longer sends `CloseCall`.
        """
        self._open(Opening(command=m.OpenCall(call=call, detector=detector), waits=True))

    def send(self, command: m.Command) -> None:
        """Send a command to the worker of its call."""
        carrier = self._carrier_of.get(command.call)
        if carrier is not None:
            carrier.worker.send(command)
        if isinstance(command, m.CloseCall):
            self._forget(command.call)

    def check(self, now: float) -> None:
        """Replace the workers that hang. Called every :data:`CHECK_S`."""
        for place, carrier in list(self._carriers.items()):
            if carrier.pulse.has_stopped(now):
                carrier.worker.abandon()
                self._gone(place, carrier, "no heartbeat")
        self._tell_if_nearly_full()

    async def _check_again_and_again(self) -> None:
        while not await self._stopped_within(CHECK_S):
            self.check(self._now())

    def _tell_if_nearly_full(self) -> None:
        """Say once when calls will soon be refused, and once when there is room again."""
        load = self.load()
        if load.nearly_full is self._nearly_full or not load.workers_running:
            return
        self._nearly_full = load.nearly_full
        tell = log.warning if load.nearly_full else log.info
        what = "media nearly full" if load.nearly_full else "media has room again"
        tell(
            what, calls=load.calls, possible=load.calls_possible, overloaded=load.workers_overloaded
        )

    def _open(self, opening: Opening) -> None:
        self._openings[opening.command.call] = opening
        self._try_next(opening)

    def _try_next(self, opening: Opening) -> None:
        """Give the call to the best worker that has not refused it; let it wait, or refuse it, where there is none."""
        call = opening.command.call
        carrier = self._best_for(opening)
        if carrier is not None:
            carrier.calls[call] = ()
            self._carrier_of[call] = carrier
            carrier.worker.send(opening.command)
        elif not (opening.waits and len(self._carriers) < len(self._settings)):
            del self._openings[call]
            self._refused += 1
            self._on_report(opening.refusal)

    def _best_for(self, opening: Opening) -> Carrier | None:
        """Return the least loaded; one that is still starting is no place for callers who hear nothing meanwhile."""
        candidates = [
            carrier
            for carrier in self._carriers.values()
            if carrier.has_room and carrier.worker.pid not in opening.tried
        ]
        if opening.waits:
            return min(candidates, key=lambda c: (not c.pulse.started, len(c.calls)), default=None)
        return min(candidates, key=lambda c: (len(c.calls), not c.pulse.started), default=None)

    def _forget(self, call: m.CallId) -> None:
        self._openings.pop(call, None)
        if (carrier := self._carrier_of.pop(call, None)) is not None:
            carrier.calls.pop(call, None)

    async def _start_in(self, place: int, settings: WorkerSettings) -> None:
        pulse = Pulse(self._hang_s, self._now())
        worker = await self._start_worker(
            settings,
            lambda worker, report: self._receive(place, report),
            lambda worker: self._ended(place),
        )
        self._carriers[place] = Carrier(worker, settings, pulse)

    def _receive(self, place: int, report: m.Report) -> None:
        carrier = self._carriers[place]
        carrier.receive(report, self._now())
        match report:
            case m.Heartbeat() | m.WorkerCounted():
                return
            case m.CallRefused():
                self._refused_by(carrier, report)
                return
            case m.CallOpened():
                self._openings.pop(report.call, None)
            case _:
                pass
        self._on_report(report)

    def _refused_by(self, carrier: Carrier, report: m.CallRefused) -> None:
        self._carrier_of.pop(report.call, None)
        if (opening := self._openings.get(report.call)) is not None:
            opening.refused(carrier.worker.pid, report.reason)
            self._try_next(opening)

    def _ended(self, place: int) -> None:
        self._gone(place, self._carriers[place], "it has ended")

    def _gone(self, place: int, carrier: Carrier, reason: str) -> None:
        """Go on without a worker that has died, or was killed."""
        del self._carriers[place]
        self._lost += 1
        log.error(
            "media worker lost", pid=carrier.worker.pid, reason=reason, calls=len(carrier.calls)
        )
        ports = carrier.ports
        calls = frozenset(carrier.calls)
        unopened = [self._openings[call] for call in calls if call in self._openings]
        for call in calls:
            self._carrier_of.pop(call, None)
        if not self._stopping.is_set():
            self._spawn(self._replace(place, carrier.pulse.started, ports))
        self._spawn(_reap(carrier.worker))
        for opening in unopened:  # no far end knows of these ports yet
            self._try_next(opening)
        if established := calls - {opening.command.call for opening in unopened}:
            self._on_lost(established, reason)

    def _spawn(self, step: Awaitable[None]) -> None:
        task = asyncio.ensure_future(step)
        self._restarts.add(task)
        task.add_done_callback(self._restarts.discard)

    async def _replace(self, place: int, had_started: bool, ports: tuple[int, ...]) -> None:
        pause_s = 0.0 if had_started else RESTART_PAUSE_S
        settings = replace(self._settings[place], resting_ports=ports)
        while not await self._stopped_within(pause_s):
            if await self._try_to_start(place, settings):
                for opening in list(self._openings.values()):
                    if opening.command.call not in self._carrier_of:
                        self._try_next(opening)
                return
            pause_s = RESTART_PAUSE_S

    async def _stopped_within(self, pause_s: float) -> bool:
        """Wait for the pause, or for the stop of the pool; return whether that came."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), pause_s)
        return self._stopping.is_set()

    async def _try_to_start(self, place: int, settings: WorkerSettings) -> bool:
        try:
            await self._start_in(place, settings)
        except OSError as error:
            log.error("media worker cannot be started", reason=error.strerror)
            return False
        return True


async def _reap(worker: WorkerProcess) -> None:
    await worker.stop()
    log.error("media worker ended", pid=worker.pid, exit_code=worker.returncode)
