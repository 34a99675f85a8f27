"""Calls that we make to a phone written by hand: forks, odd answers, failures (RFC 3261 sections 12, 13.2)."""

import pytest

from bridge.errors import LocalProtocolError
from bridge.sip.config import SipLimits
from bridge.sip.endpoint import SipEndpoint
from bridge.sip.events import Answered, DialogId, DialogLost, Progressed, Rejected
from bridge.sip.message import Request
from tests.bridge.sip.loopback import (
    CALLER,
    call,
    events_of,
    make_endpoint,
    requests_of,
    sent_by,
)
from tests.bridge.sip.texts import PHONE, response


def calling(endpoint: SipEndpoint) -> tuple[DialogId, Request]:
    """Call the phone and return the dialog and the INVITE."""
    dialog = call(endpoint, PHONE)
    (invite,) = requests_of(endpoint)
    return dialog, invite


class TestInvite:
    """RFC 3261 section 8.1."""

    def test_has_what_a_request_must_have(self) -> None:
        _, invite = calling(make_endpoint(CALLER))
        headers = invite.headers
        assert invite.uri == "sip:bob@192.0.2.9:5070"
        assert (headers.get("Via") or "").startswith(
            "SIP/2.0/UDP 192.0.2.1:5060;rport;branch=z9hG4bK"
        )
        assert headers.get("To") == "<sip:bob@example.com>"
        assert headers.get("Contact") == "<sip:192.0.2.1:5060>"
        assert headers.get("Max-Forwards") == "70"
        assert headers.get("CSeq") == "1 INVITE"
        assert headers.get("Content-Type") == "application/sdp"

    def test_line_end_in_a_header_is_refused_and_leaves_nothing(self) -> None:
        endpoint = make_endpoint(CALLER)
        dialog, _ = calling(endpoint)
        with pytest.raises(LocalProtocolError):
            endpoint.info(dialog, "a/b\r\nX: y", b"", 0.0)
        assert endpoint.dialog_count == 1

    def test_too_many_calls_are_refused_here(self) -> None:
        endpoint = make_endpoint(CALLER, limits=SipLimits(dialogs=1))
        calling(endpoint)
        with pytest.raises(LocalProtocolError):
            call(endpoint, PHONE)


class TestFork:
    """RFC 3261 section 13.2.2.4."""

    def test_first_2xx_is_taken_and_the_others_are_hung_up(self) -> None:
        endpoint = make_endpoint(CALLER)
        dialog, invite = calling(endpoint)
        for tag in ("one", "two"):
            endpoint.receive_datagram(response(invite, 180, tag=tag), PHONE, 0.0)
        endpoint.receive_datagram(response(invite, 200, tag="two", body="2"), PHONE, 0.0)
        endpoint.receive_datagram(response(invite, 200, tag="one", body="1"), PHONE, 0.0)
        sent = [(r.method, r.headers.get("To")) for r in requests_of(endpoint)]
        assert sent == [
            ("ACK", "<sip:bob@example.com>;tag=two"),
            ("ACK", "<sip:bob@example.com>;tag=one"),
            ("BYE", "<sip:bob@example.com>;tag=one"),
        ]
        events = events_of(endpoint)
        assert [type(event) for event in events] == [Progressed, Progressed, Answered]
        assert events[-1] == Answered(dialog=dialog, body=b"2")

    def test_each_repeated_2xx_gets_its_own_ack_again(self) -> None:
        endpoint = make_endpoint(CALLER)
        _, invite = calling(endpoint)
        for tag in ("one", "two", "one", "two"):
            endpoint.receive_datagram(response(invite, 200, tag=tag), PHONE, 0.0)
        sent = requests_of(endpoint)
        assert [request.method for request in sent] == ["ACK", "ACK", "BYE", "ACK", "ACK"]
        assert bytes(sent[3]) == bytes(sent[0])
        assert bytes(sent[4]) == bytes(sent[1])

    def test_forks_are_bounded(self) -> None:
        endpoint = make_endpoint(CALLER, limits=SipLimits(forks=3))
        _, invite = calling(endpoint)
        for number in range(10):
            endpoint.receive_datagram(response(invite, 200, tag=f"t{number}"), PHONE, 0.0)
        assert sent_by(endpoint) == ["ACK", "ACK", "BYE", "ACK", "BYE"]


class TestAnswer:
    """RFC 3261 section 12.1.2."""

    def test_route_set_is_the_reverse_of_record_route(self) -> None:
        endpoint = make_endpoint(CALLER)
        _, invite = calling(endpoint)
        routes = ("Record-Route: <sip:192.0.2.51;lr>, <sip:192.0.2.50:5090;lr>",)
        endpoint.receive_datagram(response(invite, 200, headers=routes), PHONE, 0.0)
        ((data, destination),) = list(endpoint._layer.outbox)
        (ack,) = requests_of(endpoint)
        assert ack.headers.get_all("Route") == ("<sip:192.0.2.50:5090;lr>", "<sip:192.0.2.51;lr>")
        assert ack.uri == "sip:bob@192.0.2.9:5070"
        assert destination == ("192.0.2.50", 5090)
        assert ack.headers.get("CSeq") == "1 ACK"
        assert ack.headers.get("Via") != invite.headers.get("Via")

    def test_answer_without_contact_goes_on_with_what_was_called(self) -> None:
        endpoint = make_endpoint(CALLER)
        _, invite = calling(endpoint)
        endpoint.receive_datagram(response(invite, 200, contact=None), PHONE, 0.0)
        ((data, destination),) = endpoint.datagrams_to_send()
        assert data.startswith(b"ACK sip:bob@192.0.2.9:5070 ")
        assert destination == PHONE

    def test_answer_without_to_tag_makes_a_call(self) -> None:
        endpoint = make_endpoint(CALLER)
        dialog, invite = calling(endpoint)
        endpoint.receive_datagram(response(invite, 200, tag=""), PHONE, 0.0)
        assert events_of(endpoint) == [Answered(dialog=dialog, body=b"")]
        assert sent_by(endpoint) == ["ACK"]

    def test_response_to_nothing_is_counted_and_dropped(self) -> None:
        endpoint = make_endpoint(CALLER)
        _, invite = calling(endpoint)
        other = make_endpoint(CALLER, prefix="c")
        other.receive_datagram(response(invite, 200), PHONE, 0.0)
        assert other.datagrams_to_send() == []
        assert other.stats.stray_responses == 1


class TestFailures:
    def test_answer_long_after_the_cancel_is_hung_up(self) -> None:
        endpoint = make_endpoint(CALLER)
        dialog, invite = calling(endpoint)
        endpoint.receive_datagram(response(invite, 180), PHONE, 0.0)
        endpoint.cancel(dialog, 1.0)
        (cancel,) = requests_of(endpoint)
        assert cancel.headers.get("Via") == invite.headers.get("Via")
        assert cancel.headers.get("CSeq") == "1 CANCEL"
        # pyVoIP answers the CANCEL, sends no 487, and then its user picks up.
        endpoint.receive_datagram(response(cancel, 200), PHONE, 1.0)
        endpoint.receive_datagram(response(invite, 200), PHONE, 20.0)
        assert sent_by(endpoint) == ["ACK", "BYE"]
        assert [type(event) for event in events_of(endpoint)] == [Progressed, Rejected]
        assert endpoint.dialog_count == 0

    @pytest.mark.parametrize("status", [408, 481])
    def test_reinvite_answered_so_ends_the_dialog(self, status: int) -> None:
        endpoint = make_endpoint(CALLER)
        dialog, invite = calling(endpoint)
        endpoint.receive_datagram(response(invite, 200), PHONE, 0.0)
        endpoint.reinvite(dialog, b"x", 0.0)
        reinvite = requests_of(endpoint)[-1]
        endpoint.receive_datagram(response(reinvite, status), PHONE, 0.0)
        assert sent_by(endpoint) == ["ACK", "BYE"]
        assert isinstance(events_of(endpoint)[-1], DialogLost)
        assert endpoint.dialog_count == 0

    def test_retry_after_that_is_no_number_is_none(self) -> None:
        endpoint = make_endpoint(CALLER)
        dialog, invite = calling(endpoint)
        late = ("Retry-After: soon",)
        endpoint.receive_datagram(response(invite, 503, "Later", headers=late), PHONE, 0.0)
        assert events_of(endpoint) == [
            Rejected(dialog=dialog, status=503, reason="Later", retry_after=None)
        ]
