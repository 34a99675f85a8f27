"""A call between two endpoints, its ends and its accidents (RFC 3261 sections 13 to 15, 9, 12)."""

from collections.abc import Callable

import pytest

from bridge.errors import LocalProtocolError
from bridge.sip.events import (
    Acknowledged,
    Answered,
    ByeReceived,
    Cancelled,
    DialogLost,
    InfoReceived,
    InviteReceived,
    Progressed,
    ReinviteAnswered,
    ReinviteReceived,
    ReinviteRejected,
    Rejected,
)
from tests.bridge.sip.loopback import ANSWER, CALLER, OFFER, Pair

QUIET_S = 200.0
"Long enough for every transaction to be forgotten."


class TestSetup:
    """RFC 3261 section 13."""

    def test_100_goes_out_before_the_user_is_asked(self) -> None:
        pair = Pair()
        pair.call()
        assert pair.sent == [">INVITE", "<100"]
        (offered,) = pair.callee_events
        assert isinstance(offered, InviteReceived)
        assert offered.body == OFFER
        assert offered.source == CALLER
        assert offered.from_.display_name == "Alice"
        assert offered.request_uri.user == "bob"
        assert offered.max_forwards == 70
        assert pair.caller_events == []

    def test_ringing_answer_and_ack(self) -> None:
        pair = Pair()
        ours = pair.call()
        theirs = pair.offered()
        pair.callee.respond(theirs, 180, now=0.0)
        pair.callee.respond(theirs, 200, body=ANSWER, now=0.0)
        pair.run()
        assert pair.sent[2:] == ["<180", "<200", ">ACK"]
        assert pair.caller_events == [
            Progressed(dialog=ours, status=180, reason="Ringing", body=b""),
            Answered(dialog=ours, body=ANSWER),
        ]
        assert pair.callee_events[1:] == [Acknowledged(dialog=theirs, body=b"")]

    def test_refusal_names_status_reason_and_when_to_come_back(self) -> None:
        pair = Pair()
        ours = pair.call()
        pair.callee.respond(
            pair.offered(), 486, "Busy as a Bee", headers=[("Retry-After", "18 (dinner)")], now=0.0
        )
        pair.run()
        assert pair.sent[2:] == ["<486", ">ACK"]
        assert pair.caller_events == [
            Rejected(dialog=ours, status=486, reason="Busy as a Bee", retry_after=18)
        ]

    def test_nobody_answers_at_all(self) -> None:
        pair = Pair(lose=lambda number: True)
        ours = pair.call()
        pair.run_until(31.9)
        assert pair.caller_events == []
        assert pair.sent == [">INVITE"] * 7
        pair.run_until(32.0)
        (lost,) = pair.caller_events
        assert isinstance(lost, DialogLost)
        assert lost.dialog == ours
        assert pair.caller.dialog_count == pair.caller.transaction_count == 0

    def test_ringing_without_end_is_cancelled_and_lost(self) -> None:
        pair = Pair()
        pair.call()
        pair.callee.respond(pair.offered(), 180, now=0.0)
        pair.run_until(QUIET_S)
        assert ">CANCEL" in pair.sent
        assert isinstance(pair.caller_events[-1], DialogLost)
        assert pair.callee_events[1:] == [Cancelled(dialog=pair.offered())]


class TestSuccess:
    """RFC 3261 section 13.3.1.4."""

    def test_200_is_repeated_until_its_ack(self) -> None:
        lost = {3, 5}
        pair = Pair(lose=lambda number: number in lost)  # the first 200, and the first ACK
        pair.call()
        theirs = pair.offered()
        pair.callee.respond(theirs, 200, now=0.0)
        pair.run_until(QUIET_S)
        assert pair.sent == [">INVITE", "<100", "<200", ">ACK", "<200", ">ACK", "<200", ">ACK"]
        assert pair.callee_events[1:] == [Acknowledged(dialog=theirs, body=b"")]
        assert [type(event) for event in pair.caller_events] == [Answered]

    def test_200_without_ack_ends_the_call_after_32_s(self) -> None:
        pair = Pair(lose=lambda number: number >= 2)
        pair.call()
        theirs = pair.offered()
        pair.callee.respond(theirs, 200, now=0.0)
        pair.run()
        times = []
        while pair.callee.dialog_count:
            at = pair.callee.next_timer()
            assert at is not None
            pair.callee.handle_timer(at)
            times += [at for _ in pair.callee.datagrams_to_send()]
        assert times[:-1] == [0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]
        assert times[-1] == 32.0  # BYE
        lost = pair.callee.next_event()
        assert isinstance(lost, DialogLost)
        assert lost.dialog == theirs


class TestCancel:
    """RFC 3261 section 9."""

    def test_cancel_ends_ringing_on_both_sides(self) -> None:
        pair = Pair()
        ours = pair.call()
        theirs = pair.offered()
        pair.caller.cancel(ours, 0.0)
        pair.run()
        assert pair.sent[2:] == [">CANCEL", "<200", "<487", ">ACK"]
        assert pair.caller_events == [
            Rejected(dialog=ours, status=487, reason="Request Terminated", retry_after=None)
        ]
        assert pair.callee_events[1:] == [Cancelled(dialog=theirs)]
        with pytest.raises(LocalProtocolError):
            pair.callee.respond(theirs, 200, now=0.0)

    def test_cancel_waits_for_a_provisional_response(self) -> None:
        pair = Pair(lose=lambda number: number == 0)
        ours = pair.call()
        pair.caller.cancel(ours, 0.0)
        pair.run()
        assert pair.sent == [">INVITE"]
        pair.run_until(1.0)
        assert pair.sent == [">INVITE", ">INVITE", "<100", ">CANCEL", "<200", "<487", ">ACK"]

    def test_answer_that_crosses_the_cancel_is_hung_up(self) -> None:
        pair = Pair()
        ours = pair.call()
        theirs = pair.offered()
        pair.callee.respond(theirs, 200, now=0.0)
        pair.caller.cancel(ours, 0.0)
        pair.run_until(QUIET_S)
        assert pair.sent.count("<487") == 0
        assert pair.sent.count(">ACK") == pair.sent.count(">BYE") == 1
        assert [type(event) for event in pair.caller_events] == [Rejected]
        assert [type(event) for event in pair.callee_events[1:]] == [Acknowledged, ByeReceived]

    def test_cancelled_call_that_never_ends_is_given_up(self) -> None:
        pair = Pair(lose=lambda number: number >= 2)
        ours = pair.call()
        pair.caller.cancel(ours, 0.0)
        pair.run_until(32.0)
        (lost,) = pair.caller_events
        assert isinstance(lost, DialogLost)

    def test_only_an_unanswered_call_can_be_cancelled(self) -> None:
        pair = Pair()
        ours, theirs = pair.establish()
        for endpoint, dialog in ((pair.caller, ours), (pair.callee, theirs)):
            with pytest.raises(LocalProtocolError):
                endpoint.cancel(dialog, 0.0)


class TestBye:
    """RFC 3261 section 15."""

    @pytest.mark.parametrize("who", ["caller", "callee"])
    def test_either_side_hangs_up(self, who: str) -> None:
        pair = Pair()
        ours, theirs = pair.establish()
        if who == "caller":
            pair.caller.bye(ours, 1.0)
        else:
            pair.callee.bye(theirs, 1.0)
        pair.run()
        told, silent = pair.callee_events, pair.caller_events
        other = theirs
        if who == "callee":
            told, silent, other = silent, told, ours
        assert told == [ByeReceived(dialog=other)]
        assert silent == []
        assert pair.caller.dialog_count == pair.callee.dialog_count == 0

    def test_both_hang_up_at_once(self) -> None:
        pair = Pair()
        ours, theirs = pair.establish()
        pair.caller.bye(ours, 1.0)
        pair.callee.bye(theirs, 1.0)
        pair.run_until(QUIET_S)
        assert pair.caller_events == pair.callee_events == []
        assert pair.caller.transaction_count == pair.callee.transaction_count == 0

    def test_callee_hangs_up_only_after_the_ack(self) -> None:
        pair = Pair(lose=lambda number: number == 3)
        pair.call()
        theirs = pair.offered()
        pair.callee.respond(theirs, 200, now=0.0)
        pair.run()
        assert pair.sent[-1] == ">ACK"  # and it is lost
        pair.callee.bye(theirs, 0.1)
        with pytest.raises(LocalProtocolError):
            pair.callee.bye(theirs, 0.1)
        pair.run()
        assert "<BYE" not in pair.sent
        pair.run_until(1.0)
        assert pair.sent[4:] == ["<200", ">ACK", "<BYE", ">200"]
        assert [type(event) for event in pair.caller_events] == [Answered, ByeReceived]
        assert [type(event) for event in pair.callee_events] == [InviteReceived]

    def test_an_unanswered_call_is_not_hung_up_but_cancelled_or_refused(self) -> None:
        pair = Pair()
        ours = pair.call()
        with pytest.raises(LocalProtocolError):
            pair.caller.bye(ours, 0.0)
        with pytest.raises(LocalProtocolError):
            pair.callee.bye(pair.offered(), 0.0)

    def test_bye_that_nobody_answers_ends_the_dialog_at_once(self) -> None:
        pair = Pair()
        ours, _ = pair.establish()
        pair._lose = lambda number: True
        pair.caller.bye(ours, 0.0)
        assert pair.caller.dialog_count == 0
        pair.run_until(40.0)
        assert pair.caller_events == []
        assert pair.caller.transaction_count == 0


class TestReinvite:
    """RFC 3261 section 14."""

    @pytest.mark.parametrize("who", ["caller", "callee"])
    def test_either_side_changes_the_session(self, who: str) -> None:
        pair = Pair()
        ours, theirs = pair.establish()
        asking, asked, asking_id, asked_id = pair.caller, pair.callee, ours, theirs
        asking_events, asked_events = pair.caller_events, pair.callee_events
        if who == "callee":
            asking, asked, asking_id, asked_id = asked, asking, asked_id, asking_id
            asking_events, asked_events = asked_events, asking_events
        asking.reinvite(asking_id, b"hold", 1.0)
        pair.run()
        assert asked_events == [ReinviteReceived(dialog=asked_id, body=b"hold")]
        asked.respond(asked_id, 200, body=b"held", now=1.0)
        pair.run()
        assert asking_events == [ReinviteAnswered(dialog=asking_id, body=b"held")]
        assert asked_events[1:] == [Acknowledged(dialog=asked_id, body=b"")]

    def test_refusal_leaves_the_call_as_it_was(self) -> None:
        pair = Pair()
        ours, theirs = pair.establish()
        pair.caller.reinvite(ours, b"video", 1.0)
        pair.run()
        pair.callee.respond(theirs, 488, now=1.0)
        pair.run_until(QUIET_S)
        assert pair.caller_events == [
            ReinviteRejected(
                dialog=ours, status=488, reason="Not Acceptable Here", retry_after=None
            )
        ]
        assert pair.caller.dialog_count == pair.callee.dialog_count == 1

    def test_glare_is_answered_491_both_ways(self) -> None:
        pair = Pair()
        ours, theirs = pair.establish()
        pair.caller.reinvite(ours, b"a", 1.0)
        pair.callee.reinvite(theirs, b"b", 1.0)
        pair.run()
        for events in (pair.caller_events, pair.callee_events):
            (refused,) = events
            assert isinstance(refused, ReinviteRejected)
            assert refused.status == 491

    def test_one_at_a_time(self) -> None:
        pair = Pair()
        ours, theirs = pair.establish()
        pair.caller.reinvite(ours, b"a", 1.0)
        with pytest.raises(LocalProtocolError):
            pair.caller.reinvite(ours, b"b", 1.0)
        pair.run()
        with pytest.raises(LocalProtocolError):
            pair.callee.reinvite(theirs, b"c", 1.0)

    def test_no_response_loses_the_dialog(self) -> None:
        pair = Pair()
        ours, _ = pair.establish()
        pair._lose = lambda number: True
        pair.caller.reinvite(ours, b"a", 0.0)
        pair.run_until(QUIET_S)
        (lost,) = pair.caller_events
        assert isinstance(lost, DialogLost)
        assert pair.sent[-1] == ">BYE"

    def test_hang_up_while_a_reinvite_is_open(self) -> None:
        pair = Pair()
        ours, theirs = pair.establish()
        pair.caller.reinvite(ours, b"a", 1.0)
        pair.run()
        pair.caller.bye(ours, 1.0)
        pair.run_until(QUIET_S)
        assert pair.sent == [">INVITE", "<100", ">BYE", "<200", "<487", ">ACK"]
        assert pair.callee_events == [
            ReinviteReceived(dialog=theirs, body=b"a"),
            ByeReceived(dialog=theirs),
        ]
        assert pair.caller_events == []

    def test_repeated_200_of_the_first_invite_after_a_reinvite_is_only_acknowledged(self) -> None:
        pair = Pair()
        ours = pair.call()
        theirs = pair.offered()
        pair.callee.respond(theirs, 200, now=0.0)
        (success,) = pair.callee.datagrams_to_send()
        pair.caller.receive_datagram(success[0], ("192.0.2.2", 5060), 0.0)
        pair.run()
        pair.caller.reinvite(ours, b"a", 0.0)
        pair.run()
        pair.callee.respond(theirs, 200, now=0.0)
        pair.run()
        pair.sent.clear()
        pair.caller.receive_datagram(success[0], ("192.0.2.2", 5060), 0.0)
        pair.run()
        assert pair.sent == [">ACK"]
        assert pair.caller.dialog_count == 1


class TestInfoRfc6086:
    def test_info_is_delivered_once_and_answered(self) -> None:
        pair = Pair(lose=lambda number: False)
        ours, theirs = pair.establish()
        lost = {1}
        pair._lose = lambda number: number in lost  # the 200 of the INFO
        pair.caller.info(ours, "application/dtmf-relay", b"Signal=5", 0.0)
        pair.run_until(40.0)
        assert pair.sent == [">INFO", "<200", ">INFO", "<200"]
        (info,) = pair.callee_events
        assert info == InfoReceived(
            dialog=theirs, content_type="application/dtmf-relay", body=b"Signal=5"
        )
        assert "Signal" not in repr(info)

    def test_phone_that_never_answers_info_keeps_its_call(self) -> None:
        pair = Pair()
        ours, _ = pair.establish()
        pair._lose = lambda number: True
        pair.caller.info(ours, "application/dtmf", b"5", 0.0)
        pair.run_until(40.0)
        assert pair.caller_events == []
        assert pair.caller.dialog_count == 1

    def test_481_says_that_the_call_is_gone(self) -> None:
        pair = Pair()
        ours, theirs = pair.establish()
        pair._lose = lambda number: number == 0
        pair.callee.bye(theirs, 0.0)
        pair.run()  # the BYE is lost
        pair.caller.info(ours, "application/dtmf", b"5", 0.0)
        pair.run()
        (lost,) = pair.caller_events
        assert isinstance(lost, DialogLost)


class TestLoss:
    @pytest.mark.parametrize("number", range(12))
    def test_any_one_datagram_lost_changes_nothing_for_the_users(self, number: int) -> None:
        pair = Pair(lose=lambda sent: sent == number)
        ours = pair.call()
        pair.run_until(1.0)
        theirs = pair.offered()
        pair.callee.respond(theirs, 180, now=1.0)
        pair.callee.respond(theirs, 200, body=ANSWER, now=1.0)
        pair.run_until(2.0)
        pair.caller.reinvite(ours, b"hold", 2.0)
        pair.run_until(4.0)
        pair.callee.respond(theirs, 200, body=b"held", now=4.0)
        pair.run_until(8.0)
        pair.caller.bye(ours, 8.0)
        pair.run_until(QUIET_S)
        said_to_caller = [e for e in pair.caller_events if not isinstance(e, Progressed)]
        assert said_to_caller == [
            Answered(dialog=ours, body=ANSWER),
            ReinviteAnswered(dialog=ours, body=b"held"),
        ]
        assert pair.callee_events[1:] == [
            Acknowledged(dialog=theirs, body=b""),
            ReinviteReceived(dialog=theirs, body=b"hold"),
            Acknowledged(dialog=theirs, body=b""),
            ByeReceived(dialog=theirs),
        ]
        for endpoint in (pair.caller, pair.callee):
            assert endpoint.dialog_count == endpoint.transaction_count == 0
            assert endpoint.next_timer() is None

    def test_first_copy_of_every_message_lost(self) -> None:
        seen: set[str] = set()

        pair = Pair()

        def lose_first(number: int) -> bool:
            word = pair.sent[number]
            known = word in seen
            seen.add(word)
            return not known

        pair._lose = lose_first
        ours = pair.call()
        pair.run_until(3.0)
        theirs = pair.offered()
        pair.callee.respond(theirs, 200, body=ANSWER, now=3.0)
        pair.run_until(10.0)
        pair.caller.bye(ours, 10.0)
        pair.run_until(QUIET_S)
        assert [type(e) for e in pair.caller_events] == [Answered]
        assert [type(e) for e in pair.callee_events] == [InviteReceived, Acknowledged, ByeReceived]


class TestMisuse:
    def test_commands_for_a_dialog_that_is_gone(self) -> None:
        pair = Pair()
        ours, _ = pair.establish()
        pair.caller.bye(ours, 0.0)
        commands: list[Callable[[], None]] = [
            lambda: pair.caller.bye(ours, 0.0),
            lambda: pair.caller.cancel(ours, 0.0),
            lambda: pair.caller.reinvite(ours, b"", 0.0),
            lambda: pair.caller.info(ours, "a/b", b"", 0.0),
            lambda: pair.caller.respond(ours, 200, now=0.0),
        ]
        for command in commands:
            with pytest.raises(LocalProtocolError):
                command()

    def test_line_end_in_a_header_is_refused_and_changes_nothing(self) -> None:
        pair = Pair()
        pair.call()
        theirs = pair.offered()
        with pytest.raises(LocalProtocolError):
            pair.callee.respond(theirs, 200, headers=[("X-A", "1\r\nX-B: 2")], now=0.0)
        with pytest.raises(LocalProtocolError):
            pair.callee.respond(theirs, 486, "Busy\r\nX-B: 2", now=0.0)
        assert pair.callee.datagrams_to_send() == []
        pair.callee.respond(theirs, 200, now=0.0)
        pair.run()
        assert [type(e) for e in pair.caller_events] == [Answered]

    def test_an_invite_is_answered_once_and_with_a_status(self) -> None:
        pair = Pair()
        pair.call()
        theirs = pair.offered()
        for status in (99, 700):
            with pytest.raises(LocalProtocolError):
                pair.callee.respond(theirs, status, now=0.0)
        pair.callee.respond(theirs, 200, now=0.0)
        with pytest.raises(LocalProtocolError):
            pair.callee.respond(theirs, 200, now=0.0)
        pair.run()
        assert pair.sent.count("<200") == 1
