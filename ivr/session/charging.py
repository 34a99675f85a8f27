"""Rules of this file: the key is stored before the request leaves, and what came back is stored before we rest."""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from ivr.clock import Clock
from ivr.payments.model import Approved, Declined, Outcome, Pending, Refused, Unknown
from ivr.payments.runner import Runner
from ivr.session import messages
from ivr.session.journal import Journal
from ivr.session.session import PaymentSession
from ivr.session.store import AttemptOutcome, AttemptRecord, StoreError
from ivr.session.view import SessionId
from ivr.session.words import Status

_log = logging.getLogger(__name__)


def attempt_key(session: SessionId, number: int) -> str:
    """Return the idempotency key of a session's attempt: the same attempt always has the same key."""
    return f"{session}-{number}"


def finished(attempt: AttemptRecord, outcome: Outcome, *, now: datetime) -> AttemptRecord:
    """Return the attempt with this outcome; unknown and pending ones stay without `finished_at`."""
    match outcome:
        case Approved(reference=reference):
            return replace(
                attempt, outcome=AttemptOutcome.APPROVED, reference=reference, finished_at=now
            )
        case Declined(code=code, reference=reference):
            return replace(
                attempt,
                outcome=AttemptOutcome.DECLINED,
                decline_code=str(code),
                reference=reference,
                finished_at=now,
            )
        case Refused(reason=reason):
            return replace(
                attempt,
                outcome=AttemptOutcome.REFUSED,
                decline_code=str(reason),
                finished_at=now,
            )
        case Pending(reference=reference):
            return replace(attempt, outcome=AttemptOutcome.PENDING, reference=reference)
        case Unknown():
            return replace(attempt, outcome=AttemptOutcome.UNKNOWN)


class Charging:
    """Charges the card of a session that has been submitted."""

    def __init__(self, runner: Runner, journal: Journal, *, clock: Clock) -> None:
        """Send through `runner`, keep through `journal`."""
        self._runner = runner
        self._journal = journal
        self._clock = clock
        self.in_flight: set[str] = set()
        "Keys that are being charged now; nobody else may settle them."

    async def charge(self, session: PaymentSession, changed: Callable[[], None]) -> bool:
        """Charge once and tell the session; call `changed` after each change.

        Return False where the attempt is left to be settled later: unknown, pending, or not stored.
        """
        opening = session.opening
        attempt = AttemptRecord(
            key=attempt_key(opening.session, session.charges),
            session=opening.session,
            node=self._journal.node,
            number=session.charges,
            processor=opening.profile.processor,
            amount=opening.order.amount,
            started_at=self._clock.utc_now(),
        )
        self.in_flight.add(attempt.key)
        try:
            return await self._charge(session, attempt, changed)
        finally:
            self.in_flight.discard(attempt.key)

    async def _charge(
        self, session: PaymentSession, attempt: AttemptRecord, changed: Callable[[], None]
    ) -> bool:
        try:
            await self._journal.start_attempt(attempt, session)
        except StoreError as error:
            _log.error("attempt %s could not be stored: %s", attempt.key, error)
            session.not_sent(messages.NOT_STORED)
            changed()
            return False
        outcome = await self._runner.charge(
            attempt.processor, session.opening.order, session.card(), key=attempt.key
        )
        session.answered(outcome)
        changed()
        attempt = finished(attempt, outcome, now=self._clock.utc_now())
        stored = await self._journal.finish_attempt(attempt, session)
        if not stored and session.status is Status.SUCCEEDED:
            session.message = messages.approved_but_not_stored(
                str(session.opening.order.amount), session.confirmation
            )
            changed()
        return stored and attempt.finished_at is not None
