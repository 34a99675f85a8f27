"""Updates: whole, newest, only one's own, and bounded."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest

from ivr.session.ports import CallsChanged, SessionChanged, SessionError
from ivr.session.updates import MAX_SUBSCRIPTIONS, MAX_WAITING
from ivr.session.view import AgentId, AgentView, CallId, SessionId
from ivr.session.words import Status
from tests.ivr.session.fakes import ANNA, CARD_KEYS, Bench, turns


async def test_reader_gets_a_view_for_every_key_when_it_keeps_up(bench: Bench) -> None:
    masks = []
    async with bench.desk.updates(ANNA) as updates:
        await bench.started()
        for key in ("", "4", "1", "1"):
            bench.press(key)
            update = await anext(updates)
            assert isinstance(update, SessionChanged)
            masks.append(update.view.fields[0].mask)
    assert masks == ["", "*", "**", "***"]


async def test_slow_reader_gets_the_newest_view_only(bench: Bench) -> None:
    async with bench.desk.updates(ANNA) as updates:
        await bench.started()
        bench.press(CARD_KEYS)
        update = await anext(updates)
        assert isinstance(update, SessionChanged)
        assert update.view == bench.view()
        waiting = asyncio.ensure_future(anext(updates))
        await turns()
        assert not waiting.done()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting


async def test_sequence_grows_with_every_view(bench: Bench) -> None:
    seen: list[AgentView] = []

    async def read() -> None:
        async with bench.desk.updates(ANNA) as updates:
            async for update in updates:
                assert isinstance(update, SessionChanged)
                seen.append(update.view)

    reading = asyncio.create_task(read())
    await turns()
    await bench.started()
    for key in CARD_KEYS:
        bench.press(key)
        await turns()
    await bench.desk.submit(ANNA, bench.view().session)
    await turns()
    await bench.desk.close()
    await reading
    numbers = [view.seq for view in seen]
    assert numbers == sorted(set(numbers))
    assert seen[-1].status is Status.SUCCEEDED
    assert not seen[-1].secure


async def test_calls_come_whole_with_the_sessions_on_them(bench: Bench) -> None:
    await bench.started()
    bench.calls.ring(CallId("call-2"))
    async with bench.desk.updates(ANNA) as updates:
        bench.desk.calls_changed(ANNA)
        first, second = await anext(updates), await anext(updates)
    assert isinstance(first, CallsChanged)
    assert [call.call for call in first.calls] == ["call-1", "call-2"]
    assert isinstance(second, SessionChanged)


async def test_other_agents_hear_nothing(bench: Bench) -> None:
    async with bench.desk.updates(AgentId("ben")) as updates:
        await bench.started()
        bench.press("4111")
        waiting = asyncio.ensure_future(anext(updates))
        await turns()
        assert not waiting.done()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting


async def test_seconds_left_are_counted_when_shown(bench: Bench) -> None:
    view = await bench.started()
    assert view.seconds_left == 20.0
    bench.time.advance(8)
    assert bench.view().seconds_left == pytest.approx(12.0)
    bench.press("4")
    assert bench.view().seconds_left == pytest.approx(5.0)


async def test_readers_of_one_agent_are_bounded(bench: Bench) -> None:
    async with AsyncExitStack() as windows:
        for _ in range(MAX_SUBSCRIPTIONS):
            await windows.enter_async_context(bench.desk.updates(ANNA))
        with pytest.raises(SessionError, match="Too many windows"):
            await windows.enter_async_context(bench.desk.updates(ANNA))
    async with bench.desk.updates(ANNA):
        pass  # closed windows make room again


async def test_reader_hopelessly_behind_is_cut_off(bench: Bench) -> None:
    view = await bench.started()
    async with bench.desk.updates(ANNA) as updates:
        for number in range(MAX_WAITING + 1):
            other = _with_id(view, f"session-{number}")
            bench.desk._updates.publish(ANNA, SessionChanged(view=other))
        with pytest.raises(StopAsyncIteration):
            await anext(updates)


def _with_id(view: AgentView, session: str) -> AgentView:
    return replace(view, session=SessionId(session))
