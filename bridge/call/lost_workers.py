"""What becomes of the calls whose media worker is gone: they are moved to another one, or end."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final

from bridge.call.events import BridgeEvent, MediaInterrupted, MediaMoved
from bridge.call.live_calls import LiveCall, LiveCalls
from bridge.call.move import CALLS_AT_ONCE, CallMove
from bridge.call.prompts import CallPrompts
from bridge.media import messages as m

MOVES_APART_S: Final = 60.0
"""A call that loses its worker again so soon is not moved again: it may be what ends the workers, and would take the
next one's calls with it too."""


class LostWorkers:
    """Moves connected calls; ends those that ring, and those that were moved just now."""

    def __init__(
        self,
        calls: LiveCalls,
        prompts: CallPrompts,
        on_event: Callable[[BridgeEvent], None],
        *,
        reopen: Callable[[m.OpenCall], None],
        spawn: Callable[[Coroutine[Any, Any, None]], object],
        pump: Callable[[], None],
        now: Callable[[], float],
    ) -> None:
        """`reopen` asks another worker for ports, `spawn` starts a task of the node, `pump` sends what flows made.

        `now`: monotonic seconds.
        """
        self._calls, self._prompts, self._on_event = calls, prompts, on_event
        self._turns = asyncio.Semaphore(CALLS_AT_ONCE)
        self._reopen, self._spawn, self._pump, self._now = reopen, spawn, pump, now

    def lost(self, calls: frozenset[m.CallId], reason: str) -> None:
        """Treat the calls of one worker that is gone; `reason` says why it is."""
        for name in calls:
            self._prompts.give_up(name, m.PromptEnd.MEDIA_LOST)
            if (call := self._calls.get(name)) is None:
                continue
            if call.flow.talking and self._may_move(call):
                self._begin_move(call)
            else:
                call.flow.media_lost(reason, self._now())
        self._pump()

    def _may_move(self, call: LiveCall) -> bool:
        return call.moved_s is None or self._now() - call.moved_s >= MOVES_APART_S

    def _begin_move(self, call: LiveCall) -> None:
        flow = call.flow
        call.moved_s = self._now()
        self._on_event(MediaInterrupted(call=flow.call))
        call.move = CallMove(flow, call.line, pump=self._pump, now=self._now, turns=self._turns)
        call.line.worker_lost()
        flow.media_interrupted()
        self._spawn(self._finish_move(call, call.move))
        self._reopen(flow.opening)

    async def _finish_move(self, call: LiveCall, move: CallMove) -> None:
        try:
            moved = await move.run()
        finally:
            call.move = None
        if moved:
            self._on_event(MediaMoved(call=call.flow.call))
