"""Offer and answer on both sides of a call (RFC 3264): late offers, hold, re-INVITE, codecs."""

import pytest

from bridge.call.events import CallState
from bridge.media import messages as m
from bridge.sdp.description import SessionDescription
from bridge.sip.events import (
    ByeReceived,
    ReinviteAnswered,
    ReinviteRejected,
)
from bridge.sip.message import Response, parse_message
from tests.bridge.call.rig import (
    ALICE,
    BOB,
    BRIDGE,
    CALLER_PORT,
    NO_SDP,
    Rig,
    sdp,
)
from tests.bridge.sip.texts import PHONE, request


def port_in(body: bytes) -> int:
    return SessionDescription.parse(body).media[0].port


def codecs_in(body: bytes) -> tuple[str, ...]:
    return SessionDescription.parse(body).media[0].formats


def version_in(body: bytes) -> int:
    lines = dict(SessionDescription.parse(body).lines)
    return int(lines["o"].split()[2])


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

    @pytest.mark.parametrize("body", [b"", NO_SDP])
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
        for body in (sdp(ALICE[0], version=2), NO_SDP, sdp(ALICE[0], version=3)):
            rig.alice.reinvite(alice, body, 0.0)
            rig.run()
        answers = [event for event in rig.alice_events if isinstance(event, ReinviteAnswered)]
        assert [version_in(answer.body) for answer in answers] == [1, 2]

    @pytest.mark.parametrize(("body", "status"), [(NO_SDP, 400), (sdp("h", "opus"), 488)])
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
