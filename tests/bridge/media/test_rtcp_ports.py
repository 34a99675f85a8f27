"""RTCP of a call's legs on the wire: what phones are told, from which port, and who is listened to."""

import socket
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from bridge.media import messages as m
from bridge.rtp.packet import RtpPacket
from bridge.rtp.quality import LegQuality
from bridge.rtp.rtcp import (
    Goodbye,
    ReceiverReport,
    ReportBlock,
    RtcpPacket,
    SenderReport,
    is_rtcp,
    parse_compound,
)
from bridge.rtp.telephone_event import TelephoneEvent
from tests.bridge.media.call_rig import CALL, FRAME, HOST, Phone, Rig, murmur, pressed

INTERVAL_S = 7.5
"Longer than any interval between two reports (RFC 3550 section 6.3.1)."

Datagram = tuple[RtcpPacket, ...]


class Reporter:
    """A phone's RTCP port of its own."""

    def __init__(self, host: str = HOST) -> None:
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind((host, 0))
        self.sock.setblocking(False)
        self.port: int = self.sock.getsockname()[1]

    def heard(self) -> list[Datagram]:
        """Take what has arrived."""
        new = []
        while True:
            try:
                new.append(parse_compound(self.sock.recv(2048)))
            except BlockingIOError:
                return new


@pytest.fixture
def reporter() -> Iterator[Reporter]:
    reporter = Reporter()
    yield reporter
    reporter.sock.close()


@pytest.fixture
def rig(reporter: Reporter) -> Iterator[Rig]:
    """A call whose agent wants RTCP on a port of its own, and whose caller wants none."""
    rig = Rig()
    rig.describe(m.Leg.AGENT, rig.agent, rtcp_port=reporter.port)
    rig.play(murmur(800), rig.agent)
    yield rig
    rig.close()


def talk(rig: Rig, seconds: float, phone: Phone | None = None) -> None:
    """Let one side talk."""
    rig.play(murmur(int(seconds * 8000)), phone or rig.caller)


def first_report(datagrams: list[Datagram]) -> SenderReport | ReceiverReport:
    """Return the report of the newest datagram."""
    report = datagrams[-1][0]
    assert isinstance(report, SenderReport | ReceiverReport)
    return report


def block_about(packets: list[RtpPacket], **changes: int) -> ReportBlock:
    """Return what a phone tells of our stream."""
    block = ReportBlock(
        ssrc=packets[-1].ssrc, fraction_lost=64, cumulative_lost=5, highest_sequence=9, jitter=80
    )
    return replace(block, **changes)


def tell(sock: socket.socket, block: ReportBlock, port: int) -> None:
    sock.sendto(bytes(ReceiverReport(ssrc=0xABCD, reports=(block,))), (HOST, port))


def measured(rig: Rig) -> dict[m.Leg, LegQuality]:
    """End the call and return what was told of its legs."""
    rig.calls.handle(m.CloseCall(call=CALL))
    (told,) = [report.quality for report in rig.reports if isinstance(report, m.CallMeasured)]
    return {m.Leg.CALLER: told.caller, m.Leg.AGENT: told.agent}


class TestReports:
    def test_a_sender_report_says_what_the_far_end_has_got(
        self, rig: Rig, reporter: Reporter
    ) -> None:
        talk(rig, INTERVAL_S)
        report = first_report(reporter.heard())
        assert isinstance(report, SenderReport)
        got = rig.agent.heard
        index = report.packet_count - 1
        assert report.ssrc == got[0].ssrc
        assert report.octet_count == sum(len(packet.payload) for packet in got[: index + 1])
        assert report.rtp_timestamp == got[index].timestamp

    def test_the_clock_of_timestamps_goes_on_while_nothing_is_sent(self, rig: Rig) -> None:
        talk(rig, 0.1)
        rig.tick(0.13)
        sent = rig.calls.sender.sent(1, rig.calls.path.now)
        assert (sent.rtp_timestamp - rig.agent.heard[-1].timestamp) % 2**32 == 0.13 * 8000

    def test_telephone_events_that_are_passed_on_count(self, rig: Rig) -> None:
        talk(rig, 0.1)
        event = TelephoneEvent(event=5, end=True, volume=10, duration_samples=FRAME)
        rig.caller.send(rig.caller.event(bytes(event), rig.caller.timestamp))
        rig.tick()
        sent = rig.calls.sender.sent(1, rig.calls.path.now)
        assert (sent.packets, sent.octets) == (6, 5 * FRAME + 4)

    def test_ntp_and_rtp_time_of_two_reports_go_on_alike(
        self, rig: Rig, reporter: Reporter
    ) -> None:
        """Over sound, keys behind the gate, beeps and a pause: a second is 8000 samples."""
        talk(rig, 2.5)
        rig.secure()
        rig.play(pressed("4111"))
        for _ in range(50):
            rig.tick()
        rig.caller.timestamp += 50 * FRAME
        talk(rig, 4 * INTERVAL_S)
        reports = [d[0] for d in reporter.heard() if isinstance(d[0], SenderReport)]
        assert len(reports) >= 4
        for one, other in zip(reports, reports[1:], strict=False):
            elapsed_s = (other.ntp - one.ntp) / 2**32
            assert (other.rtp_timestamp - one.rtp_timestamp) % 2**32 == pytest.approx(
                elapsed_s * 8000, abs=FRAME
            )

    def test_what_we_received_is_told_with_its_loss(self, rig: Rig, reporter: Reporter) -> None:
        talk(rig, INTERVAL_S, rig.agent)
        reporter.heard()
        before = first_report_block(rig, reporter)
        for _ in range(100):  # longer than two intervals: one of them is lossy from start to end
            rig.agent.skip(1)
            rig.tick()
            rig.play(murmur(9 * FRAME), rig.agent)
        after = first_report(reporter.heard()).reports[0]
        assert after.ssrc == rig.agent.ssrc
        assert after.fraction_lost == pytest.approx(256 / 10, abs=2)
        assert after.cumulative_lost > before.cumulative_lost == 0
        assert after.jitter == 0

    def test_who_is_sent_nothing_gets_receiver_reports(self, rig: Rig, reporter: Reporter) -> None:
        talk(rig, INTERVAL_S, rig.agent)
        report = first_report(reporter.heard())
        assert isinstance(report, ReceiverReport)
        assert report.reports[0].ssrc == rig.agent.ssrc

    def test_who_named_no_port_gets_none(self, rig: Rig, reporter: Reporter) -> None:
        talk(rig, INTERVAL_S, rig.agent)
        assert rig.caller.heard
        assert not any(is_rtcp(bytes(packet)) for packet in rig.caller.heard)

    def test_the_end_of_the_call_is_said(self, rig: Rig, reporter: Reporter) -> None:
        talk(rig, 1)
        reporter.heard()
        rig.calls.handle(m.CloseCall(call=CALL))
        (datagram,) = reporter.heard()
        assert datagram[-1] == Goodbye(sources=(rig.agent.heard[0].ssrc,))

    def test_names_of_calls_have_nothing_in_common(self, reporter: Reporter) -> None:
        names = set()
        for _ in range(2):
            rig = Rig()
            rig.describe(m.Leg.AGENT, rig.agent, rtcp_port=reporter.port)
            rig.describe(m.Leg.CALLER, rig.caller, rtcp_port=reporter.port)
            rig.calls.handle(m.CloseCall(call=CALL))
            names |= {datagram[1] for datagram in reporter.heard()}
            rig.close()
        assert len(names) == 4

    def test_a_secure_call_tells_the_agent_of_what_the_agent_got_alone(
        self, rig: Rig, reporter: Reporter
    ) -> None:
        """Keys that were not passed on are in no count either."""
        rig.secure()
        rig.play(pressed("4111111111111111#"))
        event = TelephoneEvent(event=5, end=True, volume=10, duration_samples=FRAME)
        for _ in range(3):
            rig.caller.send(rig.caller.event(bytes(event), rig.caller.timestamp))
        talk(rig, INTERVAL_S)
        report = first_report(reporter.heard())
        assert isinstance(report, SenderReport)
        assert report.octet_count == FRAME * report.packet_count
        assert rig.agent.heard[report.packet_count - 1].timestamp == report.rtp_timestamp


def first_report_block(rig: Rig, reporter: Reporter) -> ReportBlock:
    """Return the next block that the agent is told."""
    talk(rig, INTERVAL_S, rig.agent)
    return first_report(reporter.heard()).reports[0]


class TestWhoIsListenedTo:
    def test_the_far_ends_figures_are_told_at_the_end(self, rig: Rig, reporter: Reporter) -> None:
        talk(rig, INTERVAL_S)
        report = reporter.heard()[-1][0]
        assert isinstance(report, SenderReport)
        rig.tick(0.5)
        block = block_about(
            rig.agent.heard, last_sr=(report.ntp >> 16) & 0xFFFFFFFF, delay_since_last_sr=0x4000
        )
        sent_s = (rig.calls.path.now * 65536 - block.last_sr) / 65536
        tell(reporter.sock, block, rig.agent.to + 1)
        rig.tick()
        told = measured(rig)[m.Leg.AGENT]
        assert (told.far_packets_lost, told.far_fraction_lost, told.far_jitter_ms) == (5, 0.25, 10)
        assert told.round_trip_ms is not None
        assert 250 < told.round_trip_ms < 1000 * (sent_s % 65536)

    def test_who_reports_nothing_is_told_as_nothing(self, rig: Rig) -> None:
        told = measured(rig)[m.Leg.CALLER]
        assert (told.far_packets_lost, told.far_jitter_ms, told.round_trip_ms) == (None,) * 3

    def test_other_hosts_are_not_listened_to(self, rig: Rig) -> None:
        talk(rig, 0.5)
        stranger = Reporter("127.0.0.2")
        tell(stranger.sock, block_about(rig.agent.heard), rig.agent.to + 1)
        rig.tick()
        assert rig.calls.rtcp.refused == 1
        assert measured(rig)[m.Leg.AGENT].far_packets_lost is None
        assert not stranger.heard()
        stranger.sock.close()

    def test_bytes_that_are_no_rtcp_are_refused(self, rig: Rig, reporter: Reporter) -> None:
        for data in (b"", b"\x80\xc9", bytes(1400), b"\x80" * 1500):
            reporter.sock.sendto(data, (HOST, rig.agent.to + 1))
            rig.tick()
        assert rig.calls.rtcp.refused == 4

    def test_ours_goes_where_theirs_comes_from(self, rig: Rig, reporter: Reporter) -> None:
        """RFC 4961: behind a NAT the SDP's port is not the one that is seen."""
        seen = Reporter()
        talk(rig, 0.5)
        tell(seen.sock, block_about(rig.agent.heard), rig.agent.to + 1)
        talk(rig, INTERVAL_S)
        assert seen.heard()
        reporter.heard()
        rig.describe(m.Leg.AGENT, rig.agent, rtcp_port=reporter.port)
        talk(rig, INTERVAL_S)
        assert seen.heard(), "a re-INVITE that names the same port moves nothing"
        seen.sock.close()

    def test_a_flood_is_read_in_pieces(self, rig: Rig, reporter: Reporter) -> None:
        for _ in range(200):
            reporter.sock.sendto(b"x", (HOST, rig.agent.to + 1))
        rig.tick()
        assert rig.calls.rtcp.refused <= 64


class TestOnePort:
    """RFC 5761."""

    def listen(self, phone: Phone) -> list[Datagram]:
        """Take what has come to a phone's RTP port, and return its RTCP."""
        datagrams: list[Datagram] = []
        while True:
            try:
                data = phone.sock.recv(2048)
            except BlockingIOError:
                return datagrams
            if is_rtcp(data):
                datagrams.append(parse_compound(data))
            else:
                phone.heard.append(RtpPacket.parse(data))

    def shared(self, rig: Rig) -> None:
        rig.describe(
            m.Leg.AGENT, rig.agent, rtcp_port=rig.agent.sock.getsockname()[1], rtcp_mux=True
        )

    def test_reports_come_and_go_beside_the_sound(self, rig: Rig) -> None:
        self.shared(rig)
        sound, reports = np.zeros(FRAME, np.int16), []
        for _ in range(int(INTERVAL_S * 50)):
            rig.caller.send(rig.caller.frame(sound))
            rig.agent.send(rig.agent.frame(sound))
            rig.tick()
            reports += self.listen(rig.agent)
        report = first_report(reports)
        assert report.ssrc == rig.agent.heard[0].ssrc
        assert report.reports[0].ssrc == rig.agent.ssrc
        tell(rig.agent.sock, block_about(rig.agent.heard), rig.agent.to)
        rig.tick()
        rig.play(murmur(800), rig.agent)
        assert rig.calls.rtcp.refused == 0
        told = measured(rig)[m.Leg.AGENT]
        assert (told.far_packets_lost, told.packets_lost) == (5, 0)
        assert rig.calls.intake.counters.malformed == 0

    def test_what_was_not_agreed_on_is_dropped_and_does_not_disturb_the_sound(
        self, rig: Rig
    ) -> None:
        talk(rig, 0.1)
        rig.caller.heard.clear()
        tell(rig.agent.sock, block_about(rig.agent.heard), rig.agent.to)
        rig.play(murmur(800), rig.agent)
        assert len(rig.caller.heard) == 5
        assert not any(packet.marker for packet in rig.caller.heard)
        assert rig.calls.rtcp.refused == 1

    def test_it_latches_nobody_and_is_not_believed_before(self) -> None:
        rig, stranger = Rig(), Phone()
        self.shared(rig)
        rig.play(murmur(800))
        tell(stranger.sock, block_about(rig.agent.heard), rig.agent.to)
        rig.tick()
        rig.play(murmur(800))
        assert len(rig.agent.heard) == 10
        assert not stranger.listen()
        assert measured(rig)[m.Leg.AGENT].far_packets_lost is None
        stranger.sock.close()
        rig.close()

    def test_the_end_of_the_call_is_said_there(self, rig: Rig) -> None:
        self.shared(rig)
        talk(rig, 1)
        rig.calls.handle(m.CloseCall(call=CALL))
        (datagram,) = self.listen(rig.agent)
        assert isinstance(datagram[-1], Goodbye)


class TestMeasured:
    def test_both_legs_are_told_once(self, rig: Rig) -> None:
        talk(rig, 1)
        rig.caller.skip(3)
        talk(rig, 1)
        told = measured(rig)
        assert told[m.Leg.CALLER].packets_received == 100
        assert told[m.Leg.CALLER].packets_lost == 3
        assert told[m.Leg.CALLER].packets_sent == 5
        assert told[m.Leg.AGENT].packets_received == 5
        assert told[m.Leg.AGENT].packets_sent == 100

    def test_jitter_is_seen_by_the_tick(self, rig: Rig) -> None:
        for index in range(200):
            rig.caller.send(rig.caller.frame(murmur(FRAME)))
            rig.tick(0.01 if index % 2 else 0.03)
        assert measured(rig)[m.Leg.CALLER].jitter_ms == pytest.approx(10, abs=0.1)

    def test_hold_is_no_loss(self, rig: Rig) -> None:
        talk(rig, 0.5)
        rig.describe(m.Leg.CALLER, rig.caller, receive=False)
        talk(rig, 1)
        rig.describe(m.Leg.CALLER, rig.caller)
        talk(rig, 0.5)
        told = measured(rig)[m.Leg.CALLER]
        assert (told.packets_received, told.packets_lost) == (50, 0)

    def test_a_slots_next_call_starts_at_nothing(self, rig: Rig) -> None:
        talk(rig, 0.5)
        late = rig.caller.frame(murmur(FRAME))
        for _ in range(2):
            rig.caller.send(late)
            rig.tick()
        assert measured(rig)[m.Leg.CALLER].packets_late == 1
        rig.reports.clear()
        for number in range(4):
            rig.calls.handle(m.OpenCall(call=m.CallId(f"next-{number}")))
        for number in range(4):
            rig.calls.handle(m.CloseCall(call=m.CallId(f"next-{number}")))
        figures = {
            (leg.packets_received, leg.packets_lost, leg.packets_late, leg.packets_sent)
            for told in rig.reports
            if isinstance(told, m.CallMeasured)
            for leg in (told.quality.caller, told.quality.agent)
        }
        assert figures == {(0, 0, 0, 0)}
