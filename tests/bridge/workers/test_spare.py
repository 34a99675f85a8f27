"""A process that waits for a place: when it is started, when it takes over, and what becomes of it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bridge.media import messages as m
from bridge.media.settings import WorkerSettings
from bridge.workers.spare import MOVES_S
from tests.bridge.workers.pool_rig import SETTINGS, FakeWorker, PoolRig, until


@asynccontextmanager
async def running(*settings: WorkerSettings) -> AsyncIterator[PoolRig]:
    rig = PoolRig(*settings, keep_spare=True)
    await rig.pool.start()
    yield rig
    await rig.pool.stop()


async def with_spare(rig: PoolRig) -> FakeWorker:
    """Let all workers run; return the spare one, ready."""
    workers = list(rig.started)
    rig.pass_silently(0.1, *workers)
    spare = await rig.replaced(len(workers) + 1)
    await until(lambda: rig.beats(spare))
    assert rig.pool.load().spare_ready
    return spare


class TestStarting:
    async def test_it_is_started_when_every_other_worker_runs(self) -> None:
        """It must not keep those from starting that have calls to carry."""
        async with running(SETTINGS, SETTINGS) as rig:
            first, second = rig.started
            rig.pass_silently(0.2, first)
            await rig.settle()
            assert len(rig.started) == 2
            second.beat()
            await with_spare(rig)

    async def test_it_has_neither_settings_nor_calls_and_counts_as_no_worker(self) -> None:
        async with running(SETTINGS) as rig:
            spare = await with_spare(rig)
            rig.open(*"abcde")
            assert (spare.given, spare.commands) == ([], [])
            assert list(rig.refused()) == ["e"]
            load = rig.pool.load()
            assert (load.workers_configured, load.workers_running) == (1, 1)
            assert rig.pool.pids() == [rig.started[0].pid]

    async def test_there_is_none_where_none_is_wanted(self) -> None:
        rig = PoolRig(SETTINGS)
        await rig.pool.start()
        rig.pass_silently(0.5, *rig.started)
        await rig.settle()
        assert (len(rig.started), rig.pool.load().spare_ready) == (1, False)
        await rig.pool.stop()

    async def test_one_that_cannot_be_started_is_tried_again_later(self) -> None:
        async with running(SETTINGS) as rig:
            (worker,) = rig.started
            rig.refuses_to_start = 3
            for _ in range(20):
                rig.pass_silently(0.1, worker)
                await rig.settle()
            assert (rig.refuses_to_start, len(rig.started)) == (0, 2)


class TestTakingOver:
    async def test_a_lost_call_goes_on_with_it_in_the_same_moment(self) -> None:
        async with running(SETTINGS) as rig:
            spare = await with_spare(rig)
            (dead, _) = rig.started
            rig.open("a", "b")
            dead.opened("a", 20_010)
            dead.die()
            rig.reopen("a")
            assert sorted(spare.calls()) == ["a", "b"], "one was not open yet, one goes on"
            assert spare.settings.resting_ports == (20_010, 20_012)
            assert rig.pool.pids() == [spare.pid]
            assert rig.pool.load().workers_running == 1

    async def test_it_has_the_settings_of_the_place_that_it_takes(self) -> None:
        places = [
            WorkerSettings(host="::1", first_port=p, last_port=p + 9) for p in (20_000, 20_010)
        ]
        async with running(*places) as rig:
            spare = await with_spare(rig)
            rig.started[1].die()
            assert spare.settings == places[1]

    async def test_it_is_taken_before_it_is_ready_too(self) -> None:
        """It is further than a process that is started now."""
        async with running(SETTINGS) as rig:
            (dead,) = rig.started
            rig.pass_silently(0.1, dead)
            spare = await rig.replaced(2)
            await rig.settle()
            assert not rig.pool.load().spare_ready
            dead.die()
            assert spare.settings == SETTINGS

    async def test_a_second_loss_in_the_same_moment_gets_a_new_process(self) -> None:
        async with running(SETTINGS, SETTINGS) as rig:
            spare = await with_spare(rig)
            first, second = rig.started[:2]
            first.die()
            second.die()
            fresh = await rig.replaced(4)
            await until(lambda: rig.pool.pids() == [spare.pid, fresh.pid])

    async def test_the_next_one_is_started_when_calls_have_had_time_to_move_to_it(self) -> None:
        """A process that starts would take the processor from the calls that are moved."""
        async with running(SETTINGS) as rig:
            spare = await with_spare(rig)
            rig.started[0].die()
            assert not rig.pool.load().spare_ready
            rig.pass_silently(MOVES_S - 0.1, spare)
            await rig.settle()
            assert len(rig.started) == 2
            rig.pass_silently(0.2, spare)
            following = await rig.replaced(3)
            await until(lambda: rig.beats(following))
            assert rig.pool.load().spare_ready

    async def test_a_crash_loop_does_not_go_on_at_its_pace(self) -> None:
        """The second worker that dies young waits, though a spare one is ready."""
        async with running(SETTINGS) as rig:
            spare = await with_spare(rig)
            rig.started[0].die()
            rig.pass_silently(MOVES_S + 0.1, spare)
            following = await rig.replaced(3)
            await until(lambda: rig.beats(following))
            spare.die()
            assert (following.given, rig.pool.pids()) == ([], [])
            await until(lambda: rig.pool.pids() == [following.pid])


class TestLosing:
    async def test_one_that_hangs_is_killed_and_replaced(self) -> None:
        async with running(SETTINGS) as rig:
            spare = await with_spare(rig)
            rig.pass_silently(0.6, rig.started[0])
            assert spare.abandoned
            assert not rig.pool.load().spare_ready
            await rig.settle()
            assert spare.stopped
            rig.pass_silently(0.1, rig.started[0])
            assert await rig.replaced(3) is not spare

    async def test_one_that_dies_is_no_lost_worker_and_costs_no_call(self) -> None:
        async with running(SETTINGS) as rig:
            spare = await with_spare(rig)
            rig.open("a")
            rig.started[0].opened("a")
            spare.die()
            assert (rig.lost, rig.pool.load().workers_lost) == ([], 0)
            rig.started[0].die()
            assert rig.lost == [({"a"}, "it has ended")]

    async def test_it_is_stopped_with_the_others(self) -> None:
        async with running(SETTINGS) as rig:
            spare = await with_spare(rig)
        assert (spare.abandoned, spare.stopped) == (True, True)  # it is not waited for
        assert [type(told) for told in rig.told] == []

    async def test_what_it_tells_after_it_took_over_concerns_its_calls(self) -> None:
        async with running(SETTINGS) as rig:
            spare = await with_spare(rig)
            rig.started[0].die()
            rig.open("a")
            spare.opened("a")
            assert [type(told) for told in rig.told] == [m.CallOpened]
