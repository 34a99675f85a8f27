"""Messages on the wire (RFC 3261 sections 7 and 18.3)."""

import pytest

from bridge.errors import LocalProtocolError
from bridge.sip.message import (
    MAX_HEADER_BYTES,
    MAX_HEADERS,
    MAX_MESSAGE_BYTES,
    Headers,
    MalformedMessageError,
    Request,
    Response,
    parse_message,
)
from tests.bridge.sip.texts import request


def parse_request(data: bytes) -> Request:
    message = parse_message(data)
    assert isinstance(message, Request)
    return message


class Test:
    """RFC 3261 section 7."""

    def test_request_round_trips(self) -> None:
        data = request(body="v=0\r\n", headers=("Content-Type: application/sdp",))
        assert bytes(parse_request(data)) == data

    def test_response_round_trips(self) -> None:
        data = b"SIP/2.0 180 Ringing, almost\r\nCall-ID: a\r\nContent-Length: 2\r\n\r\nok"
        message = parse_message(data)
        assert isinstance(message, Response)
        assert (message.status, message.reason, message.body) == (180, "Ringing, almost", b"ok")
        assert bytes(message) == data

    def test_compact_names_and_case(self) -> None:
        message = parse_request(b"OPTIONS sip:h SIP/2.0\r\nI: 1\r\nvIa: x\r\nk: a, b\r\n\r\n")
        assert message.headers.get("call-id") == "1"
        assert message.headers.get("Via") == "x"
        assert message.headers.values("Supported") == ("a", "b")

    def test_folded_lines_are_one_value(self) -> None:
        message = parse_request(
            b"OPTIONS sip:h SIP/2.0\r\nSubject: one\r\n\t two\r\n  three\r\n\r\n"
        )
        assert message.headers.get("Subject") == "one two three"

    def test_leading_empty_lines_are_skipped(self) -> None:
        assert parse_request(b"\r\n\r\n" + request("OPTIONS")).method == "OPTIONS"

    def test_latin_1_name_is_read(self) -> None:
        data = request().replace(b"<sip:alice@example.com>;tag", b'"M\xfcller" <sip:a@h>;tag')
        assert parse_request(data).headers.only("From").startswith('"Müller"')

    def test_body_ends_with_its_content_length(self) -> None:
        data = request("INFO", body="Signal=1") + b"garbage"
        assert parse_request(data).body == b"Signal=1"

    def test_without_content_length_the_body_is_the_rest(self) -> None:
        assert parse_request(b"INFO sip:h SIP/2.0\r\nCall-ID: 1\r\n\r\nrest").body == b"rest"


class TestMalformed:
    @pytest.mark.parametrize(
        "data",
        [
            b"",
            b"\x00" * 20,
            b"INVITE sip:h SIP/2.0",
            b"INVITE sip:h SIP/2.0\r\nCall-ID: 1\r\n",
            b"INVITE  sip:h SIP/2.0 \r\nCall-ID: 1\r\n\r\n",
            b"INVITE sip:a b SIP/2.0\r\nCall-ID: 1\r\n\r\n",
            b"INVITE sip:h HTTP/1.1\r\nCall-ID: 1\r\n\r\n",
            b"INVITE sip:h SIP/2.0\r\n folded: 1\r\n\r\n",
            b"INVITE sip:h SIP/2.0\r\nno colon\r\n\r\n",
            b"INVITE sip:h SIP/2.0\r\nSubject: a\rb\r\n\r\n",
            b"INVITE sip:h SIP/2.0\r\nSubject: a\nb: c\r\n\r\n",
            b"INVITE sip:h SIP/2.0\r\nContent-Length: -1\r\n\r\n",
            b"INVITE sip:h SIP/2.0\r\nContent-Length: 5\r\n\r\nfour",
            b"INVITE sip:h SIP/2.0\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
            b"SIP/2.0 20 OK\r\nCall-ID: 1\r\n\r\n",
            b"SIP/2.0 700 OK\r\nCall-ID: 1\r\n\r\n",
            b"SIP/2.0 abc OK\r\nCall-ID: 1\r\n\r\n",
            b"SIP/1.0 200 OK\r\nCall-ID: 1\r\n\r\n",
        ],
    )
    def test_is_refused(self, data: bytes) -> None:
        with pytest.raises(MalformedMessageError):
            parse_message(data)

    def test_line_that_may_be_a_digit_is_not_quoted(self) -> None:
        data = request("INFO").replace(b"\r\n\r\n", b"\r\nSignal=7\r\n\r\n")
        with pytest.raises(MalformedMessageError) as raised:
            parse_message(data)
        assert "7" not in str(raised.value)
        assert "Signal" not in repr(raised.value.readable)

    def test_readable_part_of_a_request_is_kept_for_the_400(self) -> None:
        with pytest.raises(MalformedMessageError) as raised:
            parse_message(request(headers=("no colon",)))
        assert raised.value.readable is not None
        assert raised.value.readable.headers.only("Call-ID") == "call-1"

    def test_nothing_is_kept_of_an_ack_or_a_response(self) -> None:
        for data in (request("ACK", headers=("no colon",)), b"SIP/2.0 200 OK\r\nx\r\n\r\n"):
            with pytest.raises(MalformedMessageError) as raised:
                parse_message(data)
            assert raised.value.readable is None


class TestBounds:
    def test_message_size(self) -> None:
        def of_size(size: int) -> bytes:
            shell = len(request("OPTIONS", body="x" * 10_000)) - 10_000
            return request("OPTIONS", body="x" * (size - shell))

        assert len(of_size(MAX_MESSAGE_BYTES)) == MAX_MESSAGE_BYTES
        parse_message(of_size(MAX_MESSAGE_BYTES))
        with pytest.raises(MalformedMessageError):
            parse_message(of_size(MAX_MESSAGE_BYTES + 1))

    def test_number_of_headers(self) -> None:
        start = b"OPTIONS sip:h SIP/2.0\r\n"
        parse_message(start + b"X: 1\r\n" * MAX_HEADERS + b"\r\n")
        with pytest.raises(MalformedMessageError):
            parse_message(start + b"X: 1\r\n" * (MAX_HEADERS + 1) + b"\r\n")

    def test_length_of_a_header(self) -> None:
        start, name = b"OPTIONS sip:h SIP/2.0\r\n", b"X: "
        longest = b"1" * (MAX_HEADER_BYTES - len(name))
        parse_message(start + name + longest + b"\r\n\r\n")
        with pytest.raises(MalformedMessageError):
            parse_message(start + name + longest + b"1\r\n\r\n")


class TestInjection:
    @pytest.mark.parametrize("value", ["a\r\nEvil: 1", "a\nEvil: 1", "a\r"])
    def test_line_end_in_a_value_is_never_sent(self, value: str) -> None:
        headers = Headers((("Subject", value),))
        with pytest.raises(LocalProtocolError):
            bytes(Request(method="INVITE", uri="sip:h", headers=headers))

    def test_line_end_in_a_start_line_is_never_sent(self) -> None:
        with pytest.raises(LocalProtocolError):
            bytes(Response(status=200, reason="OK\r\nEvil: 1", headers=Headers()))
        with pytest.raises(LocalProtocolError):
            bytes(Request(method="INVITE", uri="sip:h\r\nEvil: 1", headers=Headers()))

    def test_header_name_is_a_token(self) -> None:
        with pytest.raises(LocalProtocolError):
            bytes(Response(status=200, reason="OK", headers=Headers((("A: b\r\nC", "d"),))))


def test_body_is_in_no_repr() -> None:
    message = parse_request(request("INFO", body="Signal=7"))
    assert "Signal" not in repr(message)
