"""The tables. The migrations create them; `ivr.storage.migrate.check` proves that both say the same.

Moments are UTC, money is minor units and an ISO 4217 code. No column holds card data: at most the
brand and the last four digits (PCI DSS 3.4.1), and a constraint keeps it at four.
"""

from datetime import datetime
from typing import Any, ClassVar, Final

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    MetaData,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from ivr.storage.types import UTCDateTime

_NAMES: Final = {
    "pk": "pk_%(table_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
}
"A constraint without a name cannot be changed by a later migration."

AUDIT_TRIGGERS: Final = frozenset(
    {"audit_entries_no_update", "audit_entries_no_delete", "audit_entries_in_sequence"}
)
"What makes the audit log append-only; Alembic does not compare triggers, so `check` does."


class Base(DeclarativeBase):
    """All tables of this version."""

    metadata = MetaData(naming_convention=_NAMES)

    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: UTCDateTime(),
        str: Text(),
        bytes: LargeBinary(),
    }


class UserRow(Base):
    """Somebody who can sign in, and how often signing in has failed."""

    __tablename__ = "users"

    username: Mapped[str] = mapped_column(String(64), primary_key=True)
    "Lower case; also the agent id, so it never changes."

    display_name: Mapped[str]

    password_hash: Mapped[str]
    "argon2id in PHC string format: parameters, salt and hash."

    roles: Mapped[list[str]] = mapped_column(JSON)

    active: Mapped[bool]

    failed_sign_ins: Mapped[int]
    "In a row, since the last success or lock-out."

    locked_until: Mapped[datetime | None]

    created_at: Mapped[datetime]

    password_set_at: Mapped[datetime]


class SignInRow(Base):
    """A signed-in browser. Only the token's hash is here: reading the table lets nobody in."""

    __tablename__ = "sign_ins"

    token_sha256: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)

    username: Mapped[str] = mapped_column(
        ForeignKey("users.username", ondelete="CASCADE"), index=True
    )

    created_at: Mapped[datetime]

    last_seen_at: Mapped[datetime]


class PaymentSessionRow(Base):
    """One payment session: `ivr.session.store.SessionRecord`."""

    __tablename__ = "payment_sessions"
    __table_args__ = (
        Index(None, "agent", "created_at"),
        Index(None, "node", "ended"),
        CheckConstraint("length(card_last_four) <= 4", name="card_last_four_is_no_more"),
    )

    session: Mapped[str] = mapped_column(String(64), primary_key=True)
    node: Mapped[str]
    method: Mapped[str]
    call: Mapped[str] = mapped_column(index=True)
    caller: Mapped[str]
    agent: Mapped[str]
    profile: Mapped[str]
    payee: Mapped[str]
    interaction_type: Mapped[str]
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    reason: Mapped[str]
    status: Mapped[str] = mapped_column(index=True)
    ended: Mapped[bool]
    result: Mapped[str | None]
    message: Mapped[str]
    confirmation: Mapped[str]
    card_brand: Mapped[str]
    card_last_four: Mapped[str] = mapped_column(String(4))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class PaymentAttemptRow(Base):
    """One request to charge: `ivr.session.store.AttemptRecord`."""

    __tablename__ = "payment_attempts"
    __table_args__ = (
        UniqueConstraint("session", "number"),
        Index(None, "node", "outcome"),
    )

    key: Mapped[str] = mapped_column(String(128), primary_key=True)
    session: Mapped[str] = mapped_column(ForeignKey("payment_sessions.session"))
    node: Mapped[str]
    number: Mapped[int]
    processor: Mapped[str]
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    started_at: Mapped[datetime]
    outcome: Mapped[str | None]
    decline_code: Mapped[str]
    reference: Mapped[str]
    finished_at: Mapped[datetime | None]


class PaymentProfileRow(Base):
    """One payment profile: the values of its TOML table."""

    __tablename__ = "payment_profiles"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)

    settings: Mapped[dict[str, Any]] = mapped_column(JSON)

    updated_at: Mapped[datetime]


class CallEvidenceRow(Base):
    """What is known of a call whose line was secure: `ivr.storage.evidence.StoredEvidence`."""

    __tablename__ = "call_evidence"

    call: Mapped[str] = mapped_column(String(64), primary_key=True)
    node: Mapped[str]
    started_at: Mapped[datetime] = mapped_column(index=True)
    ended_at: Mapped[datetime | None]
    facts: Mapped[dict[str, Any]] = mapped_column(JSON)


class AuditRow(Base):
    """One audit entry, chained to the one before: see `ivr.storage.audit`."""

    __tablename__ = "audit_entries"

    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    "1 for the first entry, without gaps."

    who: Mapped[str]
    what: Mapped[str] = mapped_column(index=True)
    when: Mapped[datetime] = mapped_column(index=True)
    success: Mapped[bool]
    origin: Mapped[str]
    target: Mapped[str]
    detail: Mapped[dict[str, str]] = mapped_column(JSON)

    chain_sha256: Mapped[bytes] = mapped_column(LargeBinary(32))
    "SHA-256 over the previous entry's hash and this entry."
