"""Session descriptions keep every line and refuse what is none (RFC 8866)."""

import pytest

from bridge.errors import LocalProtocolError, SdpError
from bridge.sdp.description import MAX_BODY_BYTES, MAX_MEDIA, Media, SessionDescription

CARRIER = (
    b"v=0\r\no=root 1 2 IN IP4 192.0.2.1\r\ns=call with = and : in it\r\nb=AS:64\r\n"
    b"c=IN IP4 192.0.2.1\r\nt=0 0\r\na=tool:x\r\n"
    b"m=audio 49170/2 RTP/AVP 0 8 101\r\ni=voice\r\na=rtpmap:0 PCMU/8000\r\na=rtcp:53020\r\n"
    b"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:c2VjcmV0\r\na=sendrecv\r\nx=unknown\r\n"
    b"m=image 0 udptl t38\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP6 ::1\r\n"
)


def test_everything_round_trips() -> None:
    assert bytes(SessionDescription.parse(CARRIER)) == CARRIER


def test_bare_line_feeds_are_read() -> None:
    assert bytes(SessionDescription.parse(CARRIER.replace(b"\r\n", b"\n"))) == CARRIER


def test_streams_are_told_apart() -> None:
    session = SessionDescription.parse(CARRIER)
    audio, image, application = session.media
    assert (audio.kind, audio.port, audio.port_count) == ("audio", 49170, 2)
    assert (audio.profile, audio.formats) == ("RTP/AVP", ("0", "8", "101"))
    assert audio.attributes("rtpmap") == ("0 PCMU/8000",)
    assert audio.attributes("sendrecv") == ("",)
    assert audio.connection is None
    assert session.connection == "IN IP4 192.0.2.1"
    assert session.attributes("tool") == ("x",)
    assert (image.port, image.formats) == (0, ("t38",))
    assert application.connection == "IN IP6 ::1"


def test_keys_are_in_no_repr() -> None:
    assert "inline" not in repr(SessionDescription.parse(CARRIER))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\r\n",
        b"v=1\r\n",
        b"o=- 1 1 IN IP4 h\r\nv=0\r\n",
        b"v=0\r\n\r\ns=-\r\n",
        b"v=0\r\nnonsense\r\n",
        b"v=0\r\n1=x\r\n",
        b"v=0\r\ns=a\rb\r\n",
        b"v=0\r\nm=audio\r\n",
        b"v=0\r\nm=audio x RTP/AVP 0\r\n",
        b"v=0\r\nm=audio 65536 RTP/AVP 0\r\n",
        b"v=0\r\nm=audio -1 RTP/AVP 0\r\n",
        b"v=0\r\nm=audio 1/x RTP/AVP 0\r\n",
        "v=0\r\nm=audio ١ RTP/AVP 0\r\n".encode(),
        b"v=0\r\n" + b"m=audio 1 RTP/AVP 0\r\n" * (MAX_MEDIA + 1),
        b"v=0\r\ns=" + b"x" * MAX_BODY_BYTES + b"\r\n",
        b"v=0\r\n" + b"a=\r\n" * 2000,
        b"\xff\xfe",
    ],
)
def test_malformed_is_refused(body: bytes) -> None:
    with pytest.raises(SdpError):
        SessionDescription.parse(body)


def test_line_end_in_a_value_is_never_sent() -> None:
    stream = Media(kind="audio", port=1, profile="RTP/AVP", formats=("0",))
    for line in (("s", "a\r\nm=audio 1 RTP/AVP 0"), ("s", "a\nb")):
        with pytest.raises(LocalProtocolError):
            bytes(SessionDescription(lines=(("v", "0"), line), media=(stream,)))
