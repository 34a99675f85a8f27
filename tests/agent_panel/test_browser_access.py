"""The panel without a mouse, on a narrow screen, in the dark, and for a screen reader."""

import pytest
from playwright.async_api import Browser, Page, expect

from ivr.session.view import SessionId
from ivr.session.words import ErrorType, FieldName
from tests.agent_panel.fakes import PASSWORD, FakeDesk
from tests.agent_panel.test_browser_payment import mask, sign_in, take_payment
from tests.support.browser import ColorScheme, RecordedPage, recorded_page

pytestmark = [pytest.mark.peer("chromium"), pytest.mark.asyncio(loop_scope="session")]

S1 = SessionId("s1")

_CONTRASTS = """() => {
  const channels = (color) => color.match(/[\\d.]+/g).map(Number);
  const linear = (value) => (value /= 255) <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  const luminance = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const ground = (node) => {
    for (; node; node = node.parentElement) {
      const color = channels(getComputedStyle(node).backgroundColor);
      if (color.length < 4 || color[3] > 0) return color;
    }
    return channels(getComputedStyle(document.body).backgroundColor);
  };
  const low = [];
  for (const node of document.body.querySelectorAll("*")) {
    const texts = [...node.childNodes].filter((child) => child.nodeType === 3);
    const text = texts.map((child) => child.data).join("").trim();
    const skipped = ":disabled, .visually-hidden, .skip-link, option, svg";
    if (!text || !node.checkVisibility() || node.closest(skipped)) continue;
    const pair = [luminance(channels(getComputedStyle(node).color)), luminance(ground(node))].sort((a, b) => a - b);
    const ratio = (pair[1] + 0.05) / (pair[0] + 0.05);
    if (ratio < 4.5) low.push(`${text}: ${ratio.toFixed(2)}`);
  }
  return low;
}"""
"WCAG 2.2, success criterion 1.4.3: every visible text against what is behind it."


async def _width_beyond_the_screen(page: Page) -> int:
    width: int = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return width


async def _tab_to(page: Page, name: str) -> None:
    """Press Tab until the control called `name` has the focus; fail where it cannot be reached."""
    for _ in range(30):
        await page.keyboard.press("Tab")
        focused = page.locator(":focus")
        if await focused.count() and name in (await focused.aria_snapshot()):
            return
    pytest.fail(f"{name} cannot be reached with Tab")


async def test_payment_by_keyboard_alone(recorded: RecordedPage, desk: FakeDesk) -> None:
    page = recorded.page
    await page.goto("/panel")
    await expect(page.get_by_label("User name")).to_be_focused()
    await page.keyboard.type("ada")
    await page.keyboard.press("Tab")
    await page.keyboard.type(PASSWORD)
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("No call right now")).to_be_visible()
    desk.ring()
    await expect(page.get_by_label("Payee")).to_be_visible()

    await _tab_to(page, "Payee")
    await page.keyboard.type("Northwind Water")
    await _tab_to(page, "Amount")
    await page.keyboard.type("12.50")
    await page.keyboard.press("Enter")
    heading = page.get_by_role("heading", name="The caller is keying the card")
    await expect(heading).to_be_focused()
    desk.press(S1, 2)
    await _tab_to(page, "Ask again: Card number")
    await page.keyboard.press("Enter")
    await expect(mask(page)).to_have_text("")
    desk.key_whole_card(S1)
    await expect(page.get_by_role("button", name="Submit £12.50")).to_be_enabled()
    await _tab_to(page, "Submit £12.50")
    await page.keyboard.press("Enter")

    await expect(page.get_by_role("heading", name="Payment approved")).to_be_focused()
    await _tab_to(page, "New payment on this call")
    await page.keyboard.press("Enter")
    await expect(page.get_by_label("Payee")).to_be_focused()


async def test_focus_is_always_visible(recorded: RecordedPage, desk: FakeDesk) -> None:
    page = recorded.page
    await sign_in(page)
    desk.ring()
    await expect(page.get_by_label("Payee")).to_be_visible()
    for _ in range(9):
        await page.keyboard.press("Tab")
        outline = await page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none", await page.locator(":focus").aria_snapshot()


async def test_keys_do_not_take_the_focus_from_what_is_being_typed(
    recorded: RecordedPage, desk: FakeDesk
) -> None:
    page = recorded.page
    await sign_in(page)
    desk.ring("c1")
    await take_payment(page)
    desk.ring("c2", "+1 212 555 0147")
    await page.get_by_role("button", name="+1 212 555 0147").click()
    payee = page.get_by_label("Payee")
    await payee.press_sequentially("North")
    desk.key_whole_card(S1)
    await expect(page.get_by_role("button", name="+44 20 7946 0018")).to_contain_text(
        "All fields are in"
    )
    await page.keyboard.type("wind")

    await expect(payee).to_have_value("Northwind")


async def test_screen_reader_hears_of_keys_sparingly(
    recorded: RecordedPage, desk: FakeDesk
) -> None:
    page = recorded.page
    await sign_in(page)
    desk.ring()
    await take_payment(page)
    polite = page.locator("#polite")
    desk.press(S1)
    await expect(mask(page)).to_have_text("*")
    assert "digits" not in await polite.inner_text()
    desk.press(S1, 3)
    await expect(polite).to_contain_text("Card number: 4 digits")
    desk.press(S1, 12, brand="visa")
    desk.accept(S1, "*" * 12 + "1111")

    await expect(polite).to_contain_text("Card number complete, Visa, ending 1 1 1 1")
    await expect(mask(page)).to_have_attribute("aria-hidden", "true")


async def test_fields_are_a_group_with_a_name(recorded: RecordedPage, desk: FakeDesk) -> None:
    page = recorded.page
    await sign_in(page)
    desk.ring()
    await take_payment(page)

    group = page.get_by_role("group", name="Card details, keyed by the caller")
    await expect(group.get_by_role("listitem")).to_have_count(3)
    for live, politeness in (("#polite", "polite"), ("#assertive", "assertive")):
        await expect(page.locator(live)).to_have_attribute("aria-live", politeness)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1440])
async def test_every_state_fits_the_screen_and_can_be_read(
    chromium: Browser, base_url: str, desk: FakeDesk, width: int, scheme: ColorScheme
) -> None:
    async with recorded_page(chromium, base_url, width=width, color_scheme=scheme) as recorded:
        page = recorded.page

        async def check() -> None:
            assert await _width_beyond_the_screen(page) <= 0
            assert await page.evaluate(_CONTRASTS) == []
            await expect(page.get_by_label("Line and recorder")).to_be_in_viewport()

        await sign_in(page)
        await expect(page.get_by_text("No call right now")).to_be_visible()
        await check()
        desk.ring(caller="averyveryverylongnameofacaller@averyveryverylongdomain.example")
        await take_payment(page, amount="12.505")
        await expect(page.get_by_label("Amount")).to_be_focused()
        await check()
        await take_payment(page)
        await expect(page.get_by_role("heading", name="The caller is keying")).to_be_visible()
        desk.press(S1, 19, brand="maestro")
        await expect(mask(page)).to_have_text("*" * 19)
        await check()
        desk.reject(S1, ErrorType.INVALID_CARD_NUMBER, "That card number is not right.")
        await expect(page.get_by_text("Not accepted")).to_be_visible()
        await check()
        await desk.capture(desk.views[S1].agent, S1, FieldName.CARD_NUMBER)
        desk.key_whole_card(S1)
        await page.get_by_role("button", name="Submit £12.50").click()
        await expect(page.get_by_role("heading", name="Payment approved")).to_be_visible()
        await page.get_by_role(
            "button", name="New payment on this call"
        ).scroll_into_view_if_needed()
        await check()
