"""A media worker is lost and the call goes on with another: the payment goes on too, once, and no field has a hole."""

import asyncio

from ivr.session import messages
from ivr.session.view import CallId
from ivr.session.words import FieldName, FieldState, Status
from tests.ivr.session.fakes import ANNA, CALL, VISA, Bench


def masks(bench: Bench) -> dict[FieldName, tuple[FieldState, int]]:
    return {field.name: (field.state, len(field.mask)) for field in bench.view().fields}


async def test_the_field_that_is_keyed_begins_again_and_the_agent_is_told(bench: Bench) -> None:
    await bench.started()
    bench.press("41111")
    bench.desk.media_interrupted(CALL)
    view = bench.view()
    assert (view.status, view.collecting) == (Status.COLLECTING, FieldName.CARD_NUMBER)
    assert masks(bench)[FieldName.CARD_NUMBER][1] == 0
    assert view.message == messages.MEDIA_INTERRUPTED
    bench.press("4")
    assert bench.view().message == ""
    bench.press(f"{VISA[1:]}#1228123")
    assert bench.view().status is Status.COLLECTED


async def test_it_is_no_failed_attempt_of_the_caller(bench: Bench) -> None:
    await bench.started()
    for _ in range(10):
        bench.press("41111")
        bench.desk.media_interrupted(CALL)
    assert bench.view().fields[0].attempt == 1
    bench.press(f"{VISA}#1228123")
    assert bench.view().status is Status.COLLECTED


async def test_a_part_of_a_field_is_never_taken_for_the_whole_when_its_time_is_over(
    bench: Bench,
) -> None:
    """Thirteen digits that are a card number by themselves; the rest was lost with the worker."""
    await bench.started()
    bench.press("4222222222222")
    bench.desk.media_interrupted(CALL)
    bench.time.advance(6)
    state, shown = masks(bench)[FieldName.CARD_NUMBER]
    assert (state is FieldState.VALID, shown) == (False, 0)


async def test_fields_that_are_complete_stay(bench: Bench) -> None:
    await bench.started()
    bench.press(f"{VISA}#12")
    bench.desk.media_interrupted(CALL)
    assert masks(bench)[FieldName.CARD_NUMBER] == (FieldState.VALID, len(VISA))
    assert masks(bench)[FieldName.EXPIRATION_DATE][1] == 0
    bench.press("1228123")
    assert bench.view().status is Status.COLLECTED


async def test_a_charge_under_way_is_made_once(bench: Bench) -> None:
    submitting = await bench.processing()
    bench.desk.media_interrupted(CALL)
    bench.acquirer.gate.set()
    assert (await submitting).status is Status.SUCCEEDED
    again = await bench.desk.submit(ANNA, bench.view().session)
    assert again.status is Status.SUCCEEDED
    assert len(bench.store.attempts) == 1


async def test_a_complete_card_waits_for_the_agent_as_before(bench: Bench) -> None:
    before = await bench.collected()
    bench.desk.media_interrupted(CALL)
    assert bench.view() == before


async def test_a_call_without_a_payment_is_nothing(bench: Bench) -> None:
    bench.desk.media_interrupted(CallId("nobody"))
    bench.desk.media_interrupted(CALL)
    await asyncio.sleep(0)
    assert bench.desk.sessions(ANNA) == []
