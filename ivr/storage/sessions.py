"""Payment sessions and attempts: `ivr.session.store.SessionStore` over the database.

A record is stored whole. The newer one wins, by its `updated_at`, so a save that comes late never undoes
one that came before it. Free text passes the card-number net once more: agents type into it.
"""

from typing import Any, Final

from sqlalchemy import insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from ivr.money import Money
from ivr.redaction import redact
from ivr.session.store import AttemptOutcome, AttemptRecord, SessionRecord, StoreError
from ivr.session.view import AgentId, CallId, SessionId
from ivr.session.words import InteractionType, Method, Result, Status
from ivr.storage.engine import Database
from ivr.storage.tables import PaymentAttemptRow, PaymentSessionRow

_UNFINISHED: Final = (AttemptOutcome.PENDING.value, AttemptOutcome.UNKNOWN.value)
"Outcomes, besides none, that a look-up may still change."


class PaymentSessions:
    """Sessions and attempts in the database; every method is durable on return."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create_session(self, record: SessionRecord) -> None:
        """Store a session that is not stored yet; raise :class:`StoreError` where it is."""
        async with self._database.write("create a payment session") as session:
            await session.execute(insert(PaymentSessionRow).values(_session_values(record)))

    async def save_session(self, record: SessionRecord) -> None:
        """Replace the stored session, unless that has a later `updated_at`."""
        async with self._database.write("save a payment session") as session:
            await _save(session, record)

    async def find_session(self, session: SessionId) -> SessionRecord | None:
        """Return the stored session, or None."""
        async with self._database.read("find a payment session") as read:
            row = await read.get(PaymentSessionRow, session)
        return None if row is None else _session_record(row)

    async def recent_sessions(self, agent: AgentId, *, limit: int) -> list[SessionRecord]:
        """Return the agent's sessions, newest first."""
        rows = PaymentSessionRow
        newest = select(rows).where(rows.agent == agent)
        newest = newest.order_by(rows.created_at.desc(), rows.session.desc()).limit(limit)
        async with self._database.read("list payment sessions") as read:
            return [_session_record(row) for row in await read.scalars(newest)]

    async def sessions_of_call(self, call: CallId) -> list[SessionRecord]:
        """Return all payment sessions on a call, oldest first."""
        rows = PaymentSessionRow
        oldest = select(rows).where(rows.call == call).order_by(rows.created_at, rows.session)
        async with self._database.read("list payment sessions of a call") as read:
            return [_session_record(row) for row in await read.scalars(oldest)]

    async def unsettled_sessions(self, node: str) -> list[SessionRecord]:
        """Return the node's sessions that are not ended, and those in `review`; oldest first."""
        rows = PaymentSessionRow
        unsettled = (
            select(rows)
            .where(
                rows.node == node, or_(rows.ended.is_(False), rows.status == Status.REVIEW.value)
            )
            .order_by(rows.created_at, rows.session)
        )
        async with self._database.read("list unsettled payment sessions") as read:
            return [_session_record(row) for row in await read.scalars(unsettled)]

    async def start_attempt(self, attempt: AttemptRecord, session: SessionRecord) -> None:
        """Store the attempt and save the session in one transaction; a key that exists is an error."""
        async with self._database.write("start a payment attempt") as write:
            await write.execute(insert(PaymentAttemptRow).values(_attempt_values(attempt)))
            await _save(write, session)

    async def finish_attempt(self, attempt: AttemptRecord, session: SessionRecord) -> None:
        """Update the attempt of this key and save the session in one transaction.

        A final outcome stays: saying it again is harmless, saying another raises :class:`StoreError` and
        stores nothing.
        """
        async with self._database.write("finish a payment attempt") as write:
            await _finish(write, attempt)
            await _save(write, session)

    async def attempts_of(self, session: SessionId) -> list[AttemptRecord]:
        """Return the session's attempts by number."""
        rows = PaymentAttemptRow
        by_number = select(rows).where(rows.session == session).order_by(rows.number)
        async with self._database.read("list payment attempts") as read:
            return [_attempt_record(row) for row in await read.scalars(by_number)]

    async def unfinished_attempts(self, node: str) -> list[AttemptRecord]:
        """Return the node's attempts whose outcome is None, `unknown` or `pending`; oldest first."""
        rows = PaymentAttemptRow
        unfinished = (
            select(rows)
            .where(rows.node == node, or_(rows.outcome.is_(None), rows.outcome.in_(_UNFINISHED)))
            .order_by(rows.started_at, rows.key)
        )
        async with self._database.read("list unfinished payment attempts") as read:
            return [_attempt_record(row) for row in await read.scalars(unfinished)]


async def _save(session: AsyncSession, record: SessionRecord) -> None:
    rows = PaymentSessionRow
    newer = update(rows).where(rows.session == record.session, rows.updated_at <= record.updated_at)
    saved = newer.values(_session_values(record)).returning(rows.session)
    if (await session.execute(saved)).first() is not None:
        return
    if await session.scalar(select(rows.session).where(rows.session == record.session)) is None:
        raise StoreError("save a payment session: it was never created")


async def _finish(session: AsyncSession, attempt: AttemptRecord) -> None:
    rows = PaymentAttemptRow
    unfinished = or_(rows.outcome.is_(None), rows.outcome.in_(_UNFINISHED))
    answer = update(rows).where(rows.key == attempt.key, unfinished).values(_answer(attempt))
    if (await session.execute(answer.returning(rows.key))).first() is not None:
        return
    stored = (await session.execute(select(rows.outcome).where(rows.key == attempt.key))).first()
    if stored is None:
        raise StoreError("finish a payment attempt: it was never started")
    if stored.outcome != attempt.outcome:
        raise StoreError("finish a payment attempt: it has another final outcome already")


def _session_values(record: SessionRecord) -> dict[str, Any]:
    return {
        "session": record.session,
        "node": record.node,
        "method": record.method.value,
        "call": record.call,
        "caller": record.caller,
        "agent": record.agent,
        "profile": record.profile,
        "payee": redact(record.payee),
        "interaction_type": record.interaction_type.value,
        "amount_minor": record.amount.minor,
        "currency": record.amount.currency,
        "reason": redact(record.reason),
        "status": record.status.value,
        "ended": record.ended,
        "result": None if record.result is None else record.result.value,
        "message": redact(record.message),
        "confirmation": record.confirmation,  # not cleaned: a reference that is changed is lost
        "card_brand": record.card_brand,
        "card_last_four": record.card_last_four,
        "created_at": record.created_at,
        "updated_at": record.updated_at,
        "ended_at": record.ended_at,
    }


def _session_record(row: PaymentSessionRow) -> SessionRecord:
    return SessionRecord(
        session=SessionId(row.session),
        node=row.node,
        method=Method(row.method),
        call=CallId(row.call),
        caller=row.caller,
        agent=AgentId(row.agent),
        profile=row.profile,
        payee=row.payee,
        interaction_type=InteractionType(row.interaction_type),
        amount=Money(row.amount_minor, row.currency),
        reason=row.reason,
        status=Status(row.status),
        ended=row.ended,
        result=None if row.result is None else Result(row.result),
        message=row.message,
        confirmation=row.confirmation,
        card_brand=row.card_brand,
        card_last_four=row.card_last_four,
        created_at=row.created_at,
        updated_at=row.updated_at,
        ended_at=row.ended_at,
    )


def _attempt_values(attempt: AttemptRecord) -> dict[str, Any]:
    return _answer(attempt) | {
        "key": attempt.key,
        "session": attempt.session,
        "node": attempt.node,
        "number": attempt.number,
        "processor": attempt.processor,
        "amount_minor": attempt.amount.minor,
        "currency": attempt.amount.currency,
        "started_at": attempt.started_at,
    }


def _answer(attempt: AttemptRecord) -> dict[str, Any]:
    """Return what the processor's answer changes; the rest of an attempt is fixed when it starts."""
    return {
        "outcome": None if attempt.outcome is None else attempt.outcome.value,
        "decline_code": attempt.decline_code,
        "reference": attempt.reference,
        "finished_at": attempt.finished_at,
    }


def _attempt_record(row: PaymentAttemptRow) -> AttemptRecord:
    return AttemptRecord(
        key=row.key,
        session=SessionId(row.session),
        node=row.node,
        number=row.number,
        processor=row.processor,
        amount=Money(row.amount_minor, row.currency),
        started_at=row.started_at,
        outcome=None if row.outcome is None else AttemptOutcome(row.outcome),
        decline_code=row.decline_code,
        reference=row.reference,
        finished_at=row.finished_at,
    )
