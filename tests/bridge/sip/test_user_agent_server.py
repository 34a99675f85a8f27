"""What others may ask of us, and what they get (RFC 3261 sections 8.2, 9.2, 11, 12, 13.3, 18.2; RFC 3581)."""

import pytest

from bridge.sip.config import SipLimits
from bridge.sip.endpoint import SipEndpoint
from bridge.sip.events import (
    Acknowledged,
    ByeReceived,
    Cancelled,
    DialogId,
    InfoReceived,
    InviteReceived,
    ReinviteCancelled,
    ReinviteReceived,
)
from bridge.sip.message import MAX_MESSAGE_BYTES, Response
from tests.bridge.sip.loopback import events_of, make_endpoint, requests_of, responses_of, sent_by
from tests.bridge.sip.texts import PHONE, request


def answers(endpoint: SipEndpoint, data: bytes) -> list[Response]:
    """Feed one datagram of the phone and return all responses."""
    endpoint.receive_datagram(data, PHONE, 0.0)
    return responses_of(endpoint)


def established(endpoint: SipEndpoint) -> DialogId:
    """Let the phone call and be answered; take all events and datagrams."""
    endpoint.receive_datagram(request(), PHONE, 0.0)
    (offered,) = events_of(endpoint)
    assert isinstance(offered, InviteReceived)
    endpoint.respond(offered.dialog, 200, body=b"v=0", now=0.0)
    endpoint.receive_datagram(in_dialog("ACK", offered.dialog, cseq=1), PHONE, 0.0)
    endpoint.datagrams_to_send()
    events_of(endpoint)
    return offered.dialog


def in_dialog(
    method: str,
    dialog: DialogId,
    *,
    cseq: int = 2,
    body: str = "",
    headers: tuple[str, ...] = (),
    branch: str = "z9hG4bKin",
) -> bytes:
    """Return a request of the phone inside its call."""
    return request(
        method,
        branch=branch,
        to=f"<sip:bob@example.com>;tag={dialog}",
        cseq=cseq,
        body=body,
        headers=headers,
    )


class TestChecks:
    """RFC 3261 section 8.2."""

    @pytest.mark.parametrize(
        ("data", "status"),
        [
            (request("MESSAGE"), 405),
            (request("FROBNICATE"), 405),
            (request("BYE"), 481),
            (request("INFO"), 481),
            (request("CANCEL"), 481),
            (request("OPTIONS", uri="mailto:x@example.com"), 416),
            (request("OPTIONS", headers=("Require: 100rel",)), 420),
            (request("OPTIONS", headers=("Max-Forwards: 0",)), 200),
            (request("OPTIONS", headers=("Max-Forwards: 256",)), 400),
            (request("OPTIONS", cseq_method="INVITE"), 400),
            (request("OPTIONS", from_="no address"), 400),
            (request("OPTIONS", uri="nonsense"), 400),
            (request("OPTIONS", headers=('Require: "never ends',)), 400),
            (request("OPTIONS", headers=("To: <sip:twice@example.com>",)), 400),
            (request("BYE", to="<sip:bob@example.com>;tag=unknown"), 481),
        ],
    )
    def test_status(self, data: bytes, status: int) -> None:
        (response,) = answers(make_endpoint(), data)
        assert response.status == status

    @pytest.mark.parametrize(
        ("data", "status"),
        [
            (request(headers=("Max-Forwards: 0",)), 483),
            (request(headers=("Require: 100rel, timer",)), 420),
            (request(contact=None), 400),
            (request(body="x", headers=("Content-Type: text/plain",)), 415),
            (
                request(
                    body="x",
                    headers=("Content-Type: application/sdp", "Content-Encoding: gzip"),
                ),
                415,
            ),
            (request(uri="news:x"), 416),
            (request(to="<sip:bob@example.com>;tag=unknown"), 481),
        ],
    )
    def test_refused_invite_gets_100_first_and_is_no_call(self, data: bytes, status: int) -> None:
        endpoint = make_endpoint()
        assert [response.status for response in answers(endpoint, data)] == [100, status]
        assert events_of(endpoint) == []
        assert endpoint.dialog_count == 0

    def test_405_and_options_say_what_is_allowed(self) -> None:
        endpoint = make_endpoint()
        for data in (request("MESSAGE"), request("OPTIONS", branch="z9hG4bK2", cseq=2)):
            (response,) = answers(endpoint, data)
            assert "INVITE" in response.headers.values("Allow")
        assert response.headers.get("Accept") == "application/sdp"

    def test_420_names_what_is_not_supported(self) -> None:
        _, response = answers(make_endpoint(), request(headers=("Require: 100rel, timer",)))
        assert response.headers.get("Unsupported") == "100rel, timer"

    def test_response_copies_what_section_8_2_6_2_asks(self) -> None:
        via = "Via: SIP/2.0/UDP 192.0.2.9:5070;branch=z9hG4bKa, SIP/2.0/TCP far.example;branch=z9hG4bKb"
        (response,) = answers(make_endpoint(), request("OPTIONS", via=via))
        headers = response.headers
        assert headers.get_all("Via") == (
            "SIP/2.0/UDP 192.0.2.9:5070;branch=z9hG4bKa",
            "SIP/2.0/TCP far.example;branch=z9hG4bKb",
        )
        assert headers.get("From") == "<sip:alice@example.com>;tag=alice"
        assert (headers.get("To") or "").startswith("<sip:bob@example.com>;tag=")
        assert headers.get("Call-ID") == "call-1"
        assert headers.get("CSeq") == "1 OPTIONS"

    def test_merged_request_is_a_loop(self) -> None:
        endpoint = make_endpoint()
        answers(endpoint, request(branch="z9hG4bKway1"))
        second = answers(endpoint, request(branch="z9hG4bKway2"))
        assert [response.status for response in second] == [100, 482]
        assert len(events_of(endpoint)) == 1


class TestRetransmission:
    def test_three_copies_of_an_invite_are_one_call(self) -> None:
        endpoint = make_endpoint()
        for _ in range(3):
            assert [response.status for response in answers(endpoint, request())] == [100]
        assert len(events_of(endpoint)) == 1
        assert endpoint.dialog_count == 1

    def test_copies_without_an_rfc_3261_branch_are_one_call_too(self) -> None:
        endpoint = make_endpoint()
        data = request(via="Via: SIP/2.0/UDP 192.0.2.9:5070")
        for _ in range(2):
            assert [response.status for response in answers(endpoint, data)] == [100]
        assert len(events_of(endpoint)) == 1

    def test_copy_of_a_bye_gets_the_same_200(self) -> None:
        endpoint = make_endpoint()
        dialog = established(endpoint)
        for _ in range(2):
            (response,) = answers(endpoint, in_dialog("BYE", dialog))
            assert response.status == 200
        assert events_of(endpoint) == [ByeReceived(dialog=dialog)]


class TestWayBack:
    """RFC 3261 section 18.2, RFC 3581."""

    def test_rport_sends_the_response_to_the_source(self) -> None:
        endpoint = make_endpoint()
        data = request("OPTIONS", via="Via: SIP/2.0/UDP 10.0.0.1:5060;rport;branch=z9hG4bKa")
        endpoint.receive_datagram(data, ("192.0.2.77", 40001), 0.0)
        ((sent, destination),) = endpoint.datagrams_to_send()
        assert destination == ("192.0.2.77", 40001)
        assert b";rport=40001;branch=z9hG4bKa;received=192.0.2.77" in sent

    def test_without_rport_the_port_is_that_of_the_via(self) -> None:
        endpoint = make_endpoint()
        data = request("OPTIONS", via="Via: SIP/2.0/UDP 10.0.0.1:5099;branch=z9hG4bKa")
        endpoint.receive_datagram(data, ("192.0.2.77", 40001), 0.0)
        ((sent, destination),) = endpoint.datagrams_to_send()
        assert destination == ("192.0.2.77", 5099)
        assert b";received=192.0.2.77" in sent

    def test_maddr_does_not_aim_our_responses_at_others(self) -> None:
        endpoint = make_endpoint()
        via = "Via: SIP/2.0/UDP 192.0.2.9:5070;maddr=203.0.113.5;branch=z9hG4bKa"
        endpoint.receive_datagram(request("OPTIONS", via=via), PHONE, 0.0)
        ((_, destination),) = endpoint.datagrams_to_send()
        assert destination == PHONE


class TestMalformed:
    @pytest.mark.parametrize(
        ("data", "status"),
        [
            (request(headers=("no colon",)), 400),
            (request("OPTIONS").replace(b"Content-Length: 0", b"Content-Length: 9"), 400),
            (request("OPTIONS").replace(b"SIP/2.0\r\n", b"SIP/7.0\r\n", 1), 505),
            (request("OPTIONS", body="x" * MAX_MESSAGE_BYTES), 513),
        ],
    )
    def test_request_gets_a_response_where_one_is_possible(self, data: bytes, status: int) -> None:
        endpoint = make_endpoint()
        (response,) = answers(endpoint, data)
        assert response.status == status
        assert response.headers.get("Call-ID") == "call-1"
        assert endpoint.stats.malformed == 1
        assert endpoint.transaction_count == 0

    @pytest.mark.parametrize(
        "data",
        [
            b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
            request("ACK", headers=("no colon",)),
            request("OPTIONS", via="Via: nonsense"),
            b"SIP/2.0 200 OK\r\nno colon\r\n\r\n",
            b"SIP/2.0 200 OK\r\nCall-ID: 1\r\n\r\n",
        ],
    )
    def test_all_else_is_dropped_and_counted(self, data: bytes) -> None:
        endpoint = make_endpoint()
        assert answers(endpoint, data) == []
        assert endpoint.stats.malformed == 1

    @pytest.mark.parametrize("data", [b"", b"\r\n\r\n", b"\0"])
    def test_keep_alive_is_no_error(self, data: bytes) -> None:
        endpoint = make_endpoint()
        assert answers(endpoint, data) == []
        assert endpoint.stats.malformed == 0


class TestDialog:
    """RFC 3261 section 12."""

    def test_record_route_is_copied_and_followed(self) -> None:
        endpoint = make_endpoint()
        routes = ("Record-Route: <sip:192.0.2.50;lr>, <sip:192.0.2.51:5090;lr>",)
        endpoint.receive_datagram(request(headers=routes), PHONE, 0.0)
        (offered,) = events_of(endpoint)
        assert isinstance(offered, InviteReceived)
        endpoint.respond(offered.dialog, 200, now=0.0)
        success = responses_of(endpoint)[-1]
        assert success.headers.values("Record-Route") == (
            "<sip:192.0.2.50;lr>",
            "<sip:192.0.2.51:5090;lr>",
        )
        endpoint.receive_datagram(in_dialog("ACK", offered.dialog, cseq=1), PHONE, 0.0)
        endpoint.bye(offered.dialog, 0.0)
        ((_, destination),) = list(endpoint._layer.outbox)
        (bye,) = requests_of(endpoint)
        assert bye.uri == "sip:alice@192.0.2.9:5070"
        assert bye.headers.get_all("Route") == ("<sip:192.0.2.50;lr>", "<sip:192.0.2.51:5090;lr>")
        assert destination == ("192.0.2.50", 5060)
        assert bye.headers.get("To") == "<sip:alice@example.com>;tag=alice"
        assert bye.headers.get("From") == f"<sip:bob@example.com>;tag={offered.dialog}"

    def test_strict_router_gets_the_request_uri(self) -> None:
        endpoint = make_endpoint()
        endpoint.receive_datagram(request(headers=("Record-Route: <sip:192.0.2.50>",)), PHONE, 0.0)
        (offered,) = events_of(endpoint)
        assert isinstance(offered, InviteReceived)
        endpoint.respond(offered.dialog, 200, now=0.0)
        endpoint.receive_datagram(in_dialog("ACK", offered.dialog, cseq=1), PHONE, 0.0)
        endpoint.datagrams_to_send()
        endpoint.bye(offered.dialog, 0.0)
        (bye,) = requests_of(endpoint)
        assert bye.uri == "sip:192.0.2.50"
        assert bye.headers.get_all("Route") == ("<sip:alice@192.0.2.9:5070>",)

    @pytest.mark.parametrize(
        "contact",
        ["<sip:alice@0.0.0.0:5070>", "<sip:alice@phone.invalid>", "<sip:alice@127.0.0.1:5070>"],
    )
    def test_source_is_used_where_the_contact_is_of_no_use(self, contact: str) -> None:
        endpoint = make_endpoint()
        source = ("8.8.8.8", 61000)
        endpoint.receive_datagram(request(contact=contact), source, 0.0)
        (offered,) = events_of(endpoint)
        assert isinstance(offered, InviteReceived)
        endpoint.respond(offered.dialog, 200, now=0.0)
        endpoint.receive_datagram(in_dialog("ACK", offered.dialog, cseq=1), source, 0.0)
        endpoint.datagrams_to_send()
        endpoint.bye(offered.dialog, 0.0)
        ((_, destination),) = endpoint.datagrams_to_send()
        assert destination == source

    def test_lower_cseq_is_out_of_order(self) -> None:
        endpoint = make_endpoint()
        dialog = established(endpoint)
        answers(endpoint, in_dialog("INFO", dialog, cseq=5, branch="z9hG4bK5"))
        (response,) = answers(endpoint, in_dialog("INFO", dialog, cseq=4, branch="z9hG4bK4"))
        assert response.status == 500
        assert len(events_of(endpoint)) == 1

    def test_target_is_refreshed_by_a_reinvite(self) -> None:
        endpoint = make_endpoint()
        dialog = established(endpoint)
        moved = in_dialog("INVITE", dialog).replace(b"192.0.2.9:5070>", b"192.0.2.10:5080>")
        answers(endpoint, moved)
        endpoint.respond(dialog, 200, now=0.0)
        endpoint.receive_datagram(in_dialog("ACK", dialog), PHONE, 0.0)
        endpoint.datagrams_to_send()
        endpoint.bye(dialog, 0.0)
        ((data, destination),) = endpoint.datagrams_to_send()
        assert data.startswith(b"BYE sip:alice@192.0.2.10:5080 ")
        assert destination == ("192.0.2.10", 5080)

    @pytest.mark.parametrize(
        ("method", "status"), [("OPTIONS", 200), ("UPDATE", 405), ("REFER", 405)]
    )
    def test_other_methods_inside_a_call(self, method: str, status: int) -> None:
        endpoint = make_endpoint()
        (response,) = answers(endpoint, in_dialog(method, established(endpoint)))
        assert response.status == status

    def test_another_call_id_or_from_tag_is_another_dialog(self) -> None:
        endpoint = make_endpoint()
        dialog = established(endpoint)
        for change in ((b"call-1", b"call-2"), (b"tag=alice", b"tag=mallory")):
            (response,) = answers(
                endpoint,
                in_dialog("BYE", dialog, branch=f"z9hG4bK{change[1]!r}"[:12]).replace(*change),
            )
            assert response.status == 481
        assert endpoint.dialog_count == 1


class TestInvite:
    """RFC 3261 section 13.3."""

    def test_ack_may_carry_the_answer(self) -> None:
        endpoint = make_endpoint()
        endpoint.receive_datagram(request(), PHONE, 0.0)
        (offered,) = events_of(endpoint)
        assert isinstance(offered, InviteReceived)
        assert offered.body == b""
        endpoint.respond(offered.dialog, 200, body=b"offer", now=0.0)
        ack = in_dialog("ACK", offered.dialog, cseq=1, body="answer")
        endpoint.receive_datagram(ack, PHONE, 0.0)
        assert events_of(endpoint) == [Acknowledged(dialog=offered.dialog, body=b"answer")]

    def test_second_ack_is_counted_and_changes_nothing(self) -> None:
        endpoint = make_endpoint()
        dialog = established(endpoint)
        endpoint.receive_datagram(in_dialog("ACK", dialog, cseq=1), PHONE, 0.0)
        assert events_of(endpoint) == []
        assert endpoint.stats.stray_acks == 1

    def test_second_reinvite_before_the_first_is_answered(self) -> None:
        endpoint = make_endpoint()
        dialog = established(endpoint)
        answers(endpoint, in_dialog("INVITE", dialog, cseq=2, branch="z9hG4bK2"))
        second = answers(endpoint, in_dialog("INVITE", dialog, cseq=3, branch="z9hG4bK3"))
        assert [response.status for response in second] == [100, 500]
        assert second[-1].headers.get("Retry-After") is not None

    def test_cancelled_reinvite_leaves_the_call(self) -> None:
        endpoint = make_endpoint()
        dialog = established(endpoint)
        answers(endpoint, in_dialog("INVITE", dialog))
        responses = answers(endpoint, in_dialog("CANCEL", dialog))
        assert [response.status for response in responses] == [200, 487]
        assert events_of(endpoint) == [
            ReinviteReceived(dialog=dialog, body=b""),
            ReinviteCancelled(dialog=dialog),
        ]
        assert endpoint.dialog_count == 1

    def test_bye_before_the_answer_ends_both(self) -> None:
        endpoint = make_endpoint()
        endpoint.receive_datagram(request(), PHONE, 0.0)
        (offered,) = events_of(endpoint)
        assert isinstance(offered, InviteReceived)
        endpoint.respond(offered.dialog, 180, now=0.0)
        endpoint.datagrams_to_send()
        responses = answers(endpoint, in_dialog("BYE", offered.dialog))
        assert [response.status for response in responses] == [200, 487]
        assert events_of(endpoint) == [ByeReceived(dialog=offered.dialog)]

    def test_cancel_matches_by_branch(self) -> None:
        endpoint = make_endpoint()
        endpoint.receive_datagram(request(), PHONE, 0.0)
        (offered,) = events_of(endpoint)
        assert isinstance(offered, InviteReceived)
        endpoint.datagrams_to_send()
        (miss,) = answers(endpoint, request("CANCEL", branch="z9hG4bKother"))
        assert miss.status == 481
        hit = answers(endpoint, request("CANCEL"))
        assert [response.status for response in hit] == [200, 487]
        assert events_of(endpoint) == [Cancelled(dialog=offered.dialog)]


class TestPyVoip:
    """A phone that gets much wrong and still has to make calls."""

    def test_ack_with_a_to_tag_of_its_own(self) -> None:
        endpoint = make_endpoint()
        endpoint.receive_datagram(request(), PHONE, 0.0)
        (offered,) = events_of(endpoint)
        assert isinstance(offered, InviteReceived)
        endpoint.respond(offered.dialog, 200, now=0.0)
        endpoint.datagrams_to_send()
        # Its branch is that of the INVITE, and its tag a new one each time.
        for tag in ("fresh1", "fresh2"):
            endpoint.receive_datagram(
                request("ACK", to=f"<sip:bob@example.com>;tag={tag}"), PHONE, 0.0
            )
        assert events_of(endpoint) == [Acknowledged(dialog=offered.dialog, body=b"")]
        endpoint.handle_timer(31.0)
        assert endpoint.datagrams_to_send() == []

    def test_bye_with_our_own_via_is_answered_to_its_source(self) -> None:
        endpoint = make_endpoint()
        dialog = established(endpoint)
        via = "Via: SIP/2.0/UDP 192.0.2.2:5060;branch=z9hG4bKours"
        data = request("BYE", via=via, to=f"<sip:bob@example.com>;tag={dialog}", cseq=2)
        endpoint.receive_datagram(data, PHONE, 0.0)
        ((answer, destination),) = endpoint.datagrams_to_send()
        assert answer.startswith(b"SIP/2.0 200 ")
        assert destination == PHONE
        assert events_of(endpoint) == [ByeReceived(dialog=dialog)]


class TestBounds:
    def test_more_transactions_than_allowed_get_503_and_keep_no_state(self) -> None:
        endpoint = make_endpoint(limits=SipLimits(transactions=2))
        for number in range(5):
            responses = answers(
                endpoint, request("OPTIONS", branch=f"z9hG4bK{number}", cseq=number)
            )
            assert responses[0].status == (200 if number < 2 else 503)
        assert responses[0].headers.get("Retry-After") == "10"
        assert endpoint.transaction_count == 2
        assert endpoint.stats.overloaded == 3

    def test_calls_can_be_hung_up_however_many_strangers_knock(self) -> None:
        endpoint = make_endpoint(limits=SipLimits(transactions=1, reserved_transactions=1))
        dialog = established(endpoint)
        (stranger,) = answers(endpoint, request("OPTIONS", branch="z9hG4bK2", call_id="2"))
        assert stranger.status == 503
        (answer,) = answers(endpoint, in_dialog("BYE", dialog))
        assert answer.status == 200
        (flooded,) = answers(endpoint, in_dialog("BYE", dialog, branch="z9hG4bKmore"))
        assert flooded.status == 503

    def test_more_calls_than_allowed_get_503(self) -> None:
        endpoint = make_endpoint(limits=SipLimits(dialogs=1))
        answers(endpoint, request())
        second = answers(endpoint, request(branch="z9hG4bK2", call_id="call-2"))
        assert [response.status for response in second] == [100, 503]
        assert second[-1].headers.get("Retry-After") == "10"
        assert endpoint.dialog_count == 1


def test_info_inside_a_call_is_delivered_with_its_type() -> None:
    endpoint = make_endpoint()
    dialog = established(endpoint)
    data = in_dialog("INFO", dialog, body="5", headers=("Content-Type: application/dtmf",))
    endpoint.receive_datagram(data, PHONE, 0.0)
    assert sent_by(endpoint) == ["200"]
    assert events_of(endpoint) == [
        InfoReceived(dialog=dialog, content_type="application/dtmf", body=b"5")
    ]
