"""The panel's channel: frames and views in, frames and events out. Sans-IO: no socket, no clock.

Rules of this file:
- A newer view of a session takes the place of an older one that still waits to be sent: a slow reader loses
  steps, never the newest.
- Every command is answered once, by `reply` or `error` with its id.
- What the browser sends can end its own channel, and nothing else.
"""

from collections import deque
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, assert_never

from agent_panel.commands import Command, Pong, parse_frame
from agent_panel.errors import ProtocolError
from agent_panel.messages import (
    Snapshot,
    calls_frame,
    error_frame,
    ping_frame,
    reply_frame,
    session_frame,
    snapshot_frame,
)
from ivr.session.ports import CallsChanged, DeskUpdate, SessionChanged
from ivr.session.view import AgentView

PING_INTERVAL_S: Final = 20.0
"Often enough for proxies that drop a connection after 30 s of silence."

SILENCE_LIMIT_S: Final = 45.0
"Two pings unanswered: the browser is gone."

MAX_COMMANDS_IN_FLIGHT: Final = 8
"A person has one; eight leaves room for several calls at once."

MAX_BAD_FRAMES: Final = 16
"Refused frames in the life of one channel; our own page sends none."

MAX_FRAMES_QUEUED: Final = 128
"Waiting frames. Views replace each other, so only a reader that has stopped reading gets there."


class CloseCode(IntEnum):
    """WebSocket close codes (RFC 6455 section 7.4); 4000 and up are ours."""

    TRY_AGAIN_LATER = 1013
    BAD_FRAMES = 4400
    SIGNED_OUT = 4401
    NO_AGENT_ROLE = 4403
    SILENT = 4408


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandReceived:
    """The agent asks for something; answer with `receive_reply` or `receive_refusal`."""

    command: Command


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionCheckDue:
    """Time to ask whether the agent is still signed in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """The channel is over; close the connection with this code once what is queued has gone out."""

    code: CloseCode


ChannelEvent = CommandReceived | SessionCheckDue | Closed


class Channel:
    """One browser's channel; times are monotonic seconds."""

    def __init__(
        self,
        *,
        now: float,
        ping_interval_s: float = PING_INTERVAL_S,
        silence_limit_s: float = SILENCE_LIMIT_S,
    ) -> None:
        self._ping_interval_s = ping_interval_s
        self._silence_limit_s = silence_limit_s
        self._ping_at = now + ping_interval_s
        self._heard_at = now
        self._outbox: dict[str, str] = {}
        self._frames_made = 0
        self._events: deque[ChannelEvent] = deque()
        self._in_flight: set[str] = set()
        self._bad_frames = 0
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether :class:`Closed` was queued; everything received afterwards is dropped."""
        return self._closed

    def receive_snapshot(self, snapshot: Snapshot) -> None:
        """Everything, sent first."""
        self._queue("snapshot", snapshot_frame(snapshot))

    def receive_update(self, update: DeskUpdate) -> None:
        """A call or a session changed."""
        match update:
            case CallsChanged(calls=calls):
                self._queue("calls", calls_frame(calls))
            case SessionChanged(view=view):
                self._queue(f"session {view.session}", session_frame(view))
            case _:
                assert_never(update)

    def receive_frame(self, text: str, now: float) -> None:
        """One text frame from the browser; whatever is wrong with it becomes an `error` frame."""
        if self._closed:
            return
        self._heard_at = now
        try:
            message = parse_frame(text)
            if isinstance(message, Pong):
                return
            self._accept(message)
        except ProtocolError as error:
            self._refuse(error)

    def receive_bytes(self, now: float) -> None:
        """One binary frame; there are none in this protocol, so its content is not even looked at."""
        if self._closed:
            return
        self._heard_at = now
        self._refuse(ProtocolError("malformed-message", "Send text, not binary."))

    def receive_reply(self, id: str, view: AgentView) -> None:
        """The command `id` was obeyed."""
        self._in_flight.discard(id)
        self._queue_answer(reply_frame(id, view))

    def receive_refusal(self, id: str, *, code: str, message: str, field: str = "") -> None:
        """The command `id` was refused."""
        self._in_flight.discard(id)
        self._queue_answer(error_frame(id, code, message, field))

    def end(self, code: CloseCode) -> None:
        """Close the channel from our side; the first reason stays."""
        if self._closed:
            return
        self._closed = True
        self._events.append(Closed(code=code))

    def next_timer(self) -> float:
        """Return when `handle_timer` is due."""
        return min(self._ping_at, self._heard_at + self._silence_limit_s)

    def handle_timer(self, now: float) -> None:
        """Ping, have the sign-in checked, give up on a silent browser."""
        if self._closed:
            return
        if now >= self._heard_at + self._silence_limit_s:
            self.end(CloseCode.SILENT)
        elif now >= self._ping_at:
            self._ping_at = now + self._ping_interval_s
            self._queue("ping", ping_frame())
            self._events.append(SessionCheckDue())

    def frames_to_send(self) -> list[str]:
        """Return what waits to be sent, oldest first, and forget it."""
        frames = list(self._outbox.values())
        self._outbox.clear()
        return frames

    def next_event(self) -> ChannelEvent | None:
        """Return the next thing that the shell has to do."""
        return self._events.popleft() if self._events else None

    def _accept(self, command: Command) -> None:
        if command.id in self._in_flight:
            # The id of the error stays empty: the answer to that id belongs to the first command.
            raise ProtocolError("duplicate-id", "A command with this id is still running.")
        if len(self._in_flight) >= MAX_COMMANDS_IN_FLIGHT:
            raise ProtocolError(
                "too-many-commands", "Too many commands at once. Wait a moment.", id=command.id
            )
        self._in_flight.add(command.id)
        self._events.append(CommandReceived(command=command))

    def _refuse(self, error: ProtocolError) -> None:
        self._queue_answer(error_frame(error.id, error.code, error.message, error.field))
        if error.code == "validation-error":
            return  # an agent's slip in the form, not a broken page
        self._bad_frames += 1
        if self._bad_frames >= MAX_BAD_FRAMES:
            self.end(CloseCode.BAD_FRAMES)

    def _queue_answer(self, frame: str) -> None:
        self._frames_made += 1
        self._queue(f"answer {self._frames_made}", frame)

    def _queue(self, key: str, frame: str) -> None:
        if self._closed:
            return
        self._outbox.pop(key, None)
        if len(self._outbox) >= MAX_FRAMES_QUEUED:
            self._outbox.clear()
            self.end(CloseCode.TRY_AGAIN_LATER)
            return
        self._outbox[key] = frame
