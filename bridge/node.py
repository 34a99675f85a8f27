"""The bridge of one node: SIP socket, media workers, and all calls between them.

Rules of this file: it only connects. Datagrams come in by `sip_front`; whether an INVITE becomes a call is decided in
`call.admission`; what workers tell is treated in `call.media_reports`, their loss in `call.lost_workers`.
"""

import asyncio
import errno
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import structlog

from bridge.call.admission import CallAdmission
from bridge.call.events import BridgeEvent, CallChanged, CallInfo, CallState, MediaLost
from bridge.call.flow import CallFlow
from bridge.call.live_calls import LiveCall, LiveCalls
from bridge.call.lost_workers import LostWorkers
from bridge.call.media_reports import MediaReports
from bridge.call.prompts import CallPrompts
from bridge.call.refusal import OVERLOADED, Refusal
from bridge.call.secure_line import SecureLine
from bridge.config import Address, BridgeConfig
from bridge.errors import NotConfirmedError, PromptError, RouteError
from bridge.media import messages as m
from bridge.media.line_masking import PLAIN_MASKING, LineMasking
from bridge.media.open_files import allow_most_open_files, most_open_files
from bridge.media.settings import worker_settings
from bridge.sip import events as sip
from bridge.sip.registrar import Binding
from bridge.sip.uri import Uri
from bridge.sip_front import SipFront
from bridge.statistics import NodeStatistics
from bridge.workers.capacity import shortages, within_open_files
from bridge.workers.load import MediaLoad
from bridge.workers.pool import MediaPool

RINGING_LIMIT_S: Final = 180.0
"A caller whose phone died while it rang sends no CANCEL; RFC 3261 gives timer C three minutes (section 16.6)."

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
        self._on_event = on_event
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = False
        "Calls that come now would be left over: nobody would end them, nor what waits for their end."
        self._calls = LiveCalls()
        self._admission = CallAdmission(
            config, locate=self.location_of, identity=self._identity, utc_now=utc_now
        )
        self._prompts = CallPrompts(lambda command: self._media.send(command))
        reports = MediaReports(self._calls, self._prompts, on_event, pump=self._pump, now=_now)
        losses = LostWorkers(
            self._calls,
            self._prompts,
            on_event,
            reopen=lambda opening: self._media.reopen(opening),
            spawn=self._spawn,
            pump=self._pump,
            now=_now,
        )
        self._wanted, self._open_files = worker_settings(config), most_open_files()
        self._media = MediaPool(
            tuple(within_open_files(settings, self._open_files) for settings in self._wanted),
            reports.receive,
            losses.lost,
            now=time.monotonic,
            hang_s=config.worker_silence_s,
            keep_spare=config.spare_worker,
        )

    async def start(self) -> None:
        """Bind the SIP socket and start the workers; raise OSError where the address or the workers cannot be had."""
        self._allow_calls()
        self._sip = SipFront(
            self._config,
            password_of=self._password_of,
            on_invite=self._invited,
            on_dialog_event=self._dialog_event,
        )
        try:
            await self._media.start()
        except BaseException:
            await self._sip.close()
            raise
        await self._sip.serve()

    async def stop(self) -> None:
        """End all calls, wait for the answers to our BYEs and for the recordings, close the sockets."""
        self._stopping = True
        for call in self._calls:
            call.flow.hang_up("the gateway is stopping", _now())
        self._pump()
        await self._sip.close()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._media.stop()

    @property
    def sip_address(self) -> Address:
        """Where SIP is listened for; with two addresses, the first of them."""
        return self._sip.addresses[0]

    @property
    def sip_addresses(self) -> tuple[Address, ...]:
        """All of them, one for each version of IP that there is an address of."""
        return self._sip.addresses

    def calls(self) -> list[CallInfo]:
        """Return the live calls, oldest first."""
        return self._calls.infos()

    def statistics(self) -> NodeStatistics:
        """Return what the node counts."""
        infos = self.calls()
        states = Counter(info.state for info in infos)
        return NodeStatistics(
            calls={state: states[state] for state in CallState if state is not CallState.ENDED},
            secure_calls=sum(info.secure for info in infos),
            refused=dict(self._calls.refused),
            workers=self._media.statistics(),
            media=self._media.load(),
            sip=self._sip.stats,
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
        return self._sip.location_of(user)

    async def secure(self, call: m.CallId, masking: LineMasking = PLAIN_MASKING) -> None:
        """Pause the recorder, then close the gate; return when both have confirmed.

        Raise :class:`NotConfirmedError` where one did not, or the call is gone: the gate is opened and the recorder
        resumed again then. Whoever stops waiting must :meth:`release` the call.
        """
        if (live := self._calls.get(call)) is None:
            raise NotConfirmedError("the call is not connected")
        await live.line.secure(masking)

    async def mute(self, call: m.CallId, *, muted: bool) -> None:
        """Let the agent hear nothing of a secure call's caller but beeps, or all that the gate lets pass; confirmed.

        A line that is not secure, or a call that is gone, is no error. Raise :class:`NotConfirmedError` where the
        worker does not confirm.
        """
        if (live := self._calls.get(call)) is not None:
            await live.line.mute(muted=muted)

    async def release(self, call: m.CallId) -> None:
        """Open the gate, resume the recorder; it is done to the end even where nobody waits for it any more.

        A call that is gone is no error. Raise :class:`NotConfirmedError` where the gate did not open.
        """
        if (live := self._calls.get(call)) is not None:
            await live.line.release()

    async def play(self, call: m.CallId, leg: m.Leg, prompt: Path) -> m.PromptEnd:
        """Let one side of a call hear a WAV file (8000 Hz, mono, 16 bit, at most a minute) instead of the other side.

        Return why it ended. What `leg` heard before is stopped; whoever stops waiting stops the prompt. A secure line
        stays so and its keys are read; beeps for the agent wait while the agent hears a prompt. Raise
        :class:`PromptError`, naming the file, where it cannot be played, or the call is not connected.
        """
        live = self._calls.get(call)
        if live is None or not live.flow.talking or live.flow.silent:
            raise PromptError(f"{prompt}: the prompt cannot be played: the call is not connected")
        return await self._prompts.play(call, leg, prompt)

    def stop_prompt(self, call: m.CallId, leg: m.Leg) -> None:
        """Stop what one side of a call hears: it fades out, and :meth:`play` returns. Where nothing plays: nothing."""
        self._prompts.stop(call, leg)

    def hang_up(self, call: m.CallId, reason: str) -> None:
        """End a call on both sides."""
        if (live := self._calls.get(call)) is not None:
            live.flow.hang_up(reason, _now())
            self._pump()

    def _allow_calls(self) -> None:
        """Let this process and the workers open many files; say where that or their ports are too few."""
        allow_most_open_files()
        for place, settings in enumerate(self._wanted):
            for shortage in shortages(settings, self._open_files):
                if not shortage.calls:
                    raise OSError(errno.EMFILE, f"no call can be carried: {shortage.reason}")
                log.warning(
                    "fewer calls than configured",
                    worker=place,
                    calls=shortage.calls,
                    configured=settings.calls,
                    reason=shortage.reason,
                )

    def _spawn(self, step: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(step)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _pump(self) -> None:
        self._sip.pump()

    def _identity(self, user: str, towards: Address) -> Uri:
        return self._sip.identity(user, towards)

    def _dialog_event(self, event: sip.DialogEvent) -> None:
        if (live := self._calls.of_dialog(event.dialog)) is not None:
            live.flow.receive(event, _now())

    def _invited(self, invite: sip.InviteReceived) -> None:
        if self._stopping:
            self._refuse(invite, OVERLOADED)
            return
        try:
            setup = self._admission.admit(invite)
        except RouteError as error:
            log.info(
                "call refused", status=error.status, reason=error.reason, source=invite.source[0]
            )
            self._refuse(invite, Refusal(status=error.status, reason=error.reason))
            return
        flow = CallFlow(setup, self._sip.dialogs, self._media.send, self._flow_changed)
        line = SecureLine(flow, self._media.send, self._spawn)
        self._calls.add(LiveCall(flow=flow, line=line))
        self._media.open(setup.opening)
        asyncio.get_running_loop().call_later(RINGING_LIMIT_S, self._ringing_too_long, setup.call)

    def _refuse(self, invite: sip.InviteReceived, refusal: Refusal) -> None:
        self._calls.refused[refusal.status] += 1
        self._sip.dialogs.respond(
            invite.dialog, refusal.status, refusal.reason, headers=refusal.headers, now=_now()
        )

    def _ringing_too_long(self, call: m.CallId) -> None:
        if (live := self._calls.get(call)) is not None:
            live.flow.ringing_too_long(_now())
            self._pump()

    def _flow_changed(self, flow: CallFlow, reason: str) -> None:
        live, info = self._calls.get(flow.call), flow.info
        assert live is not None, "the end of a call is told once, and last"
        if info.state is CallState.ENDED:
            if flow.lost:
                self._on_event(MediaLost(call=flow.call))
            self._calls.remove(live)
            live.line.call_ended()
            self._prompts.give_up(flow.call, m.PromptEnd.CALL_CLOSED)
            log.info("call ended", call=flow.call, reason=reason)
        else:
            self._calls.learn_dialogs(live)
        self._on_event(CallChanged(info=info, reason=reason))
        if live.move is not None:
            live.move.flow_changed()


def _now() -> float:
    """Monotonic seconds."""
    return asyncio.get_running_loop().time()
