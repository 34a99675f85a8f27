"""A real SQLite file for every test, upgraded as the gateway does it."""

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


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    """An open, upgraded database."""
    upgrade(url)
    async with await open_database(url) as opened:
        yield opened


@pytest.fixture
def passwords() -> Passwords:
    """Password hashing with the cheapest parameters."""
    return Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
