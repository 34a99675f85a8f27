"""Moving one connected call from a media worker that is gone to another one: re-anchoring.

Rules of this file: gate and recorder are as they were, confirmed, before the new worker hears anything of the call's
far ends, so that a secure line never goes on open; what is not done in time ends the call.
"""

import asyncio
from collections.abc import Callable
from typing import Final

import structlog

from bridge.call.flow import CallFlow
from bridge.call.secure_line import SecureLine
from bridge.errors import MediaError, NotConfirmedError
from bridge.media import messages as m

OPEN_LIMIT_S: Final = 4.0
"""How long a call may be without a worker: longer, and people have hung up or talk into nothing. Another worker takes
it within milliseconds; where there is none, a new one has to start, which takes a second or two."""

ANSWER_LIMIT_S: Final = 4.0
"How long both sides may take to answer: a re-INVITE over UDP is sent again after 0.5, 1.5 and 3.5 s."

TURN_S: Final = 0.4
"""How long a call may hold up others that have to tell their sides too: sides that are there have answered by then, and
what was lost on the way is sent again after 0.5 s."""

CALLS_AT_ONCE: Final = 32
"""Calls that have their turn: re-INVITEs and answers of hundreds in one moment overflow the buffers of SIP sockets, a
gateway's or a carrier's, and each that is lost costs half a second and more."""

ASK_AGAIN_S: Final = 0.25
"After how long a side that had no time for our re-INVITE is asked again."

log = structlog.get_logger(__name__)


class CallMove:
    """The way of one call to another worker; while :meth:`run` runs it is told of ports and changes of the flow."""

    def __init__(
        self,
        flow: CallFlow,
        line: SecureLine,
        *,
        pump: Callable[[], None],
        now: Callable[[], float],
        turns: asyncio.Semaphore | None = None,
        open_limit_s: float = OPEN_LIMIT_S,
        answer_limit_s: float = ANSWER_LIMIT_S,
        ask_again_s: float = ASK_AGAIN_S,
    ) -> None:
        """`pump` sends what the flow made; `now`: monotonic seconds; `turns` is shared by the calls that are moved."""
        self._turns = turns or asyncio.Semaphore()
        self._flow, self._line, self._pump, self._now = flow, line, pump, now
        self._open_limit_s, self._answer_limit_s = open_limit_s, answer_limit_s
        self._ask_again_s = ask_again_s
        self._opened: asyncio.Future[m.CallOpened] = asyncio.get_running_loop().create_future()
        self._news = asyncio.Event()

    def opened(self, opened: m.CallOpened) -> None:
        """A worker has ports for the call."""
        if not self._opened.done():
            self._opened.set_result(opened)

    def refused(self, reason: str) -> None:
        """No worker takes the call."""
        if not self._opened.done():
            self._opened.set_exception(NotConfirmedError(reason))

    def flow_changed(self) -> None:
        """The call has ended, or a side has answered."""
        self._news.set()
        if self._flow.ended:
            self.refused("the call is over")

    async def run(self) -> bool:
        """Move the call; return whether it goes on. Where it cannot be moved it has ended."""
        began_s = self._now()
        try:
            opened = await self._open()
            async with self._turns:
                self._flow.media_moved(opened, self._now())
                self._pump()
                await self._settled_within(min(TURN_S, self._answer_limit_s))
            await self._answers()
        except MediaError as error:
            if not self._flow.ended:
                log.error(
                    "call not moved to another media worker",
                    call=self._flow.call,
                    reason=str(error),
                )
                self._flow.media_lost(str(error), self._now())
                self._pump()
            return False
        log.warning(
            "call moved to another media worker",
            call=self._flow.call,
            secure=self._flow.secure,
            took_ms=round((self._now() - began_s) * 1000),
        )
        return True

    async def _open(self) -> m.CallOpened:
        """Return the ports when the line behind them is as it was."""
        try:
            async with asyncio.timeout(self._open_limit_s):
                opened = await self._opened
                await self._line.restore()
        except TimeoutError:
            raise NotConfirmedError(f"no worker took it within {self._open_limit_s:g} s") from None
        return opened

    async def _answers(self) -> None:
        """Return when both sides have answered."""
        if not await self._settled_within(self._answer_limit_s):
            raise NotConfirmedError("a side did not answer our re-INVITE")
        if self._flow.ended:
            raise NotConfirmedError("the call is over")

    async def _settled_within(self, limit_s: float) -> bool:
        """Ask the sides until both have answered, or the call is over; return False where neither comes in time."""
        try:
            async with asyncio.timeout(limit_s):
                while not self._flow.settled and not self._flow.ended:
                    await self._news_or_pause()
                    self._flow.offer_again(self._now())
                    self._pump()
        except TimeoutError:
            return False
        return True

    async def _news_or_pause(self) -> None:
        self._news.clear()
        try:
            async with asyncio.timeout(self._ask_again_s):
                await self._news.wait()
        except TimeoutError:
            pass
