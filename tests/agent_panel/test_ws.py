"""The channel on a real socket."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
from starlette.types import ASGIApp
from websockets.asyncio.client import ClientConnection, connect

from ivr.session.ports import SessionError
from ivr.session.view import SessionId
from ivr.session.words import Status
from tests.agent_panel.conftest import in_one_loop
from tests.agent_panel.fakes import PASSWORD, FakeAccounts, FakeDesk
from tests.agent_panel.test_commands import START
from tests.support.asgi import serving
from tests.support.clock import ManualClock

pytestmark = pytest.mark.asyncio(loop_scope="session")

S1 = SessionId("s1")


@dataclass
class Panel:
    """A signed-in client's channel."""

    socket: ClientConnection

    async def receive(self) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(await self.socket.recv())
        return message

    async def receive_until(self, done: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        while not done(message := await self.receive()):
            pass
        return message

    async def command(self, **body: object) -> dict[str, Any]:
        """Send a command and return its answer."""
        await self.socket.send(json.dumps({"v": 1, **body}))
        return await self.receive_until(lambda message: message.get("id") == body["id"])

    async def close_code(self) -> int:
        """Return what the server closed with; frames before it are of no interest."""
        await self.socket.wait_closed()
        assert self.socket.close_code is not None
        return self.socket.close_code


async def sign_in(base_url: str, username: str = "ada") -> str:
    """Return the cookie header of a signed-in client."""
    async with httpx2.AsyncClient(base_url=base_url) as client:
        form = {"username": username, "password": PASSWORD}
        answer = await client.post("/panel/sign-in", data=form)
    assert answer.status_code == 303
    return f"tonewall-session={answer.cookies['tonewall-session']}"


@asynccontextmanager
async def panel_at(base_url: str, cookie: str) -> AsyncIterator[Panel]:
    url = base_url.replace("http", "ws", 1) + "/panel/channel"
    async with connect(
        url,
        origin=base_url,  # type: ignore[arg-type]  # a NewType over str
        additional_headers={"Cookie": cookie} if cookie else {},
    ) as socket:
        yield Panel(socket)


@in_one_loop
async def panel(base_url: str) -> AsyncIterator[Panel]:
    async with panel_at(base_url, await sign_in(base_url)) as panel:
        yield panel


async def test_snapshot_comes_first_and_calls_follow(desk: FakeDesk, panel: Panel) -> None:
    snapshot = await panel.receive()
    desk.ring()
    update = await panel.receive()

    assert (snapshot["type"], snapshot["calls"]) == ("snapshot", [])
    assert (update["type"], update["calls"][0]["call"]) == ("calls", "c1")


async def test_whole_payment(desk: FakeDesk, panel: Panel) -> None:
    desk.ring()
    started = await panel.command(**START)
    assert started["session"]["collecting"] == "payment-card-number"
    desk.press(S1, 3)
    keyed = await panel.receive_until(lambda message: message["type"] == "session")
    desk.key_whole_card(S1)
    await panel.receive_until(
        lambda message: message.get("session", {}).get("status") == "collected"
    )
    submitted = await panel.command(type="submit", id="a2", session="s1")

    assert keyed["session"]["fields"][0]["mask"].strip("*") == ""
    assert submitted["session"]["status"] == "succeeded"
    assert submitted["session"]["confirmation"] == "TW-4F7K-2291"
    assert [command for command, _ in desk.commands] == ["start", "submit"]


async def test_refusal_of_the_desk_is_passed_on(desk: FakeDesk, panel: Panel) -> None:
    desk.ring()
    error = await panel.command(**{**START, "amount": "a lot"})

    assert (error["type"], error["code"], error["field"]) == ("error", "invalid-amount", "amount")


async def test_fault_behind_the_desk_is_answered_without_its_text_and_not_logged_with_it(
    desk: FakeDesk, panel: Panel, caplog: pytest.LogCaptureFixture
) -> None:
    desk.fault = RuntimeError("4111 in the text of an exception")
    error = await panel.command(type="submit", id="a1", session="s1")
    after = await panel.command(type="cancel", id="a2", session="none")

    assert error["code"] == "internal-error"
    assert "4111" not in json.dumps(error)
    assert after["code"] == "unknown-session"
    logged = [record.getMessage() for record in caplog.records if "agent_panel" in record.name]
    assert any("Submit failed: RuntimeError at" in line for line in logged)
    assert not any("4111" in line for line in logged)


async def test_agent_can_cancel_one_call_while_another_waits_for_the_bank(
    desk: FakeDesk, panel: Panel
) -> None:
    desk.ring("c1")
    desk.ring("c2")
    await panel.command(**START)
    await panel.command(**{**START, "id": "b1", "call": "c2"})
    desk.key_whole_card(S1)
    desk.bank_open.clear()
    await panel.socket.send(json.dumps({"v": 1, "type": "submit", "id": "a2", "session": "s1"}))
    cancelled = await panel.command(type="cancel", id="b2", session="s2")
    desk.bank_open.set()
    paid = await panel.receive_until(lambda message: message.get("id") == "a2")

    assert cancelled["session"]["status"] == "cancelled"
    assert paid["session"]["status"] == "succeeded"


async def test_charge_goes_on_when_the_browser_is_gone(desk: FakeDesk, base_url: str) -> None:
    desk.ring()
    cookie = await sign_in(base_url)
    async with panel_at(base_url, cookie) as panel:
        await panel.command(**START)
        desk.key_whole_card(S1)
        desk.bank_open.clear()
        await panel.socket.send(json.dumps({"v": 1, "type": "submit", "id": "a2", "session": "s1"}))
        await panel.receive_until(
            lambda message: message.get("session", {}).get("status") == "processing"
        )
    desk.bank_open.set()
    async with panel_at(base_url, cookie) as again:
        snapshot = await again.receive()
        session = snapshot["sessions"][0]
        if session["status"] == "processing":
            session = (await again.receive())["session"]

    assert session["status"] == "succeeded"


async def test_two_windows_of_one_agent_show_the_same(desk: FakeDesk, base_url: str) -> None:
    desk.ring()
    cookie = await sign_in(base_url)
    async with panel_at(base_url, cookie) as one, panel_at(base_url, cookie) as two:
        await two.receive()
        await one.command(**START)
        seen = await two.receive_until(lambda message: message["type"] == "session")

    assert seen["session"]["session"] == "s1"


@pytest.mark.parametrize(
    ("frame", "code"),
    [("{", "malformed-message"), (b"\x00\xff", "malformed-message"), ("x" * 5000, "message-too-large")],
)  # fmt: skip
async def test_broken_frames_are_answered_and_the_channel_goes_on(
    panel: Panel, frame: str | bytes, code: str
) -> None:
    await panel.receive()
    await panel.socket.send(frame)

    assert (await panel.receive())["code"] == code
    assert (await panel.command(type="submit", id="a1", session="none"))[
        "code"
    ] == "unknown-session"


async def test_oversized_frame_closes_only_its_own_channel(base_url: str) -> None:
    cookie = await sign_in(base_url)
    async with panel_at(base_url, cookie) as panel, panel_at(base_url, cookie) as other:
        await panel.receive()
        await panel.socket.send("x" * 100_000)

        assert await panel.close_code() == 1009
        assert (await other.receive())["type"] == "snapshot"


@pytest.mark.parametrize("cookie", ["", "tonewall-session=made-up"])
async def test_unknown_session_is_closed_with_4401(base_url: str, cookie: str) -> None:
    async with panel_at(base_url, cookie) as panel:
        assert await panel.close_code() == 4401


async def test_user_without_the_agent_role_is_closed_with_4403(base_url: str) -> None:
    async with panel_at(base_url, await sign_in(base_url, "grace")) as panel:
        assert await panel.close_code() == 4403


async def test_signing_out_closes_every_channel_of_the_session_and_no_other(base_url: str) -> None:
    mine, other = await sign_in(base_url), await sign_in(base_url)
    async with (
        panel_at(base_url, mine) as one,
        panel_at(base_url, mine) as two,
        panel_at(base_url, other) as three,
    ):
        for panel in (one, two, three):
            await panel.receive()
        async with httpx2.AsyncClient(base_url=base_url) as client:
            await client.post("/panel/sign-out", headers={"Cookie": mine, "Origin": base_url})

        assert await one.close_code() == await two.close_code() == 4401
        assert (await three.command(type="submit", id="a1", session="x"))[
            "code"
        ] == "unknown-session"


async def test_command_of_an_expired_session_is_not_obeyed(
    desk: FakeDesk, accounts: FakeAccounts, panel: Panel
) -> None:
    desk.ring()
    await panel.receive()
    accounts.tokens.clear()
    await panel.socket.send(json.dumps(START))

    assert await panel.close_code() == 4401
    assert desk.commands == []


async def test_command_is_not_obeyed_while_sessions_cannot_be_looked_up(
    desk: FakeDesk, accounts: FakeAccounts, panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(token: str) -> None:
        raise SessionError("storage", "unreachable")

    await panel.receive()
    monkeypatch.setattr(accounts, "find_user", broken)
    await panel.socket.send(json.dumps(START))

    assert await panel.close_code() == 1013
    assert desk.commands == []


async def test_idle_channel_of_an_expired_session_is_closed_with_the_next_ping(
    desk: FakeDesk, accounts: FakeAccounts, manual_clock: ManualClock, panel: Panel
) -> None:
    await panel.receive()
    accounts.tokens.clear()
    manual_clock.advance(20.0)
    desk.ring()  # anything that wakes the channel

    assert await panel.close_code() == 4401


async def test_ping_is_sent_and_its_pong_is_not_answered(
    desk: FakeDesk, manual_clock: ManualClock, panel: Panel
) -> None:
    await panel.receive()
    manual_clock.advance(20.0)
    desk.ring()
    await panel.receive_until(lambda message: message["type"] == "ping")
    await panel.socket.send('{"v":1,"type":"pong"}')
    answer = await panel.command(type="submit", id="a1", session="none")

    assert answer["code"] == "unknown-session"


async def test_end_of_updates_makes_the_browser_come_back(desk: FakeDesk, panel: Panel) -> None:
    await panel.receive()
    desk.end_updates()

    assert await panel.close_code() == 1013


async def test_closed_channel_listens_no_more(desk: FakeDesk, app: ASGIApp) -> None:
    async with serving(app) as base_url, panel_at(base_url, await sign_in(base_url)) as panel:
        await panel.receive()
        assert desk.listeners == 1
    await asyncio.sleep(0)

    assert desk.listeners == 0


async def test_result_of_a_decline_is_passed_on(desk: FakeDesk, panel: Panel) -> None:
    desk.ring()
    desk.outcome = (Status.DECLINED, "Not enough funds.")
    await panel.command(**START)
    desk.key_whole_card(S1)
    declined = await panel.command(type="submit", id="a2", session="s1")

    assert declined["session"]["headline"] == "Payment declined"
    assert declined["session"]["message"] == "Not enough funds."
    assert declined["session"]["can_cancel"]
