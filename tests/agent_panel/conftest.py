"""The panel over its fakes: as an application, on a port, and in a browser."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from agent_panel import PanelDeps, create_app
from tests.agent_panel.fakes import FakeAccounts, FakeDesk
from tests.conftest import no_task_of_its_own_left
from tests.support.asgi import serving
from tests.support.browser import RecordedPage, launched_chromium, recorded_page
from tests.support.clock import ManualClock

in_one_loop = pytest_asyncio.fixture(loop_scope="session")
"""A fixture in the event loop that the tests of the panel share, so that they can share a browser too: to start one
takes longer than most of them. Each test has a context of its own in it, and its own application."""


@in_one_loop
async def _tasks_all_done() -> AsyncIterator[None]:
    async with no_task_of_its_own_left():
        yield


@pytest.fixture
def accounts() -> FakeAccounts:
    return FakeAccounts()


@pytest.fixture
def desk() -> FakeDesk:
    return FakeDesk()


@pytest.fixture
def app(desk: FakeDesk, accounts: FakeAccounts, manual_clock: ManualClock) -> ASGIApp:
    return create_app(
        PanelDeps(desk=desk, accounts=accounts, clock=manual_clock, secure_cookies=False)
    )


@pytest.fixture
def client(app: ASGIApp) -> Iterator[TestClient]:
    with TestClient(app, follow_redirects=False) as client:
        yield client


@in_one_loop
async def base_url(app: ASGIApp) -> AsyncIterator[str]:
    async with serving(app) as url:
        yield url


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def chromium() -> AsyncIterator[Browser]:
    async with launched_chromium() as browser:
        yield browser


@in_one_loop
async def recorded(chromium: Browser, base_url: str) -> AsyncIterator[RecordedPage]:
    async with recorded_page(chromium, base_url) as recorded:
        yield recorded
