"""Payment sessions and attempts: what is stored comes back, in order, and is never undone by a late write."""

import asyncio
from dataclasses import replace
from datetime import timedelta, timezone
from pathlib import Path

import pytest

from ivr.session.store import AttemptOutcome, SessionStore, StoreError
from ivr.session.view import AgentId, SessionId
from ivr.session.words import Result, Status
from ivr.storage.engine import Database, open_database
from ivr.storage.sessions import PaymentSessions
from tests.ivr.storage.records import ATTEMPT, NOW, SESSION
from tests.support.canary import CANARY_CARD, CANARY_SPACED
from tests.support.leaks import files_with_canary

LATER = NOW + timedelta(seconds=1)

DECLINED = replace(
    ATTEMPT,
    outcome=AttemptOutcome.DECLINED,
    decline_code="insufficient-funds",
    reference="ref-1",
    finished_at=LATER,
)


@pytest.fixture
def store(database: Database) -> SessionStore:
    return PaymentSessions(database)


async def test_session_comes_back_as_it_was_stored(store: SessionStore) -> None:
    whole = replace(
        SESSION,
        status=Status.SUCCEEDED,
        ended=True,
        result=Result.SUCCESS,
        message="Approved",
        confirmation="ref-1",
        card_brand="visa",
        card_last_four="7899",
        ended_at=LATER,
    )
    await store.create_session(SESSION)
    assert await store.find_session(SESSION.session) == SESSION
    await store.save_session(whole)
    assert await store.find_session(SESSION.session) == whole
    assert await store.find_session(SessionId("S2")) is None


async def test_stored_session_survives_closing(store: SessionStore, database: Database) -> None:
    await store.create_session(SESSION)
    await database.close()
    async with await open_database(f"sqlite:///{database.path}") as again:
        assert await PaymentSessions(again).find_session(SESSION.session) == SESSION


async def test_moment_of_another_zone_is_the_same_moment(store: SessionStore) -> None:
    tokyo = NOW.astimezone(timezone(timedelta(hours=9)))
    await store.create_session(replace(SESSION, created_at=tokyo))
    found = await store.find_session(SESSION.session)
    assert found is not None
    assert found.created_at == NOW
    assert found.created_at.utcoffset() == timedelta(0)


async def test_moment_without_a_zone_is_refused(store: SessionStore) -> None:
    with pytest.raises(StoreError, match="create a payment session"):
        await store.create_session(replace(SESSION, created_at=NOW.replace(tzinfo=None)))


async def test_session_is_created_once_and_saved_only_once_created(store: SessionStore) -> None:
    with pytest.raises(StoreError, match="never created"):
        await store.save_session(SESSION)
    await store.create_session(SESSION)
    with pytest.raises(StoreError, match="create a payment session"):
        await store.create_session(SESSION)


async def test_late_save_of_an_older_record_changes_nothing(store: SessionStore) -> None:
    newer = replace(SESSION, status=Status.SUCCEEDED, updated_at=LATER)
    await store.create_session(SESSION)
    await store.save_session(newer)
    await store.save_session(replace(SESSION, status=Status.COLLECTED))
    assert await store.find_session(SESSION.session) == newer


async def test_newest_of_many_concurrent_saves_wins(store: SessionStore) -> None:
    await store.create_session(SESSION)
    versions = [
        replace(SESSION, reason=str(n), updated_at=NOW + timedelta(milliseconds=n))
        for n in range(20)
    ]
    await asyncio.gather(*(store.save_session(version) for version in versions[::3] + versions))
    assert await store.find_session(SESSION.session) == versions[-1]


async def test_recent_sessions_are_the_agents_newest_first(store: SessionStore) -> None:
    for n in range(4):
        created = NOW + timedelta(minutes=n)
        await store.create_session(
            replace(SESSION, session=SessionId(f"S{n}"), created_at=created, updated_at=created)
        )
    await store.create_session(replace(SESSION, session=SessionId("S9"), agent=AgentId("bert")))
    found = await store.recent_sessions(AgentId("anna"), limit=3)
    assert [record.session for record in found] == ["S3", "S2", "S1"]


async def test_unsettled_are_the_nodes_open_ones_and_those_in_review(store: SessionStore) -> None:
    for name, node, status, ended in [
        ("open", "node-1", Status.COLLECTING, False),
        ("paid", "node-1", Status.SUCCEEDED, True),
        ("review", "node-1", Status.REVIEW, True),
        ("other", "node-2", Status.COLLECTING, False),
    ]:
        await store.create_session(
            replace(SESSION, session=SessionId(name), node=node, status=status, ended=ended)
        )
    assert [record.session for record in await store.unsettled_sessions("node-1")] == [
        "open",
        "review",
    ]


async def test_attempt_and_session_are_stored_together(store: SessionStore) -> None:
    processing = replace(SESSION, status=Status.PROCESSING, updated_at=LATER)
    await store.create_session(SESSION)
    await store.start_attempt(ATTEMPT, processing)
    assert await store.attempts_of(SESSION.session) == [ATTEMPT]
    assert await store.find_session(SESSION.session) == processing
    await store.finish_attempt(DECLINED, replace(processing, status=Status.DECLINED))
    assert await store.attempts_of(SESSION.session) == [DECLINED]


@pytest.mark.parametrize(
    "second",
    [
        replace(ATTEMPT, number=2),  # the key exists
        replace(ATTEMPT, key="S1:2"),  # the number exists
        replace(ATTEMPT, key="S2:1", session=SessionId("S2")),  # no such session
    ],
)
async def test_attempt_that_cannot_be_stored_saves_no_session_either(
    store: SessionStore, second: object
) -> None:
    assert isinstance(second, type(ATTEMPT))
    await store.create_session(SESSION)
    await store.start_attempt(ATTEMPT, SESSION)
    with pytest.raises(StoreError, match="start a payment attempt"):
        await store.start_attempt(second, replace(SESSION, status=Status.PROCESSING))
    assert await store.find_session(SESSION.session) == SESSION


async def test_only_one_of_two_concurrent_starts_of_a_key_succeeds(store: SessionStore) -> None:
    await store.create_session(SESSION)
    answers = await asyncio.gather(
        *(store.start_attempt(ATTEMPT, SESSION) for _ in range(5)), return_exceptions=True
    )
    assert sorted(type(answer).__name__ for answer in answers) == ["NoneType"] + ["StoreError"] * 4


@pytest.mark.parametrize("outcome", [AttemptOutcome.UNKNOWN, AttemptOutcome.PENDING])
async def test_unknown_outcome_is_unfinished_until_it_is_looked_up(
    store: SessionStore, outcome: AttemptOutcome
) -> None:
    await store.create_session(SESSION)
    await store.start_attempt(ATTEMPT, SESSION)
    assert await store.unfinished_attempts("node-1") == [ATTEMPT]
    assert await store.unfinished_attempts("node-2") == []
    unknown = replace(ATTEMPT, outcome=outcome)
    await store.finish_attempt(unknown, SESSION)
    assert await store.unfinished_attempts("node-1") == [unknown]
    await store.finish_attempt(DECLINED, SESSION)
    assert await store.unfinished_attempts("node-1") == []


async def test_final_outcome_is_never_overwritten(store: SessionStore) -> None:
    await store.create_session(SESSION)
    await store.start_attempt(ATTEMPT, SESSION)
    await store.finish_attempt(DECLINED, SESSION)
    await store.finish_attempt(DECLINED, SESSION)  # said again: harmless
    approved = replace(ATTEMPT, outcome=AttemptOutcome.APPROVED, finished_at=LATER)
    paid = replace(SESSION, status=Status.SUCCEEDED, updated_at=LATER)
    for other in (approved, replace(ATTEMPT, outcome=AttemptOutcome.UNKNOWN)):
        with pytest.raises(StoreError, match="another final outcome"):
            await store.finish_attempt(other, paid)
    assert await store.attempts_of(SESSION.session) == [DECLINED]
    assert await store.find_session(SESSION.session) == SESSION


async def test_attempt_that_was_never_started_cannot_be_finished(store: SessionStore) -> None:
    await store.create_session(SESSION)
    with pytest.raises(StoreError, match="never started"):
        await store.finish_attempt(DECLINED, SESSION)


async def test_card_number_typed_into_a_text_is_not_stored(
    store: SessionStore, tmp_path: Path
) -> None:
    await store.create_session(
        replace(SESSION, payee=f"A {CANARY_CARD}", reason=CANARY_SPACED, message=CANARY_CARD)
    )
    found = await store.find_session(SESSION.session)
    assert found is not None
    assert found.payee == "A [card number removed]"
    assert found.reason == found.message == "[card number removed]"
    assert files_with_canary(tmp_path) == []


async def test_more_than_four_digits_of_a_card_are_refused(store: SessionStore) -> None:
    with pytest.raises(StoreError):
        await store.create_session(replace(SESSION, card_last_four="67899"))
