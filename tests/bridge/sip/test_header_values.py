"""Header values round-trip, are read leniently, and are refused with one error (RFC 3261 sections 19.1, 20, 25.1)."""

import pytest
import sipmessage

from bridge.errors import RemoteProtocolError
from bridge.sip.cseq import CSeq
from bridge.sip.name_addr import NameAddr
from bridge.sip.parameters import Parameters
from bridge.sip.uri import Uri
from bridge.sip.via import Via


class TestUri:
    """RFC 3261 section 19.1."""

    @pytest.mark.parametrize(
        "text",
        [
            "sip:example.com",
            "sip:alice@example.com",
            "sip:alice:pw@example.com:5080",
            "sips:alice@example.com;transport=tcp;lr",
            "sip:+442079460000;phone-context=x@192.0.2.1;user=phone",
            "sip:alice@[2001:db8::1]:5060",
            "sip:alice@example.com?subject=project%20x&priority=urgent",
            "sip:a%20b@example.com",
            "tel:+442079460000;phone-context=example.com",
        ],
    )
    def test_round_trip(self, text: str) -> None:
        assert str(Uri.parse(text)) == text

    def test_parts_are_told_apart(self) -> None:
        uri = Uri.parse("SIP:Al%69ce:pw@[2001:db8::1]:5070;lr?x=y")
        assert (uri.scheme, uri.user, uri.password) == ("sip", "Alice", "pw")
        assert (uri.host, uri.port, uri.headers) == ("2001:db8::1", 5070, "x=y")
        assert uri.is_loose_router

    def test_star_codes_are_read_and_sent_escaped(self) -> None:
        uri = Uri.parse("sip:*67#@example.com")
        assert uri.user == "*67#"
        assert str(uri) == "sip:*67%23@example.com"

    def test_line_end_in_escapes_stays_escaped(self) -> None:
        uri = Uri.parse("sip:a%0d%0ab@example.com")
        assert uri.user == "a\r\nb"
        assert str(uri) == "sip:a%0D%0Ab@example.com"

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "alice",
            "sip:",
            "sip:@example.com",
            "sip:alice@",
            "sip:alice@example.com:99999",
            "sip:alice@example.com:50x",
            "sip:alice@[::1",
            "sip:alice@[fe80::1%25eth0]",
            "sip:al ice@example.com",
            "sip:%ff@example.com",
            "1:x",
        ],
    )
    def test_malformed_is_refused(self, text: str) -> None:
        with pytest.raises(RemoteProtocolError):
            Uri.parse(text)

    @pytest.mark.parametrize(
        "text", ["sip:alice@example.com:5080;transport=udp", "sips:bob@h.example"]
    )
    def test_agrees_with_sipmessage(self, text: str) -> None:
        ours, theirs = Uri.parse(text), sipmessage.URI.parse(text)
        assert (ours.scheme, ours.user, ours.host, ours.port) == (
            theirs.scheme,
            theirs.user,
            theirs.host,
            theirs.port,
        )
        assert str(ours) == str(theirs)


class TestNameAddr:
    """RFC 3261 section 20.10."""

    @pytest.mark.parametrize(
        "text",
        [
            "<sip:alice@example.com>",
            "<sip:alice@example.com;lr>;tag=1",
            '"Alice, \\"A\\" <x>" <sip:alice@example.com>;tag=88sja8x;q=0.5',
            '<sip:a@h>;+sip.instance="<urn:uuid:0>"',
        ],
    )
    def test_round_trip(self, text: str) -> None:
        assert str(NameAddr.parse(text)) == text

    def test_unquoted_name_is_sent_quoted(self) -> None:
        assert str(NameAddr.parse("Alice Liddell <sip:a@h>")) == '"Alice Liddell" <sip:a@h>'

    def test_quoted_name_is_unquoted(self) -> None:
        address = NameAddr.parse('"Alice, \\"A\\" <x>" <sip:a@h>;tag=1')
        assert address.display_name == 'Alice, "A" <x>'
        assert address.tag == "1"

    def test_without_brackets_parameters_are_the_header_s(self) -> None:
        address = NameAddr.parse("sip:a@h;tag=1")
        assert address.tag == "1"
        assert address.uri.parameters == Parameters()

    def test_one_that_comes_again_is_read_once_and_a_long_one_is_not_kept(self) -> None:
        """A stranger's long ones would fill our memory."""
        short, long = "<sip:a@h>;tag=1", f"<sip:{'a' * 300}@h>;tag=1"
        assert NameAddr.parse(short) is NameAddr.parse(short)
        assert NameAddr.parse(long) == NameAddr.parse(long)
        assert NameAddr.parse(long) is not NameAddr.parse(long)

    def test_several_values_on_a_line_and_several_lines(self) -> None:
        values = ('"A, B" <sip:1@h>, <sip:2@h;x=1,2> ;q="3,4"', "sip:3@h")
        assert [a.uri.user for a in NameAddr.parse_list(values)] == ["1", "2", "3"]

    @pytest.mark.parametrize(
        "text",
        ["", "*", "Alice", "<sip:a@h", "<sip:a@h>x", '"Alice <sip:a@h>', '"Alice"', "sip:a@h?x=y"],
    )
    def test_malformed_is_refused(self, text: str) -> None:
        with pytest.raises(RemoteProtocolError):
            NameAddr.parse(text)

    def test_agrees_with_sipmessage(self) -> None:
        text = '"Bob, Builder" <sip:bob@example.com>;tag=a6c85cf'
        ours, theirs = NameAddr.parse(text), sipmessage.Address.parse(text)
        assert ours.display_name == theirs.name
        assert str(ours.uri) == str(theirs.uri)
        assert str(ours) == str(theirs)


class TestVia:
    """RFC 3261 section 20.42."""

    @pytest.mark.parametrize(
        "text",
        [
            "SIP/2.0/UDP 192.0.2.1:5060;rport;branch=z9hG4bKa",
            "SIP/2.0/TCP host.example;branch=z9hG4bKb;received=192.0.2.2",
            "SIP/2.0/UDP [2001:db8::9]:5060;branch=z9hG4bKc",
        ],
    )
    def test_round_trip(self, text: str) -> None:
        assert str(Via.parse(text)) == text

    def test_blanks_around_slashes_and_colon(self) -> None:
        via = Via.parse("SIP / 2.0 / UDP first.example.com : 4000 ;branch=z9hG4bKa")
        assert via.sent_by == ("first.example.com", 4000)
        assert via.branch == "z9hG4bKa"

    def test_port_defaults_to_5060(self) -> None:
        assert Via.parse("SIP/2.0/UDP Host.Example").sent_by == ("host.example", 5060)

    def test_rport_and_received_are_filled_in(self) -> None:
        via = Via.parse("SIP/2.0/UDP 10.0.0.1:5060;rport;branch=z9hG4bKa")
        seen = str(via.received_from(("192.0.2.7", 40000)))
        assert seen == "SIP/2.0/UDP 10.0.0.1:5060;rport=40000;branch=z9hG4bKa;received=192.0.2.7"

    def test_received_is_left_out_where_sent_by_is_right(self) -> None:
        text = "SIP/2.0/UDP 192.0.2.7:5060;branch=z9hG4bKa"
        assert str(Via.parse(text).received_from(("192.0.2.7", 40000))) == text

    @pytest.mark.parametrize(
        "text", ["", "SIP/2.0/UDP", "SIP/3.0/UDP h", "HTTP/2.0/UDP h", "SIP/2.0/U;DP h", "UDP h"]
    )
    def test_malformed_is_refused(self, text: str) -> None:
        with pytest.raises(RemoteProtocolError):
            Via.parse(text)

    def test_agrees_with_sipmessage(self) -> None:
        text = "SIP/2.0/UDP 192.0.2.1:5080;branch=z9hG4bKhjhs8ass877"
        ours, theirs = Via.parse(text), sipmessage.Via.parse(text)
        assert (ours.transport, ours.host, ours.port) == (
            theirs.transport,
            theirs.host,
            theirs.port,
        )
        assert str(ours) == str(theirs)


class TestCSeq:
    """RFC 3261 section 20.16."""

    def test_round_trip(self) -> None:
        assert str(CSeq.parse("0009  INVITE")) == "9 INVITE"

    @pytest.mark.parametrize(
        "text", ["", "1", "INVITE 1", "-1 BYE", "2147483648 BYE", "1 B YE", "١ BYE"]
    )
    def test_malformed_is_refused(self, text: str) -> None:
        with pytest.raises(RemoteProtocolError):
            CSeq.parse(text)


class TestParameters:
    """RFC 3261 section 7.3.1."""

    def test_quoted_semicolons_do_not_divide(self) -> None:
        parameters = Parameters.parse(';a="1;2" ; B = 3;c')
        assert parameters.items == (("a", '"1;2"'), ("B", "3"), ("c", None))
        assert (parameters.get("A"), parameters.get("b"), parameters.get("c")) == ("1;2", "3", "")
        assert parameters.get("d") is None

    def test_replace_keeps_the_place(self) -> None:
        assert str(Parameters.parse("a=1;b=2").replace("A", "3")) == ";a=3;b=2"

    @pytest.mark.parametrize("text", ["=1", "a b", "a=1 2", 'a="1'])
    def test_malformed_is_refused(self, text: str) -> None:
        with pytest.raises(RemoteProtocolError):
            Parameters.parse(text)
