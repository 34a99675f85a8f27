"""Evidence in the database."""

from dataclasses import replace

import pytest

from ivr.session.view import CallId, SessionId
from ivr.storage.engine import Database
from ivr.storage.evidence import CallEvidence, StoredEvidence
from ivr.storage.sessions import PaymentSessions
from tests.ivr.storage.records import NOW, SESSION

EVIDENCE = StoredEvidence(
    call="c1", node="node-1", started_at=NOW, ended_at=None, facts={"spans": [1, None]}
)


@pytest.fixture
def store(database: Database) -> CallEvidence:
    return CallEvidence(database)


async def test_evidence_comes_back_as_it_was_stored(store: CallEvidence) -> None:
    await store.save(EVIDENCE)
    assert await store.find("c1") == EVIDENCE
    assert await store.find("c2") is None


async def test_what_is_known_later_takes_the_place_of_what_was_known(store: CallEvidence) -> None:
    whole = replace(EVIDENCE, ended_at=NOW, facts={"spans": [1, 2]})
    await store.save(EVIDENCE)
    await store.save(whole)
    assert await store.find("c1") == whole


async def test_payments_are_found_by_their_call(database: Database) -> None:
    sessions = PaymentSessions(database)
    second = replace(SESSION, session=SessionId("S0"))
    elsewhere = replace(SESSION, session=SessionId("S9"), call=CallId("C9"))
    for session in (SESSION, elsewhere, second):
        await sessions.create_session(session)
    found = await sessions.sessions_of_call(SESSION.call)
    assert found == [second, SESSION]
