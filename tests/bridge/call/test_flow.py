"""One call as a back-to-back user agent (RFC 7092): what one side does, done on the other side's dialog."""

from typing import TypeVar

import pytest

from bridge.call.events import CallState
from bridge.media import messages as m
from bridge.sdp.description import SessionDescription
from bridge.sip.config import SipLimits
from bridge.sip.events import (
    Answered,
    ByeReceived,
    Cancelled,
    InfoReceived,
    Progressed,
    ReinviteAnswered,
    ReinviteRejected,
    Rejected,
    SipEvent,
)
from bridge.sip.message import Request, Response, parse_message
from tests.bridge.call.rig import (
    AGENT_PORT,
    ALICE,
    BOB,
    BRIDGE,
    CALL,
    CALLER_PORT,
    Rig,
    sdp,
)
from tests.bridge.sip.texts import PHONE, request

RELAY = "application/dtmf-relay"
NEVER_SDP = b"v=0\r\nthis is no description\r\n"


E = TypeVar("E", bound=SipEvent)


def only(events: list[SipEvent], kind: type[E]) -> E:
    (found,) = [event for event in events if isinstance(event, kind)]
    return found


def port_in(body: bytes) -> int:
    return SessionDescription.parse(body).media[0].port


def codecs_in(body: bytes) -> tuple[str, ...]:
    return SessionDescription.parse(body).media[0].formats


def version_in(body: bytes) -> int:
    lines = dict(SessionDescription.parse(body).lines)
    return int(lines["o"].split()[2])


class TestRinging:
    """RFC 3261 sections 13.2 and 13.3 on both sides."""

    def test_the_other_side_rings_once_there_is_media(self) -> None:
        rig = Rig()
        rig.dial()
        assert rig.sent == ["alice>INVITE", "bridge>alice 100"]
        rig.open_media()
        assert rig.sent[2:] == ["bridge>bob INVITE", "bob>100"]
        offered = rig.offered()
        assert offered.request_uri.user == "bob"
        assert (offered.from_.uri.user, offered.from_.display_name) == ("alice", "Alice")
        assert offered.from_.uri.host == BRIDGE[0]
        assert port_in(offered.body) == AGENT_PORT
        assert rig.changes[-1][0].state is CallState.RINGING

    def test_180_goes_across(self) -> None:
        rig = Rig()
        alice, bob = rig.ring()
        rig.bob.respond(bob, 180, now=0.0)
        rig.run()
        assert rig.alice_events == [
            Progressed(dialog=alice, status=180, reason="Ringing", body=b"")
        ]

    def test_early_media_goes_across_as_183_with_our_answer(self) -> None:
        rig = Rig()
        _, bob = rig.ring()
        rig.bob.respond(bob, 183, body=sdp(BOB[0], "PCMA", port=4444), now=0.0)
        rig.run()
        progressed = only(rig.alice_events, Progressed)
        assert progressed.status == 183
        assert port_in(progressed.body) == CALLER_PORT
        agent = rig.legs()[m.Leg.AGENT]
        assert (agent.host, agent.port, agent.codec) == (BOB[0], 4444, "PCMA")

    @pytest.mark.parametrize("body", [b"", NEVER_SDP])
    def test_183_without_usable_media_goes_across_as_180(self, body: bytes) -> None:
        rig = Rig()
        alice, bob = rig.ring()
        rig.bob.respond(bob, 183, body=body, now=0.0)
        rig.run()
        assert rig.alice_events == [
            Progressed(dialog=alice, status=180, reason="Ringing", body=b"")
        ]

    def test_200_goes_across_and_both_legs_are_described(self) -> None:
        rig = Rig(recording="/recordings/call-1.wav")
        _, bob = rig.ring()
        rig.bob.respond(bob, 200, body=sdp(BOB[0], port=4444), now=0.0)
        rig.run()
        answered = only(rig.alice_events, Answered)
        assert port_in(answered.body) == CALLER_PORT
        legs = rig.legs()
        assert [(leg.host, leg.port, leg.send, leg.receive) for leg in legs.values()] == [
            (ALICE[0], 4000, True, True),
            (BOB[0], 4444, True, True),
        ]
        assert rig.commands[-1] == m.StartRecording(call=CALL, path="/recordings/call-1.wav")
        assert rig.changes[-1][0].state is CallState.TALKING

    def test_early_media_counts_where_the_200_has_no_body(self) -> None:
        rig = Rig()
        _, bob = rig.ring()
        rig.bob.respond(bob, 183, body=sdp(BOB[0]), now=0.0)
        rig.bob.respond(bob, 200, now=0.0)
        rig.run()
        assert rig.flow.talking

    def test_answer_without_usable_audio_ends_both_sides(self) -> None:
        """The phone that answered is hung up, not left connected to nobody."""
        rig = Rig()
        _, bob = rig.ring()
        rig.bob.respond(bob, 200, body=NEVER_SDP, now=0.0)
        rig.run()
        rejected = only(rig.alice_events, Rejected)
        assert rejected.status == 502
        assert rig.bob_events[-1] == ByeReceived(dialog=bob)
        assert "no usable audio" in rig.ended_once()

    def test_max_forwards_is_counted_down(self) -> None:
        """RFC 3261 section 16.6, step 3, which a back-to-back user agent follows so that loops end (RFC 7092)."""
        rig = Rig()
        rig.dial(max_forwards=12)
        rig.open_media()
        assert rig.offered().max_forwards == 11

    def test_no_call_is_recorded_where_nobody_asked_for_it(self) -> None:
        rig = Rig()
        _, bob = rig.ring()
        rig.bob.respond(bob, 200, body=sdp(BOB[0]), now=0.0)
        rig.run()
        assert not any(isinstance(command, m.StartRecording) for command in rig.commands)

    def test_the_agents_own_call_has_the_customer_on_the_second_side(self) -> None:
        rig = Rig(first=m.Leg.AGENT)
        rig.talk()
        info = rig.flow.info
        assert (info.caller, info.called) == ("bob", "alice")


class TestRefusals:
    """RFC 3261 section 21: what the second side refuses, and what we refuse."""

    @pytest.mark.parametrize(
        ("status", "told"), [(486, 486), (404, 404), (603, 603), (401, 403), (407, 403), (302, 480)]
    )
    def test_refusal_goes_across(self, status: int, told: int) -> None:
        rig = Rig()
        alice, bob = rig.ring()
        rig.bob.respond(bob, status, now=0.0)
        rig.run()
        rejected = only(rig.alice_events, Rejected)
        assert (rejected.dialog, rejected.status) == (alice, told)
        assert str(status) in rig.ended_once()

    def test_retry_after_goes_across(self) -> None:
        rig = Rig()
        alice, bob = rig.ring()
        rig.bob.respond(bob, 503, "Busy", headers=[("Retry-After", "120")], now=0.0)
        rig.run()
        assert rig.alice_events == [
            Rejected(dialog=alice, status=503, reason="Busy", retry_after=120)
        ]
        rig.ended_once()

    def test_no_common_codec_is_488_and_nobody_rings(self) -> None:
        rig = Rig()
        rig.dial(sdp(ALICE[0], "opus"))
        rig.open_media()
        rejected = only(rig.alice_events, Rejected)
        assert rejected.status == 488
        assert rig.bob_events == []
        assert "opus" in rig.ended_once()

    def test_unreadable_offer_is_400_and_nobody_rings(self) -> None:
        rig = Rig()
        rig.dial(NEVER_SDP)
        rig.open_media()
        rejected = only(rig.alice_events, Rejected)
        assert rejected.status == 400
        assert rig.bob_events == []
        rig.ended_once()

    def test_no_media_is_503_with_retry_after(self) -> None:
        rig = Rig()
        alice = rig.dial()
        rig.flow.media_refused("all 4 call slots are in use", 0.0)
        rig.run()
        (rejected,) = rig.alice_events
        assert isinstance(rejected, Rejected)
        assert (rejected.dialog, rejected.status) == (alice, 503)
        assert rejected.retry_after is not None
        assert rig.ended_once() == "no media for the call: all 4 call slots are in use"

    def test_no_room_for_a_second_dialog_is_503_with_retry_after(self) -> None:
        rig = Rig(limits=SipLimits(dialogs=1))
        rig.dial()
        rig.open_media()
        rejected = only(rig.alice_events, Rejected)
        assert rejected.status == 503
        assert rejected.retry_after is not None
        assert "cannot be rung" in rig.ended_once()

    def test_media_that_opens_after_the_end_is_nothing(self) -> None:
        rig = Rig()
        alice = rig.dial()
        rig.alice.cancel(alice, 0.0)
        rig.run()
        rig.open_media()
        rig.flow.media_refused("too late", 0.0)
        assert rig.bob_events == []
        rig.ended_once()


class TestGivingUp:
    """RFC 3261 sections 9 and 15: CANCEL and BYE from either side, and their races."""

    def test_cancel_while_ringing(self) -> None:
        rig = Rig()
        alice, bob = rig.ring()
        rig.bob.respond(bob, 180, now=0.0)
        rig.run()
        rig.alice.cancel(alice, 0.0)
        rig.run()
        assert rig.bob_events[-1] == Cancelled(dialog=bob)
        assert rig.ended_once() == "the caller gave up before the answer"

    def test_cancel_before_the_other_side_is_rung(self) -> None:
        rig = Rig()
        alice = rig.dial()
        rig.alice.cancel(alice, 0.0)
        rig.run()
        assert rig.bob_events == []
        rig.ended_once()

    def test_cancel_that_crosses_the_answer(self) -> None:
        """Bob's 200 is on the way while Alice's CANCEL arrives: Bob is hung up."""
        rig = Rig()
        alice, bob = rig.ring()
        rig.bob.respond(bob, 200, body=sdp(BOB[0]), now=0.0)
        (answer,) = rig.bob.datagrams_to_send()
        rig.alice.cancel(alice, 0.0)
        rig.run()
        rig.inject(answer[0], BOB)
        assert rig.bob_events[-1] == ByeReceived(dialog=bob)
        assert not any(isinstance(event, Answered) for event in rig.alice_events)
        rig.ended_once()

    def test_cancel_whose_event_waits_behind_the_answers(self) -> None:
        """Both datagrams are taken before either event is treated, first the 200: the endpoint is ahead of the flow."""
        rig = Rig()
        alice, bob = rig.ring()
        rig.bob.respond(bob, 200, body=sdp(BOB[0]), now=0.0)
        rig.alice.cancel(alice, 0.0)
        for source, endpoint in ((BOB, rig.bob), (ALICE, rig.alice)):
            for data, _ in endpoint.datagrams_to_send():
                rig.bridge.receive_datagram(data, source, 0.0)
        rig.run()
        assert rig.bob_events[-1] == ByeReceived(dialog=bob)
        assert not any(isinstance(command, m.StartRecording) for command in rig.commands)
        rig.ended_once()

    @pytest.mark.parametrize("who", ["alice", "bob"])
    def test_bye_goes_across(self, who: str) -> None:
        rig = Rig()
        alice, bob = rig.talk()
        if who == "alice":
            rig.alice.bye(alice, 0.0)
        else:
            rig.bob.bye(bob, 0.0)
        rig.run()
        told = rig.bob_events if who == "alice" else rig.alice_events
        assert told == [ByeReceived(dialog=bob if who == "alice" else alice)]
        assert rig.ended_once() == f"the {'caller' if who == 'alice' else 'agent'} hung up"

    def test_bye_from_a_phone_that_has_not_answered(self) -> None:
        """RFC 3261 section 15 forbids it; the caller must not ring on for ever."""
        rig = Rig()
        _, bob = rig.ring()
        rig.bob.respond(bob, 180, now=0.0)
        rig.run()
        invite = parse_message(rig.to_bob[0])
        assert isinstance(invite, Request)
        bye = request(
            "BYE",
            uri=f"sip:{BRIDGE[0]}",
            from_=f"{invite.headers.only('To')};tag={bob}",
            to=invite.headers.only("From"),
            call_id=invite.headers.only("Call-ID"),
        )
        rig.inject(bye, BOB)
        rejected = only(rig.alice_events, Rejected)
        assert rejected.status == 480
        assert rig.flow.ended

    def test_hanging_up_ends_both_sides(self) -> None:
        rig = Rig()
        alice, bob = rig.talk()
        rig.flow.hang_up("the gateway is stopping", 0.0)
        rig.run()
        assert rig.alice_events == [ByeReceived(dialog=alice)]
        assert rig.bob_events == [ByeReceived(dialog=bob)]
        assert rig.ended_once() == "the gateway is stopping"

    def test_hanging_up_while_ringing_refuses_and_cancels(self) -> None:
        rig = Rig()
        alice, bob = rig.ring()
        rig.flow.hang_up("the gateway is stopping", 0.0)
        rig.flow.hang_up("twice is once", 0.0)
        rig.run()
        assert rig.alice_events == [
            Rejected(dialog=alice, status=480, reason="Temporarily Unavailable", retry_after=None)
        ]
        assert rig.bob_events[-1] == Cancelled(dialog=bob)
        assert rig.ended_once() == "the gateway is stopping"


class TestLoss:
    """Far ends and workers that are gone without a word."""

    def test_second_side_that_never_answers_is_408(self) -> None:
        rig = Rig()
        rig.unplugged.add(BOB)
        rig.dial()
        rig.open_media()
        rig.run_until(33.0)
        rejected = only(rig.alice_events, Rejected)
        assert rejected.status == 408
        assert "agent's side is gone" in rig.ended_once()

    def test_first_side_that_never_acknowledges_ends_the_other(self) -> None:
        rig = Rig()
        _, bob = rig.ring()
        rig.unplugged.add(ALICE)
        rig.bob.respond(bob, 200, body=sdp(BOB[0]), now=0.0)
        rig.run_until(33.0)
        assert rig.bob_events[-1] == ByeReceived(dialog=bob)
        assert "caller's side is gone" in rig.ended_once()

    def test_worker_lost_while_talking_is_bye_to_both(self) -> None:
        rig = Rig()
        alice, bob = rig.talk()
        rig.flow.media_lost(0.0)
        rig.run()
        assert rig.alice_events == [ByeReceived(dialog=alice)]
        assert rig.bob_events == [ByeReceived(dialog=bob)]
        assert "worker" in rig.ended_once()

    def test_worker_lost_before_its_ports_are_known_is_503(self) -> None:
        rig = Rig()
        rig.dial()
        rig.flow.media_lost(0.0)
        rig.run()
        (rejected,) = rig.alice_events
        assert isinstance(rejected, Rejected)
        assert (rejected.status, rejected.retry_after is None) == (503, False)
        rig.ended_once()


class TestLateOffer:
    """RFC 3261 section 13.2.1: an INVITE without offer; the offer is in our 200, the answer in its ACK."""

    def _answered(self) -> tuple[Rig, Response]:
        rig = Rig()
        rig.inject(request(uri=f"sip:bob@{BRIDGE[0]}"), PHONE)
        rig.open_media()
        rig.bob.respond(rig.offered().dialog, 200, body=sdp(BOB[0], "PCMA"), now=0.0)
        rig.run()
        response = parse_message(rig.elsewhere[-1])
        assert isinstance(response, Response)
        return rig, response

    def _acknowledge(self, rig: Rig, response: Response, body: bytes) -> None:
        ack = request(
            "ACK",
            uri=f"sip:{BRIDGE[0]}",
            branch="z9hG4bKack",
            to=response.headers.only("To"),
            body=body.decode(),
        )
        rig.inject(ack, PHONE)

    def test_our_offer_prefers_what_the_other_side_speaks(self) -> None:
        rig, response = self._answered()
        assert response.status == 200
        assert codecs_in(response.body) == ("8", "0", "101")
        assert m.Leg.CALLER not in rig.legs()

    def test_the_answer_is_in_the_ack(self) -> None:
        rig, response = self._answered()
        self._acknowledge(rig, response, sdp(PHONE[0], "PCMA", port=4100))
        caller = rig.legs()[m.Leg.CALLER]
        assert (caller.host, caller.port, caller.codec) == (PHONE[0], 4100, "PCMA")
        assert rig.flow.info.state is CallState.TALKING

    @pytest.mark.parametrize("body", [b"", NEVER_SDP])
    def test_an_ack_without_usable_answer_ends_the_call(self, body: bytes) -> None:
        rig, response = self._answered()
        self._acknowledge(rig, response, body)
        assert rig.bob_events[-1] == ByeReceived(dialog=rig.offered().dialog)
        assert rig.elsewhere[-1].startswith(b"BYE ")
        assert "no usable audio" in rig.endings()[0]
        assert rig.closings() == 1

    def test_early_media_without_an_offer_to_answer_is_ringing(self) -> None:
        rig = Rig()
        rig.inject(request(uri=f"sip:bob@{BRIDGE[0]}"), PHONE)
        rig.open_media()
        rig.bob.respond(rig.offered().dialog, 183, body=sdp(BOB[0]), now=0.0)
        rig.run()
        response = parse_message(rig.elsewhere[-1])
        assert isinstance(response, Response)
        assert (response.status, response.body) == (180, b"")


class TestHold:
    """RFC 3264 section 8.4 and RFC 6337 section 5.3: hold is answered here, the other side is left in peace."""

    @pytest.mark.parametrize(
        ("host", "direction", "answered", "sends", "receives"),
        [
            (ALICE[0], "sendonly", "recvonly", False, True),
            (ALICE[0], "recvonly", "sendonly", True, False),
            (ALICE[0], "inactive", "inactive", False, False),
            ("0.0.0.0", "sendrecv", "sendrecv", False, True),  # the hold of RFC 2543
        ],
    )
    def test_hold_and_resume(
        self, host: str, direction: str, answered: str, sends: bool, receives: bool
    ) -> None:
        rig = Rig()
        alice, _ = rig.talk()
        rig.alice.reinvite(alice, sdp(host, direction=direction, version=2), 0.0)
        rig.run()
        (held,) = rig.alice_events
        assert isinstance(held, ReinviteAnswered)
        assert SessionDescription.parse(held.body).media[0].attributes(answered)
        leg = rig.legs()[m.Leg.CALLER]
        assert (leg.send, leg.receive) == (sends, receives)
        assert rig.changes[-1][0].state is CallState.HELD
        rig.alice.reinvite(alice, sdp(ALICE[0], version=3), 0.0)
        rig.run()
        leg = rig.legs()[m.Leg.CALLER]
        assert (leg.host, leg.send, leg.receive) == (ALICE[0], True, True)
        assert rig.flow.info.state is CallState.TALKING
        assert rig.bob_events == []


class TestReinvite:
    """RFC 3261 section 14."""

    def test_new_address_and_codec_reach_the_worker(self) -> None:
        rig = Rig()
        _, bob = rig.talk()
        rig.bob.reinvite(bob, sdp("192.0.2.77", "PCMA", port=5000, version=2), 0.0)
        rig.run()
        leg = rig.legs()[m.Leg.AGENT]
        assert (leg.host, leg.port, leg.codec, leg.payload_type) == ("192.0.2.77", 5000, "PCMA", 8)
        assert rig.alice_events == []

    def test_the_codec_in_use_is_kept_where_it_is_offered_again(self) -> None:
        rig = Rig()
        alice, _ = rig.talk(sdp(ALICE[0], "PCMA"))
        rig.alice.reinvite(alice, sdp(ALICE[0], "PCMU", "PCMA", version=2), 0.0)
        rig.run()
        assert rig.legs()[m.Leg.CALLER].codec == "PCMA"

    def test_the_version_counts_up_with_each_answer_and_not_with_a_refusal(self) -> None:
        """RFC 3264 section 8: by one from the description before."""
        rig = Rig()
        alice, _ = rig.talk()
        for body in (sdp(ALICE[0], version=2), NEVER_SDP, sdp(ALICE[0], version=3)):
            rig.alice.reinvite(alice, body, 0.0)
            rig.run()
        answers = [event for event in rig.alice_events if isinstance(event, ReinviteAnswered)]
        assert [version_in(answer.body) for answer in answers] == [1, 2]

    @pytest.mark.parametrize(("body", "status"), [(NEVER_SDP, 400), (sdp("h", "opus"), 488)])
    def test_an_offer_that_cannot_be_taken_leaves_the_call_as_it_was(
        self, body: bytes, status: int
    ) -> None:
        rig = Rig()
        alice, _ = rig.talk()
        before = rig.flow.info
        rig.alice.reinvite(alice, body, 0.0)
        rig.run()
        (refused,) = rig.alice_events
        assert isinstance(refused, ReinviteRejected)
        assert refused.status == status
        assert rig.commands == []
        assert rig.changes == []
        assert rig.flow.info == before
        rig.alice.bye(alice, 0.0)
        rig.run()
        rig.ended_once()

    def test_without_sdp_is_answered_with_all_that_we_speak(self) -> None:
        """RFC 3261 section 14.2. Its ACK brings the answer; one without leaves the session as it was."""
        rig = Rig()
        alice, _ = rig.talk()
        rig.alice.reinvite(alice, b"", 0.0)
        rig.run()
        (answered,) = rig.alice_events
        assert isinstance(answered, ReinviteAnswered)
        assert codecs_in(answered.body) == ("0", "8", "101")
        assert port_in(answered.body) == CALLER_PORT
        assert rig.commands == []
        assert rig.flow.info.state is CallState.TALKING


class TestInfo:
    """RFC 6086; digits in INFO are for the other side, or for the payment alone."""

    BODY = b"Signal=5\r\nDuration=160\r\n"

    @pytest.mark.parametrize("who", ["alice", "bob"])
    def test_info_goes_across_while_the_line_is_open(self, who: str) -> None:
        rig = Rig()
        alice, bob = rig.talk()
        if who == "alice":
            rig.alice.info(alice, RELAY, self.BODY, 0.0)
        else:
            rig.bob.info(bob, RELAY, self.BODY, 0.0)
        rig.run()
        told, dialog = (rig.bob_events, bob) if who == "alice" else (rig.alice_events, alice)
        assert told == [InfoReceived(dialog=dialog, content_type=RELAY, body=self.BODY)]
        assert rig.commands == []

    def test_the_callers_digit_is_swallowed_and_read_while_shielded(self) -> None:
        rig = Rig()
        alice, _ = rig.talk()
        rig.flow.shielded = True
        rig.alice.info(alice, RELAY, self.BODY, 0.0)
        rig.run()
        assert rig.bob_events == []
        (told,) = rig.commands
        assert isinstance(told, m.InfoKey)
        assert (told.call, told.key.reveal(), told.duration_ms) == (CALL, "5", 160)

    @pytest.mark.parametrize(
        ("content_type", "body"),
        [(RELAY, b"Signal=what\r\n"), (RELAY, b"\xff\x00"), ("text/plain", b"5"), (RELAY, b"")],
    )
    def test_malformed_info_is_swallowed_too_while_shielded(
        self, content_type: str, body: bytes
    ) -> None:
        rig = Rig()
        alice, _ = rig.talk()
        rig.flow.shielded = True
        rig.alice.info(alice, content_type, body, 0.0)
        rig.run()
        assert rig.bob_events == []
        assert rig.commands == []

    def test_the_agents_info_goes_to_the_caller_even_while_shielded(self) -> None:
        rig = Rig()
        alice, bob = rig.talk()
        rig.flow.shielded = True
        rig.bob.info(bob, RELAY, self.BODY, 0.0)
        rig.run()
        assert rig.alice_events == [InfoReceived(dialog=alice, content_type=RELAY, body=self.BODY)]

    def test_where_the_agent_dialled_the_second_side_is_the_one_that_is_shielded(self) -> None:
        rig = Rig(first=m.Leg.AGENT)
        _, customer = rig.talk()
        rig.flow.shielded = True
        rig.bob.info(customer, RELAY, self.BODY, 0.0)
        rig.run()
        assert rig.alice_events == []
        assert [type(command) for command in rig.commands] == [m.InfoKey]


class TestCodecs:
    """RFC 3551: each side speaks its own, the worker translates."""

    def test_the_callers_codec_is_offered_first(self) -> None:
        rig = Rig()
        rig.ring(sdp(ALICE[0], "PCMA"))
        assert codecs_in(rig.offered().body) == ("8", "0", "101")

    def test_two_codecs_are_translated_by_the_worker(self) -> None:
        rig = Rig()
        _, bob = rig.ring(sdp(ALICE[0], "PCMA"))
        rig.bob.respond(bob, 200, body=sdp(BOB[0], "PCMU"), now=0.0)
        rig.run()
        legs = rig.legs()
        assert (legs[m.Leg.CALLER].codec, legs[m.Leg.CALLER].payload_type) == ("PCMA", 8)
        assert (legs[m.Leg.AGENT].codec, legs[m.Leg.AGENT].payload_type) == ("PCMU", 0)
