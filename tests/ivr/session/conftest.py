"""A bench for each test, with nothing left running after it."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.ivr.session.fakes import Bench


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    """Return a service in memory; fail when a task is left after it was closed."""
    before = asyncio.all_tasks()
    bench = Bench()
    yield bench
    await bench.desk.close()
    assert asyncio.all_tasks() - before <= {asyncio.current_task()}
