"""Every way out of a session: the line is released, the card wiped, the reason told, nothing charged."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from ivr.session.live import LiveSession
from ivr.session.ports import CallLostError, SessionError
from ivr.session.words import FieldName, RecorderState, Result, Status
from tests.ivr.session.fakes import ANNA, CALL, VISA, Bench, turns

Exit = Callable[[Bench], Awaitable[None]]


async def _cancel(bench: Bench) -> None:
    await bench.desk.cancel(ANNA, bench.view().session)


async def _hang_up(bench: Bench) -> None:
    del bench.calls.live[CALL]
    bench.desk.call_ended(CALL, "BYE")


async def _lose_media(bench: Bench) -> None:
    bench.desk.media_lost(CALL)


async def _stop_with_stars(bench: Bench) -> None:
    bench.press("**")


async def _fail_three_times(bench: Bench) -> None:
    for _ in range(3):
        bench.press("4111111111111112#", gap_s=2)


async def _take_too_long(bench: Bench) -> None:
    bench.time.advance(900)


async def _break(bench: Bench) -> None:
    class BrokenKey:
        def reveal(self) -> str:
            raise RuntimeError("broken")

    bench.desk.key_pressed(CALL, BrokenKey())


async def _close(bench: Bench) -> None:
    await bench.desk.close()


EXITS: list[tuple[Exit, Status, Result | None]] = [
    (_cancel, Status.CANCELLED, None),
    (_hang_up, Status.FAILED, Result.CALLER_HUNG_UP),
    (_lose_media, Status.FAILED, Result.INTERNAL_ERROR),
    (_stop_with_stars, Status.CUSTOMER_DECLINED, Result.CALLER_INTERRUPTED_WITH_STAR),
    (_fail_three_times, Status.FAILED, Result.TOO_MANY_FAILED_ATTEMPTS),
    (_take_too_long, Status.EXPIRED, Result.VALIDATION_ERROR),
    (_break, Status.FAILED, Result.INTERNAL_ERROR),
    (_close, Status.FAILED, Result.INTERNAL_ERROR),
]


def _live(bench: Bench) -> LiveSession:
    live = bench.desk._live.on_call(CALL)
    assert live is not None
    return live


@pytest.mark.parametrize(("leave", "status", "result"), EXITS, ids=lambda value: str(value)[:22])
async def test_exit_while_keying_releases_and_wipes(
    bench: Bench, leave: Exit, status: Status, result: Result | None
) -> None:
    await bench.started()
    card = _live(bench).session.card()
    if leave is not _stop_with_stars:
        bench.press("41111")
        assert len(card.number) == 5
    await leave(bench)
    assert len(card.number) == 0
    await turns()
    view = bench.view()
    assert (view.status, view.result, view.actions) == (status, result, ())
    assert view.message
    assert bench.calls.released == [CALL]
    record = bench.record()
    assert (record.status, record.ended) == (status, True)
    assert bench.audit.words()[-1] == ("payment.end", True)
    assert bench.acquirer.charges == 0


@pytest.mark.parametrize("leave", [_cancel, _hang_up, _lose_media, _take_too_long, _close])
async def test_exit_with_a_whole_card_releases_and_wipes(bench: Bench, leave: Exit) -> None:
    await bench.collected()
    card = _live(bench).session.card()
    await leave(bench)
    assert card.security_code is not None
    assert [len(card.number), len(card.expiry), len(card.security_code)] == [0, 0, 0]
    await turns()
    assert bench.calls.released == [CALL]
    assert bench.acquirer.charges == 0


@pytest.mark.parametrize("leave", [_cancel, _hang_up, _lose_media, _take_too_long, _close])
async def test_exit_after_a_decline_releases_and_wipes(bench: Bench, leave: Exit) -> None:
    await bench.collected("4000000000009995")
    card = _live(bench).session.card()
    await bench.desk.submit(ANNA, bench.view().session)
    await leave(bench)
    assert len(card.number) == len(card.expiry) == 0
    await turns()
    assert bench.calls.released == [CALL]
    assert bench.record().ended


async def test_keys_after_the_end_reach_nobody(bench: Bench) -> None:
    await bench.started()
    await _cancel(bench)
    before = bench.view().seq
    bench.press("4111")
    assert bench.view().seq == before or bench.view().fields[0].mask == ""
    await turns()
    bench.press("4111")
    assert bench.view().fields[0].mask == ""


class TestSecuringTheLine:
    async def test_keys_before_the_line_is_secure_are_dropped(self, bench: Bench) -> None:
        bench.calls.secure_gate = asyncio.Event()
        starting = asyncio.create_task(bench.started())
        await turns()
        bench.press("4111")
        assert bench.view().status is Status.CREATED
        bench.calls.secure_gate.set()
        assert (await starting).fields[0].mask == ""

    @pytest.mark.parametrize("error", [CallLostError(), TimeoutError()])
    async def test_unconfirmed_line_captures_nothing(self, bench: Bench, error: Exception) -> None:
        bench.calls.secure_error = error
        with pytest.raises(SessionError) as refused:
            await bench.started()
        assert refused.value.code == "call-not-secured"
        await turns()
        assert (bench.view().status, bench.view().secure) == (Status.FAILED, False)
        assert bench.calls.released == [CALL]

    async def test_fault_while_securing_fails_closed(self, bench: Bench) -> None:
        bench.calls.secure_error = RuntimeError("socket")
        with pytest.raises(SessionError) as refused:
            await bench.started()
        assert refused.value.code == "internal-error"
        await turns()
        assert bench.calls.released == [CALL]

    async def test_caller_who_hangs_up_meanwhile_ends_it(self, bench: Bench) -> None:
        bench.calls.secure_gate = asyncio.Event()
        starting = asyncio.create_task(bench.started())
        await turns()
        await _hang_up(bench)
        bench.calls.secure_gate.set()
        with pytest.raises(SessionError):
            await starting
        await turns()
        assert bench.view().result is Result.CALLER_HUNG_UP
        assert bench.calls.released == [CALL]

    async def test_cancel_meanwhile_releases_after_securing(self, bench: Bench) -> None:
        bench.calls.secure_gate = asyncio.Event()
        starting = asyncio.create_task(bench.started())
        await turns()
        await _cancel(bench)
        await turns()
        assert bench.calls.released == []
        bench.calls.secure_gate.set()
        assert (await starting).status is Status.CANCELLED
        await turns()
        assert (bench.calls.secured, bench.calls.released) == ([CALL], [CALL])

    async def test_closed_window_leaves_the_session_running(self, bench: Bench) -> None:
        bench.calls.secure_gate = asyncio.Event()
        starting = asyncio.create_task(bench.started())
        await turns()
        starting.cancel()
        await turns()
        bench.calls.secure_gate.set()
        await turns()
        assert bench.view().status is Status.COLLECTING

    async def test_unwritable_store_starts_nothing(self, bench: Bench) -> None:
        bench.store.failing.update({"create_session", "save_session"})
        with pytest.raises(SessionError) as refused:
            await bench.started()
        assert refused.value.code == "internal-error"
        await turns()
        assert bench.calls.secured == []


async def test_line_that_cannot_be_released_stays_shown_as_secure(bench: Bench) -> None:
    await bench.started()
    bench.calls.release_error = RuntimeError("worker gone")
    await _cancel(bench)
    await turns()
    assert bench.view().secure
    assert bench.audit.words()[-1] == ("payment.end", False)


class TestDuringTheCharge:
    @pytest.mark.parametrize("leave", [_hang_up, _lose_media, _take_too_long])
    async def test_what_happens_to_the_call_does_not_lose_the_answer(
        self, bench: Bench, leave: Exit
    ) -> None:
        submitting = await bench.processing()
        await leave(bench)
        await turns()
        assert bench.calls.released == []
        bench.acquirer.gate.set()
        after = await submitting
        assert (after.status, after.result) == (Status.SUCCEEDED, Result.SUCCESS)
        await turns()
        assert bench.record().status is Status.SUCCEEDED
        assert bench.calls.released == [CALL]

    async def test_decline_after_hang_up_is_final(self, bench: Bench) -> None:
        submitting = await bench.processing("4000000000009995")
        await _hang_up(bench)
        bench.acquirer.gate.set()
        after = await submitting
        assert (after.status, after.result) == (Status.DECLINED, Result.CALLER_HUNG_UP)
        await turns()
        assert bench.record().ended

    async def test_cancel_and_capture_are_refused(self, bench: Bench) -> None:
        submitting = await bench.processing()
        session = bench.view().session
        with pytest.raises(SessionError, match="Wait for the answer"):
            await bench.desk.cancel(ANNA, session)
        with pytest.raises(SessionError) as refused:
            await bench.desk.capture(ANNA, session, FieldName.CARD_NUMBER)
        assert refused.value.code == "not-possible"
        bench.acquirer.gate.set()
        assert (await submitting).status is Status.SUCCEEDED

    async def test_second_click_waits_for_the_same_answer(self, bench: Bench) -> None:
        submitting = await bench.processing()
        second = asyncio.create_task(bench.desk.submit(ANNA, bench.view().session))
        await turns()
        assert not second.done()
        bench.acquirer.gate.set()
        assert (await second).status is (await submitting).status is Status.SUCCEEDED
        assert bench.acquirer.charges == 1

    async def test_closed_window_charges_all_the_same(self, bench: Bench) -> None:
        submitting = await bench.processing()
        submitting.cancel()
        await turns()
        bench.acquirer.gate.set()
        await turns()
        assert bench.view().status is Status.SUCCEEDED

    async def test_close_waits_for_the_answer(self, bench: Bench) -> None:
        submitting = await bench.processing()
        closing = asyncio.create_task(bench.desk.close())
        await turns()
        assert not closing.done()
        bench.acquirer.gate.set()
        await closing
        assert bench.view().status is Status.SUCCEEDED
        await submitting

    async def test_keys_are_dropped(self, bench: Bench) -> None:
        submitting = await bench.processing()
        before = bench.view()
        bench.press("4111#**")
        assert bench.view() == before
        bench.acquirer.gate.set()
        await submitting

    async def test_fault_of_ours_goes_to_review(
        self, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        view = await bench.collected()

        async def broken(*args: object, **kwargs: object) -> None:
            raise RuntimeError(VISA)

        monkeypatch.setattr(bench.desk._charging._runner, "charge", broken)
        after = await bench.desk.submit(ANNA, view.session)
        assert after.status is Status.REVIEW
        assert "Do not take this payment again" in after.message


async def test_failing_audit_log_stops_nobody_who_is_paying(bench: Bench) -> None:
    bench.audit.failing = True
    assert (await bench.paid()).status is Status.SUCCEEDED


async def test_recorder_is_shown_as_it_is(bench: Bench) -> None:
    view = await bench.started()
    assert view.recorder is RecorderState.PAUSED
    await _cancel(bench)
    await turns()
    assert bench.view().recorder is RecorderState.RECORDING
