"""Which worker gets which call, and what becomes of calls whose worker dies, hangs or is full."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from bridge.media import messages as m
from bridge.media.settings import WorkerSettings
from tests.bridge.media.test_messages import LARGEST
from tests.bridge.workers.pool_rig import SETTINGS, PoolRig, until


@asynccontextmanager
async def running(*settings: WorkerSettings) -> AsyncIterator[PoolRig]:
    rig = PoolRig(*settings)
    await rig.pool.start()
    yield rig
    await rig.pool.stop()


class TestChoosing:
    async def test_calls_go_to_the_least_loaded(self) -> None:
        async with running(SETTINGS, SETTINGS) as rig:
            rig.open("a", "b", "c")
            rig.pool.send(m.CloseCall(call=m.CallId("b")))
            rig.open("d")
            assert [worker.calls() for worker in rig.started] == [["a", "c"], ["b", "d"]]

    async def test_an_overloaded_worker_is_avoided_until_it_is_relieved(self) -> None:
        async with running(SETTINGS, SETTINGS) as rig:
            busy, other = rig.started
            busy.beat(overloaded=True)
            rig.open("a", "b")
            assert (busy.calls(), other.calls()) == ([], ["a", "b"])
            busy.beat()
            rig.open("c")
            assert busy.calls() == ["c"]

    async def test_where_all_are_overloaded_a_call_is_refused(self) -> None:
        async with running(SETTINGS) as rig:
            rig.started[0].beat(overloaded=True)
            rig.open("a")
            assert rig.refused() == {"a": "no media worker has room for it"}

    async def test_a_worker_with_all_its_slots_in_use_is_given_no_more(self) -> None:
        async with running(SETTINGS) as rig:
            rig.open(*"abcde")
            assert rig.started[0].calls() == list("abcd")
            assert list(rig.refused()) == ["e"]


class TestRefused:
    async def test_a_call_refused_by_one_worker_is_tried_on_the_next(self) -> None:
        async with running(SETTINGS, SETTINGS, SETTINGS) as rig:
            first, second, third = rig.started
            rig.open("a")
            first.refuse("a")
            second.refuse("a")
            assert third.calls() == ["a"]
            third.opened("a")
            assert [type(told) for told in rig.told] == [m.CallOpened]
            assert rig.pool.pid_of(m.CallId("a")) == third.pid

    async def test_one_that_nobody_takes_is_refused_once_with_every_reason_once(self) -> None:
        async with running(SETTINGS, SETTINGS, SETTINGS) as rig:
            rig.open("a")
            for worker, reason in zip(rig.started, ("ports", "slots", "ports"), strict=True):
                worker.refuse("a", reason)
            assert rig.refused() == {"a": "ports; slots"}
            assert len(rig.told) == 1
            assert [worker.calls() for worker in rig.started] == [["a"]] * 3

    async def test_a_call_that_ended_meanwhile_is_not_tried_again(self) -> None:
        async with running(SETTINGS, SETTINGS) as rig:
            rig.open("a")
            rig.pool.send(m.CloseCall(call=m.CallId("a")))
            rig.started[0].refuse("a")
            assert rig.started[1].calls() == []
            assert rig.told == []


class TestStopped:
    async def test_only_a_worker_that_has_begun_or_has_a_call_is_given_time_to_end(self) -> None:
        async with running(SETTINGS, SETTINGS, SETTINGS) as rig:
            with_call, begun, starting = rig.started
            rig.open("a")
            begun.beat()
        assert [worker.abandoned for worker in (with_call, begun, starting)] == [False, False, True]
        assert [worker.stopped for worker in rig.started] == [True] * 3


class TestLost:
    async def test_a_worker_that_is_silent_is_killed_and_replaced(self) -> None:
        async with running(SETTINGS, SETTINGS) as rig:
            hung, other = rig.started
            for worker in rig.started:
                worker.beat()
            rig.open("a", "b")
            hung.opened("a")
            other.opened("b")
            rig.pass_silently(0.4, other)
            assert not hung.abandoned
            rig.pass_silently(0.2, other)
            assert hung.abandoned
            assert not other.abandoned
            assert rig.lost == [({"a"}, "no heartbeat")]
            fresh = await rig.replaced(3)
            assert rig.pool.pids() == [other.pid, fresh.pid]
            assert hung.stopped

    async def test_any_report_is_a_sign_of_life(self) -> None:
        async with running(SETTINGS) as rig:
            rig.started[0].beat()
            rig.open("a")
            for _ in range(20):
                rig.pass_silently(0.3)
                rig.started[0].opened("a")
            assert not rig.started[0].abandoned

    async def test_a_call_without_ports_yet_begins_elsewhere_and_nobody_notices(self) -> None:
        async with running(SETTINGS, SETTINGS) as rig:
            dead, other = rig.started
            rig.open("a")
            dead.die()
            assert other.calls() == ["a"]
            assert (rig.lost, rig.told) == ([], [])

    async def test_a_lost_call_goes_on_with_a_survivor(self) -> None:
        async with running(SETTINGS, SETTINGS) as rig:
            dead, other = rig.started
            rig.open("a")
            dead.opened("a")
            dead.die()
            rig.reopen("a")
            assert other.calls() == ["a"]

    async def test_or_waits_for_the_new_worker_where_there_is_none(self) -> None:
        async with running(SETTINGS) as rig:
            (dead,) = rig.started
            rig.open("a", "b")
            dead.opened("a")
            dead.opened("b", 20_004)
            rig.refuses_to_start = 1
            dead.die()
            rig.reopen("a", "b")
            rig.open("c")
            assert list(rig.refused()) == ["c"]
            rig.pool.send(m.CloseCall(call=m.CallId("b")))
            fresh = await rig.replaced(2)
            await until(lambda: fresh.calls() == ["a"])
            assert list(rig.refused()) == ["c"]

    async def test_the_new_worker_lets_the_ports_of_the_dead_one_rest(self) -> None:
        """Far ends go on sending there until they have been told: nobody else's call may be at the other end."""
        async with running(SETTINGS) as rig:
            rig.open("a", "b")
            rig.started[0].opened("a", 20_010)
            rig.started[0].opened("b", 20_020)
            rig.pool.send(m.CloseCall(call=m.CallId("b")))
            rig.started[0].die()
            fresh = await rig.replaced(2)
            assert fresh.settings.resting_ports == (20_010, 20_012)

    async def test_commands_of_a_lost_call_are_nothing(self) -> None:
        async with running(SETTINGS, SETTINGS) as rig:
            dead, other = rig.started
            rig.open("a")
            dead.opened("a")
            dead.die()
            rig.pool.send(m.SetSecure(call=m.CallId("a"), secure=False))
            assert other.commands == []
            assert rig.pool.pid_of(m.CallId("a")) is None


class TestLoad:
    async def test_it_tells_how_full_the_node_is_before_calls_are_refused(self) -> None:
        async with running(SETTINGS) as rig:
            assert (rig.pool.load().workers_running, rig.pool.load().nearly_full) == (0, True)
            rig.started[0].beat()
            rig.open("a", "b", "c")
            load = rig.pool.load()
            assert (load.calls, load.calls_possible, load.nearly_full) == (3, 4, False)
            rig.open("d")
            assert rig.pool.load().nearly_full
            assert rig.pool.load().calls_refused == 0
            rig.open("e")
            assert rig.pool.load().calls_refused == 1

    async def test_ports_bound_what_is_possible_too(self) -> None:
        narrow = WorkerSettings(host="127.0.0.1", first_port=20_000, last_port=20_009, calls=4)
        async with running(narrow) as rig:
            rig.started[0].beat()
            assert rig.pool.load().calls_possible == 2

    async def test_overload_counts_as_nearly_full(self) -> None:
        async with running(SETTINGS, SETTINGS) as rig:
            for worker in rig.started:
                worker.beat()
            rig.started[0].beat(overloaded=True)
            assert not rig.pool.load().nearly_full
            rig.started[1].beat(overloaded=True)
            assert (rig.pool.load().workers_overloaded, rig.pool.load().nearly_full) == (2, True)

    async def test_lost_workers_are_counted(self) -> None:
        async with running(SETTINGS) as rig:
            rig.started[0].die()
            await rig.replaced(2)
            load = rig.pool.load()
            assert (load.workers_configured, load.workers_lost) == (1, 1)


class TestStatistics:
    async def test_it_knows_what_each_running_worker_told_last(self) -> None:
        async with running(SETTINGS, SETTINGS) as rig:
            first, second = rig.started
            assert rig.pool.statistics() == {}
            second.report(m.WorkerCounted(statistics=LARGEST))
            newest = replace(LARGEST, calls=3)
            second.report(m.WorkerCounted(statistics=newest))
            assert rig.pool.statistics() == {1: newest}
            first.report(m.WorkerCounted(statistics=LARGEST))
            second.die()
            assert rig.pool.statistics() == {0: LARGEST}
            await rig.replaced(3)
            assert rig.pool.statistics() == {0: LARGEST}
            assert rig.told == []
