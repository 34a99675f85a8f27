"""The bridge of one node: SIP socket, media workers, and all calls between them."""

import asyncio
import contextlib
import itertools
import secrets
import socket
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Final

import structlog

from bridge.call.events import BridgeEvent, CallChanged, CallInfo, CallState, KeyPressed, MediaLost
from bridge.call.flow import CallFlow, CallSetup
from bridge.call.routing import RouteError, admit, find_target
from bridge.config import Address, BridgeConfig
from bridge.errors import LocalProtocolError, MediaError
from bridge.media import messages as m
from bridge.media.pool import MediaPool
from bridge.media.settings import WorkerSettings
from bridge.sip import events as sip
from bridge.sip.config import SipConfig
from bridge.sip.endpoint import SipEndpoint
from bridge.sip.registrar import Binding
from bridge.sip.uri import Uri
from bridge.udp_shell import UdpShell

CONFIRM_S: Final = 2.0
"How long a worker may take to confirm a gate or a recorder; it answers within a tick (5 ms) unless it hangs."

OPEN_S: Final = 60.0
"How long a gate may take to open: it stays closed while the caller still holds a key down."

log = structlog.get_logger(__name__)


class NotConfirmedError(MediaError):
    """The gate or the recorder did not confirm; the call must be taken as not secure."""


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
        self._flow_of_dialog: dict[sip.DialogId, CallFlow] = {}
        self._waiting: dict[tuple[m.CallId, type[m.Report]], asyncio.Future[m.Report]] = {}
        self._session_ids = itertools.count(secrets.randbits(31))
        self._media = MediaPool(_worker_settings(config), self._media_reported, self._media_lost)

    async def start(self) -> None:
        """Bind the SIP socket and start the workers; raise OSError where the address cannot be had."""
        self._loop = asyncio.get_running_loop()
        await self._media.start()
        sock = _bind(self._config.host, self._config.sip_port)
        self.sip_address: Address = sock.getsockname()[:2]
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
        """End all calls, wait for the recordings, close the sockets."""
        for flow in list(self._flows.values()):
            flow.hang_up("the gateway is stopping", self._loop.time())
        self._shell.pump()
        self._shell.close()
        await self._media.stop()

    def calls(self) -> list[CallInfo]:
        """Return the live calls, oldest first."""
        return [flow.info for flow in self._flows.values()]

    def worker_pids(self) -> list[int]:
        """Return the process ids of the media workers."""
        return self._media.pids()

    def worker_pid_of(self, call: m.CallId) -> int | None:
        """Return the process id of the worker that carries `call`."""
        return self._media.pid_of(call)

    def location_of(self, user: str) -> Binding | None:
        """Return where a phone is registered."""
        return self._endpoint.location_of(user, self._loop.time())

    async def secure(self, call: m.CallId) -> None:
        """Pause the recorder, then close the gate; return when both have confirmed.

        Raise :class:`NotConfirmedError` where one did not: the gate is opened and the recorder resumed again then.
        """
        flow = self._talking(call)
        flow.shielded = True
        try:
            if flow.recorder is not m.RecorderState.OFF:
                await self._move_recorder(flow, m.PauseRecording(call=call), m.RecorderState.PAUSED)
            await self._move_gate(flow, secure=True)
        except NotConfirmedError:
            await self.release(call)
            raise

    async def release(self, call: m.CallId) -> None:
        """Open the gate, resume the recorder. A call that is gone is no error."""
        flow = self._flows.get(call)
        if flow is None:
            return
        try:
            await self._move_gate(flow, secure=False)
            flow.shielded = False
        except NotConfirmedError as error:
            if call not in self._flows:
                return
            log.error("gate not opened", call=call, reason=str(error))
        if flow.recorder is m.RecorderState.PAUSED:
            try:
                await self._move_recorder(
                    flow, m.ResumeRecording(call=call), m.RecorderState.RECORDING
                )
            except NotConfirmedError as error:
                log.error("recording not resumed", call=call, reason=str(error))

    def hang_up(self, call: m.CallId, reason: str) -> None:
        """End a call on both sides."""
        if (flow := self._flows.get(call)) is not None:
            flow.hang_up(reason, self._loop.time())
            self._shell.pump()

    async def _move_gate(self, flow: CallFlow, *, secure: bool) -> None:
        command = m.SetSecure(call=flow.call, secure=secure)
        report = await self._ask(command, m.SecureChanged, limit_s=CONFIRM_S if secure else OPEN_S)
        assert isinstance(report, m.SecureChanged)
        if report.secure is not secure:
            raise NotConfirmedError("the gate did not move")
        flow.secure = secure
        flow.notice()

    async def _move_recorder(
        self, flow: CallFlow, command: m.PauseRecording | m.ResumeRecording, wanted: m.RecorderState
    ) -> None:
        report = await self._ask(command, m.RecorderChanged)
        assert isinstance(report, m.RecorderChanged)
        if report.state is not wanted:
            raise NotConfirmedError(f"the recorder is {report.state}, not {wanted}")

    async def _ask(
        self, command: m.Command, answer: type[m.Report], *, limit_s: float = CONFIRM_S
    ) -> m.Report:
        """Send a command and return the report that confirms it."""
        key = (command.call, answer)
        if key in self._waiting:
            raise NotConfirmedError("an earlier command of the same kind is not confirmed yet")
        waiting = self._waiting[key] = self._loop.create_future()
        try:
            self._media.send(command)
            return await asyncio.wait_for(waiting, limit_s)
        except TimeoutError:
            raise NotConfirmedError("the media worker does not answer") from None
        finally:
            del self._waiting[key]

    def _talking(self, call: m.CallId) -> CallFlow:
        flow = self._flows.get(call)
        if flow is None or not flow.talking:
            raise NotConfirmedError("the call is not connected")
        return flow

    def _sip_event(self, event: sip.SipEvent) -> None:
        match event:
            case sip.InviteReceived():
                self._invited(event)
            case sip.Registered():
                log.info("phone registered", user=event.user)
            case sip.Unregistered():
                log.info("phone unregistered", user=event.user)
            case _:
                self._dialog_event(event)

    def _dialog_event(self, event: sip.DialogEvent) -> None:
        flow = self._flow_of_dialog.get(event.dialog)
        if flow is not None:
            flow.receive(event, self._loop.time())
        elif isinstance(event, sip.Answered):
            # The answer crossed our CANCEL: nobody is there any more to talk to.
            with contextlib.suppress(LocalProtocolError):
                self._endpoint.bye(event.dialog, self._loop.time())

    def _invited(self, invite: sip.InviteReceived) -> None:
        dialler = invite.from_.uri.user or ""
        try:
            from_agent = admit(self._config, invite.source, dialler, self.location_of)
            target = find_target(self._config, invite.request_uri.user or "", self.location_of)
        except RouteError as error:
            log.info(
                "call refused", status=error.status, reason=error.reason, source=invite.source[0]
            )
            self._endpoint.respond(invite.dialog, error.status, error.reason, now=self._loop.time())
            return
        call = m.CallId(secrets.token_hex(8))
        recordings = self._config.recordings
        setup = CallSetup(
            call=call,
            invite=invite,
            target=target,
            first=m.Leg.AGENT if from_agent else m.Leg.CALLER,
            agent=from_agent or target.agent,
            started_at=self._utc_now(),
            host=self._config.host,
            identity=self._identity,
            session_id=next(self._session_ids),
            recording="" if recordings is None else str(recordings / f"{call}.wav"),
        )
        flow = CallFlow(setup, self._endpoint, self._media.send, self._flow_changed)
        self._flows[call] = flow
        self._flow_of_dialog[invite.dialog] = flow
        self._media.open(call)

    def _identity(self, user: str) -> Uri:
        return Uri(user=user, host=self._config.host, port=self.sip_address[1])

    def _flow_changed(self, flow: CallFlow, reason: str) -> None:
        for dialog in flow.dialogs:
            self._flow_of_dialog[dialog] = flow
        info = flow.info
        if info.state is CallState.ENDED:
            del self._flows[flow.call]
            for dialog in flow.dialogs:
                self._flow_of_dialog.pop(dialog, None)
            self._fail_waiting(flow.call)
            log.info("call ended", call=flow.call, reason=reason)
        self._on_event(CallChanged(info=info, reason=reason))

    def _media_reported(self, report: m.Report) -> None:
        if isinstance(report, m.Heartbeat):
            return
        flow = self._flows.get(report.call)
        if flow is None:
            return
        match report:
            case m.CallOpened():
                flow.media_opened(report, self._loop.time())
                self._shell.pump()
            case m.CallRefused():
                log.warning("call refused", call=report.call, reason=report.reason)
                flow.media_refused(report.reason, self._loop.time())
                self._shell.pump()
            case m.KeyReported():
                self._on_event(
                    KeyPressed(call=report.call, key=report.key, transport=report.transport)
                )
            case m.RecorderChanged():
                self._recorder_changed(flow, report)
            case m.SecureChanged():
                pass  # `_ask` waits for it
        waiting = self._waiting.get((report.call, type(report)))
        if waiting is not None and not waiting.done():
            waiting.set_result(report)

    def _recorder_changed(self, flow: CallFlow, report: m.RecorderChanged) -> None:
        if report.reason:
            log.error("recording failed", call=report.call, reason=report.reason)
        flow.recorder = report.state
        flow.notice()

    def _media_lost(self, calls: frozenset[m.CallId]) -> None:
        log.error("media worker lost", calls=len(calls))
        for call in calls:
            if (flow := self._flows.get(call)) is not None:
                self._fail_waiting(call)
                self._on_event(MediaLost(call=call))
                flow.hang_up("the media worker that carried the call is gone", self._loop.time())
        self._shell.pump()

    def _fail_waiting(self, call: m.CallId) -> None:
        for (waiting_call, _), waiting in list(self._waiting.items()):
            if waiting_call == call and not waiting.done():
                waiting.set_exception(NotConfirmedError("the call is gone"))


def _worker_settings(config: BridgeConfig) -> tuple[WorkerSettings, ...]:
    """Cut the port range into one piece a worker."""
    whole = WorkerSettings(
        host=config.host,
        first_port=config.rtp_first_port,
        last_port=config.rtp_last_port,
        calls=config.calls_per_worker,
    )
    if config.rtp_first_port == 0:
        return (whole,) * config.workers
    share = (config.rtp_last_port - config.rtp_first_port + 1) // config.workers // 2 * 2
    firsts = [config.rtp_first_port + index * share for index in range(config.workers)]
    return tuple(replace(whole, first_port=first, last_port=first + share - 1) for first in firsts)


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM)
    try:
        sock.bind((host, port))
    except OSError as error:
        sock.close()
        raise OSError(
            error.errno, f"cannot listen for SIP on {host} port {port}: {error.strerror}"
        ) from None
    return sock
