"""Debian's Chromium driven by Playwright, with everything that reaches the page written down."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal

import pytest
from playwright.async_api import (
    Browser,
    ConsoleMessage,
    Error,
    Page,
    Response,
    WebSocket,
    async_playwright,
)

from tests.support.peers import require_program

ColorScheme = Literal["light", "dark"]

_ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

_PATIENCE_MS = 10_000
"How long a locator or an expectation may wait; a loaded machine takes seconds where it should take none."

_NETWORK_ERRORS = ("Failed to load resource", "WebSocket connection to")
"What the console says of a refused sign-in or a lost connection; a test sees those on the page."

_REPORT_VIOLATIONS = """
addEventListener("securitypolicyviolation", (event) =>
  console.error(`CSP violation: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}`));
"""


@dataclass  # no slots: Playwright hangs an attribute of its own on whoever listens
class RecordedPage:
    """A page, and all that it was sent."""

    page: Page

    frames_received: list[str] = field(default_factory=list)
    "Every WebSocket frame from the server, as text."

    frames_sent: list[str] = field(default_factory=list)
    "Every WebSocket frame to the server, as text."

    problems: list[str] = field(default_factory=list)
    "Console errors, uncaught exceptions, violations of the Content Security Policy."

    _bodies: list[tuple[str, asyncio.Task[bytes]]] = field(default_factory=list)

    async def bodies(self) -> dict[str, bytes]:
        """Return every HTTP body received so far by URL; several bodies of one URL are joined."""
        joined: dict[str, bytes] = {}
        for url, body in self._bodies:
            joined[url] = joined.get(url, b"") + await body
        return joined

    async def everything_received(self) -> str:
        """Return all bodies and frames as one text to search, and the page as it stands now."""
        bodies = b"\n".join((await self.bodies()).values()).decode("utf-8", "replace")
        return "\n".join((bodies, *self.frames_received, await self.page.content()))

    def _listen(self) -> None:
        self.page.on("console", self._note_console)
        self.page.on("pageerror", lambda error: self.problems.append(f"uncaught: {error}"))
        self.page.on("websocket", self._note_websocket)
        self.page.on("response", self._note_response)

    def _note_console(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not message.text.startswith(_NETWORK_ERRORS):
            self.problems.append(message.text)

    def _note_websocket(self, websocket: WebSocket) -> None:
        websocket.on("framereceived", lambda frame: self.frames_received.append(_text(frame)))
        websocket.on("framesent", lambda frame: self.frames_sent.append(_text(frame)))

    def _note_response(self, response: Response) -> None:
        self._bodies.append((response.url, asyncio.create_task(_body_of(response))))


@asynccontextmanager
async def launched_chromium() -> AsyncIterator[Browser]:
    """Run Chromium without a window; skip the test where it is not installed."""
    executable = require_program("chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=executable, args=_ARGS)
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def recorded_page(
    browser: Browser,
    base_url: str,
    *,
    width: int = 1440,
    height: int = 900,
    color_scheme: ColorScheme = "light",
) -> AsyncIterator[RecordedPage]:
    """Open an empty page whose relative addresses start at `base_url`; fail on what its console complains of."""
    context = await browser.new_context(
        base_url=base_url,
        viewport={"width": width, "height": height},
        color_scheme=color_scheme,
        reduced_motion="reduce",
    )
    try:
        await context.add_init_script(_REPORT_VIOLATIONS)
        page = await context.new_page()
        page.set_default_timeout(_PATIENCE_MS)
        recorded = RecordedPage(page=page)
        recorded._listen()
        yield recorded
        await recorded.bodies()
        if recorded.problems:
            pytest.fail("the page complains: " + "; ".join(recorded.problems))
    finally:
        await context.close()
        await asyncio.gather(*(body for _, body in recorded._bodies), return_exceptions=True)


async def _body_of(response: Response) -> bytes:
    if 300 <= response.status < 400:
        return b""  # a redirect's body never reaches the page
    try:
        return await response.body()
    except (
        Error
    ):  # the page has moved on: the browser threw the body away before anything could read it
        return b""


def _text(frame: str | bytes) -> str:
    return frame if isinstance(frame, str) else frame.decode("utf-8", "replace")
