"""A call over IPv6: ports, latching, moving, RTCP and the class of its packets."""

import socket
import sys
from collections.abc import Iterator

import pytest

from bridge.media import messages as m
from bridge.media.settings import WorkerSettings
from bridge.rtp.rtcp import ReceiverReport, SenderReport, parse_compound
from tests.bridge.media.call_rig import CALL, FRAME, Phone, Rig, murmur, pressed

HOST = "::1"
DSCP_EF = 46 << 2


@pytest.fixture
def rig() -> Iterator[Rig]:
    settings = WorkerSettings(host=HOST, first_port=0, last_port=0, calls=4)
    rig = Rig(Phone(host=HOST), Phone(host=HOST), settings)
    yield rig
    rig.close()


def test_each_side_hears_the_other(rig: Rig) -> None:
    rig.play(murmur(800))
    rig.play(murmur(800), rig.agent)
    assert (len(rig.agent.heard), len(rig.caller.heard)) == (5, 5)


def test_keys_are_read_behind_the_gate(rig: Rig) -> None:
    rig.secure()
    rig.play(pressed("4#"))
    assert [key for key, _ in rig.presses()] == ["4", "#"]


def test_a_stranger_is_not_heard_once_the_phone_has_spoken(rig: Rig) -> None:
    rig.play(murmur(800))
    stranger = Phone(host=HOST)
    stranger.to, stranger.ssrc = rig.caller.to, rig.caller.ssrc
    stranger.send(stranger.frame(murmur(FRAME), sequence_number=rig.caller.sequence_number))
    rig.tick()
    assert not rig.agent.listen()
    stranger.sock.close()


def test_a_phone_that_moves_is_latched_anew(rig: Rig) -> None:
    """The socket is disconnected and connected again, which no port of the kernel's choice would survive."""
    rig.play(murmur(480))
    moved = Phone(host=HOST)
    moved.to = rig.caller.to
    rig.describe(m.Leg.CALLER, moved)
    rig.play(murmur(FRAME), rig.agent)
    assert len(moved.listen()) == 1
    rig.caller.send(rig.caller.frame(murmur(FRAME)))
    rig.tick()
    assert not rig.agent.listen(), "it still sends from where it was"
    moved.send(moved.frame(murmur(FRAME, seed=3)))
    rig.tick()
    assert len(rig.agent.listen()) == 1
    moved.sock.close()


def test_every_packet_is_marked_for_expedited_forwarding(rig: Rig) -> None:
    rig.agent.sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVTCLASS, 1)
    rig.caller.send(rig.caller.frame(murmur(FRAME)))
    rig.tick()
    _, told, _, _ = rig.agent.sock.recvmsg(2048, 64)
    assert [int.from_bytes(data, sys.byteorder) for *_, data in told] == [DSCP_EF]


def test_rtcp_comes_and_goes(rig: Rig) -> None:
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as reporter:
        reporter.bind((HOST, 0))
        reporter.setblocking(False)
        rig.describe(m.Leg.AGENT, rig.agent, rtcp_port=reporter.getsockname()[1])
        rig.play(murmur(8 * 8000))
        report = parse_compound(reporter.recv(2048))[0]
        assert isinstance(report, SenderReport)
        reporter.sendto(bytes(ReceiverReport(ssrc=1)), (HOST, rig.agent.to + 1))
        rig.tick()
        assert rig.calls.rtcp.refused == 0
        rig.calls.handle(m.CloseCall(call=CALL))
