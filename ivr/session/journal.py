"""Keeping sessions and the audit log: records out of sessions, and what to do when the store fails."""

import logging

from ivr.clock import Clock
from ivr.session.session import PaymentSession
from ivr.session.store import (
    AttemptRecord,
    AuditEntry,
    AuditLog,
    SessionRecord,
    SessionStore,
    StoreError,
)
from ivr.session.words import Method

_log = logging.getLogger(__name__)


class Journal:
    """Writes what happened. Where the text below says "logged", a failing store stops nobody."""

    def __init__(self, store: SessionStore, audit: AuditLog, *, clock: Clock, node: str) -> None:
        """Keep records of this gateway node."""
        self._store = store
        self._audit = audit
        self._clock = clock
        self.node = node

    def record(self, session: PaymentSession) -> SessionRecord:
        """Return the session as it stands, without card data."""
        opening = session.opening
        return SessionRecord(
            session=opening.session,
            node=self.node,
            method=Method.GUIDED,
            call=opening.call,
            caller=opening.caller,
            agent=opening.agent,
            profile=opening.profile.name,
            payee=opening.order.payee,
            interaction_type=opening.interaction_type,
            amount=opening.order.amount,
            reason=opening.order.description,
            status=session.status,
            ended=session.ended,
            result=session.result,
            message=session.message,
            confirmation=session.confirmation,
            card_brand=session.card_brand,
            card_last_four=session.card_last_four,
            created_at=opening.created_at,
            updated_at=self._clock.utc_now(),
            ended_at=session.ended_at,
        )

    async def create(self, session: PaymentSession) -> None:
        """Store a new session; raise :class:`StoreError`."""
        await self._store.create_session(self.record(session))

    async def save(self, session: PaymentSession) -> None:
        """Save the session as it stands; a failure is logged."""
        try:
            await self._store.save_session(self.record(session))
        except StoreError as error:
            _log.error("session %s could not be saved: %s", session.opening.session, error)

    async def start_attempt(self, attempt: AttemptRecord, session: PaymentSession) -> None:
        """Store the attempt and its key before anything is sent; raise :class:`StoreError`."""
        await self._store.start_attempt(attempt, self.record(session))

    async def finish_attempt(self, attempt: AttemptRecord, session: PaymentSession) -> bool:
        """Store what came of the attempt; return False, and log, where that failed."""
        try:
            await self._store.finish_attempt(attempt, self.record(session))
        except StoreError as error:
            _log.error("attempt %s could not be finished: %s", attempt.key, error)
            return False
        return True

    async def note(
        self,
        what: str,
        *,
        who: str,
        target: str,
        origin: str,
        success: bool = True,
        detail: dict[str, str] | None = None,
    ) -> None:
        """Write an audit entry; a failure is logged."""
        entry = AuditEntry(
            who=who,
            what=what,
            when=self._clock.utc_now(),
            success=success,
            origin=origin,
            target=target,
            detail=detail or {},
        )
        try:
            await self._audit.write(entry)
        except StoreError as error:
            _log.error("audit entry %s of %s could not be written: %s", what, who, error)
