"""The panel over its fakes: as an application, on a port, and in a browser."""

from collections.abc import AsyncIterator, Iterator

import pytest
from playwright.async_api import Browser
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from agent_panel import PanelDeps, create_app
from tests.agent_panel.fakes import FakeAccounts, FakeDesk
from tests.support.asgi import serving
from tests.support.browser import RecordedPage, launched_chromium, recorded_page
from tests.support.clock import ManualClock


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


@pytest.fixture
async def base_url(app: ASGIApp) -> AsyncIterator[str]:
    async with serving(app) as url:
        yield url


@pytest.fixture
async def chromium() -> AsyncIterator[Browser]:
    async with launched_chromium() as browser:
        yield browser


@pytest.fixture
async def recorded(chromium: Browser, base_url: str) -> AsyncIterator[RecordedPage]:
    async with recorded_page(chromium, base_url) as recorded:
        yield recorded
