"""A card number planted in every way through a session is searched for in all that leaves it."""

import logging
import pickle
import traceback
from collections.abc import Iterable
from dataclasses import asdict, replace

import pytest

from ivr.session.ports import SessionError
from ivr.session.session import PaymentSession
from ivr.session.words import FieldName
from tests.ivr.session.fakes import ANNA, CALL, Bench, start_request, turns

EXPIRY, CODE = "0931", "9517"
CARDS = [
    "4111111111111111",
    "378282246310005",
    "4000000000009995",
    "4000000000005019",
    "4000000000005035",
    "4000000000005050",
    "4000000000005068",
]
"Approved, approved Amex, declined, lost answer, silent, refused, unreachable."


@pytest.fixture
def watched(bench: Bench, caplog: pytest.LogCaptureFixture) -> tuple[Bench, list[object]]:
    """Return a bench and the list of everything that its readers were sent."""
    caplog.set_level(logging.DEBUG)
    sent: list[object] = []
    publish = bench.desk._updates.publish

    def keeping(agent: object, update: object) -> None:
        sent.append(update)
        publish(agent, update)  # type: ignore[arg-type]  # handed on as they came

    bench.desk._updates.publish = keeping  # type: ignore[method-assign]  # keeps, then does the same
    return bench, sent


def search(things: Iterable[object], number: str) -> list[str]:
    """Return how things show themselves wherever that holds the card."""
    found = []
    for thing in things:
        texts = [repr(thing), str(thing), f"{thing}"]
        if hasattr(thing, "__dataclass_fields__"):
            texts.append(repr(asdict(thing)))  # type: ignore[call-overload]  # it is a dataclass
            texts.append(pickle.dumps(thing).decode("latin-1"))
        # A code of four digits may be part of an innocent number; as a text of its own it is the code.
        found += [text for text in texts if number in text or f"'{CODE}'" in text]
        found += [text for text in texts if f"'{EXPIRY}'" in text]
    return found


async def test_search_finds_what_is_planted(bench: Bench) -> None:
    view = await bench.started()
    for planted in (f"Invoice {CARDS[0]}", CODE, EXPIRY):
        assert search([replace(view, reason=planted)], CARDS[0])
    assert not search([view], CARDS[0])


@pytest.mark.parametrize("number", CARDS)
async def test_payment_leaves_no_trace_of_the_card(
    watched: tuple[Bench, list[object]], caplog: pytest.LogCaptureFixture, number: str
) -> None:
    bench, sent = watched
    await bench.started()
    code = CODE if number.startswith("37") else CODE[:3]
    bench.press(f"{number[:6]}*{number}#{EXPIRY}{code}")
    live = bench.desk._live.on_call(CALL)
    assert live is not None
    session, card = live.session, live.session.card()
    assert len(card.number) == len(number)
    view = await bench.desk.submit(ANNA, bench.view().session)
    if view.actions:
        await bench.desk.cancel(ANNA, view.session)
    await turns()

    assert sent
    assert bench.store.written
    things = [*sent, *bench.store.written, *bench.audit.entries, view, *bench.desk.sessions(ANNA)]
    assert search(things, number) == []
    for text in (repr(session), repr(vars(session)), repr(card), repr(asdict(card)), repr(live)):
        assert number not in text
    for record in caplog.records:
        assert number not in record.getMessage() + repr(record.args)
    assert number not in caplog.text
    assert len(card.number) == len(card.expiry) == 0


async def test_pickling_a_session_or_its_card_is_impossible(bench: Bench) -> None:
    await bench.collected()
    live = bench.desk._live.on_call(CALL)
    assert live is not None
    for thing in (live.session, live.session.card(), asdict(live.session.card())):
        with pytest.raises(TypeError, match="cannot be pickled"):
            pickle.dumps(thing)


async def test_errors_and_their_tracebacks_do_not_quote_the_card(bench: Bench) -> None:
    number = CARDS[0]
    for changes in ({"payee": number}, {"reason": number}, {"amount": number}, {"profile": number}):
        with pytest.raises(SessionError) as refused:
            await bench.desk.start(ANNA, start_request(**changes))
        assert number not in "".join(traceback.format_exception(refused.value))


async def test_fault_while_keying_is_logged_without_its_text(
    bench: Bench, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bench.started()
    bench.press("4111")

    def broken(self: PaymentSession, key: object, now: float) -> bool:
        raise RuntimeError(CARDS[0])

    monkeypatch.setattr(PaymentSession, "receive_key", broken)
    bench.press("1")
    assert "RuntimeError" in caplog.text
    assert CARDS[0] not in caplog.text


async def test_buffers_are_zeroed_at_the_end(bench: Bench) -> None:
    await bench.collected()
    live = bench.desk._live.on_call(CALL)
    assert live is not None
    buffers = [live.session.card().number._buffer, live.session.card().expiry._buffer]
    assert all(any(buffer) for buffer in buffers)
    await bench.desk.cancel(ANNA, bench.view().session)
    assert not any(any(buffer) for buffer in buffers)


async def test_security_code_is_gone_once_the_processor_has_answered(bench: Bench) -> None:
    await bench.collected("4000000000009995")
    live = bench.desk._live.on_call(CALL)
    assert live is not None
    code = live.session.card().security_code
    assert code is not None
    buffer = code._buffer
    view = await bench.desk.submit(ANNA, bench.view().session)
    assert not any(buffer)
    assert len(live.session.card().number) == 16
    await bench.desk.capture(ANNA, view.session, FieldName.SECURITY_CODE)
