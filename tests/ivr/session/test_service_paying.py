"""The main job: start, key, submit, and what comes of it."""

import asyncio

import pytest

from ivr.session.ports import SessionError
from ivr.session.store import AttemptOutcome
from ivr.session.view import AgentId, CallId
from ivr.session.words import Action, FieldName, FieldState, RecorderState, Result, Status
from tests.ivr.session.fakes import ANNA, CALL, VISA, Bench, start_request, turns


async def test_a_card_is_keyed_submitted_and_approved(bench: Bench) -> None:
    started = await bench.started()
    assert (started.status, started.collecting) == (Status.COLLECTING, FieldName.CARD_NUMBER)
    assert started.secure
    assert started.recorder is RecorderState.PAUSED

    bench.press(f"{VISA}#1228123")
    collected = bench.view()
    assert collected.status is Status.COLLECTED
    assert [field.mask for field in collected.fields] == ["************1111", "****", "***"]
    assert collected.fields[0].brand == "visa"

    view = await bench.desk.submit(ANNA, started.session)
    assert (view.status, view.result) == (Status.SUCCEEDED, Result.SUCCESS)
    assert view.message == "Payment of £12.50 accepted."
    assert view.confirmation
    assert bench.acquirer.charges == 1


async def test_after_success_the_line_is_released_and_the_record_holds_brand_and_last_four(
    bench: Bench,
) -> None:
    await bench.paid()
    await turns()
    assert bench.calls.released == [CALL]
    assert not bench.view().secure
    record = bench.record()
    assert (record.status, record.ended) == (Status.SUCCEEDED, True)
    assert (record.card_brand, record.card_last_four) == ("visa", "1111")
    assert record.ended_at is not None
    assert bench.view().fields[0].mask == "************1111"


async def test_asterisks_arrive_one_by_one_with_the_brand(bench: Bench) -> None:
    await bench.started()
    seen = []
    for key in "4111":
        bench.press(key)
        field = bench.view().fields[0]
        seen.append((field.mask, field.brand, field.state))
    assert [mask for mask, _, _ in seen] == ["*", "**", "***", "****"]
    assert {brand for _, brand, _ in seen} == {"visa"}
    assert {state for _, _, state in seen} == {FieldState.COLLECTING}


async def test_the_session_after_a_paid_one_on_the_same_call_can_start(bench: Bench) -> None:
    await bench.paid()
    await turns()
    view = await bench.paid()
    assert view.status is Status.SUCCEEDED
    assert bench.acquirer.charges == 2


async def test_double_click_on_submit_charges_once(bench: Bench) -> None:
    view = await bench.collected()
    views = await asyncio.gather(*(bench.desk.submit(ANNA, view.session) for _ in range(5)))
    assert {v.status for v in views} == {Status.SUCCEEDED}
    await turns()
    again = await bench.desk.submit(ANNA, view.session)
    assert again.status is Status.SUCCEEDED
    assert bench.acquirer.charges == 1
    assert len(bench.store.attempts) == 1


async def test_submitting_an_incomplete_card_says_what_is_missing(bench: Bench) -> None:
    view = await bench.started()
    bench.press(f"{VISA}#")
    with pytest.raises(SessionError) as refused:
        await bench.desk.submit(ANNA, view.session)
    assert refused.value.code == "incomplete"
    assert "expiry date and security code" in refused.value.message


async def test_key_is_stored_before_the_request_leaves(bench: Bench) -> None:
    view = await bench.collected()
    bench.store.failing.add("start_attempt")
    after = await bench.desk.submit(ANNA, view.session)
    assert after.status is Status.COLLECTED
    assert "Nothing was charged" in after.message
    assert bench.acquirer.charges == 0

    bench.store.failing.clear()
    assert (await bench.desk.submit(ANNA, view.session)).status is Status.SUCCEEDED


async def test_a_charge_that_could_not_be_stored_tells_the_agent_and_is_settled_later(
    bench: Bench,
) -> None:
    view = await bench.collected()
    bench.store.failing.add("finish_attempt")
    after = await bench.desk.submit(ANNA, view.session)
    assert after.status is Status.SUCCEEDED
    assert "could not be stored" in after.message
    assert after.confirmation in after.message

    bench.store.failing.clear()
    bench.time.advance(30)
    await turns()
    (attempt,) = bench.store.attempts.values()
    assert attempt.outcome is AttemptOutcome.APPROVED


class TestDecline:
    async def test_keeps_number_and_expiry_and_asks_the_code_again(self, bench: Bench) -> None:
        view = await bench.paid("4000000000009995")
        assert view.status is Status.DECLINED
        assert view.message == "There is not enough money on the card. Ask for another card."
        states = [field.state for field in view.fields]
        assert states == [FieldState.VALID, FieldState.VALID, FieldState.IDLE]
        assert view.fields[2].mask == ""
        assert view.secure
        assert bench.calls.released == []

    async def test_may_be_tried_again_after_the_code_was_keyed(self, bench: Bench) -> None:
        view = await bench.paid("4000000000009995")
        await bench.desk.capture(ANNA, view.session, FieldName.SECURITY_CODE)
        bench.press("123")
        again = await bench.desk.submit(ANNA, view.session)
        assert again.status is Status.DECLINED
        keys = sorted(bench.store.attempts)
        assert len(keys) == len(set(keys)) == 2

    async def test_another_card_is_asked_whole(self, bench: Bench) -> None:
        view = await bench.paid("4000000000009995")
        await bench.desk.capture(ANNA, view.session, FieldName.CARD_NUMBER)
        bench.press(f"{VISA}#1228123")
        assert (await bench.desk.submit(ANNA, view.session)).status is Status.SUCCEEDED

    async def test_of_a_lost_card_wipes_everything_and_does_not_say_why(self, bench: Bench) -> None:
        view = await bench.paid("4000000000009987")
        assert [field.state for field in view.fields] == [FieldState.IDLE] * 3
        assert "lost" not in view.message
        assert "stolen" not in view.message

    async def test_is_final_when_the_card_was_submitted_often_enough(self, bench: Bench) -> None:
        view = await bench.paid("4000000000000127")
        for _ in range(2):
            await bench.desk.capture(ANNA, view.session, FieldName.SECURITY_CODE)
            bench.press("123")
            view = await bench.desk.submit(ANNA, view.session)
        assert (view.status, view.actions) == (Status.DECLINED, ())
        assert view.result is Result.PAYMENT_CONNECTOR_ERROR
        await turns()
        assert bench.calls.released == [CALL]

    async def test_submitting_without_the_code_is_refused(self, bench: Bench) -> None:
        view = await bench.paid("4000000000009995")
        with pytest.raises(SessionError, match="security code"):
            await bench.desk.submit(ANNA, view.session)


class TestUnknownOutcome:
    async def test_lost_answer_is_looked_up_and_found_approved(self, bench: Bench) -> None:
        view = await bench.paid("4000000000005019")
        assert view.status is Status.SUCCEEDED
        assert bench.acquirer.charges == 1

    async def test_lost_decline_is_looked_up(self, bench: Bench) -> None:
        assert (await bench.paid("4000000000005027")).status is Status.DECLINED

    @pytest.mark.parametrize("number", ["4000000000005035", "4000000000005043", "4000000000005001"])
    async def test_silence_goes_to_review_and_releases_the_line(
        self, bench: Bench, number: str
    ) -> None:
        view = await bench.paid(number)
        assert (view.status, view.actions) == (Status.REVIEW, ())
        assert "Do not take this payment again" in view.message
        await turns()
        assert bench.calls.released == [CALL]

    async def test_review_cannot_be_submitted_again(self, bench: Bench) -> None:
        view = await bench.paid("4000000000005035")
        await turns()
        again = await bench.desk.submit(ANNA, view.session)
        assert again.status is Status.REVIEW
        assert len(bench.store.attempts) == 1

    async def test_request_that_never_arrived_is_settled_as_not_charged(self, bench: Bench) -> None:
        view = await bench.paid("4000000000005001")
        await turns()
        for _ in range(6):
            bench.time.advance(600)
            await turns()
        settled = bench.view()
        assert (settled.session, settled.status) == (view.session, Status.FAILED)
        assert settled.message == "The payment never reached the processor. Nothing was charged."
        assert settled.seq > view.seq
        assert bench.record().status is Status.FAILED


async def test_unreachable_processor_lets_the_agent_submit_again(bench: Bench) -> None:
    view = await bench.paid("4000000000005068")
    assert view.status is Status.COLLECTED
    assert Action.SUBMIT in view.actions
    for _ in range(2):
        view = await bench.desk.submit(ANNA, view.session)
    assert (view.status, view.result) == (Status.FAILED, Result.PAYMENT_CONNECTOR_ERROR)
    assert "could not be sent" in view.message


async def test_refused_request_ends_as_failed(bench: Bench) -> None:
    view = await bench.paid("4000000000005050")
    assert (view.status, view.result) == (Status.FAILED, Result.PAYMENT_CONNECTOR_ERROR)


async def test_ten_payments_at_once_do_not_disturb_each_other(bench: Bench) -> None:
    cards = [("4111111111111111", "1111"), ("5555555555554444", "4444")] * 5
    agents = [AgentId(f"agent-{n}") for n in range(10)]
    for agent in agents:
        bench.calls.ring(CallId(f"call-{agent}"), agent)
    views = await asyncio.gather(
        *(bench.desk.start(agent, start_request(call=f"call-{agent}")) for agent in agents)
    )
    for position in range(17):  # every caller presses a key, then every caller the next
        for agent, (number, _) in zip(agents, cards, strict=True):
            bench.press(f"{number}#"[position], call=CallId(f"call-{agent}"), gap_s=0.01)
    for agent in agents:
        bench.press("1228123", call=CallId(f"call-{agent}"), gap_s=0.01)
    done = await asyncio.gather(
        *(bench.desk.submit(a, v.session) for a, v in zip(agents, views, strict=True))
    )
    assert [view.status for view in done] == [Status.SUCCEEDED] * 10
    assert [view.fields[0].mask[-4:] for view in done] == [last for _, last in cards]
    assert bench.acquirer.charges == 10
