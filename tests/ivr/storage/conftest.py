"""A real SQLite file for every test, upgraded as the gateway does it."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from ivr.storage.engine import Database, open_database
from ivr.storage.migrate import upgrade
from ivr.storage.passwords import Passwords


@pytest.fixture
def url(tmp_path: Path) -> str:
    """The URL of a file that does not exist yet."""
    return f"sqlite:///{tmp_path}/tonewall.db"


@pytest.fixture(scope="session")
def upgraded_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file upgraded once as the gateway does it, to be copied: upgrading takes longer than most tests."""
    path = tmp_path_factory.mktemp("upgraded") / "tonewall.db"
    upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture
async def database(url: str, upgraded_file: Path, tmp_path: Path) -> AsyncIterator[Database]:
    """An open, upgraded database of this test alone."""
    shutil.copy(upgraded_file, tmp_path / "tonewall.db")
    async with await open_database(url) as opened:
        yield opened


@pytest.fixture
def passwords() -> Passwords:
    """Password hashing with the cheapest parameters."""
    return Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
