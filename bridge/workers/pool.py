"""The calls of all media workers of a node: each goes to the least loaded worker.

The commands of a call go to the worker that has it; commands for a call without a worker are nothing.
"""

import asyncio
from collections.abc import Callable
from typing import Final

import structlog

from bridge.media import messages as m
from bridge.media.settings import WorkerSettings
from bridge.media.statistics import WorkerStatistics
from bridge.workers.carrier import Carrier
from bridge.workers.heartbeat import CHECK_S
from bridge.workers.load import MediaLoad, load_of
from bridge.workers.openings import Opening
from bridge.workers.places import Places
from bridge.workers.spare import StartWorker
from bridge.workers.worker_process import WorkerProcess

HANG_S: Final = 0.5
"A worker that tells nothing of itself for so long hangs: five heartbeats."

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
        keep_spare: bool = False,
    ) -> None:
        """`now`: monotonic seconds; `hang_s`: the silence after which a worker is replaced.

        `keep_spare`: one process more is started, which takes a lost worker's place at once.
        """
        self._settings = settings
        self._on_report, self._on_lost, self._now = on_report, on_lost, now
        self._places = Places(
            settings,
            on_report=self._receive,
            on_lost=self._worker_lost,
            on_begun=self._try_waiting,
            now=now,
            hang_s=hang_s,
            start_worker=start_worker,
            keep_spare=keep_spare,
        )
        self._carrier_of: dict[m.CallId, Carrier] = {}
        self._openings: dict[m.CallId, Opening] = {}
        self._watch: asyncio.Task[None] | None = None
        self._refused = 0
        self._nearly_full = False

    async def start(self) -> None:
        """Start all workers; raise OSError where one cannot be started, and leave none behind then."""
        try:
            await self._places.start()
        except BaseException:
            await self.stop()
            raise
        self._watch = asyncio.get_running_loop().create_task(self._check_again_and_again())

    async def stop(self) -> None:
        """End all workers; recordings are on disk afterwards."""
        await self._places.stop()
        if self._watch is not None:
            await self._watch

    def pids(self) -> list[int]:
        """Return the process ids of the running workers."""
        return [carrier.worker.pid for carrier in self._places.carriers.values()]

    def pid_of(self, call: m.CallId) -> int | None:
        """Return the process id of the worker that carries `call`."""
        carrier = self._carrier_of.get(call)
        return None if carrier is None else carrier.worker.pid

    def load(self) -> MediaLoad:
        """Return how much is carried, and how much more can be."""
        return load_of(
            self._places.carriers.values(),
            configured=len(self._settings),
            spare_ready=self._places.spare_ready,
            lost=self._places.lost,
            refused=self._refused,
        )

    def statistics(self) -> dict[int, WorkerStatistics]:
        """Return what each running worker last told, by its place among the settings; one that starts is left out."""
        return {
            place: carrier.statistics
            for place, carrier in self._places.carriers.items()
            if carrier.statistics is not None
        }

    def open(self, command: m.OpenCall) -> None:
        """Give a new call to the least loaded worker; answered by `CallOpened`, or `CallRefused`."""
        self._open(Opening(command=command, waits=False))

    def reopen(self, command: m.OpenCall) -> None:
        """As :meth:`open` for a call whose worker was lost: it waits for a worker that is being started.

        Whoever does not want to wait any longer sends `CloseCall`.
        """
        self._open(Opening(command=command, waits=True))

    def send(self, command: m.Command) -> None:
        """Send a command to the worker of its call."""
        carrier = self._carrier_of.get(command.call)
        if carrier is not None:
            carrier.worker.send(command)
        if isinstance(command, m.CloseCall):
            self._forget(command.call)

    def check(self, now: float) -> None:
        """Replace the workers that hang. Called every :data:`CHECK_S`."""
        self._places.check(now)
        self._tell_if_nearly_full()

    async def _check_again_and_again(self) -> None:
        while not await self._places.stopped_within(CHECK_S):
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
        elif not opening.waits or self._places.complete:
            del self._openings[call]
            self._refused += 1
            self._on_report(opening.refusal)

    def _best_for(self, opening: Opening) -> Carrier | None:
        """Return the least loaded; one that is still starting is no place for callers who hear nothing meanwhile."""
        candidates = [
            carrier
            for carrier in self._places.carriers.values()
            if carrier.has_room and carrier.worker.pid not in opening.tried
        ]
        if opening.waits:
            return min(candidates, key=lambda c: (not c.pulse.started, len(c.calls)), default=None)
        return min(candidates, key=lambda c: (len(c.calls), not c.pulse.started), default=None)

    def _forget(self, call: m.CallId) -> None:
        self._openings.pop(call, None)
        if (carrier := self._carrier_of.pop(call, None)) is not None:
            carrier.calls.pop(call, None)

    def _receive(self, carrier: Carrier, report: m.Report) -> None:
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

    def _worker_lost(self, carrier: Carrier, reason: str) -> None:
        calls = frozenset(carrier.calls)
        unopened = [self._openings[call] for call in calls if call in self._openings]
        for call in calls:
            self._carrier_of.pop(call, None)
        for opening in unopened:  # no far end knows of these ports yet
            self._try_next(opening)
        if established := calls - {opening.command.call for opening in unopened}:
            self._on_lost(established, reason)

    def _try_waiting(self) -> None:
        """Give the calls that wait for a worker to the one that has just begun."""
        for opening in list(self._openings.values()):
            if opening.command.call not in self._carrier_of:
                self._try_next(opening)
