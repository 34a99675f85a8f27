"""Rules of this file: an attempt whose outcome is unknown is looked up until it is known, and never sent again."""

import logging
from collections.abc import Callable, Set
from dataclasses import replace
from datetime import datetime, timedelta

from ivr.clock import Clock
from ivr.payments.decline import DECLINE_ADVICE
from ivr.payments.model import Approved, Declined, Outcome, RefusalReason, Refused, Unknown
from ivr.payments.runner import Runner
from ivr.session import messages
from ivr.session.charging import finished
from ivr.session.machine import Trigger, next_status
from ivr.session.store import AttemptRecord, SessionRecord, SessionStore
from ivr.session.words import Result, Status

_log = logging.getLogger(__name__)

NEVER_SEEN_AFTER = timedelta(minutes=10)
"""When a processor that does not know the key is believed: by then no request is still on its way."""


class Settling:
    """Looks unfinished attempts up and brings their sessions to an end."""

    def __init__(
        self,
        runner: Runner,
        store: SessionStore,
        *,
        clock: Clock,
        node: str,
        settled: Callable[[SessionRecord], None],
    ) -> None:
        """Settle what this node left; `settled` hears of every session that changed."""
        self._runner = runner
        self._store = store
        self._clock = clock
        self._node = node
        self._settled = settled

    async def end_interrupted(self, *, live: Set[str]) -> None:
        """End the sessions that a crash cut off before anything was sent; raise :class:`StoreError`."""
        for record in await self._store.unsettled_sessions(self._node):
            if record.session in live or record.status in (Status.PROCESSING, Status.REVIEW):
                continue
            declined = record.status is Status.DECLINED
            now = self._clock.utc_now()
            ended = replace(
                record,
                status=record.status if declined else Status.FAILED,
                result=Result.INTERNAL_ERROR,
                message=messages.INTERRUPTED,
                ended=True,
                updated_at=now,
                ended_at=now,
            )
            await self._store.save_session(ended)
            self._settled(ended)

    async def settle(self, *, busy: Callable[[AttemptRecord], bool]) -> bool:
        """Look every unfinished attempt up once; return whether all are settled.

        Attempts that somebody else is `busy` with are left for the next time. Raise :class:`StoreError`.
        """
        all_settled = True
        for attempt in await self._store.unfinished_attempts(self._node):
            all_settled &= not busy(attempt) and await self._settle(attempt)
        return all_settled

    async def _settle(self, attempt: AttemptRecord) -> bool:
        record = await self._store.find_session(attempt.session)
        if record is None:
            _log.error("attempt %s has no session", attempt.key)
            return True
        outcome = await self._runner.look_up(attempt.processor, attempt.key)
        now = self._clock.utc_now()
        old = now - attempt.started_at >= NEVER_SEEN_AFTER
        if old and isinstance(outcome, Unknown) and outcome.never_seen:
            outcome = Refused(reason=RefusalReason.NOT_SENT)
        attempt = finished(attempt, outcome, now=now)
        settled = settled_record(record, outcome, now=now)
        await self._store.finish_attempt(attempt, settled)
        if settled != record:
            self._settled(settled)
        return attempt.finished_at is not None


def settled_record(record: SessionRecord, outcome: Outcome, *, now: datetime) -> SessionRecord:
    """Return the session after a look-up; one that is not waiting for an outcome stays as it is."""
    if record.status not in (Status.PROCESSING, Status.REVIEW):
        return record
    match outcome:
        case Approved(reference=reference):
            trigger, result = Trigger.APPROVED, Result.SUCCESS
            words, confirmation = messages.approved(str(record.amount)), reference
        case Declined(code=code, reference=reference):
            trigger, result = Trigger.DECLINED, Result.PAYMENT_CONNECTOR_ERROR
            words, confirmation = DECLINE_ADVICE[code].words, reference
        case Refused():
            trigger, result = Trigger.REFUSED, Result.PAYMENT_CONNECTOR_ERROR
            words, confirmation = messages.SETTLED_UNCHARGED, record.confirmation
        case _:
            return _in_review(record, now)
    return replace(
        record,
        status=next_status(record.status, trigger),
        result=result,
        message=words,
        confirmation=confirmation,
        ended=True,
        updated_at=now,
        ended_at=record.ended_at or now,
    )


def _in_review(record: SessionRecord, now: datetime) -> SessionRecord:
    if record.status is Status.REVIEW:
        return record
    return replace(
        record,
        status=next_status(record.status, Trigger.NO_ANSWER),
        message=messages.REVIEW,
        ended=True,
        updated_at=now,
        ended_at=record.ended_at or now,
    )
