"""The doors of the payment session: what it needs from others, and what the panel may ask of it.

`ivr.app` fills these in; nothing here imports upward.
"""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from ivr.session.line_masking import LineMasking
from ivr.session.view import (
    AgentId,
    AgentView,
    CallId,
    CallView,
    ProfileView,
    SessionId,
    StartPayment,
)
from ivr.session.words import FieldName, Role


class SessionError(Exception):
    """A command was refused; `code` is a stable word, the text is for the person who gave it."""

    def __init__(self, code: str, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.field = field
        "Name of the input that is wrong (`amount`, `profile` ...); empty when none is."


class CallLostError(Exception):
    """The call, or the media worker that carries it, is gone."""


class CallControl(Protocol):
    """What a payment session asks of the telephone call. Implemented over the bridge."""

    async def secure(self, call: CallId, masking: LineMasking) -> None:
        """Pause the recorder, then close the gate; return once both are *confirmed*.

        Raise :class:`CallLostError` where either cannot be confirmed; nothing may be captured then.
        """
        ...

    async def mute(self, call: CallId, *, muted: bool) -> None:
        """Let the agent hear nothing of a secured call's caller but beeps, or what is no key; return once confirmed.

        A line that is not secured is no error. Raise :class:`CallLostError` where it cannot be confirmed.
        """
        ...

    async def release(self, call: CallId) -> None:
        """Open the gate and resume the recorder. A call that is gone is no error.

        Raise :class:`CallLostError` where the gate did not confirm: the line stays shut then.
        """
        ...

    def find_call(self, call: CallId) -> CallView | None:
        """Return the live call, or None."""
        ...

    def calls_of(self, agent: AgentId) -> list[CallView]:
        """Return the agent's live calls, oldest first."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionChanged:
    """A payment session of this agent changed; the view is whole, not a difference."""

    view: AgentView


@dataclass(frozen=True, slots=True, kw_only=True)
class CallsChanged:
    """The agent's live calls changed; the list is whole."""

    calls: tuple[CallView, ...]


DeskUpdate = SessionChanged | CallsChanged


class AgentDesk(Protocol):
    """All that an agent can see and do. The panel holds nothing else of the application.

    Every command checks that the call or session belongs to `agent`, is written to the audit log,
    and raises :class:`SessionError` when refused.
    """

    def profiles(self) -> list[ProfileView]:
        """Return the payment profiles that can be chosen."""
        ...

    def calls(self, agent: AgentId) -> list[CallView]:
        """Return the agent's live calls."""
        ...

    def sessions(self, agent: AgentId) -> list[AgentView]:
        """Return the agent's sessions of live calls and the recently ended ones, newest first."""
        ...

    async def start(self, agent: AgentId, request: StartPayment) -> AgentView:
        """Secure the call and ask for the first field."""
        ...

    async def capture(self, agent: AgentId, session: SessionId, field: FieldName) -> AgentView:
        """Ask for one field (again); what was keyed for it is wiped."""
        ...

    async def submit(self, agent: AgentId, session: SessionId) -> AgentView:
        """Charge the card; return when the processor has answered or is known not to."""
        ...

    async def cancel(self, agent: AgentId, session: SessionId) -> AgentView:
        """End the session unpaid, wipe what was keyed, release the call."""
        ...

    def updates(self, agent: AgentId) -> AbstractAsyncContextManager[AsyncIterator[DeskUpdate]]:
        """Subscribe to the agent's updates; bounded: a slow reader loses older views of a session, never the newest."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Somebody who can sign in."""

    agent: AgentId

    display_name: str

    roles: frozenset[Role]


class Accounts(Protocol):
    """Users and their server-side sessions. Implemented over the storage."""

    async def sign_in(self, username: str, password: str, *, origin: str) -> str | None:
        """Return a fresh session token, or None; audited, rate-limited, argon2 off the event loop.

        `origin` is the address of the client, for the audit log.
        """
        ...

    async def find_user(self, token: str) -> User | None:
        """Return whose session this is, and count it as used; None where it is unknown, idle too long or ended."""
        ...

    async def peek_user(self, token: str) -> User | None:
        """Return the same without counting it as used: a page that only stays open is idle (PCI DSS 8.2.8)."""
        ...

    async def sign_out(self, token: str) -> None:
        """End the session."""
        ...
