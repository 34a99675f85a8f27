"""Messages after RFC 4475 that are worth surviving: valid ones that look wrong, wrong ones that look valid."""

import pytest

from bridge.sip.endpoint import SipEndpoint
from bridge.sip.incoming import IncomingRequest, IncomingResponse
from bridge.sip.message import Request, Response, parse_message
from tests.bridge.sip.loopback import events_of, make_endpoint, responses_of
from tests.bridge.sip.texts import PHONE

TORTUOUS_INVITE = r"""INVITE sip:vivekg@chair-dnrc.example.com;unknownparam SIP/2.0
TO :
 sip:vivekg@chair-dnrc.example.com ;   tag    = 1918181833n
from   : "J Rosenberg \\\""       <sip:jdrosen@example.com>
  ;
  tag = 98asjd8
MaX-fOrWaRdS: 0068
Call-ID: wsinv.ndaksdj@192.0.2.1
Content-Length   : 3
cseq: 0009
  INVITE
Via  : SIP  /   2.0
 /UDP
    192.0.2.2;branch=390skdjuw
s :
NewFangledHeader:   newfangled value
 continued newfangled value
UnknownHeaderWithUnusualValue: ;;,,;;,;
Content-Type: application/sdp
Route:
 <sip:services.example.com;lr;unknownwith=value;unknown-no-value>
v:  SIP  / 2.0  / TCP     spindle.example.com   ;
  branch  =   z9hG4bK9ikj8  ,
 SIP  /    2.0   / UDP  192.168.255.111   ; branch=
 z9hG4bK30239
m:"Quoted string \"\"" <sip:jdrosen@example.com> ; newparam =
      newvalue ;
  secondparam ; q = 0.33

v=0"""

UNUSUAL_METHOD = r"""!interesting-Method0123456789_*+`.%indeed'~ sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@example.com SIP/2.0
Via: SIP/2.0/TCP host1.example.com;branch=z9hG4bK-.!%66*_+`'~
To: "BEL:\{bel} NUL:\{nul} DEL:\{rubout}" <sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*@example.com>
From: token1~` token2'+_ token3*%!.- <sip:mundane@example.com>;fromParam''~+*_!.-%="работающий";tag=_token~1'+`*%!-.
Call-ID: intmeth.word%ZK-!.*_+'@word`~)(><:\/"][?}}{{
CSeq: 139122385 !interesting-Method0123456789_*+`.%indeed'~
Max-Forwards: 255
Content-Length: 0

"""  # noqa: E501 - one line of the message

ESCAPED_NULL = """REGISTER sip:example.com SIP/2.0
To: sip:null-%00-null@example.com
From: sip:null-%00-null@example.com;tag=839923423
Max-Forwards: 70
Call-ID: escnull.39203ndfvkjdasfkq3w4otrq0adsfdfnavd
CSeq: 14398234 REGISTER
Via: SIP/2.0/UDP host5.example.com;branch=z9hG4bKkdjuw
Contact: <sip:%00@host5.example.com>
Contact: <sip:%00%00@host5.example.com>
L:0

"""

SEMICOLON_IN_USER = """OPTIONS sip:user;par=u%40example.net@example.com SIP/2.0
To: sip:j_user@example.com
From: sip:caller@example.org;tag=33242
Max-Forwards: 3
Call-ID: semiuri.0ha0isndaksdj
CSeq: 8 OPTIONS
Accept: application/sdp, application/pkcs7-mime,
 multipart/mixed, multipart/signed,
 message/sip, message/sipfrag
Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKkdjuw
l: 0

"""

WITHOUT_BLANK_BEFORE_ADDRESS = """OPTIONS sip:user@example.com SIP/2.0
To: sip:user@example.com
From: caller<sip:caller@example.com>;tag=323
Max-Forwards: 70
Call-ID: lwsdisp.1234abcd@funky.example.com
CSeq: 60 OPTIONS
Via: SIP/2.0/UDP funky.example.com;branch=z9hG4bKkdjuw
l: 0

"""

NO_REASON = """SIP/2.0 100{space}
Via: SIP/2.0/UDP 192.0.2.105;branch=z9hG4bK2398ndaoe
Call-ID: noreason.asndj203insdf99223ndf
CSeq: 35 INVITE
From: <sip:user@example.com>;tag=39ansfi3
To: <sip:user@example.edu>;tag=902jndnke3
Content-Length: 0
Contact: <sip:user@host105.example.com>

"""

PLAIN = """{start}
Max-Forwards: {hops}
To: {to}
From: {from_}
Call-ID: {call_id}
CSeq: {cseq}
Via: SIP/2.0/UDP 192.0.2.9:5070;branch=z9hG4bK-torture
Contact: <sip:caller@host.example.net>
{more}
"""


def wire(text: str) -> bytes:
    """Return a message as it is sent."""
    return text.replace("\n", "\r\n").encode()


def plain(
    start: str = "OPTIONS sip:user@example.com SIP/2.0",
    *,
    to: str = "sip:j.user@example.com",
    from_: str = "sip:caller@example.net;tag=134161461246",
    call_id: str = "torture.sdf0ij",
    cseq: str = "8 OPTIONS",
    hops: str = "70",
    more: str = "l: 0\n",
) -> bytes:
    """Return a request with one thing in it that is to be tried."""
    return wire(
        PLAIN.format(
            start=start, to=to, from_=from_, call_id=call_id, cseq=cseq, hops=hops, more=more
        )
    )


def read_request(text: str) -> IncomingRequest:
    message = parse_message(wire(text))
    assert isinstance(message, Request)
    return IncomingRequest.read(message, PHONE)


class TestValid:
    """RFC 4475 section 3.1.1."""

    def test_short_tortuous_invite(self) -> None:
        request = read_request(TORTUOUS_INVITE)
        assert request.to.tag == "1918181833n"
        assert request.from_.display_name == 'J Rosenberg \\"'
        assert request.from_.tag == "98asjd8"
        assert request.max_forwards == 68
        assert (request.cseq.number, request.cseq.method) == (9, "INVITE")
        assert [via.branch for via in request.vias] == ["390skdjuw", "z9hG4bK9ikj8", "z9hG4bK30239"]
        assert [via.transport for via in request.vias] == ["UDP", "TCP", "UDP"]
        assert request.contacts[0].display_name == 'Quoted string ""'
        assert request.contacts[0].parameters.get("newparam") == "newvalue"
        assert request.message.headers.get("Subject") == ""
        assert request.message.body == b"v=0"

    def test_unusual_characters_everywhere(self) -> None:
        text = UNUSUAL_METHOD.format(bel="\x07", nul="\x00", rubout="\x7f")
        request = read_request(text)
        assert request.uri.host == "example.com"
        assert request.uri.user == "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*"
        assert request.to.display_name == "BEL:\x07 NUL:\x00 DEL:\x7f"
        assert request.from_.tag == "_token~1'+`*%!-."
        assert request.max_forwards == 255

    def test_escaped_nulls(self) -> None:
        request = read_request(ESCAPED_NULL)
        assert request.to.uri.user == "null-\0-null"
        assert [str(contact.uri) for contact in request.contacts] == [
            "sip:%00@host5.example.com",
            "sip:%00%00@host5.example.com",
        ]

    def test_semicolon_in_the_user_part(self) -> None:
        uri = read_request(SEMICOLON_IN_USER).uri
        assert uri.user == "user;par=u@example.net"
        assert uri.host == "example.com"
        assert str(uri) == "sip:user;par=u%40example.net@example.com"

    def test_no_blank_between_name_and_address(self) -> None:
        assert read_request(WITHOUT_BLANK_BEFORE_ADDRESS).from_.display_name == "caller"

    def test_empty_reason_phrase(self) -> None:
        message = parse_message(wire(NO_REASON.format(space=" ")))
        assert isinstance(message, Response)
        assert (message.status, message.reason) == (100, "")
        assert IncomingResponse.read(message, PHONE).cseq.number == 35

    def test_reason_phrase_in_another_script(self) -> None:
        text = NO_REASON.format(space=" = 2**3 * 5**2 но сто девяносто девять - простое")
        message = parse_message(wire(text))
        assert isinstance(message, Response)
        assert message.reason.endswith("простое")

    def test_what_follows_the_body_is_ignored(self) -> None:
        second = plain("INVITE sip:joe@example.com SIP/2.0", cseq="8 INVITE")
        message = parse_message(plain() + second)
        assert isinstance(message, Request)
        assert (message.method, message.body) == ("OPTIONS", b"")

    def test_long_values(self) -> None:
        long = "a" * 2000
        request = read_request(
            plain(
                to=f'"{long}" <sip:{long}@example.com;{long}={long}>',
                from_=f"sip:caller@example.net;tag={long}",
                call_id=long,
            )
            .decode()
            .replace("\r\n", "\n")
        )
        assert request.to.uri.user == long
        assert request.from_.tag == long


class TestInvalid:
    """RFC 4475 section 3.1.2: answered 400 where not noted otherwise, and nothing is kept."""

    @pytest.mark.parametrize(
        ("data", "status"),
        [
            (plain(more="Contact: <sip:x@h>;;,;,,\nl: 0\n"), 400),
            (plain(more="l: 9999\n"), 400),
            (plain(more="Content-Length: -999\n"), 400),
            (plain(cseq="36893488147419103232 OPTIONS"), 400),
            (plain(hops="300"), 400),
            (plain(to='"Mr. J. User <sip:j.user@example.com>'), 400),
            (plain("OPTIONS <sip:user@example.com> SIP/2.0"), 400),
            (plain("OPTIONS sip:user@example.com; lr SIP/2.0"), 400),
            (plain("OPTIONS  sip:user@example.com  SIP/2.0"), 400),
            (plain("OPTIONS sip:user@example.com SIP/2.0  "), 400),
            (
                plain(more="Contact: sip:user@example.com?Route=%3Csip:sip.example.com%3E\nl: 0\n"),
                400,
            ),
            (plain("OPTIONS sip:user@example.com SIP/7.0"), 505),
            (plain(cseq="8 INVITE"), 400),
            (plain(cseq="8 NEWMETHOD"), 400),
        ],
    )
    def test_refused(self, data: bytes, status: int) -> None:
        endpoint = make_endpoint()
        endpoint.receive_datagram(data, PHONE, 0.0)
        (response,) = responses_of(endpoint)
        assert response.status == status
        assert endpoint.transaction_count == 0

    @pytest.mark.parametrize(
        "status_line", ["SIP/2.0 4294967301 better not break the receiver", "SIP/2.0 99 low"]
    )
    def test_overlarge_numbers_in_responses_are_dropped(self, status_line: str) -> None:
        endpoint = make_endpoint()
        first, _, rest = NO_REASON.partition("\n")
        for text in (
            f"{status_line}\n{rest}",
            NO_REASON.format(space="").replace("CSeq: 35", "CSeq: 9292394834772304023312"),
        ):
            endpoint.receive_datagram(wire(text), PHONE, 0.0)
        assert endpoint.stats.malformed == 2
        assert endpoint.datagrams_to_send() == []


class TestTransactionAndApplicationLayer:
    """RFC 4475 sections 3.2 to 3.4."""

    @pytest.mark.parametrize(
        ("data", "status"),
        [
            (plain("OPTIONS nobodyKnowsThisScheme:totallyopaquecontent SIP/2.0"), 416),
            (plain("OPTIONS soap.beep://192.0.2.103:3002 SIP/2.0"), 416),
            (plain(more="Require: nothingSupportsThis, nothingSupportsThisEither\nl: 0\n"), 420),
            (plain(hops="0"), 200),
            (plain(more="Call-ID: another\nl: 0\n"), 400),
            (plain(more="l: 0\nl: 5\n\nabcde"), 400),
            (wire("OPTIONS sip:h SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.95;branch=z9hG4bK1\n\n"), 400),
            (plain("NEWMETHOD sip:user@example.com SIP/2.0", cseq="8 NEWMETHOD"), 405),
        ],
    )
    def test_answered(self, data: bytes, status: int) -> None:
        endpoint = make_endpoint()
        endpoint.receive_datagram(data, PHONE, 0.0)
        (response,) = responses_of(endpoint)
        assert response.status == status

    def test_unknown_content_type(self) -> None:
        more = "Content-Type: application/unknownformat\nl: 7\n\n<audio>"
        data = plain("INVITE sip:user@example.com SIP/2.0", cseq="8 INVITE", more=more)
        assert _statuses(data) == [100, 415]

    def test_invite_of_rfc_2543_is_a_call(self) -> None:
        data = plain("INVITE sip:user@example.com SIP/2.0", cseq="8 INVITE").replace(
            b";branch=z9hG4bK-torture", b""
        )
        endpoint = make_endpoint()
        endpoint.receive_datagram(data, PHONE, 0.0)
        assert len(events_of(endpoint)) == 1

    def test_response_with_a_via_of_somebody_else_is_dropped(self) -> None:
        text = NO_REASON.format(space="").replace("192.0.2.105", "255.255.255.255")
        endpoint = make_endpoint()
        endpoint.receive_datagram(wire(text), PHONE, 0.0)
        assert endpoint.stats.stray_responses == 1
        assert endpoint.datagrams_to_send() == []


def _statuses(data: bytes) -> list[int]:
    endpoint: SipEndpoint = make_endpoint()
    endpoint.receive_datagram(data, PHONE, 0.0)
    return [response.status for response in responses_of(endpoint)]
