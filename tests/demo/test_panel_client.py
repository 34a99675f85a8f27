"""The demo's agent goes through the panel's own door, and says what is refused there."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from agent_panel import PanelDeps, create_app
from ivr.demo.panel_client import PanelClient, PanelError
from ivr.session.view import AgentView, CallId, StartPayment
from ivr.session.words import InteractionType, Status
from tests.agent_panel.fakes import PASSWORD, FakeAccounts, FakeDesk
from tests.support.asgi import serving
from tests.support.clock import ManualClock
from tests.support.ports import LOOPBACK, free_tcp_port


@pytest.fixture
def desk() -> FakeDesk:
    return FakeDesk()


@pytest.fixture
def accounts() -> FakeAccounts:
    return FakeAccounts()


@pytest.fixture
async def url(
    desk: FakeDesk, accounts: FakeAccounts, manual_clock: ManualClock
) -> AsyncIterator[str]:
    deps = PanelDeps(desk=desk, accounts=accounts, clock=manual_clock, secure_cookies=False)
    async with serving(create_app(deps)) as url:
        yield url


def _request(call: CallId, payee: str = "Northern Water") -> StartPayment:
    return StartPayment(
        call=call,
        payee=payee,
        interaction_type=InteractionType.BILL,
        profile="default",
        amount="12.50",
    )


def _ignore(view: AgentView) -> None:
    pass


async def test_a_payment_is_taken_and_its_views_are_shown(url: str, desk: FakeDesk) -> None:
    shown: list[AgentView] = []
    async with PanelClient.signed_in(url, "ada", PASSWORD, shown.append) as panel:
        call = desk.ring()
        assert await panel.call_in("talking") == call
        payment = await panel.start(_request(call))
        desk.key_whole_card(payment.session)
        async for view in panel.views():
            if view.status is Status.COLLECTED:
                break
        assert view == desk.views[payment.session]
        assert (await panel.submit(payment.session)).status is Status.SUCCEEDED
    assert shown[-1].fields[0].mask == "************1111"
    assert [view.seq for view in shown] == sorted({view.seq for view in shown})


async def test_a_reader_of_views_gets_the_newest_and_not_the_same_twice(
    url: str, desk: FakeDesk
) -> None:
    async with PanelClient.signed_in(url, "ada", PASSWORD, _ignore) as panel:
        call = desk.ring()
        await panel.call_in("talking")
        payment = await panel.start(_request(call))
        views = aiter(panel.views())
        first = await anext(views)
        following = asyncio.ensure_future(anext(views))
        desk.press(payment.session)
        assert (await following).fields[0].mask == "*"
        assert first.fields[0].mask == ""


async def test_signing_out_ends_the_session(url: str, accounts: FakeAccounts) -> None:
    async with PanelClient.signed_in(url, "ada", PASSWORD, _ignore):
        assert len(accounts.tokens) == 1
    assert accounts.tokens == {}


async def test_a_wrong_password_is_told(url: str) -> None:
    with pytest.raises(PanelError, match="refused the sign-in"):
        async with PanelClient.signed_in(url, "ada", "wrong-password", _ignore):
            pass


async def test_a_panel_that_is_not_there_is_told() -> None:
    nowhere = f"http://{LOOPBACK}:{free_tcp_port()}"
    with pytest.raises(PanelError, match="cannot be reached"):
        async with PanelClient.signed_in(nowhere, "ada", PASSWORD, _ignore):
            pass


async def test_a_refused_command_is_told_in_the_panels_words(url: str, desk: FakeDesk) -> None:
    async with PanelClient.signed_in(url, "ada", PASSWORD, _ignore) as panel:
        call = desk.ring()
        await panel.call_in("talking")
        with pytest.raises(PanelError, match="refused to start: Enter who is paid"):
            await panel.start(_request(call, payee=""))


async def test_a_channel_that_closes_is_told_to_whoever_waits(url: str, desk: FakeDesk) -> None:
    async with PanelClient.signed_in(url, "ada", PASSWORD, _ignore) as panel:
        waiting = asyncio.ensure_future(panel.call_in("talking"))
        desk.end_updates()
        with pytest.raises(PanelError, match="closed the channel"):
            await waiting
