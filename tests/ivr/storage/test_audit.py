"""The audit log: nothing is changed or removed without being found."""

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest

from ivr.session.store import StoreError
from ivr.storage import audit
from ivr.storage.audit import AuditTrail, Head
from ivr.storage.engine import Database
from tests.ivr.storage.records import ENTRY
from tests.support.canary import CANARY_CARD

ENTRIES = [
    replace(ENTRY, target=f"S{n}", when=ENTRY.when + timedelta(minutes=n), success=n % 2 == 0)
    for n in range(5)
]


@pytest.fixture
async def trail(database: Database) -> AuditTrail:
    """An audit log of five entries."""
    trail = AuditTrail(database)
    for entry in ENTRIES:
        await trail.write(entry)
    return trail


def _tamper(database: Database, *statements: str) -> None:
    """Change the file as somebody would who knows what they are doing: the triggers go first."""
    with closing(sqlite3.connect(database.path)) as connection, connection:
        for name in ("no_update", "no_delete", "in_sequence"):
            connection.execute(f"DROP TRIGGER audit_entries_{name}")
        for statement in statements:
            connection.execute(statement)


async def test_entries_come_back_newest_first(trail: AuditTrail) -> None:
    assert await trail.recent(limit=3) == ENTRIES[:1:-1]


async def test_untouched_log_is_intact(trail: AuditTrail) -> None:
    verdict = await trail.verify()
    assert verdict.intact
    assert verdict.head.seq == 5


async def test_empty_log_is_intact(database: Database) -> None:
    verdict = await AuditTrail(database).verify()
    assert (verdict.intact, verdict.head.seq) == (True, 0)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE audit_entries SET who = 'eve' WHERE seq = 3",
        "UPDATE audit_entries SET what = 'payment.cancel' WHERE seq = 3",
        "UPDATE audit_entries SET success = 0 WHERE seq = 3",
        "UPDATE audit_entries SET origin = '' WHERE seq = 3",
        "UPDATE audit_entries SET target = 'S9' WHERE seq = 3",
        "UPDATE audit_entries SET detail = '{}' WHERE seq = 3",
        "UPDATE audit_entries SET detail = 'not JSON' WHERE seq = 3",
        "UPDATE audit_entries SET \"when\" = '2026-11-20 09:02:00.123457' WHERE seq = 3",
        "UPDATE audit_entries SET \"when\" = 'yesterday' WHERE seq = 3",
        "UPDATE audit_entries SET who = x'00' WHERE seq = 3",
        "UPDATE audit_entries SET chain_sha256 = zeroblob(32) WHERE seq = 3",
        "UPDATE audit_entries SET chain_sha256 = 'text' WHERE seq = 3",
        "DELETE FROM audit_entries WHERE seq = 3",
        "DELETE FROM audit_entries WHERE seq IN (3, 4)",
        "UPDATE audit_entries SET seq = 9 WHERE seq = 3",
    ],
)
@pytest.mark.parametrize("rows_at_once", [1, 2, 1000])
async def test_tampered_entry_is_named(
    trail: AuditTrail,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    change: str,
    rows_at_once: int,
) -> None:
    monkeypatch.setattr(audit, "_ROWS_AT_ONCE", rows_at_once)
    _tamper(database, change)
    verdict = await trail.verify()
    assert verdict.broken_seq == 3, verdict
    assert verdict.head.seq == 2
    assert "3" in verdict.reason


async def test_exchanged_neighbours_are_named(trail: AuditTrail, database: Database) -> None:
    _tamper(
        database,
        "UPDATE audit_entries SET seq = 90 WHERE seq = 2",
        "UPDATE audit_entries SET seq = 2 WHERE seq = 3",
        "UPDATE audit_entries SET seq = 3 WHERE seq = 90",
    )
    assert (await trail.verify()).broken_seq == 2


async def test_removed_tail_is_found_by_a_head_kept_elsewhere(
    trail: AuditTrail, database: Database
) -> None:
    known = (await trail.verify()).head
    await trail.write(ENTRY)
    assert (await trail.verify(known=known)).intact
    _tamper(database, "DELETE FROM audit_entries WHERE seq > 3")
    assert (await trail.verify()).intact  # the chain alone cannot tell
    verdict = await trail.verify(known=known)
    assert (verdict.broken_seq, verdict.head.seq) == (4, 3)


async def test_rewritten_chain_is_found_by_a_head_kept_elsewhere(
    trail: AuditTrail, database: Database
) -> None:
    known = (await trail.verify()).head
    _tamper(database, "DELETE FROM audit_entries")
    for entry in ENTRIES:
        await trail.write(replace(entry, who="eve"))
    assert (await trail.verify()).intact
    assert (await trail.verify(known=known)).broken_seq == 5
    assert (await trail.verify(known=Head(seq=5, chain_sha256="00" * 32))).broken_seq == 5


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entries SET who = 'eve'",
        "DELETE FROM audit_entries WHERE seq = 5",
        "INSERT OR REPLACE INTO audit_entries SELECT * FROM audit_entries WHERE seq = 3",
        'INSERT INTO audit_entries SELECT 7, who, what, "when", success, origin, target, detail, chain_sha256 '
        "FROM audit_entries WHERE seq = 5",
    ],
)
async def test_database_refuses_to_change_the_log(
    trail: AuditTrail, database: Database, statement: str
) -> None:
    with closing(sqlite3.connect(database.path)) as connection:
        with pytest.raises(sqlite3.IntegrityError, match="the audit log"):
            connection.execute(statement)
        connection.rollback()
    assert (await trail.verify()).head.seq == 5


async def test_concurrent_writers_make_one_chain(trail: AuditTrail) -> None:
    await asyncio.gather(*(trail.write(replace(ENTRY, target=f"T{n}")) for n in range(50)))
    verdict = await trail.verify()
    assert (verdict.intact, verdict.head.seq) == (True, 55)
    assert len({entry.target for entry in await trail.recent(limit=50)}) == 50


async def test_entry_that_cannot_be_written_is_an_error(
    trail: AuditTrail, database: Database
) -> None:
    with closing(sqlite3.connect(database.path)) as connection, connection:
        connection.execute("DROP TABLE audit_entries")
    with pytest.raises(StoreError, match="write to the audit log"):
        await trail.write(ENTRY)


async def test_entry_is_bounded_and_holds_no_card_number(trail: AuditTrail) -> None:
    flood = {f"{n}{CANARY_CARD}": f"{'x' * 190}{CANARY_CARD}" for n in range(1000)}
    await trail.write(replace(ENTRY, who="\ud800" + "y" * 10_000, detail=flood))
    (stored,) = await trail.recent(limit=1)
    assert len(stored.who) == 200
    assert 0 < len(stored.detail) <= 16
    assert all(len(value) == 200 for value in stored.detail.values())
    assert CANARY_CARD[:8] not in str(stored)
    assert (await trail.verify()).intact
