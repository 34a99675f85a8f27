"""The audit log: append-only rows, each chained to the one before by SHA-256.

What it shows: a row that was changed, removed from the middle or slipped in breaks the chain, and
:meth:`AuditTrail.verify` names it. Triggers refuse UPDATE and DELETE, so it takes intent to get that far.
What it can not show alone: somebody who may write the file can cut off the newest rows, or recompute the
whole chain. Keep :attr:`Verdict.head` elsewhere from time to time and pass it to `verify` as `known`.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC
from typing import Final

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from ivr.redaction import redact
from ivr.session.store import AuditEntry
from ivr.storage.engine import Database
from ivr.storage.tables import AuditRow

_START: Final = bytes(32)
"What the first entry is chained to."

_LONGEST_TEXT: Final = 200
"Characters kept of each text: some come from outside, and an entry is a note, not a dump."

_MOST_DETAILS: Final = 16
"Details kept of an entry, for the same reason."

_ROWS_AT_ONCE: Final = 1000

_UNREADABLE: Final = (AttributeError, TypeError, ValueError)
"What reading a row raises when a value of another kind was put into it."


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """How long the chain was, and its last hash; enough to prove later that nothing before it changed."""

    seq: int

    chain_sha256: str
    "Hexadecimal."


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What :meth:`AuditTrail.verify` found."""

    head: Head
    "The last entry that is as it was written."

    broken_seq: int | None = None
    "The first entry that is not; None where all are."

    reason: str = ""

    @property
    def intact(self) -> bool:
        """Return whether nothing was changed."""
        return self.broken_seq is None


class AuditTrail:
    """`ivr.session.store.AuditLog` over the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def write(self, entry: AuditEntry) -> None:
        """Append the entry durably; raise :class:`StoreError`."""
        async with self._database.write("write to the audit log") as session:
            await append(session, entry)

    async def recent(self, *, limit: int) -> list[AuditEntry]:
        """Return the newest entries, newest first."""
        newest = select(AuditRow).order_by(AuditRow.seq.desc()).limit(limit)
        async with self._database.read("read the audit log") as session:
            return [_entry(row) for row in await session.scalars(newest)]

    async def verify(self, *, known: Head | None = None) -> Verdict:
        """Recompute the chain from the first entry and compare; stop at the first entry that does not fit.

        `known` is a head that was kept elsewhere: the chain must still pass through it.
        """
        head = Head(seq=0, chain_sha256=_START.hex())
        async with self._database.read("verify the audit log") as session:
            while True:
                try:
                    rows = await _rows_after(session, head.seq)
                except _UNREADABLE:
                    return _broken(head, f"entry {head.seq + 1} cannot be read")
                if not rows:
                    break
                for row in rows:
                    reason = _fault(row, head, known)
                    if reason:
                        return _broken(head, reason)
                    head = Head(seq=row.seq, chain_sha256=row.chain_sha256.hex())
        if known is not None and head.seq < known.seq:
            return _broken(head, f"entries up to {known.seq} were known, and are gone")
        return Verdict(head=head)


async def append(session: AsyncSession, entry: AuditEntry) -> None:
    """Append the entry within the transaction of `session`, so that act and entry are stored together or not at all.

    `session` must be one of :meth:`Database.write`: its write lock is what keeps the chain from forking.
    """
    newest = select(AuditRow.seq, AuditRow.chain_sha256).order_by(AuditRow.seq.desc()).limit(1)
    last = (await session.execute(newest)).first()
    seq, previous = (last.seq + 1, last.chain_sha256) if last else (1, _START)
    stored = _clean(entry)
    await session.execute(
        insert(AuditRow).values(
            seq=seq,
            who=stored.who,
            what=stored.what,
            when=stored.when,
            success=stored.success,
            origin=stored.origin,
            target=stored.target,
            detail=stored.detail,
            chain_sha256=_link(previous, seq, stored),
        )
    )


def _broken(head: Head, reason: str) -> Verdict:
    return Verdict(head=head, broken_seq=head.seq + 1, reason=reason)


async def _rows_after(session: AsyncSession, seq: int) -> list[AuditRow]:
    """Return the next rows; only one where a later one cannot be read, so that the right one is named."""
    following = select(AuditRow).where(AuditRow.seq > seq).order_by(AuditRow.seq)
    session.expunge_all()
    try:
        return list(await session.scalars(following.limit(_ROWS_AT_ONCE)))
    except _UNREADABLE:
        return list(await session.scalars(following.limit(1)))


def _fault(row: AuditRow, before: Head, known: Head | None) -> str:
    """Return why `row` can not follow `before`; empty where it can."""
    if row.seq != before.seq + 1:
        return f"entry {before.seq + 1} is missing"
    try:
        expected = _link(bytes.fromhex(before.chain_sha256), row.seq, _entry(row))
    except _UNREADABLE:
        return f"entry {row.seq} cannot be read"
    if row.chain_sha256 != expected:
        return f"entry {row.seq} was changed, or one before it was exchanged"
    if known is not None and known.seq == row.seq and known.chain_sha256 != expected.hex():
        return f"entry {row.seq} is not the one that was known"
    return ""


def _link(previous: bytes, seq: int, entry: AuditEntry) -> bytes:
    """Return SHA-256 over the previous hash and the entry as canonical JSON (keys sorted, UTC, no spaces)."""
    values = [
        seq,
        entry.who,
        entry.what,
        entry.when.astimezone(UTC).isoformat(timespec="microseconds"),
        entry.success,
        entry.origin,
        entry.target,
        entry.detail,
    ]
    text = json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(previous + text.encode()).digest()


def _clean(entry: AuditEntry) -> AuditEntry:
    """Return the entry as it is stored: bounded, and without what reads as a card number."""
    details = list(entry.detail.items())[:_MOST_DETAILS]
    return AuditEntry(
        who=_bounded(entry.who),
        what=_bounded(entry.what),
        when=entry.when,
        success=entry.success,
        origin=_bounded(entry.origin),
        target=_bounded(entry.target),
        detail={_bounded(key): _bounded(value) for key, value in details},
    )


def _bounded(text: str) -> str:
    """Redact before cutting: half a card number would not be recognised."""
    return redact(text).encode(errors="replace").decode()[:_LONGEST_TEXT]


def _entry(row: AuditRow) -> AuditEntry:
    return AuditEntry(
        who=row.who,
        what=row.what,
        when=row.when,
        success=row.success,
        origin=row.origin,
        target=row.target,
        detail=row.detail,
    )
