"""One call as a back-to-back user agent (RFC 7092): ringing, answering, refusing."""

import pytest

from bridge.call.events import CallState
from bridge.media import messages as m
from bridge.sdp.description import SessionDescription
from bridge.sip.config import SipLimits
from bridge.sip.events import (
    Answered,
    ByeReceived,
    Progressed,
    Rejected,
)
from tests.bridge.call.rig import (
    AGENT_PORT,
    ALICE,
    BOB,
    BRIDGE,
    CALL,
    CALLER_PORT,
    NO_SDP,
    Rig,
    only,
    sdp,
)


def port_in(body: bytes) -> int:
    return SessionDescription.parse(body).media[0].port


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

    @pytest.mark.parametrize("body", [b"", NO_SDP])
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
        rig.bob.respond(bob, 200, body=NO_SDP, now=0.0)
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
        rig.dial(NO_SDP)
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
