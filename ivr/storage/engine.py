"""The connection to the database: how it is opened, read and written.

One file, many readers, one writer. Every connection runs

- `journal_mode=WAL`: readers go on while somebody writes;
- `synchronous=FULL`: WAL's usual NORMAL may lose the last commits at a power failure, and a lost
  idempotency key is a payment that could be sent twice. It costs one fsync a commit;
- `foreign_keys=ON`, which SQLite leaves off;
- `busy_timeout`: a command line beside the running gateway waits for its turn instead of failing.

Transactions are begun by us: a writer takes the write lock at once (`BEGIN IMMEDIATE`), for a reader
that turns writer half-way is refused by SQLite without waiting.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.pool import NullPool

from ivr.session.store import StoreError
from ivr.storage.location import database_path, explain, prepare_file

BUSY_TIMEOUT_MS: Final = 5000
"Longer than any transaction of ours, shorter than a person's patience."

_POOL_SIZE: Final = 4
"Connections (threads) kept: one writes at a time, and reads are short."

_PRAGMAS: Final = (
    f"busy_timeout={BUSY_TIMEOUT_MS}",  # first: the next one may have to wait
    "journal_mode=WAL",
    "synchronous=FULL",
)

_USE_PRAGMAS: Final = (*_PRAGMAS, "foreign_keys=ON")

_MIGRATION_PRAGMAS: Final = (*_PRAGMAS, "foreign_keys=OFF")
"A table that is changed is copied and dropped, and the drop must not empty the tables that refer to it."

_BEGIN_OPTION: Final = "tonewall_begin"


class Database:
    """An open database. :meth:`read` and :meth:`write` are the only ways in."""

    def __init__(self, engine: AsyncEngine, path: Path) -> None:
        self._engine = engine
        self._writer = engine.execution_options(**{_BEGIN_OPTION: "BEGIN IMMEDIATE"})
        self._write_turn = asyncio.Lock()  # fairer and quicker than SQLite's own polling
        self.path = path

    @asynccontextmanager
    async def read(self, operation: str) -> AsyncIterator[AsyncSession]:
        """Read in one consistent snapshot; `operation` names it in a :class:`StoreError`."""
        with translated(self.path, operation):
            async with AsyncSession(self._engine, expire_on_commit=False) as session:
                yield session

    @asynccontextmanager
    async def write(self, operation: str) -> AsyncIterator[AsyncSession]:
        """Read and write in one transaction: durable after the block, undone if the block raises.

        Writers take turns. Raise :class:`StoreError`, which names `operation` and no value.
        """
        with translated(self.path, operation):
            async with (
                self._write_turn,
                AsyncSession(self._writer, expire_on_commit=False) as session,
                session.begin(),
            ):
                yield session

    async def close(self) -> None:
        """Close every connection."""
        await self._engine.dispose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()


async def open_database(url: str) -> Database:
    """Open the file of `url` (`sqlite:///PATH`) and make sure that it can be written.

    Raise :class:`DatabaseUnavailableError`. Does not look at the tables: :func:`ivr.storage.migrate.upgrade`
    first.
    """
    path = database_path(url)
    prepare_file(path)
    engine = create_async_engine(
        f"sqlite+aiosqlite:///{path}",
        hide_parameters=True,  # or the text of an exception would hold what is being stored
        pool_size=_POOL_SIZE,
    )
    _set_up_connections(engine.sync_engine, _USE_PRAGMAS)
    database = Database(engine, path)
    try:
        async with database.write("open") as session:
            await session.execute(text("PRAGMA user_version"))
    except BaseException:
        await database.close()
        raise
    return database


def open_for_migration(url: str) -> Engine:
    """Return a plain engine for Alembic; one connection at a time, foreign keys not enforced."""
    path = database_path(url)
    prepare_file(path)
    engine = create_engine(
        f"sqlite:///{path}",
        hide_parameters=True,
        poolclass=NullPool,
        execution_options={_BEGIN_OPTION: "BEGIN IMMEDIATE"},
    )
    _set_up_connections(engine, _MIGRATION_PRAGMAS)
    return engine


def _set_up_connections(engine: Engine, pragmas: Sequence[str]) -> None:
    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # the driver would begin and commit behind our back
        cursor = connection.cursor()
        for pragma in pragmas:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        options = connection.get_execution_options()
        connection.exec_driver_sql(options.get(_BEGIN_OPTION, "BEGIN"))


@contextmanager
def translated(path: Path, operation: str) -> Iterator[None]:
    """Turn what the database raises into :class:`StoreError`; everything else passes."""
    try:
        yield
    except (sqlite3.Error, SQLAlchemyError) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        raise explain(path, cause) or StoreError(f"{operation}: {type(cause).__name__}") from error
