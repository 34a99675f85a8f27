"""Invariant: whatever the bytes, RTCP is read and a session lives on, or RtcpError is raised."""

import contextlib

from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.rtp.rtcp import (
    Goodbye,
    ReceiverReport,
    ReportBlock,
    RtcpError,
    SenderReport,
    SourceDescription,
)
from bridge.rtp.rtcp_session import RtcpSession, Sent
from tests.fuzz.sip_messages import mutated

BLOCK = ReportBlock(ssrc=1, fraction_lost=2, cumulative_lost=-3, highest_sequence=4, jitter=5)
SEEDS = (
    bytes(
        SenderReport(
            ssrc=2, ntp=3, rtp_timestamp=4, packet_count=5, octet_count=6, reports=(BLOCK, BLOCK)
        )
    )
    + bytes(SourceDescription(ssrc=2, cname="somebody")),
    bytes(ReceiverReport(ssrc=2, reports=(BLOCK,))) + bytes(Goodbye(sources=(2, 3))),
)


@settings(max_examples=200, database=None)
@given(st.lists(st.binary(max_size=200) | mutated(SEEDS), max_size=5))
def test_session(datagrams: list[bytes]) -> None:
    session = RtcpSession(ssrc=1, cname="us", chance=lambda: 0.5, now=0.0, epoch_s=1e9)
    for number, data in enumerate(datagrams):
        with contextlib.suppress(RtcpError):
            session.receive_datagram(data, 2, float(number))
    assert session.compose(9.0, Sent(packets=1, octets=160, rtp_timestamp=0), BLOCK)
