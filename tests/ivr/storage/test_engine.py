"""Opening, reading and writing the file; what is said when that is not possible."""

import asyncio
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import insert, text

from ivr.session.store import StoreError
from ivr.storage import engine
from ivr.storage.engine import Database, open_database
from ivr.storage.errors import DatabaseUnavailableError
from ivr.storage.migrate import upgrade
from ivr.storage.tables import PaymentProfileRow

_NOBODY = 65534


@pytest.fixture
def closed_folder(tmp_path: Path) -> Iterator[Path]:
    """A folder that this process may not write to, though it may be root's."""
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o500)
    if os.geteuid() != 0:
        yield folder
        return
    os.seteuid(_NOBODY)
    try:
        yield folder
    finally:
        os.seteuid(0)


async def _pragma(database: Database, name: str) -> object:
    async with database.read("test") as session:
        return await session.scalar(text(f"PRAGMA {name}"))


async def test_every_connection_is_durable_and_enforces_references(database: Database) -> None:
    async with database.read("hold one connection") as session:
        await session.execute(text("SELECT 1"))
        for pragma, value in {
            "journal_mode": "wal",
            "synchronous": 2,  # FULL
            "foreign_keys": 1,
            "busy_timeout": engine.BUSY_TIMEOUT_MS,
        }.items():
            assert await session.scalar(text(f"PRAGMA {pragma}")) == value
            assert await _pragma(database, pragma) == value


async def test_missing_folder_and_file_are_created_for_this_user_only(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "tonewall.db"
    async with await open_database(f"sqlite:///{path}") as database:
        assert database.path == path
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("postgresql://host/name", "sqlite:///PATH"),
        ("no url at all", "sqlite:///PATH"),
        ("sqlite://", "must name a file"),
        ("sqlite:///:memory:", "must name a file"),
        ("sqlite:///a.db?mode=memory", "must name a file"),
    ],
)
async def test_url_that_is_no_file_is_refused(url: str, says: str) -> None:
    with pytest.raises(DatabaseUnavailableError, match=says):
        await open_database(url)


async def test_password_in_a_url_is_not_repeated() -> None:
    with pytest.raises(DatabaseUnavailableError) as refused:
        await open_database("postgresql://user:hunter2@host/name")
    assert "hunter2" not in str(refused.value)


async def test_folder_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("in the way")
    with pytest.raises(DatabaseUnavailableError, match=f"{tmp_path}/var/tonewall.db.*a folder"):
        await open_database(f"sqlite:///{tmp_path}/var/tonewall.db")


async def test_file_that_is_a_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "tonewall.db").mkdir()
    with pytest.raises(DatabaseUnavailableError, match=f"{tmp_path}/tonewall.db"):
        await open_database(f"sqlite:///{tmp_path}/tonewall.db")


async def test_unwritable_folder_is_named(closed_folder: Path) -> None:
    with pytest.raises(DatabaseUnavailableError, match=f"{closed_folder}.*denied.*may write"):
        await open_database(f"sqlite:///{closed_folder}/tonewall.db")


async def test_other_file_is_left_alone_and_named(tmp_path: Path) -> None:
    path = tmp_path / "tonewall.db"
    path.write_bytes(b"certainly not a database " * 100)
    with pytest.raises(DatabaseUnavailableError, match=f"{path} is not a SQLite database"):
        await open_database(f"sqlite:///{path}")
    with pytest.raises(DatabaseUnavailableError, match=f"{path} is not a SQLite database"):
        upgrade(f"sqlite:///{path}")
    assert path.read_bytes() == b"certainly not a database " * 100


async def test_damaged_file_is_named(url: str, tmp_path: Path) -> None:
    upgrade(url)
    path = tmp_path / "tonewall.db"
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))
    with pytest.raises(DatabaseUnavailableError, match=f"{path} is damaged.*restore a backup"):
        await open_database(url)


async def test_file_locked_by_another_program_is_named(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    upgrade(url)
    monkeypatch.setattr(engine, "_USE_PRAGMAS", ("busy_timeout=0",))
    other = sqlite3.connect(tmp_path / "tonewall.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(DatabaseUnavailableError, match="locked by another program"):
        await open_database(url)
    other.close()


async def test_error_names_the_operation_and_no_value(database: Database) -> None:
    row = {"name": "s3cret-name", "settings": {"a": "s3cret"}, "updated_at": None}
    with pytest.raises(StoreError) as refused:
        async with database.write("import payment profiles") as session:
            await session.execute(insert(PaymentProfileRow).values(row))
    assert str(refused.value) == "import payment profiles: IntegrityError"
    assert "s3cret" not in f"{refused.value.__cause__!s} {refused.value.__cause__!r}"


async def test_block_that_raises_is_undone(database: Database) -> None:
    async def fail_half_way() -> None:
        async with database.write("test") as session:
            await session.execute(text("INSERT INTO payment_profiles VALUES ('a', '{}', '2026')"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail_half_way()
    async with database.read("test") as session:
        assert await session.scalar(text("SELECT count(*) FROM payment_profiles")) == 0


async def test_concurrent_read_and_write_blocks_lose_no_update(database: Database) -> None:
    async def count_up() -> None:
        async with database.write("test") as session:
            settings = await session.scalar(text("SELECT settings FROM payment_profiles"))
            await asyncio.sleep(0)  # let the others in, if they can get in
            await session.execute(
                text("UPDATE payment_profiles SET settings = :n"), {"n": str(int(settings) + 1)}
            )

    async with database.write("test") as session:
        await session.execute(text("INSERT INTO payment_profiles VALUES ('a', '0', '2026')"))
    await asyncio.gather(*(count_up() for _ in range(50)))
    async with database.read("test") as session:
        assert await session.scalar(text("SELECT settings FROM payment_profiles")) == 50


async def test_two_opened_databases_on_one_file_lose_no_update(
    database: Database, url: str
) -> None:
    async with await open_database(url) as second:
        async with database.write("test") as session:
            await session.execute(text("INSERT INTO payment_profiles VALUES ('a', '0', '2026')"))

        async def count_up(opened: Database) -> None:
            async with opened.write("test") as session:
                settings = await session.scalar(text("SELECT settings FROM payment_profiles"))
                await session.execute(
                    text("UPDATE payment_profiles SET settings = :n"), {"n": str(int(settings) + 1)}
                )

        await asyncio.gather(*(count_up(opened) for opened in (database, second) for _ in range(5)))
        async with second.read("test") as session:
            assert await session.scalar(text("SELECT settings FROM payment_profiles")) == 10


async def test_reader_goes_on_while_somebody_writes(database: Database) -> None:
    async with database.write("test") as writer:
        await writer.execute(text("INSERT INTO payment_profiles VALUES ('a', '{}', '2026')"))
        async with database.read("test") as reader:
            assert await reader.scalar(text("SELECT count(*) FROM payment_profiles")) == 0
