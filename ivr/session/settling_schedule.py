"""When unfinished attempts are looked up: after a start, and ever more rarely while any are left."""

import logging
from collections.abc import Callable, Set

from ivr.clock import Clock
from ivr.session.alarm import Alarm, AlarmHandle
from ivr.session.settling import Settling
from ivr.session.store import AttemptRecord, StoreError
from ivr.session.tasks import Tasks

_log = logging.getLogger(__name__)

FIRST_PAUSE_S = 30.0
"From a charge without an outcome to the first look-up here; the pause doubles each time."

LONGEST_PAUSE_S = 3600.0


class SettlingSchedule:
    """Runs `Settling` by one alarm."""

    def __init__(
        self,
        settling: Settling,
        *,
        busy: Callable[[AttemptRecord], bool],
        tasks: Tasks,
        clock: Clock,
        alarm: Alarm,
    ) -> None:
        """Leave attempts alone that are `busy`: under way, or of a session that is still live."""
        self._settling = settling
        self._busy = busy
        self._tasks = tasks
        self._clock = clock
        self._alarm = alarm
        self._handle: AlarmHandle | None = None
        self._pause_s = FIRST_PAUSE_S
        self._closed = False

    async def recover(self, *, live: Set[str]) -> None:
        """End what a crash interrupted and look up what was being charged; raise StoreError."""
        await self._settling.end_interrupted(live=live)
        if not await self._settling.settle(busy=self._busy):
            self.settle_later()

    def settle_later(self) -> None:
        """Look unfinished attempts up after a pause; an alarm that is set already stays."""
        if self._closed or self._handle is not None:
            return
        due = self._clock.monotonic_s() + self._pause_s
        self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)
        self._handle = self._alarm.call_at(due, self._ring)

    def close(self) -> None:
        """Look nothing up any more; what is left waits in the store for the next start."""
        self._closed = True
        if self._handle is not None:
            self._handle.cancel()

    def _ring(self) -> None:
        self._handle = None
        if not self._closed:
            self._tasks.spawn(self._settle())

    async def _settle(self) -> None:
        try:
            settled = await self._settling.settle(busy=self._busy)
        except StoreError as error:
            _log.error("unfinished attempts could not be read or kept: %s", error)
            settled = False
        if settled:
            self._pause_s = FIRST_PAUSE_S
        else:
            self.settle_later()
