"""The channel on a WebSocket: feed, drain, re-arm. All that can be wrong lives in the channel, not here."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from typing import assert_never

from starlette.websockets import WebSocket, WebSocketDisconnect

from agent_panel.channel import Channel, CloseCode, Closed, CommandReceived, SessionCheckDue
from agent_panel.commands import Cancel, Capture, Command, Start, Submit
from agent_panel.deps import PanelDeps
from agent_panel.messages import Snapshot
from ivr.session.ports import DeskUpdate, SessionError, User
from ivr.session.view import AgentView

_log = logging.getLogger(__name__)


class OpenChannels:
    """The channels of this node by session token, so that signing out closes them at once.

    Other nodes notice with their next session check.
    """

    def __init__(self) -> None:
        self._shells: dict[str, set[ChannelShell]] = {}

    @contextlib.contextmanager
    def joined(self, token: str, shell: "ChannelShell") -> Iterator[None]:
        """Keep `shell` in the list while it runs."""
        shells = self._shells.setdefault(token, set())
        shells.add(shell)
        try:
            yield
        finally:
            shells.discard(shell)
            if not shells:
                self._shells.pop(token, None)

    def end(self, token: str) -> None:
        """The session behind `token` was ended."""
        for shell in self._shells.get(token, ()):
            shell.end(CloseCode.SIGNED_OUT)


class ChannelShell:
    """One WebSocket of one signed-in agent."""

    def __init__(self, websocket: WebSocket, deps: PanelDeps, user: User, token: str) -> None:
        self._websocket = websocket
        self._deps = deps
        self._user = user
        self._token = token
        self._channel = Channel(now=deps.clock.monotonic_s(), ping_interval_s=deps.ping_interval_s)
        self._changed = asyncio.Event()
        self._jobs: set[asyncio.Task[object]] = set()
        self._close_code: CloseCode | None = None

    async def run(self) -> None:
        """Serve the browser until either side ends it. Commands that run are waited for, never cut off."""
        async with self._deps.desk.updates(self._user.agent) as updates:
            self._channel.receive_snapshot(self._snapshot())
            try:
                await self._run_until_first_ends(updates)
            finally:
                if self._jobs:
                    await asyncio.wait(self._jobs)

    def end(self, code: CloseCode) -> None:
        """Close the channel."""
        self._channel.end(code)
        self._changed.set()

    async def _run_until_first_ends(self, updates: AsyncIterator[DeskUpdate]) -> None:
        ends = [asyncio.create_task(self._read()), asyncio.create_task(self._write())]
        follower = asyncio.create_task(self._follow(updates))
        try:
            done, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for loop in (*ends, follower):
                loop.cancel()
            await asyncio.gather(*ends, follower, return_exceptions=True)
        for loop in done:
            error = loop.exception()
            if error is not None and not isinstance(error, WebSocketDisconnect):
                raise error

    async def _read(self) -> None:
        while True:
            message = await self._websocket.receive()
            if message["type"] == "websocket.disconnect":
                return
            now = self._deps.clock.monotonic_s()
            text = message.get("text")
            if text is None:
                self._channel.receive_bytes(now)
            else:
                self._channel.receive_frame(text, now)
            self._changed.set()

    async def _follow(self, updates: AsyncIterator[DeskUpdate]) -> None:
        try:
            async for update in updates:
                self._channel.receive_update(update)
                self._changed.set()
        except Exception as error:
            _log_failure("updates", error)
        # Without updates the page would show a stale payment: let it come back for a fresh snapshot.
        self.end(CloseCode.TRY_AGAIN_LATER)

    async def _write(self) -> None:
        """Send what is queued and do what is due, until the channel is closed."""
        while True:
            self._changed.clear()
            self._channel.handle_timer(self._deps.clock.monotonic_s())
            self._handle_events()
            for frame in self._channel.frames_to_send():
                await self._websocket.send_text(frame)
            if self._close_code is not None:
                await self._websocket.close(self._close_code)
                return
            wait_s = self._channel.next_timer() - self._deps.clock.monotonic_s()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), max(wait_s, 0.0))

    def _handle_events(self) -> None:
        while event := self._channel.next_event():
            match event:
                case CommandReceived(command=command):
                    self._start_job(self._obey(command))
                case SessionCheckDue():
                    self._start_job(self._check_session(self._deps.accounts.peek_user))
                case Closed(code=code):
                    self._close_code = code
                case _:
                    assert_never(event)

    def _start_job(self, job: Coroutine[None, None, object]) -> None:
        task = asyncio.create_task(job)
        self._jobs.add(task)
        task.add_done_callback(self._jobs.discard)

    async def _check_session(self, find: Callable[[str], Awaitable[User | None]]) -> bool:
        """Return whether the agent is still signed in; where not, or where nobody can tell, end the channel."""
        try:
            user = await find(self._token)
        except Exception as error:  # nobody acts on a session that cannot be looked up
            _log_failure("session check", error)
            self.end(CloseCode.TRY_AGAIN_LATER)
            return False
        if user is None or user.agent != self._user.agent:
            self.end(CloseCode.SIGNED_OUT)
            return False
        return True

    async def _obey(self, command: Command) -> None:
        if not await self._check_session(self._deps.accounts.find_user):
            return
        try:
            view = await self._perform(command)
        except SessionError as error:
            self._channel.receive_refusal(
                command.id, code=error.code, message=error.message, field=error.field
            )
        except (
            Exception
        ) as error:  # a bug behind the desk must not take the agent's other calls along
            _log_failure(type(command).__name__, error)
            self._channel.receive_refusal(
                command.id,
                code="internal-error",
                message="A fault on our side. Look at the payment before you try again.",
            )
        else:
            self._channel.receive_reply(command.id, view)
        self._changed.set()

    async def _perform(self, command: Command) -> AgentView:
        desk, agent = self._deps.desk, self._user.agent
        match command:
            case Start(request=request):
                return await desk.start(agent, request)
            case Capture(session=session, field=field):
                return await desk.capture(agent, session, field)
            case Submit(session=session):
                return await desk.submit(agent, session)
            case Cancel(session=session):
                return await desk.cancel(agent, session)
            case _:
                assert_never(command)

    def _snapshot(self) -> Snapshot:
        desk, agent = self._deps.desk, self._user.agent
        return Snapshot(
            now=self._deps.clock.utc_now().isoformat(),
            user=self._user,
            profiles=desk.profiles(),
            calls=desk.calls(agent),
            sessions=desk.sessions(agent),
        )


def _log_failure(what: str, error: Exception) -> None:
    """Name the type and the line, not the text: what an exception says may quote its input."""
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    place = f"{frame.tb_frame.f_code.co_filename}:{frame.tb_lineno}" if frame else "?"
    _log.error("%s failed: %s at %s", what, type(error).__name__, place)
