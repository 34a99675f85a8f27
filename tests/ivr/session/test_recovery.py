"""After a crash: what was keyed is gone, what was charged is found, nothing is sent again."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from ivr.payments.processors.test_cards import Behaviour
from ivr.session.store import AttemptOutcome, StoreError
from ivr.session.words import Result, Status
from tests.ivr.session.fakes import ANNA, Bench, MemoryStore, turns


def _crash_in(bench: Bench, where: str, *, before: bool) -> None:
    """Stop the process before or after one step of a charge has taken effect."""
    owner: object = bench.acquirer if where == "send" else bench.store
    real: Callable[..., Awaitable[object]] = getattr(owner, where)

    async def crashing(*args: object, **kwargs: object) -> object:
        if not before:
            await real(*args, **kwargs)
        # A crash does not unwind: this process goes nowhere from here.
        return await asyncio.Event().wait()

    setattr(owner, where, crashing)


@pytest.mark.parametrize(
    ("where", "before", "status", "charges"),
    [
        ("start_attempt", True, Status.FAILED, 0),
        ("start_attempt", False, Status.REVIEW, 0),
        ("send", True, Status.REVIEW, 0),
        ("send", False, Status.SUCCEEDED, 1),
        ("finish_attempt", True, Status.SUCCEEDED, 1),
        ("finish_attempt", False, Status.SUCCEEDED, 1),
    ],
)
async def test_crash_between_any_two_steps_never_charges_twice(
    where: str, before: bool, status: Status, charges: int
) -> None:
    bench = Bench()
    view = await bench.collected()
    _crash_in(bench, where, before=before)
    submitting = asyncio.create_task(bench.desk.submit(ANNA, view.session))
    await turns()
    frozen_sessions, frozen_attempts = dict(bench.store.sessions), dict(bench.store.attempts)
    charged_before = bench.acquirer.charges
    assert charged_before == charges

    bench.store = MemoryStore(sessions=frozen_sessions, attempts=frozen_attempts)
    vars(bench.acquirer).pop("send", None)
    restarted = bench.new_desk()
    await restarted.recover()
    assert bench.store.sessions[view.session].status is status
    assert bench.acquirer.charges == charges
    assert (
        sum(a.outcome is AttemptOutcome.APPROVED for a in bench.store.attempts.values()) == charges
    )

    await restarted.close()
    submitting.cancel()
    for task in list(bench.desk._tasks._running):
        task.cancel()
    await turns()


async def test_interrupted_capture_is_ended(bench: Bench) -> None:
    await bench.started()
    bench.press("4111")
    restarted = bench.new_desk()
    await restarted.recover()
    record = bench.record()
    assert (record.status, record.result) == (Status.FAILED, Result.INTERNAL_ERROR)
    assert record.ended
    assert "Nothing was charged" in record.message
    await restarted.close()


async def test_live_sessions_are_left_alone(bench: Bench) -> None:
    await bench.started()
    await bench.desk.recover()
    assert bench.view().status is Status.COLLECTING
    assert bench.record().status is not Status.FAILED


async def test_other_nodes_sessions_are_left_alone(bench: Bench) -> None:
    await bench.started()
    record = bench.record()
    bench.store.sessions = {record.session: replace(record, node="elsewhere")}
    restarted = bench.new_desk()
    await restarted.recover()
    assert bench.record().status is record.status
    await restarted.close()


async def test_silent_processor_is_asked_again_ever_more_rarely(bench: Bench) -> None:
    await bench.paid("4000000000005035")
    await turns()
    restarted = bench.new_desk()
    await restarted.recover()
    assert bench.record().status is Status.REVIEW

    asked: list[float] = []
    send = bench.acquirer.send

    async def counting(*args: object, **kwargs: object) -> object:
        asked.append(bench.time.monotonic_s())
        return await send(*args, **kwargs)  # type: ignore[arg-type]  # handed on as they came

    bench.acquirer.send = counting  # type: ignore[method-assign,assignment]  # counts, then does the same
    await bench.desk.close()
    start = bench.time.monotonic_s()
    for _ in range(400):
        bench.time.advance(5)
        await turns()
    gaps = [round(at - start) for at in asked]
    assert gaps == [30, 90, 210, 450, 930, 1890]
    await restarted.close()


async def test_answer_that_comes_late_reaches_the_agent(bench: Bench) -> None:
    view = await bench.paid("4000000000005035")
    await turns()
    bench.acquirer._silent.clear()
    (attempt,) = bench.store.attempts.values()
    bench.acquirer._decide(attempt.key, attempt.amount.minor, Behaviour.APPROVED)
    bench.time.advance(30)
    await turns()
    settled = bench.view()
    assert (settled.session, settled.status) == (view.session, Status.SUCCEEDED)
    assert settled.confirmation
    assert bench.record().status is Status.SUCCEEDED


async def test_unreadable_store_is_an_error_at_start_and_patience_later(bench: Bench) -> None:
    await bench.paid("4000000000005035")
    await turns()
    bench.store.failing.add("unfinished_attempts")
    with pytest.raises(StoreError):
        await bench.desk.recover()
    bench.time.advance(30)
    await turns()
    bench.store.failing.clear()
    bench.time.advance(60)
    await turns()
    assert bench.record().status is Status.REVIEW
