"""The one shell between the sessions' timers and the event loop."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from ivr.clock import Clock


class AlarmHandle(Protocol):
    """A set alarm."""

    def cancel(self) -> None:
        """Take the alarm back; harmless once it has rung."""
        ...


class Alarm(Protocol):
    """Rings at a moment of the clock; tests ring it by hand."""

    def call_at(self, when_s: float, callback: Callable[[], None]) -> AlarmHandle:
        """Call back once at `when_s` of `Clock.monotonic_s`, or soon if that has passed."""
        ...


class LoopAlarm:
    """Rings through the running event loop."""

    def __init__(self, clock: Clock) -> None:
        """Use this clock's monotonic seconds."""
        self._clock = clock

    def call_at(self, when_s: float, callback: Callable[[], None]) -> AlarmHandle:
        """Call back once at `when_s`, never before it."""
        delay_s = max(0.0, when_s - self._clock.monotonic_s())
        return asyncio.get_running_loop().call_later(delay_s, callback)
