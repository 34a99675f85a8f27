"""How a call ends: CANCEL, BYE and their races, and far ends that are gone."""

import pytest

from bridge.media import messages as m
from bridge.sip.events import (
    Answered,
    ByeReceived,
    Cancelled,
    Rejected,
)
from bridge.sip.message import Request, parse_message
from tests.bridge.call.rig import (
    ALICE,
    BOB,
    BRIDGE,
    Rig,
    only,
    sdp,
)
from tests.bridge.sip.texts import request


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

    def test_a_call_that_rings_for_ever_is_408_and_cancelled(self) -> None:
        """RFC 3261 section 16.6, timer C: the caller may be gone without a CANCEL."""
        rig = Rig()
        _, bob = rig.ring()
        rig.bob.respond(bob, 180, now=0.0)
        rig.run()
        rig.flow.ringing_too_long(180.0)
        rig.run()
        assert only(rig.alice_events, Rejected).status == 408
        assert rig.bob_events[-1] == Cancelled(dialog=bob)
        assert rig.ended_once() == "nobody answered"

    def test_a_call_that_was_answered_may_last(self) -> None:
        rig = Rig()
        rig.talk()
        rig.flow.ringing_too_long(180.0)
        rig.run()
        assert rig.flow.talking

    def test_worker_lost_while_talking_is_bye_to_both(self) -> None:
        rig = Rig()
        alice, bob = rig.talk()
        rig.flow.media_lost("it has ended", 0.0)
        rig.run()
        assert rig.alice_events == [ByeReceived(dialog=alice)]
        assert rig.bob_events == [ByeReceived(dialog=bob)]
        assert "worker" in rig.ended_once()

    def test_worker_lost_before_its_ports_are_known_is_503(self) -> None:
        rig = Rig()
        rig.dial()
        rig.flow.media_lost("it has ended", 0.0)
        rig.run()
        (rejected,) = rig.alice_events
        assert isinstance(rejected, Rejected)
        assert (rejected.status, rejected.retry_after is None) == (503, False)
        rig.ended_once()
