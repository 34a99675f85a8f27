"""One call as a back-to-back user agent: what happens on one side's dialog, done on the other's (RFC 7092).

Sans-IO: SIP and media events in, commands to the endpoint and the media worker out; time is passed in. The first
dialog is the one that dialled, the second the one that is rung. Hold is answered here and not passed on: the held
side simply gets no sound, which also serves phones that cannot be held.
"""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, assert_never

from bridge.call.events import CallInfo, CallState
from bridge.call.routing import Target
from bridge.errors import (
    LocalProtocolError,
    NoCommonCodecError,
    RemoteProtocolError,
    SdpError,
)
from bridge.media import messages as m
from bridge.sdp.negotiate import Direction, MediaTerms, answer_offer, make_offer, read_answer
from bridge.sip import events as sip
from bridge.sip.endpoint import SipEndpoint
from bridge.sip.info_dtmf import parse_info_digit
from bridge.sip.name_addr import NameAddr
from bridge.sip.uri import Uri


class _Phase(StrEnum):
    OPENING = "opening"
    CALLING = "calling"
    TALKING = "talking"
    ENDED = "ended"


class _Trigger(StrEnum):
    MEDIA_OPENED = "media opened"
    ANSWERED = "answered"
    ENDED = "ended"


_MOVES: Final[dict[tuple[_Phase, _Trigger], _Phase]] = {
    (_Phase.OPENING, _Trigger.MEDIA_OPENED): _Phase.CALLING,
    (_Phase.CALLING, _Trigger.ANSWERED): _Phase.TALKING,
    (_Phase.OPENING, _Trigger.ENDED): _Phase.ENDED,
    (_Phase.CALLING, _Trigger.ENDED): _Phase.ENDED,
    (_Phase.TALKING, _Trigger.ENDED): _Phase.ENDED,
}

SERVICE_UNAVAILABLE: Final = 503
RETRY_AFTER_S: Final = 10
"Told with a 503: by then a call has ended or a dead worker is replaced."


@dataclass(frozen=True, slots=True, kw_only=True)
class CallSetup:
    """What a call starts with."""

    call: m.CallId
    invite: sip.InviteReceived
    target: Target
    first: m.Leg
    "Which side dialled: the customer (`CALLER`) or the agent."
    agent: str
    started_at: datetime
    host: str
    "Our address, for SDP."
    identity: Callable[[str], Uri]
    "The URI by which we stand for a user towards the other side."
    session_id: int
    recording: str
    "Path of the recording; empty: none."


@dataclass(slots=True)
class _Side:
    dialog: sip.DialogId | None = None
    port: int = 0
    version: int = 0
    terms: MediaTerms | None = None
    answer: bytes = b""
    offered: bytes = b""
    "Our offer that waits for an answer."
    early_media: bool = field(default=False)


class CallFlow:
    """One call. `changed(flow, reason)` is called whenever :attr:`info` is new."""

    def __init__(
        self,
        setup: CallSetup,
        endpoint: SipEndpoint,
        command: Callable[[m.Command], None],
        changed: Callable[["CallFlow", str], None],
    ) -> None:
        self._setup, self._sip, self._command, self._changed = setup, endpoint, command, changed
        self._phase = _Phase.OPENING
        self._sides = {m.Leg.CALLER: _Side(), m.Leg.AGENT: _Side()}
        self._first, self._second = setup.first, _other(setup.first)
        self._sides[self._first].dialog = setup.invite.dialog
        self.secure = False
        "The gate is closed, confirmed."
        self.shielded = False
        "SIP INFO of the caller is swallowed: from before the gate closes until after it has opened."
        self.recorder = m.RecorderState.OFF

    @property
    def call(self) -> m.CallId:
        """Identity of the call."""
        return self._setup.call

    @property
    def dialogs(self) -> tuple[sip.DialogId, ...]:
        """The dialogs so far."""
        return tuple(side.dialog for side in self._sides.values() if side.dialog is not None)

    @property
    def talking(self) -> bool:
        """Both sides are connected."""
        return self._phase is _Phase.TALKING

    @property
    def info(self) -> CallInfo:
        """The call as others may know it."""
        invite = self._setup.invite
        dialled, dialler = invite.request_uri.user or "", invite.from_.uri.user or "anonymous"
        inbound = self._first is m.Leg.CALLER
        return CallInfo(
            call=self.call,
            agent=self._setup.agent,
            caller=dialler if inbound else dialled,
            called=dialled if inbound else dialler,
            state=self._state(),
            secure=self.secure,
            recorder=self.recorder,
            started_at=self._setup.started_at,
        )

    def start(self) -> None:
        """Ask for media ports."""
        self._command(m.OpenCall(call=self.call))

    def media_opened(self, opened: m.CallOpened, now: float) -> None:
        """Answer the first side's offer in mind, then ring the second side."""
        if self._phase is not _Phase.OPENING:
            return
        self._sides[m.Leg.CALLER].port, self._sides[m.Leg.AGENT].port = (
            opened.caller_port,
            opened.agent_port,
        )
        try:
            if self._setup.invite.body:
                self._accept_offer(self._first, self._setup.invite.body)
        except SdpError as error:
            self._reject_first(
                488 if isinstance(error, NoCommonCodecError) else 400, _as_reason(error), now
            )
            return
        self._move(_Trigger.MEDIA_OPENED)
        self._ring_second(now)
        self._changed(self, "")

    def media_refused(self, reason: str, now: float) -> None:
        """No worker can carry the call."""
        self._respond_first(
            SERVICE_UNAVAILABLE,
            "Service Unavailable",
            now,
            headers=(("Retry-After", str(RETRY_AFTER_S)),),
        )
        self._end(f"no media for the call: {reason}")

    def receive(self, event: sip.DialogEvent, now: float) -> None:
        """Treat one event of either dialog."""
        if self._phase is _Phase.ENDED:
            return
        side = next(name for name, side in self._sides.items() if side.dialog == event.dialog)
        match event:
            case sip.Progressed():
                self._progressed(event, now)
            case sip.Answered():
                self._answered(event, now)
            case sip.Rejected():
                self._rejected(event, now)
            case sip.Acknowledged():
                self._acknowledged(side, event)
            case sip.Cancelled():
                self._hang_up(_other(side), now)
                self._end("the caller gave up before the answer")
            case sip.ByeReceived():
                self._hang_up(_other(side), now)
                self._end(f"the {side} hung up")
            case sip.DialogLost():
                self._lost(side, event.reason, now)
            case sip.ReinviteReceived():
                self._reinvited(side, event, now)
            case sip.InfoReceived():
                self._informed(side, event, now)
            case sip.ReinviteCancelled():
                pass  # answered by the endpoint; the session goes on as it was
            case sip.ReinviteAnswered() | sip.ReinviteRejected():
                pass  # the bridge sends no re-INVITE of its own yet
            case sip.InviteReceived():
                raise AssertionError("a call's dialogs are announced once")
            case _:
                assert_never(event)

    def hang_up(self, reason: str, now: float) -> None:
        """End the call on both sides."""
        if self._phase is _Phase.ENDED:
            return
        if self._phase is _Phase.TALKING:
            self._hang_up(self._first, now)
        else:
            self._respond_first(480, "Temporarily Unavailable", now)
        self._hang_up(self._second, now)
        self._end(reason)

    def notice(self) -> None:
        """Tell that something outside the dialogs changed (gate, recorder)."""
        self._changed(self, "")

    def _ring_second(self, now: float) -> None:
        invite, target, side = self._setup.invite, self._setup.target, self._sides[self._second]
        first_codec = self._sides[self._first].terms
        codecs = (
            ("PCMA", "PCMU")
            if first_codec and first_codec.codec.name == "PCMA"
            else ("PCMU", "PCMA")
        )
        side.offered = self._offer(side, codecs)
        side.dialog = self._sip.invite(
            request_uri=target.uri,
            from_=NameAddr(
                uri=self._setup.identity(invite.from_.uri.user or "anonymous"),
                display_name=invite.from_.display_name,
            ),
            to=NameAddr(uri=target.uri),
            destination=target.destination,
            body=side.offered,
            max_forwards=invite.max_forwards - 1,
            now=now,
        )

    def _progressed(self, event: sip.Progressed, now: float) -> None:
        first, second = self._sides[self._first], self._sides[self._second]
        if event.body and self._read_answer(self._second, event.body) and first.answer:
            second.early_media = True
            self._respond_first(183, "Session Progress", now, body=first.answer)
        else:
            self._respond_first(180, "Ringing", now)

    def _answered(self, event: sip.Answered, now: float) -> None:
        second = self._sides[self._second]
        if not self._read_answer(self._second, event.body) and not second.early_media:
            self._hang_up(self._second, now)
            self._reject_first(502, "The other side's answer has no usable audio", now)
            return
        first = self._sides[self._first]
        if not first.answer:
            first.offered = self._offer(first, ("PCMU", "PCMA"))
        self._respond_first(200, "OK", now, body=first.answer or first.offered)
        self._move(_Trigger.ANSWERED)
        if self._setup.recording:
            self._command(m.StartRecording(call=self.call, path=self._setup.recording))
        self._changed(self, "")

    def _rejected(self, event: sip.Rejected, now: float) -> None:
        status, reason = _across(event.status, event.reason)
        headers = () if event.retry_after is None else (("Retry-After", str(event.retry_after)),)
        self._respond_first(status, reason, now, headers=headers)
        self._end(f"the other side answered {event.status} {event.reason}")

    def _acknowledged(self, side: m.Leg, event: sip.Acknowledged) -> None:
        if self._sides[side].offered and event.body:
            self._read_answer(side, event.body)
            self._changed(self, "")

    def _lost(self, side: m.Leg, reason: str, now: float) -> None:
        if self._phase is not _Phase.TALKING and side is self._second:
            self._respond_first(408, "Request Timeout", now)
        else:
            self._hang_up(_other(side), now)
        self._end(f"the {side}'s side is gone: {reason}")

    def _reinvited(self, side: m.Leg, event: sip.ReinviteReceived, now: float) -> None:
        state = self._sides[side]
        state.version += 1
        try:
            if event.body:
                self._accept_offer(side, event.body)
                body = state.answer
            else:
                body = state.offered = self._offer(state, ("PCMU", "PCMA"))
        except SdpError as error:
            status = 488 if isinstance(error, NoCommonCodecError) else 400
            self._sip.respond(event.dialog, status, _as_reason(error), now=now)
            return
        self._sip.respond(event.dialog, 200, "OK", body=body, now=now)
        self._changed(self, "")

    def _informed(self, side: m.Leg, event: sip.InfoReceived, now: float) -> None:
        if side is m.Leg.CALLER and self.shielded:
            self._read_info(event)
            return
        other = self._sides[_other(side)].dialog
        if self._phase is _Phase.TALKING and other is not None:
            self._sip.info(other, event.content_type, event.body, now)

    def _read_info(self, event: sip.InfoReceived) -> None:
        try:
            key, duration_ms = parse_info_digit(event.content_type, event.body)
        except RemoteProtocolError:
            return  # no key in it; while the call is secure it goes nowhere else either
        self._command(m.InfoKey(call=self.call, key=key, duration_ms=duration_ms or 0))

    def _accept_offer(self, side: m.Leg, offer: bytes) -> None:
        state = self._sides[side]
        state.answer, terms = answer_offer(
            offer,
            host=self._setup.host,
            port=state.port,
            session_id=self._setup.session_id,
            version=state.version,
        )
        self._use(side, terms)

    def _read_answer(self, side: m.Leg, answer: bytes) -> bool:
        state = self._sides[side]
        try:
            terms = read_answer(answer, offered=state.offered)
        except SdpError:
            return False
        self._use(side, terms)
        return True

    def _use(self, side: m.Leg, terms: MediaTerms) -> None:
        self._sides[side].terms = terms
        host, port = terms.remote or ("0.0.0.0", 0)
        self._command(
            m.SetLeg(
                call=self.call,
                leg=side,
                host=host,
                port=port,
                codec=terms.codec.name,
                payload_type=terms.codec.payload_type,
                telephone_event=-1 if terms.telephone_event is None else terms.telephone_event,
                send=terms.remote is not None
                and terms.direction in (Direction.SENDRECV, Direction.SENDONLY),
                receive=terms.direction in (Direction.SENDRECV, Direction.RECVONLY),
            )
        )

    def _offer(self, side: _Side, codecs: tuple[str, str]) -> bytes:
        return make_offer(
            host=self._setup.host,
            port=side.port,
            session_id=self._setup.session_id,
            version=side.version,
            codecs=codecs,
        )

    def _state(self) -> CallState:
        if self._phase is _Phase.ENDED:
            return CallState.ENDED
        if self._phase is not _Phase.TALKING:
            return CallState.RINGING
        held = any(
            side.terms and side.terms.direction is not Direction.SENDRECV
            for side in self._sides.values()
        )
        return CallState.HELD if held else CallState.TALKING

    def _reject_first(self, status: int, reason: str, now: float) -> None:
        self._respond_first(status, reason, now)
        self._end(reason)

    def _respond_first(
        self,
        status: int,
        reason: str,
        now: float,
        *,
        body: bytes = b"",
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        # Where the first side gave up in the same moment, its own event ends the call.
        with contextlib.suppress(LocalProtocolError):
            self._sip.respond(
                self._setup.invite.dialog, status, reason, body=body, headers=headers, now=now
            )

    def _hang_up(self, side: m.Leg, now: float) -> None:
        dialog = self._sides[side].dialog
        if dialog is None:
            return
        # Where that side is gone already, that is what was wanted.
        with contextlib.suppress(LocalProtocolError):
            if side is self._second and self._phase is not _Phase.TALKING:
                self._sip.cancel(dialog, now)
            else:
                self._sip.bye(dialog, now)

    def _end(self, reason: str) -> None:
        self._move(_Trigger.ENDED)
        self.secure = False
        self._command(m.CloseCall(call=self.call))
        self._changed(self, reason)

    def _move(self, trigger: _Trigger) -> None:
        self._phase = _MOVES[self._phase, trigger]


def _other(side: m.Leg) -> m.Leg:
    return m.Leg.AGENT if side is m.Leg.CALLER else m.Leg.CALLER


def _across(status: int, reason: str) -> tuple[int, str]:
    """Return the answer for the first side: what only concerns us and the second side is not passed on."""
    if status in (401, 407):
        return 403, "Forbidden"
    if 300 <= status < 400:
        return 480, "Temporarily Unavailable"
    return status, reason


def _as_reason(error: SdpError) -> str:
    return str(error)[:80]
