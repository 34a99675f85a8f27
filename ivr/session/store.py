"""What a payment session keeps. Records hold no card data: at most brand and last four digits (PCI DSS 3.4.1).

The storage implements these protocols; `ivr.app` hands it to the session service. A record is what is
known at one moment, whole: saving it twice is harmless, and the newest one wins.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from ivr.money import Money
from ivr.session.profile import PaymentProfile
from ivr.session.view import AgentId, CallId, SessionId
from ivr.session.words import InteractionType, Method, Result, Status


class StoreError(Exception):
    """The store could not be read or written. The text names the operation, never a value."""


class AttemptOutcome(StrEnum):
    """What came of one charge; while it is `None`, `unknown` or `pending` the attempt is unfinished."""

    APPROVED = "approved"
    DECLINED = "declined"
    REFUSED = "refused"
    "The processor, or the way to it, turned the request down: nothing was charged."
    PENDING = "pending"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRecord:
    """One payment session as it is kept."""

    session: SessionId

    node: str
    "The gateway node that runs the session; only that node recovers it."

    method: Method

    call: CallId

    caller: str
    "Who called, as in `CallView.caller`."

    agent: AgentId

    profile: str
    "Name of the payment profile."

    payee: str

    interaction_type: InteractionType

    amount: Money

    reason: str

    status: Status

    ended: bool
    "True once nothing more can be keyed: the card is wiped and the line released (`review` included)."

    result: Result | None

    message: str

    confirmation: str
    "The processor's reference; empty until there is one."

    card_brand: str
    "For example `visa`; empty until known."

    card_last_four: str
    "Last four digits of a complete valid card number; empty until known."

    created_at: datetime
    "UTC, aware, as are all moments here."

    updated_at: datetime

    ended_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRecord:
    """One request to charge; stored before the request leaves, finished when the answer is known."""

    key: str
    "The idempotency key, unique over all attempts."

    session: SessionId

    node: str

    number: int
    "1 for the session's first attempt."

    processor: str

    amount: Money

    started_at: datetime

    outcome: AttemptOutcome | None = None

    decline_code: str = ""
    "Word of `ivr.payments.decline.DeclineCode`; empty unless declined or refused."

    reference: str = ""
    "The processor's reference; empty until there is one."

    finished_at: datetime | None = None
    "When the outcome became final; None while unfinished."


class SessionStore(Protocol):
    """Where sessions and attempts are kept. Each method raises :class:`StoreError` and is durable on return."""

    async def create_session(self, record: SessionRecord) -> None:
        """Store a session that is not stored yet."""
        ...

    async def save_session(self, record: SessionRecord) -> None:
        """Replace the stored session by this record, unless the stored one has a later `updated_at`."""
        ...

    async def find_session(self, session: SessionId) -> SessionRecord | None:
        """Return the stored session, or None."""
        ...

    async def recent_sessions(self, agent: AgentId, *, limit: int) -> list[SessionRecord]:
        """Return the agent's sessions, newest first."""
        ...

    async def unsettled_sessions(self, node: str) -> list[SessionRecord]:
        """Return the node's sessions that are not ended, and those in `review`; oldest first."""
        ...

    async def start_attempt(self, attempt: AttemptRecord, session: SessionRecord) -> None:
        """Store the attempt and save the session in one transaction; a key that exists is an error."""
        ...

    async def finish_attempt(self, attempt: AttemptRecord, session: SessionRecord) -> None:
        """Update the attempt of this key and save the session in one transaction.

        Called again when an unknown outcome has been looked up. A final outcome is never overwritten.
        """
        ...

    async def attempts_of(self, session: SessionId) -> list[AttemptRecord]:
        """Return the session's attempts by number."""
        ...

    async def unfinished_attempts(self, node: str) -> list[AttemptRecord]:
        """Return the node's attempts whose outcome is None, `unknown` or `pending`; oldest first."""
        ...


class ProfileStore(Protocol):
    """Where payment profiles are kept; each method raises :class:`StoreError`.

    `PaymentProfile.as_table` and `ivr.session.profile_toml.read_profile` turn a profile into a table of
    plain values and back, for a JSON column.
    """

    async def load_profiles(self) -> list[PaymentProfile]:
        """Return all profiles by name."""
        ...

    async def import_profiles(self, profiles: Sequence[PaymentProfile]) -> None:
        """Add or replace these profiles by name in one transaction; others stay."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """Who did what (PCI DSS 10.2.2). Holds no card data in any field."""

    who: str
    "Agent or user id; `caller` or `gateway` where nobody signed in acted."

    what: str
    "A stable word, for example `payment.start`."

    when: datetime

    success: bool

    origin: str
    "Where the act came from: `panel`, `call`, `gateway`, or a client's address."

    target: str
    "What was acted on: a session, call or user id."

    detail: dict[str, str] = field(default_factory=dict)
    "Few short values, for example the profile and the amount, or why it was refused."


class AuditLog(Protocol):
    """Append-only record of sensitive acts."""

    async def write(self, entry: AuditEntry) -> None:
        """Append the entry durably; raise :class:`StoreError`."""
        ...
