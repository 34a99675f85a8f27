"""Securing one call: the recorder paused, then the gate closed, both confirmed by the media worker; and the way back.

Rules of this file: one step at a time, each to its end, even where whoever asked stops waiting; what the worker
reports is true, whoever asked for it and however late it comes; where nothing is confirmed, the line is not secure.
"""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import asdict, dataclass, replace
from typing import Final

import structlog

from bridge.call.flow import CallFlow
from bridge.errors import NotConfirmedError
from bridge.media import messages as m
from bridge.media.line_masking import PLAIN_MASKING, LineMasking

CONFIRM_S: Final = 2.0
"How long a worker may take to confirm a gate or a recorder; it answers within a tick (5 ms) unless it hangs."

OPEN_S: Final = 60.0
"How long a gate may take to open: it stays closed while the caller still holds a key down."

INFO_LAG_S: Final = 2.0
"""A SIP INFO may come this long after its press: lost once and twice, it is sent again after 0.5 and 1.5 s (RFC 3261
section 17.1.2.2). So long after the gate has opened, what comes may still be a key of the payment."""

_WORKER_GONE: Final = "the media worker is gone"

CallLater = Callable[[float, Callable[[], None]], object]
"Calls back once, in so many seconds."

LineReport = m.SecureChanged | m.RecorderChanged

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Awaited:
    confirms: Callable[[LineReport], bool]
    report: asyncio.Future[LineReport]


class SecureLine:
    """Gate and recorder of one call. `spawn` starts a task of the node, which waits for it when it stops."""

    def __init__(
        self,
        flow: CallFlow,
        send: Callable[[m.Command], None],
        spawn: Callable[[Coroutine[None, None, None]], asyncio.Task[None]],
        *,
        confirm_s: float = CONFIRM_S,
        open_s: float = OPEN_S,
        call_later: CallLater | None = None,
    ) -> None:
        self._flow, self._send, self._spawn = flow, send, spawn
        self._confirm_s, self._open_s = confirm_s, open_s
        self._call_later = call_later or asyncio.get_running_loop().call_later
        self._turn = asyncio.Lock()
        self._awaited: _Awaited | None = None
        self._closing = False
        "The gate is being closed: an older opening that is told late does not lift the shield."
        self._masking = PLAIN_MASKING
        "As it was asked for."
        self._secured = False
        "Recorder and gate have confirmed, and no release was begun since."
        self._pausing = False
        "A pause was asked for and is not confirmed: it may still come, so the way back resumes the recorder anyhow."
        self._failure = ""
        "Why the recorder failed."
        self._worker_gone = False
        "Nobody can confirm anything."

    async def secure(self, masking: LineMasking = PLAIN_MASKING) -> None:
        """Pause the recorder, then close the gate; return when both have confirmed. A secure line stays as it is.

        Raise :class:`NotConfirmedError` where one did not; the way back is made then. Whoever stops waiting must call
        :meth:`release`: the line may become secure all the same.
        """
        await asyncio.shield(self._spawn(self._close_in_turn(masking)))

    async def mute(self, *, muted: bool) -> None:
        """Let the agent hear nothing of the caller but beeps, or the caller again; return when that is confirmed.

        Nothing happens to a line that is not secure. Raise :class:`NotConfirmedError` where the worker does not
        confirm; the line stays secure then, whoever is heard on it.
        """
        await asyncio.shield(self._spawn(self._mute_in_turn(muted)))

    async def release(self) -> None:
        """Open the gate, resume the recorder. A call that is over is no error.

        Raise :class:`NotConfirmedError` where the gate did not open; the recorder, which hears the gate's output
        only, is resumed even then.
        """
        await asyncio.shield(self._spawn(self._open_in_turn()))

    def receive(self, report: LineReport) -> None:
        """Take what the worker tells of the gate or the recorder."""
        match report:
            case m.SecureChanged():
                self._flow.secure, self._flow.masking = report.secure, LineMasking.of(report)
                if not report.secure and not self._closing:
                    self._call_later(INFO_LAG_S, self._lift_shield)
            case m.RecorderChanged():
                self._flow.recorder = report.state
                if report.reason:
                    self._failure = report.reason
                    log.error("recording failed", call=report.call, reason=report.reason)
        self._flow.notice()
        awaited = self._awaited
        if awaited is not None and not awaited.report.done() and awaited.confirms(report):
            awaited.report.set_result(report)

    def call_ended(self) -> None:
        """Let nobody wait for a call that is over."""
        self._disappoint("the call is over")

    def worker_lost(self) -> None:
        """Let nobody wait for a worker that is gone; :meth:`restore` follows, or the end of the call."""
        self._worker_gone = True
        self._disappoint(_WORKER_GONE)
        if not self._secured:  # an opening that was asked for is not told any more
            self._call_later(INFO_LAG_S, self._lift_shield)

    async def restore(self) -> None:
        """Make the line on a new worker what it was on the lost one: recorded or paused, open or secure.

        Return when all is confirmed; no sound of the call may pass before. Raise :class:`NotConfirmedError` where
        something is not: the call must end then, for a line that was secure may not go on open.
        """
        async with self._turn:
            self._worker_gone = False
            self._failure = ""
            if self._flow.recorded:
                await self._start_recorder()
            if self._secured:
                await self._close()

    def _disappoint(self, reason: str) -> None:
        if self._awaited is not None and not self._awaited.report.done():
            self._awaited.report.set_exception(NotConfirmedError(reason))

    def _lift_shield(self) -> None:
        if not self._closing and not self._secured and not self._flow.secure:
            self._flow.shielded = False

    async def _close_in_turn(self, masking: LineMasking) -> None:
        async with self._turn:
            if self._secured:
                return
            if not self._flow.talking:
                raise NotConfirmedError("the call is not connected")
            self._masking = masking
            try:
                await self._close()
            except NotConfirmedError as error:
                log.error("line not secured", call=self._flow.call, reason=str(error))
                await self._open(self._confirm_s)
                raise

    async def _mute_in_turn(self, muted: bool) -> None:
        async with self._turn:
            if not self._secured:
                return
            self._masking = replace(self._masking, muted=muted)
            await self._ask_for_gate()

    async def _open_in_turn(self) -> None:
        async with self._turn:
            self._secured = False
            if (error := await self._open(self._open_s)) is not None:
                raise error

    async def _close(self) -> None:
        self._closing = self._flow.shielded = True
        try:
            if self._flow.recorded:
                await self._pause_recorder()
            await self._ask_for_gate()
            self._secured = True
        finally:
            self._closing = False

    async def _ask_for_gate(self) -> None:
        """Have the gate closed, or changed, as the masking says."""
        masking = self._masking
        await self._ask(
            m.SetSecure(call=self._flow.call, secure=True, **asdict(masking)),
            lambda told: (
                isinstance(told, m.SecureChanged) and told.secure and told.muted == masking.muted
            ),
            self._confirm_s,
        )

    async def _open(self, limit_s: float) -> NotConfirmedError | None:
        """Open the gate, then resume the recorder; return why the gate of a live call did not open."""
        failure = None
        command = m.SetSecure(call=self._flow.call, secure=False)
        try:
            await self._ask(
                command,
                lambda told: isinstance(told, m.SecureChanged) and not told.secure,
                limit_s,
            )
        except NotConfirmedError as error:
            failure = error
        if self._flow.ended:
            return None
        if failure is not None:
            log.error("gate not opened", call=self._flow.call, reason=str(failure))
        if self._pausing or self._flow.recorder is m.RecorderState.PAUSED:
            await self._resume_recorder()
        return failure

    async def _start_recorder(self) -> None:
        """Record again; a call that cannot be recorded goes on, as it does where its recorder fails."""
        await self._ask_with(
            self._flow.start_recording,
            lambda told: isinstance(told, m.RecorderChanged),
            self._confirm_s,
        )

    async def _pause_recorder(self) -> None:
        self._pausing = True
        # RECORDING is the confirmation of its start, which may still have been under way.
        told = await self._ask(
            m.PauseRecording(call=self._flow.call),
            lambda told: (
                isinstance(told, m.RecorderChanged) and told.state is not m.RecorderState.RECORDING
            ),
            self._confirm_s,
        )
        self._pausing = False
        assert isinstance(told, m.RecorderChanged)
        if told.state is not m.RecorderState.PAUSED:
            reason = self._failure or f"it is {told.state}"
            raise NotConfirmedError(f"the recorder cannot be paused: {reason}")

    async def _resume_recorder(self) -> None:
        self._pausing = False
        try:
            await self._ask(
                m.ResumeRecording(call=self._flow.call),
                lambda told: (
                    isinstance(told, m.RecorderChanged) and told.state is not m.RecorderState.PAUSED
                ),
                self._confirm_s,
            )
        except NotConfirmedError as error:
            log.error("recording not resumed", call=self._flow.call, reason=str(error))

    async def _ask(
        self, command: m.Command, confirms: Callable[[LineReport], bool], limit_s: float
    ) -> LineReport:
        """Send a command and return the report that confirms it."""
        return await self._ask_with(lambda: self._send(command), confirms, limit_s)

    async def _ask_with(
        self, ask: Callable[[], None], confirms: Callable[[LineReport], bool], limit_s: float
    ) -> LineReport:
        if self._flow.ended:
            raise NotConfirmedError("the call is over")
        if self._worker_gone:
            raise NotConfirmedError(_WORKER_GONE)
        awaited = _Awaited(confirms, asyncio.get_running_loop().create_future())
        self._awaited = awaited
        try:
            async with asyncio.timeout(limit_s):
                ask()
                report = await awaited.report
        except TimeoutError:
            raise NotConfirmedError("the media worker does not answer") from None
        finally:
            self._awaited = None
        if self._flow.ended:  # after the confirmation, before this line
            raise NotConfirmedError("the call is over")
        return report
