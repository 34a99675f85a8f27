"""Fanning updates out to readers: bounded, and a slow reader loses what is old, never what is newest."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ivr.session.ports import CallsChanged, DeskUpdate, SessionChanged, SessionError
from ivr.session.view import AgentId, SessionId

MAX_SUBSCRIPTIONS = 16
"Of one agent: a handful of windows and their reconnections."

MAX_WAITING = 128
"""Sessions with an unread view; an agent has one live session and few recent ones. A reader that far behind is
cut off: it subscribes again and reads the whole state."""


class Subscription:
    """What one reader has not read yet: at most one view a session and one list of calls."""

    def __init__(self) -> None:
        """Wait for nothing yet."""
        self._waiting: dict[SessionId | None, DeskUpdate] = {}
        self._arrived = asyncio.Event()
        self._ended = False

    def put(self, update: DeskUpdate) -> None:
        """Add an update; it takes the place of an unread one of the same session."""
        self._waiting[_subject(update)] = update
        if len(self._waiting) > MAX_WAITING:
            self._waiting.clear()
            self._ended = True
        self._arrived.set()

    def end(self) -> None:
        """Let the reader finish what waits, then stop."""
        self._ended = True
        self._arrived.set()

    async def __aiter__(self) -> AsyncIterator[DeskUpdate]:
        """Yield updates as they come, until the subscription ends."""
        while True:
            while self._waiting:
                yield self._waiting.pop(next(iter(self._waiting)))
            if self._ended:
                return
            self._arrived.clear()
            await self._arrived.wait()


def _subject(update: DeskUpdate) -> SessionId | None:
    match update:
        case SessionChanged(view=view):
            return view.session
        case CallsChanged():
            return None


class Updates:
    """All readers, by agent."""

    def __init__(self) -> None:
        """Start without readers."""
        self._subscriptions: dict[AgentId, list[Subscription]] = {}

    def publish(self, agent: AgentId, update: DeskUpdate) -> None:
        """Hand the update to every reader of this agent, and to nobody else."""
        for subscription in self._subscriptions.get(agent, ()):
            subscription.put(update)

    @asynccontextmanager
    async def subscribe(self, agent: AgentId) -> AsyncIterator[AsyncIterator[DeskUpdate]]:
        """Read the agent's updates; raise :class:`SessionError` when too many readers are there."""
        readers = self._subscriptions.setdefault(agent, [])
        if len(readers) >= MAX_SUBSCRIPTIONS:
            raise SessionError("too-many-windows", "Too many windows are open. Close some.")
        subscription = Subscription()
        readers.append(subscription)
        try:
            yield aiter(subscription)
        finally:
            readers.remove(subscription)
            if not readers:
                self._subscriptions.pop(agent, None)

    def close(self) -> None:
        """End every subscription."""
        for readers in self._subscriptions.values():
            for subscription in readers:
                subscription.end()
