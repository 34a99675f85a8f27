"""The bridge of one node: SIP socket, media workers, and all calls between them."""

import asyncio
import contextlib
import itertools
import secrets
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Final, assert_never

import structlog

from bridge.call.events import (
    BridgeEvent,
    CallChanged,
    CallInfo,
    CallMeasured,
    CallState,
    KeyPressed,
    LineMeasured,
    MediaInterrupted,
    MediaLost,
    MediaMoved,
    SecureSpanEnded,
)
from bridge.call.flow import CallFlow
from bridge.call.move import CallMove
from bridge.call.prompts import CallPrompts
from bridge.call.quality_fields import is_poor, quality_fields
from bridge.call.refusal import OVERLOADED
from bridge.call.routing import admit, find_target, limits_of_caller
from bridge.call.secure_line import SecureLine
from bridge.call.setup import CallSetup
from bridge.config import Address, BridgeConfig
from bridge.errors import NotConfirmedError, PromptError, RouteError
from bridge.media import messages as m
from bridge.media.line_masking import PLAIN_MASKING, LineMasking
from bridge.media.load import MediaLoad
from bridge.media.pool import MediaPool
from bridge.media.secure_counters import SecureTotals
from bridge.media.settings import worker_settings
from bridge.sip import events as sip
from bridge.sip.config import SipConfig
from bridge.sip.endpoint import SipEndpoint
from bridge.sip.registrar import Binding
from bridge.sip.uri import Uri
from bridge.statistics import NodeStatistics
from bridge.udp_shell import UdpShell, bind_sip

RINGING_LIMIT_S: Final = 180.0
"A caller whose phone died while it rang sends no CANCEL; RFC 3261 gives timer C three minutes (section 16.6)."

MOVES_APART_S: Final = 60.0
"""A call that loses its worker again so soon is not moved again: it may be what ends the workers, and would take the
next one's calls with it too."""

GOODBYE_S: Final = 2.0
"How long the end waits for the answers to our BYEs: each is sent three times until then."

log = structlog.get_logger(__name__)


class BridgeNode:
    """Runs the bridge. `on_event` gets what happens to calls; `password_of` answers for the phones' registrations."""

    def __init__(
        self,
        config: BridgeConfig,
        *,
        password_of: Callable[[str], str | None],
        on_event: Callable[[BridgeEvent], None],
        utc_now: Callable[[], datetime],
    ) -> None:
        self._config, self._password_of = config, password_of
        self._on_event, self._utc_now = on_event, utc_now
        self._flows: dict[m.CallId, CallFlow] = {}
        self._lines: dict[m.CallId, SecureLine] = {}
        self._flow_of_dialog: dict[sip.DialogId, CallFlow] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._refused: Counter[int] = Counter()
        self._session_ids = itertools.count(secrets.randbits(31))
        self._moves: dict[m.CallId, CallMove] = {}
        "Calls on their way to another worker."
        self._moved_s: dict[m.CallId, float] = {}
        "When a live call was last moved."
        self._media = MediaPool(
            worker_settings(config),
            self._media_reported,
            self._media_lost,
            now=time.monotonic,
            hang_s=config.worker_silence_s,
        )
        self._prompts = CallPrompts(self._media.send)

    async def start(self) -> None:
        """Bind the SIP socket and start the workers; raise OSError where the address cannot be had."""
        self._loop = asyncio.get_running_loop()
        sock = bind_sip(self._config.host, self._config.sip_port)
        self.sip_address: Address = sock.getsockname()[:2]
        try:
            await self._media.start()
        except BaseException:
            sock.close()
            raise
        self._endpoint = SipEndpoint(
            SipConfig(
                host=self._config.host,
                port=self.sip_address[1],
                user_agent="Tonewall",
                realm=self._config.realm,
            ),
            token=lambda: secrets.token_hex(10),
            password_of=self._password_of,
        )
        _, self._shell = await self._loop.create_datagram_endpoint(
            lambda: UdpShell(self._endpoint, self._sip_event), sock=sock
        )

    async def stop(self) -> None:
        """End all calls, wait for the answers to our BYEs and for the recordings, close the sockets."""
        for flow in list(self._flows.values()):
            flow.hang_up("the gateway is stopping", self._loop.time())
        self._shell.pump()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GOODBYE_S):
                await self._shell.until(lambda: self._endpoint.unanswered_count == 0)
        self._shell.close()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._media.stop()

    def calls(self) -> list[CallInfo]:
        """Return the live calls, oldest first."""
        return [flow.info for flow in self._flows.values()]

    def statistics(self) -> NodeStatistics:
        """Return what the node counts."""
        infos = self.calls()
        states = Counter(info.state for info in infos)
        return NodeStatistics(
            calls={state: states[state] for state in CallState if state is not CallState.ENDED},
            secure_calls=sum(info.secure for info in infos),
            refused=dict(self._refused),
            workers=self._media.statistics(),
            media=self._media.load(),
            sip=self._endpoint.stats,
        )

    def worker_pids(self) -> list[int]:
        """Return the process ids of the media workers."""
        return self._media.pids()

    def worker_pid_of(self, call: m.CallId) -> int | None:
        """Return the process id of the worker that carries `call`."""
        return self._media.pid_of(call)

    def media_load(self) -> MediaLoad:
        """Return how much the media workers carry, and how much more they can."""
        return self._media.load()

    def location_of(self, user: str) -> Binding | None:
        """Return where a phone is registered."""
        return self._endpoint.location_of(user, self._loop.time())

    async def secure(self, call: m.CallId, masking: LineMasking = PLAIN_MASKING) -> None:
        """Pause the recorder, then close the gate; return when both have confirmed.

        Raise :class:`NotConfirmedError` where one did not, or the call is gone: the gate is opened and the recorder
        resumed again then. Whoever stops waiting must :meth:`release` the call.
        """
        if (line := self._lines.get(call)) is None:
            raise NotConfirmedError("the call is not connected")
        await line.secure(masking)

    async def mute(self, call: m.CallId, *, muted: bool) -> None:
        """Let the agent hear nothing of a secure call's caller but beeps, or all that the gate lets pass; confirmed.

        A line that is not secure, or a call that is gone, is no error. Raise :class:`NotConfirmedError` where the
        worker does not confirm.
        """
        if (line := self._lines.get(call)) is not None:
            await line.mute(muted=muted)

    async def release(self, call: m.CallId) -> None:
        """Open the gate, resume the recorder; it is done to the end even where nobody waits for it any more.

        A call that is gone is no error. Raise :class:`NotConfirmedError` where the gate did not open.
        """
        if (line := self._lines.get(call)) is not None:
            await line.release()

    async def play(self, call: m.CallId, leg: m.Leg, prompt: Path) -> m.PromptEnd:
        """Let one side of a call hear a WAV file (8000 Hz, mono, 16 bit, at most a minute) instead of the other side.

        Return why it ended. What `leg` heard before is stopped; whoever stops waiting stops the prompt. A secure line
        stays so and its keys are read; beeps for the agent wait while the agent hears a prompt. Raise
        :class:`PromptError`, naming the file, where it cannot be played, or the call is not connected.
        """
        flow = self._flows.get(call)
        if flow is None or not flow.talking or flow.silent:
            raise PromptError(f"{prompt}: the prompt cannot be played: the call is not connected")
        return await self._prompts.play(call, leg, prompt)

    def stop_prompt(self, call: m.CallId, leg: m.Leg) -> None:
        """Stop what one side of a call hears: it fades out, and :meth:`play` returns. Where nothing plays: nothing."""
        self._prompts.stop(call, leg)

    def hang_up(self, call: m.CallId, reason: str) -> None:
        """End a call on both sides."""
        if (flow := self._flows.get(call)) is not None:
            flow.hang_up(reason, self._loop.time())
            self._shell.pump()

    def _spawn(self, step: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = self._loop.create_task(step)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _sip_event(self, event: sip.SipEvent) -> None:
        match event:
            case sip.InviteReceived():
                self._invited(event)
            case sip.Registered():
                log.info("phone registered", user=event.user)
            case sip.Unregistered():
                log.info("phone unregistered", user=event.user)
            case sip.RegistrationRefused():
                log.warning(
                    "phone refused: wrong user name or password",
                    user=event.user or "unknown",
                    source=event.source[0],
                )
            case _:
                self._dialog_event(event)

    def _dialog_event(self, event: sip.DialogEvent) -> None:
        flow = self._flow_of_dialog.get(event.dialog)
        if flow is not None:
            flow.receive(event, self._loop.time())

    def _invited(self, invite: sip.InviteReceived) -> None:
        dialler = invite.from_.uri.user or ""
        try:
            origin = admit(self._config, invite.source, dialler, self.location_of)
            target = find_target(self._config, invite.request_uri.user or "", self.location_of)
        except RouteError as error:
            log.info(
                "call refused", status=error.status, reason=error.reason, source=invite.source[0]
            )
            self._refused[error.status] += 1
            self._endpoint.respond(invite.dialog, error.status, error.reason, now=self._loop.time())
            return
        call = m.CallId(secrets.token_hex(8))
        detector = limits_of_caller(origin, target)
        recordings = self._config.recordings
        setup = CallSetup(
            call=call,
            invite=invite,
            target=target,
            first=m.Leg.AGENT if origin.agent else m.Leg.CALLER,
            agent=origin.agent or target.agent,
            started_at=self._utc_now(),
            host=self._config.host,
            identity=self._identity,
            session_id=next(self._session_ids),
            recording="" if recordings is None else str(recordings / f"{call}.wav"),
            detector=detector,
        )
        flow = CallFlow(setup, self._endpoint, self._media.send, self._flow_changed)
        self._flows[call] = flow
        self._lines[call] = SecureLine(flow, self._media.send, self._spawn)
        self._flow_of_dialog[invite.dialog] = flow
        self._media.open(call, detector)
        self._loop.call_later(RINGING_LIMIT_S, self._ringing_too_long, call)

    def _ringing_too_long(self, call: m.CallId) -> None:
        if (flow := self._flows.get(call)) is not None:
            flow.ringing_too_long(self._loop.time())
            self._shell.pump()

    def _identity(self, user: str) -> Uri:
        return Uri(user=user, host=self._config.host, port=self.sip_address[1])

    def _flow_changed(self, flow: CallFlow, reason: str) -> None:
        for dialog in flow.dialogs:
            self._flow_of_dialog[dialog] = flow
        info = flow.info
        if info.state is CallState.ENDED:
            if flow.lost:
                self._on_event(MediaLost(call=flow.call))
            del self._flows[flow.call]
            self._moved_s.pop(flow.call, None)
            for dialog in flow.dialogs:
                self._flow_of_dialog.pop(dialog, None)
            self._lines.pop(flow.call).call_ended()
            self._prompts.give_up(flow.call, m.PromptEnd.CALL_CLOSED)
            log.info("call ended", call=flow.call, reason=reason)
        self._on_event(CallChanged(info=info, reason=reason))
        if (move := self._moves.get(flow.call)) is not None:
            move.flow_changed()

    def _media_reported(self, report: m.CallReport) -> None:
        if isinstance(report, m.SecureSpanCounted):  # counts also where the call is over already
            self._on_event(SecureSpanEnded(call=report.call, totals=SecureTotals.of(report)))
            return
        if isinstance(report, m.CallMeasured):  # comes when the call is over, as does the next
            self._call_measured(report)
            return
        if isinstance(report, m.LineReported):
            self._line_reported(report)
            return
        flow = self._flows.get(report.call)
        if flow is None:
            return
        match report:
            case m.CallOpened() | m.CallRefused():
                self._media_answered(flow, report)
            case m.KeyReported():
                self._on_event(
                    KeyPressed(call=report.call, key=report.key, transport=report.transport)
                )
            case m.PromptEnded():
                self._prompts.receive(report)
            case m.SecureChanged() | m.RecorderChanged():
                self._lines[report.call].receive(report)
            case _:
                assert_never(report)

    def _media_answered(self, flow: CallFlow, report: m.CallOpened | m.CallRefused) -> None:
        """Some worker has ports for a call that begins or is moved, or none has."""
        move = self._moves.get(flow.call)
        match report:
            case m.CallOpened():
                if move is None:
                    flow.media_opened(report, self._loop.time())
                else:
                    move.opened(report)
            case m.CallRefused():
                log.warning("call refused", call=report.call, reason=report.reason)
                if move is None:
                    self._refused[OVERLOADED.status] += 1
                    flow.media_refused(report.reason, self._loop.time())
                else:
                    move.refused(report.reason)
        self._shell.pump()

    def _call_measured(self, report: m.CallMeasured) -> None:
        tell = log.warning if is_poor(report.quality) else log.info
        tell("call measured", call=report.call, **quality_fields(report.quality))
        self._on_event(CallMeasured(call=report.call, quality=report.quality))

    def _line_reported(self, report: m.LineReported) -> None:
        """Tell of the caller's line; in the log its figures and the call, never a press."""
        if (line := report.line) is not None:
            tell = log.warning if line.near_limits else log.info
            tell("line measured", call=report.call, **asdict(line))
        self._on_event(LineMeasured(call=report.call, line=report.line))

    def _media_lost(self, calls: frozenset[m.CallId], reason: str) -> None:
        """Move the connected calls of a worker that is gone; end those that ring, or were moved just now."""
        for call in calls:
            self._prompts.give_up(call, m.PromptEnd.MEDIA_LOST)
            if (flow := self._flows.get(call)) is None:
                continue
            if flow.talking and self._may_move(call):
                self._begin_move(flow)
            else:
                flow.media_lost(reason, self._loop.time())
        self._shell.pump()

    def _may_move(self, call: m.CallId) -> bool:
        moved_s = self._moved_s.get(call)
        return moved_s is None or self._loop.time() - moved_s >= MOVES_APART_S

    def _begin_move(self, flow: CallFlow) -> None:
        call, line = flow.call, self._lines[flow.call]
        self._moved_s[call] = self._loop.time()
        self._on_event(MediaInterrupted(call=call))
        move = CallMove(flow, line, pump=self._shell.pump, now=self._loop.time)
        self._moves[call] = move
        line.worker_lost()
        flow.media_interrupted()
        self._spawn(self._finish_move(flow, move))
        self._media.reopen(call, flow.info.detector)

    async def _finish_move(self, flow: CallFlow, move: CallMove) -> None:
        try:
            moved = await move.run()
        finally:
            del self._moves[flow.call]
        if moved:
            self._on_event(MediaMoved(call=flow.call))
