"""The shell over the event loop's clock."""

import asyncio

from ivr.clock import SystemClock
from ivr.session.alarm import LoopAlarm
from tests.ivr.session.fakes import ManualTime


async def test_moment_that_has_passed_rings_soon() -> None:
    rung = asyncio.Event()
    clock = SystemClock()
    LoopAlarm(clock).call_at(clock.monotonic_s() - 1, rung.set)
    await rung.wait()


async def test_delay_is_what_is_left_on_the_clock() -> None:
    loop = asyncio.get_running_loop()
    before = loop.time()
    handle = LoopAlarm(ManualTime()).call_at(1030.0, lambda: None)  # manual time stands at 1000
    assert isinstance(handle, asyncio.TimerHandle)
    assert before + 30 <= handle.when() <= loop.time() + 30
    handle.cancel()


async def test_cancelled_alarm_does_not_ring() -> None:
    rung: list[str] = []
    clock = SystemClock()
    alarm = LoopAlarm(clock)
    alarm.call_at(0.0, lambda: rung.append("cancelled")).cancel()
    done = asyncio.Event()
    alarm.call_at(0.0, done.set)
    await done.wait()
    assert rung == []
