"""A profile with `caller_voice = "mute"`: the agent does not hear the caller while a field is keyed, and only then."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from ivr.session.line_masking import LineMasking
from ivr.session.ports import CallLostError, SessionError
from ivr.session.words import FieldName, Status
from tests.ivr.session.fakes import ANNA, CALL, Bench, profile, turns

DECLINED = "4000000000000002"


@pytest.fixture
async def muting() -> AsyncIterator[Bench]:
    bench = Bench(profile(caller_voice="mute", even_beeps=True, hold_frames=2))
    yield bench
    await bench.desk.close()


async def test_the_line_is_secured_as_the_profile_says(muting: Bench) -> None:
    view = await muting.started()
    masking = LineMasking(hold_frames=2, muted=True, even_beeps=True)
    assert muting.calls.maskings == [masking]
    assert view.caller_muted


async def test_a_plain_profile_mutes_nobody(bench: Bench) -> None:
    view = await bench.paid()
    assert bench.calls.maskings == [LineMasking()]
    assert (view.caller_muted, bench.calls.muted) == (False, [])


async def test_the_caller_is_muted_from_field_to_field_and_heard_when_all_are_in(
    muting: Bench,
) -> None:
    await muting.started()
    muting.press("4111111111111111#1228")
    await turns()
    assert muting.calls.muted == []
    muting.press("123")
    await turns()
    assert muting.view().status is Status.COLLECTED
    assert muting.calls.muted == [False]
    assert not muting.view().caller_muted


async def test_a_field_that_is_asked_again_waits_for_the_muting(muting: Bench) -> None:
    view = await muting.collected()
    await turns()
    muting.calls.mute_gate.clear()
    asking = asyncio.create_task(muting.desk.capture(ANNA, view.session, FieldName.SECURITY_CODE))
    await turns()
    muting.press("9")
    assert muting.view().status is Status.COLLECTED
    muting.calls.mute_gate.set()
    asked = await asking
    assert (asked.status, asked.caller_muted) == (Status.COLLECTING, True)
    assert muting.view().fields[2].mask == ""


async def test_after_a_decline_the_caller_is_heard_until_the_next_field(muting: Bench) -> None:
    declined = await muting.paid(DECLINED)
    await turns()
    assert declined.status is Status.DECLINED
    assert not muting.view().caller_muted
    asked = await muting.desk.capture(ANNA, declined.session, FieldName.CARD_NUMBER)
    assert asked.caller_muted
    assert muting.calls.muted == [False, True]


async def test_no_field_is_asked_where_the_caller_cannot_be_muted(muting: Bench) -> None:
    view = await muting.collected()
    await turns()
    muting.calls.mute_error = CallLostError("the media worker does not answer")
    with pytest.raises(SessionError, match="could not be muted") as refused:
        await muting.desk.capture(ANNA, view.session, FieldName.SECURITY_CODE)
    assert refused.value.code == "call-not-secured"
    assert muting.view().status is Status.COLLECTED
    assert ("payment.capture", False) in muting.audit.words()
    muting.calls.mute_error = None
    asked = await muting.desk.capture(ANNA, view.session, FieldName.SECURITY_CODE)
    assert (asked.status, asked.caller_muted) == (Status.COLLECTING, True)


async def test_a_caller_who_cannot_be_heard_again_is_shown_as_muted(muting: Bench) -> None:
    muting.calls.mute_error = CallLostError("the media worker does not answer")
    view = await muting.collected()
    await turns()
    assert muting.view().caller_muted
    paid = await muting.desk.submit(ANNA, view.session)
    assert paid.status is Status.SUCCEEDED
    await turns()
    assert muting.calls.released == [CALL]
    assert not muting.view().caller_muted


async def test_asking_at_once_after_the_last_key_leaves_the_caller_muted(muting: Bench) -> None:
    view = await muting.collected()
    asked = await muting.desk.capture(ANNA, view.session, FieldName.SECURITY_CODE)
    await turns()
    assert asked.status is Status.COLLECTING
    assert muting.view().caller_muted


async def test_a_session_that_ended_changes_nothing_on_the_next_ones_line(muting: Bench) -> None:
    muting.calls.mute_gate.clear()
    view = await muting.collected()
    await turns()
    await muting.desk.cancel(ANNA, view.session)
    muting.calls.mute_gate.set()
    await turns()
    assert muting.calls.released == [CALL]
    await muting.started()
    await turns()
    assert muting.view().caller_muted
    assert muting.calls.muted == [False]


async def test_what_cannot_be_asked_leaves_the_voice_as_it_was(muting: Bench) -> None:
    submitting = await muting.processing()
    with pytest.raises(SessionError, match="cannot be done now"):
        await muting.desk.capture(ANNA, muting.view().session, FieldName.SECURITY_CODE)
    assert muting.calls.muted == [False]
    muting.acquirer.gate.set()
    await submitting
