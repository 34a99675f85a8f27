"""The service over the storage that the gateway uses, in a real SQLite file."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ivr.payments.processors.test_processor import TestProcessor
from ivr.payments.runner import Account, Runner
from ivr.session.service import SessionService
from ivr.session.store import AttemptOutcome
from ivr.session.words import FieldName, Status
from ivr.storage.audit import AuditTrail
from ivr.storage.engine import Database, open_database
from ivr.storage.migrate import upgrade
from ivr.storage.sessions import PaymentSessions
from tests.ivr.session.fakes import ANNA, Bench, at_once, turns


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    url = f"sqlite:///{tmp_path}/tonewall.db"
    upgrade(url)
    async with await open_database(url) as opened:
        yield opened


def service(bench: Bench, database: Database) -> SessionService:
    account = Account(processor=TestProcessor(), transport=bench.acquirer)
    return SessionService(
        control=bench.calls,
        store=PaymentSessions(database),
        audit=AuditTrail(database),
        runner=Runner({"test": account}, pause=at_once),
        profiles=bench.profiles,
        clock=bench.time,
        alarm=bench.time,
    )


def _everything_in(folder: Path) -> bytes:
    content = b"".join(file.read_bytes() for file in folder.iterdir())
    assert b"Northern Water" in content  # or the search would find nothing at all
    return content


async def test_declined_then_paid_is_kept_without_card_data(
    database: Database, tmp_path: Path
) -> None:
    bench = Bench()
    bench.desk = service(bench, database)
    view = await bench.paid("4000000000009995")
    await bench.desk.capture(ANNA, view.session, FieldName.CARD_NUMBER)
    bench.press("4111111111111111#1228123")
    await bench.desk.submit(ANNA, view.session)
    await bench.desk.close()

    store = PaymentSessions(database)
    record = await store.find_session(view.session)
    assert record is not None
    assert (record.status, record.ended, record.card_last_four) == (Status.SUCCEEDED, True, "1111")
    attempts = await store.attempts_of(view.session)
    assert [a.outcome for a in attempts] == [AttemptOutcome.DECLINED, AttemptOutcome.APPROVED]
    assert b"4111111111111111" not in _everything_in(tmp_path)


async def test_unknown_outcome_is_settled_after_a_restart(database: Database) -> None:
    bench = Bench()
    bench.desk = service(bench, database)
    view = await bench.paid("4000000000005001")
    await turns()
    await bench.desk.close()

    bench.time.advance(700)
    restarted = service(bench, database)
    await restarted.recover()
    await restarted.close()
    record = await PaymentSessions(database).find_session(view.session)
    assert record is not None
    assert record.status is Status.FAILED
    assert "never reached the processor" in record.message
