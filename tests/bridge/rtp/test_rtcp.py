"""RTCP packets, by section of RFC 3550."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.rtp.rtcp import (
    Goodbye,
    ReceiverReport,
    ReportBlock,
    RtcpError,
    RtcpPacket,
    SenderReport,
    SourceDescription,
    is_rtcp,
    middle,
    ntp_timestamp,
    parse_compound,
)

BLOCK = ReportBlock(
    ssrc=0x01020304,
    fraction_lost=64,
    cumulative_lost=-3,
    highest_sequence=0x0001FFFE,
    jitter=37,
    last_sr=0xB7052000,
    delay_since_last_sr=0x00054000,
)
REPORT = SenderReport(
    ssrc=0xCAFE,
    ntp=0xB44DB705_20000000,
    rtp_timestamp=160_000,
    packet_count=1000,
    octet_count=160_000,
    reports=(BLOCK,),
)
words = st.integers(0, 2**32 - 1)
blocks = st.builds(
    ReportBlock,
    ssrc=words,
    fraction_lost=st.integers(0, 255),
    cumulative_lost=st.integers(-(2**23), 2**23 - 1),
    highest_sequence=words,
    jitter=words,
    last_sr=words,
    delay_since_last_sr=words,
)
many = st.lists(blocks, max_size=31).map(tuple)
firsts: st.SearchStrategy[RtcpPacket] = st.one_of(
    st.builds(
        SenderReport,
        ssrc=words,
        ntp=st.integers(0, 2**64 - 1),
        rtp_timestamp=words,
        packet_count=words,
        octet_count=words,
        reports=many,
    ),
    st.builds(ReceiverReport, ssrc=words, reports=many),
)
others: st.SearchStrategy[RtcpPacket] = st.one_of(
    firsts,
    st.builds(SourceDescription, ssrc=words, cname=st.text(max_size=60)),
    st.builds(Goodbye, sources=st.lists(words, max_size=31).map(tuple)),
)


class TestTimestampsSection4:
    def test_seconds_since_1900_and_their_fraction(self) -> None:
        assert ntp_timestamp(0.5) == (2_208_988_800 << 32) + (1 << 31)

    def test_the_middle_is_16_bits_of_each(self) -> None:
        assert middle(0xB44DB705_20000000) == 0xB7052000

    def test_they_wrap_in_2036(self) -> None:
        assert ntp_timestamp(2_085_978_496.25) == 1 << 30


class TestCompoundSection61:
    @given(firsts, st.lists(others, max_size=4))
    def test_round_trip(self, first: RtcpPacket, rest: list[RtcpPacket]) -> None:
        packets = (first, *rest)
        assert parse_compound(b"".join(map(bytes, packets))) == packets

    def test_what_begins_without_a_report_is_refused(self) -> None:
        with pytest.raises(RtcpError, match="packet type 203"):
            parse_compound(bytes(Goodbye(sources=(1,))))

    def test_kinds_that_nobody_reads_are_passed_over(self) -> None:
        app = bytes([0x80, 204, 0, 2]) + bytes(4) + b"name"
        extended = bytes([0x80, 207, 0, 1]) + bytes(4)
        empty = bytes(ReceiverReport(ssrc=5))
        assert parse_compound(empty + app + extended) == (ReceiverReport(ssrc=5),)


class TestReportsSection64:
    def test_the_sender_reports_bytes(self) -> None:
        assert bytes(REPORT) == bytes.fromhex(
            "81c8000c 0000cafe b44db70520000000 00027100 000003e8 00027100"
            "01020304 40fffffd 0001fffe 00000025 b7052000 00054000"
        )

    def test_the_receiver_reports_bytes(self) -> None:
        empty = ReceiverReport(ssrc=0xCAFE)
        assert bytes(empty) == bytes.fromhex("80c90001 0000cafe")

    @pytest.mark.parametrize("lost", [0x7FFFFF, -0x800000, 0, -1])
    def test_cumulative_lost_has_a_sign(self, lost: int) -> None:
        block = ReportBlock(
            ssrc=1, fraction_lost=0, cumulative_lost=lost, highest_sequence=0, jitter=0
        )
        (read,) = parse_compound(bytes(ReceiverReport(ssrc=2, reports=(block,))))
        assert isinstance(read, ReceiverReport)
        assert read.reports == (block,)

    def test_profile_extensions_are_left(self) -> None:
        report = bytes.fromhex("80c90002 0000cafe 12345678")
        assert parse_compound(report) == (ReceiverReport(ssrc=0xCAFE),)


class TestSourceDescriptionSection65:
    @pytest.mark.parametrize("length", range(5))
    def test_chunks_are_padded_to_words(self, length: int) -> None:
        data = bytes(SourceDescription(ssrc=7, cname="x" * length))
        assert len(data) % 4 == 0
        assert data.endswith(b"\x00")

    def test_other_items_and_chunks_are_passed_over(self) -> None:
        first = bytes.fromhex("00000007 0203 616263 0102 6d65 000000")
        second = bytes.fromhex("00000008 0000 0000")
        sdes = bytes([0x82, 202, 0, (len(first) + len(second)) // 4]) + first + second
        packets = parse_compound(bytes(ReceiverReport(ssrc=7)) + sdes)
        assert packets[1:] == (SourceDescription(ssrc=7, cname="me"),)


class TestGoodbyeSection66:
    def test_a_reason_is_left(self) -> None:
        bye = bytes.fromhex("81cb0003 00000007 05") + b"later" + bytes(2)
        packets = parse_compound(bytes(ReceiverReport(ssrc=7)) + bye)
        assert packets[1:] == (Goodbye(sources=(7,)),)


class TestValidityAppendixA2:
    """A datagram that fails them is not RTCP, or not ours."""

    @pytest.mark.parametrize(
        ("data", "reason"),
        [
            ("", "header is cut short"),
            ("80c9", "header is cut short"),
            ("40c90001 00000001", "version is 1"),
            ("80c90002 00000001", "longer than its datagram"),
            ("80c90000", "no source"),
            ("81c90001 00000001", "shorter than its blocks"),
            ("80c80001 00000001", "cut short"),
            ("a0c90001 00000004", "padded"),
            ("80c90001 00000001 a0cb0001 00000000", "padded"),
            ("80c90001 00000001 a0cb0001 00000005", "padded"),
            ("80c90001 00000001 a0cb0001 00000004 80cb0000", "padded"),
            ("80c90001 00000001 82cb0001 00000001", "shorter than its sources"),
            ("80c90001 00000001 82ca0002 00000001 00000000", "shorter than its sources"),
            ("80c90001 00000001 81ca0002 00000001 01ff0000", "cut short"),
            ("80c90001 00000001 81ca0002 00000001 01024142", "does not end"),
            ("80c90001 00000001 81ca0001 00000001", "does not end"),
        ],
    )
    def test_malformed_is_refused(self, data: str, reason: str) -> None:
        with pytest.raises(RtcpError, match=reason):
            parse_compound(bytes.fromhex(data))

    def test_padding_of_the_last_packet_is_taken_off(self) -> None:
        data = bytes.fromhex("80c90001 00000001 a1cb0002 00000007 00000004")
        assert parse_compound(data)[1] == Goodbye(sources=(7,))

    @given(st.binary(max_size=200))
    def test_any_bytes_raise_the_protocol_error_or_parse(self, data: bytes) -> None:
        with contextlib.suppress(RtcpError):
            parse_compound(data)

    @given(firsts, st.lists(others, max_size=3), st.data())
    def test_any_damage_raises_the_protocol_error_or_parses(
        self, first: RtcpPacket, rest: list[RtcpPacket], data: st.DataObject
    ) -> None:
        whole = bytearray(b"".join(map(bytes, (first, *rest))))
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
        with contextlib.suppress(RtcpError):
            parse_compound(bytes(whole[: data.draw(st.integers(0, len(whole)))]))


class TestOnePortRfc5761Section4:
    @pytest.mark.parametrize("kind", [192, 200, 201, 202, 203, 207, 223])
    def test_rtcp_is_told_by_its_packet_type(self, kind: int) -> None:
        assert is_rtcp(bytes([0x80, kind]))

    @pytest.mark.parametrize("second", [0, 8, 13, 101, 127, 128, 136, 0x80 | 101, 191, 224])
    def test_rtp_with_and_without_marker_is_not(self, second: int) -> None:
        assert not is_rtcp(bytes([0x80, second]))

    def test_what_is_too_short_is_not(self) -> None:
        assert not is_rtcp(b"\x80")
