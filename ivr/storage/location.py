"""From a database URL to a file that can be opened, or to a complaint that names it and says what to do."""

import os
import sqlite3
from pathlib import Path
from typing import Final

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from ivr.storage.errors import DatabaseUnavailableError

_PRIVATE_FILE: Final = 0o600
"Who paid what is nobody else's business on a shared machine; SQLite gives its side files the same mode."

_PRIVATE_FOLDER: Final = 0o700

_CAUSES: Final = {
    sqlite3.SQLITE_NOTADB: "is not a SQLite database; move it away or restore a backup",
    sqlite3.SQLITE_CORRUPT: "is damaged; stop the gateway and restore a backup",
    sqlite3.SQLITE_READONLY: "cannot be written; check owner and mode of the file and its folder",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened; check owner and mode of the file and its folder",
    sqlite3.SQLITE_PERM: "cannot be written; check owner and mode of the file and its folder",
    sqlite3.SQLITE_FULL: "cannot grow; the disk is full, free some space",
    sqlite3.SQLITE_IOERR: "cannot be read or written; check the disk (see the system log)",
    sqlite3.SQLITE_BUSY: "is locked by another program; end it, then try again",
    sqlite3.SQLITE_LOCKED: "is locked by another program; end it, then try again",
}
"What SQLite says (primary result code) in words for the person who runs the gateway."

_PRIMARY_CODE: Final = 0xFF


def database_path(url: str) -> Path:
    """Return the file of a `sqlite:///…` URL; raise :class:`DatabaseUnavailableError` for any other URL."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        parsed = URL.create("unreadable")
    if parsed.get_backend_name() != "sqlite":
        raise DatabaseUnavailableError(
            "the database URL must be sqlite:///PATH, for example sqlite:///var/tonewall.db"
        )
    if not parsed.database or parsed.database == ":memory:" or parsed.query:
        raise DatabaseUnavailableError(
            "the database URL must name a file: payments in memory would not survive a restart"
        )
    return Path(parsed.database)


def prepare_file(path: Path) -> None:
    """Create the file and its folder, readable by this user only, where they do not exist yet.

    Raise :class:`DatabaseUnavailableError` where that is not possible.
    """
    try:
        path.parent.mkdir(mode=_PRIVATE_FOLDER, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _PRIVATE_FILE))
    except OSError as error:
        raise DatabaseUnavailableError(
            f"database {path} cannot be opened for writing ({error.strerror}); "
            f"check that {path.parent} is a folder that this user may write to"
        ) from error
    if not os.access(path.parent, os.W_OK):  # SQLite's journal lives next to the file
        raise DatabaseUnavailableError(
            f"database {path}: its folder {path.parent} is not writable by this user; change its mode"
        )


def explain(path: Path, error: BaseException | None) -> DatabaseUnavailableError | None:
    """Return SQLite's complaint in words, or None where the error says nothing about the file itself."""
    if not isinstance(error, sqlite3.Error):
        return None
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return None
    cause = _CAUSES.get(code & _PRIMARY_CODE)
    return None if cause is None else DatabaseUnavailableError(f"database {path} {cause}")
