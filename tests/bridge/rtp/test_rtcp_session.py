"""RTCP of one leg, by section of RFC 3550. Two of them talk to each other over a line with a delay."""

import random

import pytest

from bridge.rtp.rtcp import (
    Goodbye,
    ReceiverReport,
    ReportBlock,
    RtcpError,
    SenderReport,
    SourceDescription,
    ntp_timestamp,
    parse_compound,
)
from bridge.rtp.rtcp_session import RtcpSession, Sent

EPOCH_S = 1_700_000_000.0
OURS, THEIRS = 0xAAAA, 0xBBBB
HEARD = ReportBlock(ssrc=THEIRS, fraction_lost=1, cumulative_lost=2, highest_sequence=3, jitter=4)


def session(ssrc: int = OURS) -> RtcpSession:
    chance = random.Random(ssrc)
    return RtcpSession(ssrc=ssrc, cname="abc", chance=chance.random, now=100.0, epoch_s=EPOCH_S)


def sent(packets: int, rtp_timestamp: int = 0) -> Sent:
    return Sent(packets=packets, octets=160 * packets, rtp_timestamp=rtp_timestamp)


class TestSenderReportSection641:
    def test_ntp_and_rtp_time_are_of_the_same_instant(self) -> None:
        report, _ = parse_compound(session().compose(107.5, sent(10, 2**32 + 77), None))
        assert report == SenderReport(
            ssrc=OURS,
            ntp=ntp_timestamp(EPOCH_S + 107.5),
            rtp_timestamp=77,
            packet_count=10,
            octet_count=1600,
        )

    def test_who_has_sent_nothing_for_two_reports_only_receives(self) -> None:
        one = session()
        kinds = [type(parse_compound(one.compose(100.0 + n, sent(10), None))[0]) for n in range(4)]
        assert kinds == [SenderReport, SenderReport, ReceiverReport, ReceiverReport]
        assert isinstance(parse_compound(one.compose(110.0, sent(11), None))[0], SenderReport)

    def test_who_has_never_sent_only_receives(self) -> None:
        report, _ = parse_compound(session().compose(101.0, sent(0), HEARD))
        assert report == ReceiverReport(ssrc=OURS, reports=(HEARD,))

    def test_the_far_ends_last_report_and_the_time_since_go_back_to_it(self) -> None:
        one, far = session(), session(THEIRS)
        one.receive_datagram(far.compose(110.0, sent(5), None), THEIRS, 110.25)
        report = parse_compound(one.compose(112.25, sent(1), HEARD))[0]
        assert isinstance(report, SenderReport)
        (block,) = report.reports
        assert block.last_sr == (ntp_timestamp(EPOCH_S + 110.0) >> 16) & 0xFFFFFFFF
        assert block.delay_since_last_sr == 2 * 65536

    def test_a_report_of_another_source_says_nothing_of_this_one(self) -> None:
        one, stranger = session(), session(0x1234)
        one.receive_datagram(stranger.compose(110.0, sent(5), None), THEIRS, 110.25)
        report = parse_compound(one.compose(112.25, sent(1), HEARD))[0]
        assert isinstance(report, SenderReport)
        assert report.reports == (HEARD,)

    @pytest.mark.parametrize("delay_s", [0.0, 0.05, 1.5])
    def test_the_round_trip_is_measured(self, delay_s: float) -> None:
        one, far = session(), session(THEIRS)
        of_us = ReportBlock(
            ssrc=OURS, fraction_lost=128, cumulative_lost=9, highest_sequence=3, jitter=80
        )
        far.receive_datagram(one.compose(110.0, sent(5), None), OURS, 110.0 + delay_s)
        answer = far.compose(113.0 + delay_s, sent(5), of_us)
        one.receive_datagram(answer, THEIRS, 113.0 + 2 * delay_s)
        assert one.round_trip_s == pytest.approx(2 * delay_s, abs=0.001)
        assert one.far_block is not None
        assert (one.far_block.cumulative_lost, one.far_block.fraction_lost) == (9, 128)

    def test_a_report_that_we_never_sent_measures_nothing(self) -> None:
        made_up = ReportBlock(
            ssrc=OURS,
            fraction_lost=0,
            cumulative_lost=0,
            highest_sequence=0,
            jitter=0,
            last_sr=12345,
        )
        one, far = session(), session(THEIRS)
        one.compose(110.0, sent(5), None)
        one.receive_datagram(far.compose(111.0, sent(5), made_up), THEIRS, 112.0)
        assert one.round_trip_s is None

    def test_blocks_about_others_are_left(self) -> None:
        one, far = session(), session(THEIRS)
        one.receive_datagram(far.compose(111.0, sent(5), HEARD), THEIRS, 112.0)
        assert one.far_block is None


class TestSourceDescriptionSection65:
    def test_every_datagram_names_us(self) -> None:
        for data in (
            session().compose(101.0, sent(1), None),
            session().compose(101.0, sent(0), HEARD),
            session().goodbye(101.0, sent(1), None),
        ):
            assert SourceDescription(ssrc=OURS, cname="abc") in parse_compound(data)


class TestGoodbyeSection66:
    def test_it_comes_last_behind_a_report(self) -> None:
        packets = parse_compound(session().goodbye(101.0, sent(1), HEARD))
        assert isinstance(packets[0], SenderReport)
        assert packets[0].reports == (HEARD,)
        assert packets[-1] == Goodbye(sources=(OURS,))

    def test_that_of_the_far_end_is_taken(self) -> None:
        session().receive_datagram(session(THEIRS).goodbye(1.0, sent(1), None), THEIRS, 102.0)


class TestTimingSection63:
    def test_reports_are_due_when_the_timer_says(self) -> None:
        one, now, due = session(), 100.0, 0
        while now < 160.0:
            now = one.next_timer()
            if one.handle_timer(now, sent(1)):
                one.compose(now, sent(1), None)
                due += 1
        assert 9 <= due <= 17

    def test_bytes_that_are_no_rtcp_raise(self) -> None:
        with pytest.raises(RtcpError):
            session().receive_datagram(b"\x80\xc8\x00", THEIRS, 101.0)
