"""The panel as a program uses it: sign in over HTTP, take a payment over the WebSocket (docs/panel-protocol.md)."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from itertools import count
from typing import Any, Final, Self, TypeVar

import httpx2
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.typing import Origin

from ivr.demo.panel_frames import Frame, view_of
from ivr.session.view import AgentId, AgentView, CallId, SessionId, StartPayment
from ivr.session.words import RecorderState

T = TypeVar("T")

_LIMIT_S: Final = 20.0
"Longest wait for one answer of the panel; it takes milliseconds on an idle machine."


class PanelError(Exception):
    """The panel refused, ended, or did not do in time what was waited for."""


class PanelClient:
    """One agent's open channel; `async with PanelClient.signed_in(...)`."""

    def __init__(self, channel: ClientConnection, on_view: Callable[[AgentView], None]) -> None:
        """`on_view` is called with each newer view of a payment session."""
        self._channel = channel
        self._on_view = on_view
        self._agent = AgentId("")
        self._calls: list[Frame] = []
        self._views: dict[SessionId, AgentView] = {}
        self._answers: dict[str, Frame] = {}
        self._ids = count(1)
        self._changed = asyncio.Condition()
        self._over = False

    @classmethod
    @asynccontextmanager
    async def signed_in(
        cls, url: str, username: str, password: str, on_view: Callable[[AgentView], None]
    ) -> AsyncIterator[Self]:
        """Sign in, open the channel, sign out at the end; raise :class:`PanelError` where that is refused."""
        # The panel is on this machine: no proxy of the environment stands between.
        async with httpx2.AsyncClient(
            base_url=url, headers={"Origin": url}, trust_env=False
        ) as web:
            channel = await _open_channel(web, url, {"username": username, "password": password})
            async with channel, cls(channel, on_view)._running() as client:
                yield client
            await web.post("/panel/sign-out")

    @asynccontextmanager
    async def _running(self) -> AsyncIterator[Self]:
        reader = asyncio.create_task(self._read())
        try:
            await self._until(lambda: self._agent or None)
            yield self
        finally:
            reader.cancel()
            with suppress(asyncio.CancelledError):
                await reader

    async def call_in(self, state: str) -> CallId:
        """Return the agent's call once there is one in that state (`ringing`, `talking`)."""
        found = await self._until(
            lambda: next((call for call in self._calls if call["state"] == state), None)
        )
        return CallId(found["call"])

    async def released(self, session: SessionId) -> AgentView:
        """Return the view of a session once its line is open again and is recorded again."""

        def look() -> AgentView | None:
            view = self._views.get(session)
            is_free = view and not view.secure and view.recorder is not RecorderState.PAUSED
            return view if is_free else None

        return await self._until(look)

    async def start(self, request: StartPayment) -> AgentView:
        """Take a payment; return once the line is secure."""
        return await self._command(
            "start",
            call=request.call,
            payee=request.payee,
            interaction_type=request.interaction_type,
            profile=request.profile,
            amount=request.amount,
            reason=request.reason,
        )

    async def submit(self, session: SessionId) -> AgentView:
        """Charge the card; return when the processor has answered."""
        return await self._command("submit", session=session)

    async def views(self) -> AsyncIterator[AgentView]:
        """Yield the newest view of each session that changed, without end; a slow reader loses steps."""
        seen: dict[SessionId, int] = {}

        def unread() -> AgentView | None:
            newer = (v for v in self._views.values() if v.seq > seen.get(v.session, -1))
            return next(newer, None)

        while True:
            view = await self._until(unread, limit_s=None)
            seen[view.session] = view.seq
            yield view

    async def _command(self, kind: str, **parameters: Any) -> AgentView:
        id = f"demo-{next(self._ids)}"
        frame = {"v": 1, "type": kind, "id": id, **parameters}
        with suppress(ConnectionClosed):  # the wait below says so
            await self._channel.send(json.dumps(frame))
        answer = await self._until(lambda: self._answers.pop(id, None))
        if answer["type"] == "error":
            raise PanelError(f"the panel refused to {kind}: {answer['message']}")
        return view_of(answer["session"], self._agent)

    async def _until(self, look: Callable[[], T | None], limit_s: float | None = _LIMIT_S) -> T:
        """Return what `look` finds; look again with every frame."""
        async with self._changed:
            try:
                async with asyncio.timeout(limit_s):
                    while (found := look()) is None:
                        if self._over:
                            raise PanelError("the panel closed the channel")
                        await self._changed.wait()
            except TimeoutError:
                raise PanelError(f"the panel showed nothing new for {limit_s:g} s") from None
            return found

    async def _read(self) -> None:
        try:
            async for text in self._channel:
                frame = json.loads(text)
                if frame["type"] == "ping":
                    await self._channel.send('{"v":1,"type":"pong"}')
                async with self._changed:
                    self._receive(frame)
                    self._changed.notify_all()
        except ConnectionClosed:
            pass
        finally:
            async with self._changed:
                self._over = True
                self._changed.notify_all()

    def _receive(self, frame: Frame) -> None:
        match frame["type"]:
            case "snapshot":
                self._agent = AgentId(frame["user"]["agent"])
                self._calls = frame["calls"]
                for session in frame["sessions"]:
                    self._receive_session(session)
            case "calls":
                self._calls = frame["calls"]
            case "session":
                self._receive_session(frame["session"])
            case "reply" | "error" if frame["id"] is not None:
                self._answers[frame["id"]] = frame

    def _receive_session(self, session: Frame) -> None:
        view = view_of(session, self._agent)
        known = self._views.get(view.session)
        if known is None or view.seq > known.seq:
            self._views[view.session] = view
            self._on_view(view)


async def _open_channel(
    web: httpx2.AsyncClient, url: str, credentials: dict[str, str]
) -> ClientConnection:
    """Sign in and open the WebSocket with the cookie that comes back."""
    try:
        answer = await web.post("/panel/sign-in", data=credentials)
        if answer.status_code != HTTPStatus.SEE_OTHER:
            raise PanelError(f"the panel refused the sign-in ({answer.status_code})")
        cookie = "; ".join(f"{name}={value}" for name, value in web.cookies.items())
        return await connect(
            f"ws{url.removeprefix('http')}/panel/channel",
            origin=Origin(url),
            additional_headers={"Cookie": cookie},
            proxy=None,
        )
    except (httpx2.HTTPError, WebSocketException, OSError) as error:
        raise PanelError(f"the panel cannot be reached: {error}") from error
