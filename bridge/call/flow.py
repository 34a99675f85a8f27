"""One call as a back-to-back user agent: what happens on one side's dialog, done on the other's (RFC 7092).

Sans-IO: SIP and media events in, commands to the endpoint and the media worker out; time is passed in. The first
dialog is the one that dialled, the second the one that is rung. Hold is answered here and not passed on: the held
side simply gets no sound, which also serves phones that cannot be held.
"""

from collections.abc import Callable
from typing import assert_never

from bridge.call.dialogs import SipDialogs
from bridge.call.events import CallInfo, CallState
from bridge.call.new_offers import NewOffers
from bridge.call.phase import MOVES, Phase, Trigger
from bridge.call.refusal import (
    NO_USABLE_ANSWER,
    OVERLOADED,
    TIMED_OUT,
    UNAVAILABLE,
    Refusal,
    passed_across,
    refusal_of_offer,
)
from bridge.call.setup import CallSetup
from bridge.call.sides import CallSides, other_side
from bridge.errors import LocalProtocolError, RemoteProtocolError, SdpError
from bridge.media import messages as m
from bridge.media.line_masking import OPEN_LINE
from bridge.sip import events as sip
from bridge.sip.info_dtmf import parse_info_digit


class CallFlow:
    """One call. `changed(flow, reason)` is called whenever :attr:`info` is new; for the end of the call once, last."""

    def __init__(
        self,
        setup: CallSetup,
        endpoint: SipDialogs,
        command: Callable[[m.Command], None],
        changed: Callable[["CallFlow", str], None],
    ) -> None:
        self._setup, self._worker, self._changed = setup, command, changed
        self._phase = Phase.OPENING
        self._sides = CallSides(setup, endpoint, self._command)
        self._offers = NewOffers(endpoint, self._sides.media)
        self.lost = False
        "The call has ended, or ends, because its worker was lost."
        self.silent = False
        "The worker is lost, and what the call has on another one is not to carry sound yet."
        self._recording_begun = False
        self.secure = False
        "The gate is closed, confirmed."
        self.masking = OPEN_LINE
        "How the line is masked, confirmed."
        self.shielded = False
        "SIP INFO of the caller is swallowed: from before the gate closes until no key of that time can come."
        self.recorder = m.RecorderState.OFF

    @property
    def call(self) -> m.CallId:
        """Identity of the call."""
        return self._setup.call

    @property
    def opening(self) -> m.OpenCall:
        """What a worker is told to carry the call."""
        return self._setup.opening

    @property
    def dialogs(self) -> tuple[sip.DialogId, ...]:
        """The dialogs so far."""
        return tuple(self._sides.dialogs.values())

    @property
    def talking(self) -> bool:
        """Both sides are connected."""
        return self._phase is Phase.TALKING

    @property
    def ended(self) -> bool:
        """The call is over."""
        return self._phase is Phase.ENDED

    @property
    def settled(self) -> bool:
        """Both sides know where the sound of the call is."""
        return not self.silent and self._offers.settled

    @property
    def recorded(self) -> bool:
        """The call has a recorder, whatever that does just now."""
        return bool(self._setup.recording)

    @property
    def info(self) -> CallInfo:
        """The call as others may know it."""
        invite = self._setup.invite
        dialled, dialler = invite.request_uri.user or "", invite.from_.uri.user or "anonymous"
        inbound = self._setup.first is m.Leg.CALLER
        return CallInfo(
            call=self.call,
            agent=self._setup.agent,
            caller=dialler if inbound else dialled,
            called=dialled if inbound else dialler,
            state=self._state(),
            secure=self.secure,
            masking=self.masking,
            recorder=self.recorder,
            started_at=self._setup.started_at,
            detector=self._setup.detector,
        )

    def media_opened(self, opened: m.CallOpened, now: float) -> None:
        """Answer the first side's offer in mind, then ring the second side."""
        if self._phase is not Phase.OPENING:
            return
        self._sides.use_ports(opened)
        try:
            if self._setup.invite.body:
                self._sides.first.accept_offer(self._setup.invite.body)
        except SdpError as error:
            refusal = refusal_of_offer(error)
            self._give_up(refusal, refusal.reason, now)
            return
        self._move(Trigger.MEDIA_OPENED)
        try:
            self._sides.ring_second(now)
        except LocalProtocolError as error:
            self._give_up(OVERLOADED, f"the other side cannot be rung: {error}", now)
            return
        self._changed(self, "")

    def media_refused(self, reason: str, now: float) -> None:
        """No worker can carry the call."""
        self._give_up(OVERLOADED, f"no media for the call: {reason}", now)

    def media_lost(self, reason: str, now: float) -> None:
        """The worker that carried the call is gone, and no other one takes it: there is no sound any more."""
        self.lost = True
        self._give_up(OVERLOADED, f"the media worker that carried the call is gone: {reason}", now)

    def media_interrupted(self) -> None:
        """The worker that carried the call is gone; :meth:`media_moved` or :meth:`media_lost` follows.

        Until then nothing that the sides agree on reaches the worker that is to carry the call: its gate comes first.
        """
        self.silent = True
        self.secure, self.masking = False, OPEN_LINE
        self.recorder = m.RecorderState.OFF
        self._changed(self, "")

    def media_moved(self, opened: m.CallOpened, now: float) -> None:
        """Another worker carries the call, gate and recorder as they were: tell both sides its ports."""
        if not self.silent:
            return  # the call has ended meanwhile
        self._sides.use_ports(opened)
        self.silent = False
        for side in self._sides.media.values():
            side.tell_again()  # what we send goes where it went; a phone may hear it before it has answered
        self._offers.begin()
        self.offer_again(now)

    def offer_again(self, now: float) -> None:
        """Ask the sides that could not be asked before."""
        if self.talking:
            self._offers.send_due(self._sides.dialogs, now)

    def start_recording(self) -> None:
        """Start the recorder of a call that has one; on another worker it goes on with the same file."""
        if self.recorded:
            begun, self._recording_begun = self._recording_begun, True
            path = self._setup.recording
            self._worker(m.StartRecording(call=self.call, path=path, continues=begun))

    def ringing_too_long(self, now: float) -> None:
        """End a call that nobody has answered; nothing where somebody has."""
        if not self.talking:
            self._give_up(TIMED_OUT, "nobody answered", now)

    def hang_up(self, reason: str, now: float) -> None:
        """End the call on both sides."""
        self._give_up(UNAVAILABLE, reason, now)

    def notice(self) -> None:
        """Tell that something outside the dialogs changed (gate, recorder)."""
        if not self.ended:
            self._changed(self, "")

    def receive(self, event: sip.DialogEvent, now: float) -> None:
        """Treat one event of either dialog."""
        if self.ended:
            return
        side = self._sides.of(event.dialog)
        match event:
            case sip.Progressed():
                self._progressed(event, now)
            case sip.Answered():
                self._answered(event, now)
            case sip.Rejected():
                reason = f"the other side answered {event.status} {event.reason}"
                self._give_up(passed_across(event), reason, now)
            case sip.Acknowledged():
                self._acknowledged(side, event, now)
            case sip.Cancelled():
                self._give_up(UNAVAILABLE, "the caller gave up before the answer", now)
            case sip.ByeReceived():
                self._give_up(UNAVAILABLE, f"the {side} hung up", now)
            case sip.DialogLost():
                self._give_up(TIMED_OUT, f"the {side}'s side is gone: {event.reason}", now)
            case sip.ReinviteReceived():
                self._reinvited(side, event, now)
            case sip.InfoReceived():
                self._informed(side, event, now)
            case sip.ReinviteCancelled():
                pass  # answered by the endpoint; the session goes on as it was
            case sip.ReinviteAnswered():
                self._new_offer_answered(side, event, now)
            case sip.ReinviteRejected():
                self._new_offer_refused(side, event, now)
            case sip.InviteReceived():
                raise AssertionError("a call's dialogs are announced once")
            case _:
                assert_never(event)

    def _progressed(self, event: sip.Progressed, now: float) -> None:
        early_media = event.body and self._sides.second.read_early_answer(event.body)
        answer = self._sides.first.answer
        if early_media and answer:
            self._sides.respond_first(183, "Session Progress", answer, now)
        else:
            self._sides.respond_first(180, "Ringing", b"", now)

    def _answered(self, event: sip.Answered, now: float) -> None:
        if self._phase is not Phase.CALLING:
            return
        first, second = self._sides.first, self._sides.second
        try:
            second.read_answer(event.body)
        except SdpError as error:
            if second.terms is None:  # nor was there one with early media
                self._give_up(NO_USABLE_ANSWER, f"the answer has no usable audio: {error}", now)
                return
        body = first.answer or first.make_offer(second.codec_order)
        if not self._sides.respond_first(200, "OK", body, now):
            return
        self._move(Trigger.ANSWERED)
        self.start_recording()
        self._changed(self, "")

    def _acknowledged(self, side: m.Leg, event: sip.Acknowledged, now: float) -> None:
        """Read the answer in the ACK where the offer was ours (RFC 3261 section 13.2.1)."""
        media = self._sides.media[side]
        if not media.awaits_answer:
            return
        try:
            media.read_answer(event.body)
        except SdpError as error:
            # After a re-INVITE the session goes on as it was; a call that has none yet is of no use.
            if media.terms is None:
                self._give_up(UNAVAILABLE, f"the ACK has no usable audio: {error}", now)
            return
        self._changed(self, "")

    def _reinvited(self, side: m.Leg, event: sip.ReinviteReceived, now: float) -> None:
        media = self._sides.media[side]
        try:
            offer = event.body
            body = media.accept_offer(offer) if offer else media.make_offer(media.codec_order)
        except SdpError as error:
            refusal = refusal_of_offer(error)
            self._sides.respond(event.dialog, refusal.status, refusal.reason, b"", now)
            return
        self._sides.respond(event.dialog, 200, "OK", body, now)
        if not self.silent:
            self._offers.told(side)
        self._changed(self, "")

    def _new_offer_answered(self, side: m.Leg, event: sip.ReinviteAnswered, now: float) -> None:
        try:
            self._offers.answered(side, event.body)
        except SdpError as error:
            self.media_lost(f"the {side} cannot be moved: no usable audio: {error}", now)
            return
        self._changed(self, "")

    def _new_offer_refused(self, side: m.Leg, event: sip.ReinviteRejected, now: float) -> None:
        if not self._offers.refused(side, event.status):
            self.media_lost(f"the {side} cannot be moved: {event.status} {event.reason}", now)

    def _informed(self, side: m.Leg, event: sip.InfoReceived, now: float) -> None:
        if side is m.Leg.CALLER and self.shielded:
            self._read_info(event)
        elif event.body:
            self._sides.inform(other_side(side), event, now)

    def _read_info(self, event: sip.InfoReceived) -> None:
        try:
            key, duration_ms = parse_info_digit(event.content_type, event.body)
        except RemoteProtocolError:
            return  # no key in it; while the call is secure it goes nowhere else either
        self._command(m.InfoKey(call=self.call, key=key, duration_ms=duration_ms or 0))

    def _state(self) -> CallState:
        if self.ended:
            return CallState.ENDED
        if not self.talking:
            return CallState.RINGING
        held = any(side.held for side in self._sides.media.values())
        return CallState.HELD if held else CallState.TALKING

    def _give_up(self, refusal: Refusal, reason: str, now: float) -> None:
        """End the call: BYE where a side is connected, else `refusal` to the first and CANCEL to the second."""
        if self.ended:
            return
        self._sides.leave(refusal, now)
        self._move(Trigger.ENDED)
        self.secure = self.shielded = self.silent = False
        self.masking = OPEN_LINE
        self._command(m.CloseCall(call=self.call))
        self._changed(self, reason)

    def _command(self, command: m.Command) -> None:
        if not self.silent:
            self._worker(command)

    def _move(self, trigger: Trigger) -> None:
        self._phase = MOVES[self._phase, trigger]
