"""Records to store: one whole session and one whole attempt, to be changed with `dataclasses.replace`."""

from datetime import UTC, datetime

from ivr.money import Money
from ivr.session.store import AttemptRecord, AuditEntry, SessionRecord
from ivr.session.view import AgentId, CallId, SessionId
from ivr.session.words import InteractionType, Method, Status

NOW = datetime(2026, 11, 20, 9, 0, 0, 123456, tzinfo=UTC)

SESSION = SessionRecord(
    session=SessionId("S1"),
    node="node-1",
    method=Method.GUIDED,
    call=CallId("C1"),
    caller="+447700900123",
    agent=AgentId("anna"),
    profile="bills",
    payee="A. Customer",
    interaction_type=InteractionType.BILL,
    amount=Money(1250, "GBP"),
    reason="invoice 7",
    status=Status.COLLECTING,
    ended=False,
    result=None,
    message="",
    confirmation="",
    card_brand="",
    card_last_four="",
    created_at=NOW,
    updated_at=NOW,
    ended_at=None,
)

ATTEMPT = AttemptRecord(
    key="S1:1",
    session=SessionId("S1"),
    node="node-1",
    number=1,
    processor="test",
    amount=Money(1250, "GBP"),
    started_at=NOW,
)

ENTRY = AuditEntry(
    who="anna",
    what="payment.start",
    when=NOW,
    success=True,
    origin="panel",
    target="S1",
    detail={"profile": "bills", "amount": "£12.50"},
)
