"""Invariant: whatever the bytes, SDP is read, answered and round-trips, or SdpError is raised."""

from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.errors import SdpError
from bridge.sdp.description import SessionDescription
from bridge.sdp.negotiate import answer_offer, make_offer, read_answer
from tests.fuzz.sip_messages import mutated

OFFER = make_offer(host="192.0.2.2", port=5000, session_id=1, version=1)

SEEDS = (
    OFFER,
    b"v=0\r\no=- 1 1 IN IP6 ::1\r\ns=-\r\nt=0 0\r\na=inactive\r\nm=video 1/2 RTP/AVP 99\r\n"
    b"m=audio 4000 RTP/AVP 97 8 101\r\nc=IN IP6 ::1\r\na=rtpmap:97 PCMU/8000/1\r\na=ptime:30\r\n"
    b"a=rtpmap:101 telephone-event/8000\r\na=sendonly\r\n",
)

bodies = st.binary(max_size=200) | mutated(SEEDS)


@settings(max_examples=150, database=None)
@given(bodies)
def test_description(body: bytes) -> None:
    try:
        session = SessionDescription.parse(body)
    except SdpError:
        return
    assert SessionDescription.parse(bytes(session)) == session


@settings(max_examples=150, database=None)
@given(bodies)
def test_answer_to_an_offer(body: bytes) -> None:
    try:
        answer, theirs = answer_offer(body, host="192.0.2.9", port=4000, session_id=2, version=1)
    except SdpError:
        return
    streams = SessionDescription.parse(answer).media
    assert len(streams) == len(SessionDescription.parse(body).media)
    assert [stream.port for stream in streams if stream.port] == [4000]
    assert 0 <= theirs.codec.payload_type <= 127


@settings(max_examples=100, database=None)
@given(bodies)
def test_reading_an_answer(body: bytes) -> None:
    try:
        terms = read_answer(body, offered=OFFER)
    except SdpError:
        return
    assert terms.codec.name in ("PCMU", "PCMA")
