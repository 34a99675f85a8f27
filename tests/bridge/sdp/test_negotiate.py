"""Offer and answer for one telephone audio stream (RFC 3264, RFC 4733 section 2.4, RFC 3551 section 6)."""

import pytest

from bridge.errors import AddressFamilyError, LocalProtocolError, NoCommonCodecError, SdpError
from bridge.sdp.description import SessionDescription
from bridge.sdp.negotiate import (
    Codec,
    Direction,
    MediaTerms,
    answer_offer,
    make_offer,
    read_answer,
)


def sdp(*lines: str, connection: str | None = "IN IP4 192.0.2.9") -> bytes:
    """Return a description of the other side."""
    first = ["v=0", "o=x 1 1 IN IP4 192.0.2.9", "s=-"]
    second = [] if connection is None else [f"c={connection}"]
    return "".join(f"{line}\r\n" for line in [*first, *second, "t=0 0", *lines]).encode()


def answer(*lines: str, connection: str | None = "IN IP4 192.0.2.9") -> tuple[bytes, MediaTerms]:
    """Answer an offer of these lines."""
    return answer_offer(
        sdp(*lines, connection=connection), host="192.0.2.2", port=5000, session_id=7, version=3
    )


def read(*lines: str) -> MediaTerms:
    """Read an answer of these lines to our usual offer."""
    return read_answer(sdp(*lines), offered=offer())


def offer(direction: Direction = Direction.SENDRECV, *, telephone_event: bool = True) -> bytes:
    """Return our usual offer."""
    return make_offer(
        host="192.0.2.2",
        port=5000,
        session_id=7,
        version=1,
        direction=direction,
        telephone_event=telephone_event,
    )


class TestOfferSection5:
    """RFC 3264 section 5."""

    def test_what_we_offer(self) -> None:
        assert offer() == (
            b"v=0\r\no=- 7 1 IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 192.0.2.2\r\nt=0 0\r\n"
            b"m=audio 5000 RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n"
            b"a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\na=sendrecv\r\n"
            b"a=rtcp-mux\r\n"
        )

    def test_ipv6(self) -> None:
        text = make_offer(host="2001:db8::1", port=5000, session_id=1, version=1)
        assert b"c=IN IP6 2001:db8::1\r\n" in text

    @pytest.mark.parametrize("codecs", [(), ("opus",)])
    def test_only_what_we_speak_can_be_offered(self, codecs: tuple[str, ...]) -> None:
        with pytest.raises(LocalProtocolError):
            make_offer(host="h", port=1, session_id=1, version=1, codecs=codecs)


class TestAnswerSection6:
    """RFC 3264 section 6."""

    def test_usual_offer(self) -> None:
        body, terms = answer(
            "m=audio 4000 RTP/AVP 8 0 96",
            "a=rtpmap:96 telephone-event/8000",
            "a=fmtp:96 0-16",
            "a=ptime:30",
        )
        assert terms == MediaTerms(
            remote=("192.0.2.9", 4000),
            codec=Codec(name="PCMU", payload_type=0),
            telephone_event=96,
            telephone_event_in=96,
            ptime_ms=30,
            direction=Direction.SENDRECV,
            rtcp=("192.0.2.9", 4001),
            rtcp_mux=False,
        )
        assert body == (
            b"v=0\r\no=- 7 3 IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 192.0.2.2\r\nt=0 0\r\n"
            b"m=audio 5000 RTP/AVP 0 96\r\na=rtpmap:0 PCMU/8000\r\n"
            b"a=rtpmap:96 telephone-event/8000\r\na=fmtp:96 0-15\r\na=ptime:20\r\na=sendrecv\r\n"
        )

    def test_our_preference_counts(self) -> None:
        offered = sdp("m=audio 4000 RTP/AVP 0 8")
        _, terms = answer_offer(
            offered, host="h", port=1, session_id=1, version=1, prefer=("PCMA", "PCMU")
        )
        assert terms.codec == Codec(name="PCMA", payload_type=8)

    def test_codec_on_a_dynamic_payload_type(self) -> None:
        body, terms = answer("m=audio 4000 RTP/AVP 97", "a=rtpmap:97 pcma/8000/1")
        assert terms.codec == Codec(name="PCMA", payload_type=97)
        assert b"m=audio 5000 RTP/AVP 97\r\na=rtpmap:97 PCMA/8000\r\n" in body

    @pytest.mark.parametrize(
        "lines",
        [
            ("m=audio 4000 RTP/AVP 18", "a=rtpmap:18 G729/8000"),
            ("m=audio 4000 RTP/AVP 0", "a=rtpmap:0 opus/48000/2"),
            ("m=audio 4000 RTP/AVP 97", "a=rtpmap:97 PCMU/16000"),
            ("m=audio 4000 RTP/AVP 50", "a=rtpmap:50 PCMU/8000"),
            ("m=audio 4000 RTP/AVP 97 101", "a=rtpmap:101 telephone-event/8000"),
            ("m=audio 4000 RTP/SAVP 0",),
            ("m=audio 0 RTP/AVP 0",),
            ("m=video 4000 RTP/AVP 0",),
            (),
        ],
    )
    def test_nothing_in_common(self, lines: tuple[str, ...]) -> None:
        with pytest.raises(NoCommonCodecError):
            answer(*lines)

    def test_error_names_what_was_offered(self) -> None:
        with pytest.raises(NoCommonCodecError) as raised:
            answer("m=audio 4000 RTP/AVP 18 97", "a=rtpmap:97 opus/48000/2")
        assert raised.value.offered == ("payload type 18", "opus/48000/2")
        assert "opus/48000/2" in str(raised.value)

    def test_other_streams_are_refused_in_their_place(self) -> None:
        body, terms = answer(
            "m=video 4002 RTP/AVP 99",
            "a=rtpmap:99 H264/90000",
            "m=audio 4000 RTP/SAVP 0",
            "m=audio 4004 RTP/AVP 0",
            "m=audio 4006 RTP/AVP 0",
            "m=image 4008 udptl t38",
        )
        session = SessionDescription.parse(body)
        assert [(m.kind, m.port) for m in session.media] == [
            ("video", 0),
            ("audio", 0),
            ("audio", 5000),
            ("audio", 0),
            ("image", 0),
        ]
        assert [m.profile for m in session.media][1] == "RTP/SAVP"
        assert terms.remote == ("192.0.2.9", 4004)

    @pytest.mark.parametrize(
        ("rtpmap", "expected"),
        [
            ("telephone-event/8000", 110),
            ("TELEPHONE-EVENT/8000", 110),
            ("telephone-event/16000", None),
            ("telephone-event", None),
        ],
    )
    def test_telephone_event_has_our_clock(self, rtpmap: str, expected: int | None) -> None:
        body, terms = answer("m=audio 4000 RTP/AVP 0 110", f"a=rtpmap:110 {rtpmap}")
        assert terms.telephone_event == expected
        assert (b"telephone-event" in body) == (expected is not None)

    def test_telephone_event_needs_a_dynamic_payload_type(self) -> None:
        _, terms = answer("m=audio 4000 RTP/AVP 0 50", "a=rtpmap:50 telephone-event/8000")
        assert terms.telephone_event is None

    def test_connection_of_the_stream_counts_before_that_of_the_session(self) -> None:
        _, terms = answer("m=audio 4000 RTP/AVP 0", "c=IN IP4 192.0.2.77")
        assert terms.remote == ("192.0.2.77", 4000)

    @pytest.mark.parametrize(
        "connection",
        [
            None,
            "IN IP4",
            "IN IP4 host.example",
            "IN IP4 224.2.1.1/127",
            "IN IP4 224.2.1.1",
            "ATM x y",
        ],
    )
    def test_connection_that_is_no_address_of_one(self, connection: str | None) -> None:
        with pytest.raises(SdpError):
            answer("m=audio 4000 RTP/AVP 0", connection=connection)

    @pytest.mark.parametrize("ptime", ["0", "x", "", "99999", "-20"])
    def test_ptime_that_is_none_is_ours(self, ptime: str) -> None:
        _, terms = answer("m=audio 4000 RTP/AVP 0", f"a=ptime:{ptime}")
        assert terms.ptime_ms == 20


class TestRtcp:
    """RFC 3605 (`a=rtcp`) and RFC 5761 section 5.1.1 (`a=rtcp-mux`)."""

    @pytest.mark.parametrize(
        ("line", "goes_to"),
        [
            ("a=rtcp:53020", ("192.0.2.9", 53020)),
            ("a=rtcp:53020 IN IP4 126.16.64.4", ("126.16.64.4", 53020)),
            ("a=rtcp:53020 IN IP6 2001:db8::4", None),
            ("a=rtcp:53020 IN IP4 host.example", None),
            ("a=rtcp:53020 IN IP4 0.0.0.0", None),
            ("a=rtcp:53020 IN IP4 224.2.1.1", None),
            ("a=rtcp:99999", None),
            ("a=rtcp:x y", None),
            ("a=rtcp:0", None),
            ("a=rtcp", None),
            ("a=other", ("192.0.2.9", 4001)),
        ],
    )
    def test_where_it_goes(self, line: str, goes_to: tuple[str, int] | None) -> None:
        body, terms = answer("m=audio 4000 RTP/AVP 0", line)
        assert (terms.rtcp, terms.rtcp_mux) == (goes_to, False)
        assert b"rtcp" not in body

    def test_it_goes_nowhere_where_rtp_does(self) -> None:
        assert answer("m=audio 4000 RTP/AVP 0", connection="IN IP4 0.0.0.0")[1].rtcp is None

    def test_the_highest_port_has_none_above(self) -> None:
        assert answer("m=audio 65535 RTP/AVP 0")[1].rtcp is None

    def test_an_offer_to_share_the_port_is_answered_so(self) -> None:
        body, terms = answer("m=audio 4000 RTP/AVP 0", "a=rtcp:4001", "a=rtcp-mux")
        assert (terms.rtcp, terms.rtcp_mux) == (("192.0.2.9", 4000), True)
        assert body.endswith(b"a=rtcp-mux\r\n")

    @pytest.mark.parametrize(
        ("lines", "goes_to", "shared"),
        [((), 4001, False), (("a=rtcp-mux",), 4000, True), (("a=rtcp:7",), 7, False)],
    )
    def test_our_offer_is_shared_where_the_answer_agrees(
        self, lines: tuple[str, ...], goes_to: int, shared: bool
    ) -> None:
        terms = read("m=audio 4000 RTP/AVP 0", *lines)
        assert (terms.rtcp, terms.rtcp_mux) == (("192.0.2.9", goes_to), shared)

    def test_an_answer_cannot_share_what_was_not_offered(self) -> None:
        plain = offer().replace(b"a=rtcp-mux\r\n", b"")
        body = sdp("m=audio 4000 RTP/AVP 0", "a=rtcp-mux")
        assert read_answer(body, offered=plain).rtcp_mux is False


class TestIpv6:
    """RFC 8866 section 5.7; RFC 3261 section 21.4.26 for what cannot be reached."""

    OURS, THEIRS = "2001:db8::1", "IN IP6 2001:db8::9"
    AUDIO = "m=audio 4000 RTP/AVP 0"

    def test_offer_and_answer(self) -> None:
        offered = sdp(self.AUDIO, "a=rtcp:53020 IN IP6 2001:db8::4", connection=self.THEIRS)
        body, terms = answer_offer(offered, host=self.OURS, port=5000, session_id=1, version=1)
        assert b"c=IN IP6 2001:db8::1\r\n" in body
        assert (terms.remote, terms.rtcp) == (("2001:db8::9", 4000), ("2001:db8::4", 53020))

    def test_an_answer_to_our_offer(self) -> None:
        ours = make_offer(host=self.OURS, port=5000, session_id=1, version=1)
        terms = read_answer(sdp(self.AUDIO, connection=self.THEIRS), offered=ours)
        assert terms.remote == ("2001:db8::9", 4000)

    @pytest.mark.parametrize(
        ("ours", "theirs"), [("192.0.2.2", THEIRS), (OURS, "IN IP4 192.0.2.9")]
    )
    def test_the_other_family_cannot_be_reached(self, ours: str, theirs: str) -> None:
        theirs_ = sdp(self.AUDIO, connection=theirs)
        with pytest.raises(AddressFamilyError, match=r"IPv[46], ours is IPv[46]"):
            answer_offer(theirs_, host=ours, port=1, session_id=1, version=1)
        offered = make_offer(host=ours, port=1, session_id=1, version=1)
        with pytest.raises(AddressFamilyError):
            read_answer(theirs_, offered=offered)

    def test_hold_by_address_is_of_any_family(self) -> None:
        offered = sdp(self.AUDIO, connection="IN IP4 0.0.0.0")
        _, terms = answer_offer(offered, host=self.OURS, port=1, session_id=1, version=1)
        assert terms.remote is None


class TestHold:
    """RFC 3264 sections 6.1 and 8.4."""

    @pytest.mark.parametrize(
        ("theirs", "ours"),
        [
            ("sendrecv", Direction.SENDRECV),
            ("sendonly", Direction.RECVONLY),
            ("recvonly", Direction.SENDONLY),
            ("inactive", Direction.INACTIVE),
        ],
    )
    def test_direction_is_answered_with_its_reverse(self, theirs: str, ours: Direction) -> None:
        body, terms = answer("m=audio 4000 RTP/AVP 0", f"a={theirs}")
        assert terms.direction is ours
        assert f"a={ours.value}\r\n".encode() in body

    def test_direction_of_the_session_counts_for_the_stream(self) -> None:
        assert answer("a=inactive", "m=audio 4000 RTP/AVP 0")[1].direction is Direction.INACTIVE
        both = answer("a=inactive", "m=audio 4000 RTP/AVP 0", "a=sendrecv")
        assert both[1].direction is Direction.SENDRECV

    def test_hold_of_rfc_2543_has_no_address(self) -> None:
        _, terms = answer("m=audio 4000 RTP/AVP 0", connection="IN IP4 0.0.0.0")
        assert terms.remote is None
        assert terms.direction is Direction.SENDRECV


class TestReadAnswer:
    """RFC 3264 section 7."""

    def test_own_offer_and_answer_agree(self) -> None:
        body, theirs = answer_offer(offer(), host="192.0.2.9", port=4000, session_id=1, version=1)
        ours = read_answer(body, offered=offer())
        assert ours.codec == theirs.codec
        assert ours.telephone_event == theirs.telephone_event == 101
        assert ours.remote == ("192.0.2.9", 4000)
        assert theirs.remote == ("192.0.2.2", 5000)

    def test_first_codec_of_the_answer_counts(self) -> None:
        terms = read("m=audio 4000 RTP/AVP 8 0")
        assert terms.codec == Codec(name="PCMA", payload_type=8)

    @pytest.mark.parametrize(
        ("asked", "answered", "agreed"),
        [
            (Direction.SENDRECV, "sendrecv", Direction.SENDRECV),
            (Direction.SENDRECV, "recvonly", Direction.SENDONLY),
            (Direction.SENDRECV, "sendonly", Direction.RECVONLY),
            (Direction.SENDRECV, "inactive", Direction.INACTIVE),
            (Direction.SENDONLY, "recvonly", Direction.SENDONLY),
            (Direction.SENDONLY, "sendrecv", Direction.SENDONLY),
            (Direction.SENDONLY, "sendonly", Direction.INACTIVE),
            (Direction.INACTIVE, "sendrecv", Direction.INACTIVE),
        ],
    )
    def test_answer_is_never_wider_than_its_offer(
        self, asked: Direction, answered: str, agreed: Direction
    ) -> None:
        body = sdp("m=audio 4000 RTP/AVP 0", f"a={answered}")
        assert read_answer(body, offered=offer(asked)).direction is agreed

    def test_an_answer_with_another_number_for_telephone_event_leaves_us_ours(self) -> None:
        body = sdp("m=audio 4000 RTP/AVP 0 96", "a=rtpmap:96 telephone-event/8000")
        terms = read_answer(body, offered=offer())
        assert (terms.telephone_event, terms.telephone_event_in) == (96, 101)

    def test_telephone_event_that_we_did_not_offer_is_not_agreed_on(self) -> None:
        body = sdp("m=audio 4000 RTP/AVP 0 101", "a=rtpmap:101 telephone-event/8000")
        assert read_answer(body, offered=offer()).telephone_event == 101
        plain = offer(telephone_event=False)
        assert read_answer(body, offered=plain).telephone_event is None

    @pytest.mark.parametrize(
        "lines",
        [("m=audio 0 RTP/AVP 0",), ("m=audio 4000 RTP/AVP 18",), ("m=audio 4000 RTP/SAVP 0",)],
    )
    def test_refused_stream(self, lines: tuple[str, ...]) -> None:
        with pytest.raises(NoCommonCodecError):
            read(*lines)

    def test_answer_without_audio(self) -> None:
        with pytest.raises(SdpError):
            read("m=video 4000 RTP/AVP 99")

    def test_codec_that_we_did_not_offer(self) -> None:
        only = make_offer(host="h", port=1, session_id=1, version=1, codecs=("PCMU",))
        with pytest.raises(NoCommonCodecError):
            read_answer(sdp("m=audio 4000 RTP/AVP 8"), offered=only)
