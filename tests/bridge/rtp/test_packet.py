"""RFC 3550 section 5.1."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import RemoteProtocolError
from bridge.rtp.packet import RtpError, RtpPacket

PACKET = RtpPacket(
    payload_type=101,
    sequence_number=0xFFFE,
    timestamp=2**32 - 1,
    ssrc=7,
    payload=b"abc",
    marker=True,
)


def test_a_packet_round_trips() -> None:
    data = bytes(PACKET)
    assert data[:12].hex() == "80e5fffeffffffff00000007"
    assert RtpPacket.parse(data) == PACKET
    assert bytes(RtpPacket.parse(data)) == data


def test_contributing_sources_round_trip() -> None:
    packet = RtpPacket(
        payload_type=0, sequence_number=1, timestamp=2, ssrc=3, csrc=(4, 5), payload=b"x"
    )
    assert RtpPacket.parse(bytes(packet)) == packet


def test_a_header_extension_is_skipped() -> None:
    data = bytearray(bytes(PACKET))
    data[0] |= 0x10
    data[12:12] = b"\xbe\xde\x00\x01\x01\x02\x03\x04"
    assert RtpPacket.parse(bytes(data)).payload == b"abc"


def test_padding_is_taken_off() -> None:
    data = bytearray(bytes(PACKET) + b"\x00\x00\x03")
    data[0] |= 0x20
    assert RtpPacket.parse(bytes(data)).payload == b"abc"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "shorter than its header"),
        (bytes(PACKET)[:11], "shorter than its header"),
        (b"\x40" + bytes(PACKET)[1:], "version is 1"),
        (b"\x8f" + bytes(PACKET)[1:], "longer than the packet|cut short"),
        (b"\x90" + bytes(PACKET)[1:], "cut short"),
        (b"\xa0" + bytes(PACKET)[1:-1] + b"\xff", "longer than the packet"),
        (b"\xa0" + bytes(PACKET)[1:-1] + b"\x00", "longer than the packet"),
    ],
)
def test_malformed_packets_say_why(data: bytes, reason: str) -> None:
    with pytest.raises(RtpError, match=reason):
        RtpPacket.parse(data)


@given(st.binary(max_size=64))
def test_any_bytes_raise_the_protocol_error_or_parse(data: bytes) -> None:
    try:
        packet = RtpPacket.parse(data)
    except RemoteProtocolError:
        return
    assert len(packet.payload) <= len(data) - 12


def test_what_it_carries_is_not_in_its_repr() -> None:
    assert "abc" not in repr(PACKET)
