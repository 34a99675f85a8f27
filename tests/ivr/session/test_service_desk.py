"""What an agent finds on the desk, and commands that come at the wrong moment."""

import pytest

from ivr.session.ports import SessionError
from ivr.session.recent import MAX_RECENT
from ivr.session.service import new_session_id
from ivr.session.store import AttemptOutcome
from ivr.session.words import Action, FieldName, FieldState, Status
from tests.ivr.session.fakes import ANNA, CALL, VISA, Bench, turns


def test_profiles_can_be_chosen(bench: Bench) -> None:
    assert [view.name for view in bench.desk.profiles()] == ["bills"]


def test_calls_are_those_of_the_agent(bench: Bench) -> None:
    assert [view.call for view in bench.desk.calls(ANNA)] == [CALL]


def test_session_ids_are_letters_and_never_the_same() -> None:
    ids = {new_session_id() for _ in range(100)}
    assert len(ids) == 100
    assert all(session.isalpha() and len(session) == 18 for session in ids)


async def test_sessions_are_newest_first_and_bounded(bench: Bench) -> None:
    started = []
    for _ in range(MAX_RECENT + 3):
        view = await bench.started()
        started.append(view.session)
        await bench.desk.cancel(ANNA, view.session)
        await turns()
    live = await bench.started()
    shown = [view.session for view in bench.desk.sessions(ANNA)]
    assert shown == [live.session, *reversed(started[3:])]


async def test_actions_follow_the_status(bench: Bench) -> None:
    view = await bench.started()
    assert view.actions == (Action.CAPTURE, Action.CANCEL)
    bench.press(f"{VISA}#1228123")
    assert bench.view().actions == (Action.CAPTURE, Action.SUBMIT, Action.CANCEL)
    submitting = await bench.desk.submit(ANNA, view.session)
    assert submitting.actions == ()


async def test_agent_asks_one_field_again_while_the_caller_keys_another(bench: Bench) -> None:
    view = await bench.started()
    bench.press(f"{VISA}#12")
    again = await bench.desk.capture(ANNA, view.session, FieldName.CARD_NUMBER)
    assert again.collecting is FieldName.CARD_NUMBER
    assert [field.state for field in again.fields] == [
        FieldState.COLLECTING,
        FieldState.IDLE,
        FieldState.IDLE,
    ]
    bench.press("5555555555554444")
    assert bench.view().fields[0].brand == "mastercard"


async def test_field_that_the_profile_does_not_ask_is_refused(bench: Bench) -> None:
    view = await bench.started()
    with pytest.raises(SessionError) as refused:
        await bench.desk.capture(ANNA, view.session, FieldName.POSTAL_CODE)
    assert (refused.value.code, refused.value.field) == ("unknown-field", "field")


async def test_ended_session_takes_no_command_but_a_second_cancel(bench: Bench) -> None:
    view = await bench.started()
    await bench.desk.cancel(ANNA, view.session)
    await turns()
    again = await bench.desk.cancel(ANNA, view.session)
    assert again.status is Status.CANCELLED
    for command in (
        bench.desk.submit(ANNA, view.session),
        bench.desk.capture(ANNA, view.session, FieldName.CARD_NUMBER),
    ):
        with pytest.raises(SessionError) as refused:
            await command
        assert refused.value.code == "not-possible"


async def test_timed_out_field_is_told_to_the_agent(bench: Bench) -> None:
    await bench.started()
    bench.time.advance(20)
    field = bench.view().fields[0]
    assert field.state is FieldState.INVALID
    assert field.message == "The card number was not keyed in time. Please key it again."
    assert bench.view().seconds_left is None
    bench.press(f"{VISA}#")
    assert bench.view().fields[0].state is FieldState.VALID


async def test_every_command_is_in_the_audit_log(bench: Bench) -> None:
    view = await bench.paid()
    await turns()
    start, submit, end = bench.audit.entries
    assert (start.what, start.who, start.target, start.origin) == (
        "payment.start",
        "anna",
        CALL,
        "panel",
    )
    assert start.detail == {
        "call": CALL,
        "profile": "bills",
        "session": view.session,
        "status": "collecting",
    }
    by_what = {entry.what: entry for entry in (submit, end)}
    assert by_what["payment.submit"].detail["status"] == "succeeded"
    assert by_what["payment.end"].detail["result"] == "success"


async def test_attempt_of_a_live_session_is_not_settled_behind_its_back(bench: Bench) -> None:
    bench.store.failing.add("finish_attempt")
    view = await bench.paid("4000000000009995")
    bench.store.failing.clear()
    bench.time.advance(30)
    await turns()
    (attempt,) = bench.store.attempts.values()
    assert (attempt.outcome, bench.record().ended) == (None, False)
    await bench.desk.cancel(ANNA, view.session)
    await turns()
    bench.time.advance(60)
    await turns()
    (attempt,) = bench.store.attempts.values()
    assert attempt.outcome is AttemptOutcome.DECLINED
    assert bench.record().status is Status.CANCELLED
