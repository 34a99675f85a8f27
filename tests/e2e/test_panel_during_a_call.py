"""An agent takes a payment in Chromium while the caller keys the card on a real call.

The page sees asterisks, one a key, and never a digit: every WebSocket frame and HTTP body that reached it is searched,
and so is all that the gateway left behind: its output, its log at DEBUG, the database and the recordings' notes.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect

from tests.e2e.gateway_rig import PASSWORD
from tests.e2e.served_gateway import Served, served_gateway
from tests.support.baresip import Baresip
from tests.support.browser import RecordedPage, launched_chromium, recorded_page
from tests.support.canary import CANARY_CARD, holds_canary
from tests.support.ports import LOOPBACK
from tests.support.wav import speech

CODE = "737"
EXPIRY = "1139"
KEYING_MS = 60_000
"Pressing a card takes baresip some eight seconds; a busy machine may take longer."

pytestmark = [pytest.mark.e2e, pytest.mark.peer("chromium"), pytest.mark.peer("baresip")]


async def test_the_panel_shows_asterisks_and_never_a_digit(tmp_path: Path) -> None:
    async with (
        served_gateway(tmp_path) as gateway,
        agent_phone(tmp_path, gateway) as phone,
        Baresip(tmp_path, username="caller", microphone=speech(60.0)) as caller,
        launched_chromium() as browser,
        recorded_page(browser, gateway.panel_url) as recorded,
    ):
        page = recorded.page
        await sign_in(page)
        await expect(page.get_by_text("No call right now")).to_be_visible()
        await phone.registered()
        await caller.dial(f"sip:agent@{LOOPBACK}:{gateway.sip_address[1]}")
        await start_payment(page)
        await expect(page.get_by_label("Line and recorder")).to_contain_text("Line is secure")
        await expect(page.get_by_label("Line and recorder")).to_contain_text("Recording paused")

        await caller.press(CANARY_CARD + "#")
        await expect(mask(page, "payment-card-number")).to_have_text(
            "*" * 12 + CANARY_CARD[-4:], timeout=KEYING_MS
        )
        await caller.press(EXPIRY)
        await caller.press(CODE)
        submit = page.get_by_role("button", name="Submit £12.50")
        await expect(submit).to_be_enabled(timeout=KEYING_MS)
        await submit.click()

        await expect(page.get_by_role("heading", name="Payment approved")).to_be_visible()
        await expect(page.get_by_label("Line and recorder")).to_contain_text("Line is open")
        await expect(page.get_by_label("Line and recorder")).to_contain_text("Recording")
        await caller.hang_up()
        await expect(page.get_by_role("article")).to_contain_text("Call ended")
        lengths = mask_lengths(recorded, "payment-card-number")
        assert (lengths[0], lengths[-1]) == (0, len(CANARY_CARD))
        assert lengths == sorted(set(lengths))
        # A stall of the machine may let the page skip a view; on an idle one all 17 come.
        assert len(lengths) >= len(CANARY_CARD) - 2
        assert not holds_canary(await recorded.everything_received())
        assert phone.keys_received() == ""
    kept = [gateway.output, *(path for path in gateway.data.rglob("*") if path.is_file())]
    assert {".log", ".db", ".json", ".wav"} <= {path.suffix for path in kept}
    assert [path for path in kept if holds_canary(path.read_bytes().decode("latin-1"))] == []


def agent_phone(tmp_path: Path, gateway: Served) -> Baresip:
    return Baresip(
        tmp_path, username="agent", answers=True, registrar=gateway.sip_address, password=PASSWORD
    )


async def sign_in(page: Page) -> None:
    await page.goto("/panel")
    await page.get_by_label("User name").fill("agent")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()


async def start_payment(page: Page) -> None:
    await page.get_by_label("Payee").fill("Northern Water")
    await page.get_by_label("Amount").fill("12.50")
    await page.get_by_role("button", name="Take payment").click()


def mask(page: Page, field: str) -> Locator:
    return page.locator(f'[data-field="{field}"] .mask')


def mask_lengths(recorded: RecordedPage, field: str) -> list[int]:
    """Return how many characters the field's mask had, each length once, in the order they came."""
    lengths: list[int] = []
    for frame in recorded.frames_received:
        for view in views_in(json.loads(frame)):
            length = next(len(shown["mask"]) for shown in view["fields"] if shown["name"] == field)
            if not lengths or lengths[-1] != length:
                lengths.append(length)
    return lengths


def views_in(message: Any) -> list[dict[str, Any]]:
    """Return every session view anywhere in a message."""
    if isinstance(message, dict):
        if "fields" in message and "status" in message:
            return [message]
        return [view for value in message.values() for view in views_in(value)]
    if isinstance(message, list):
        return [view for value in message for view in views_in(value)]
    return []
