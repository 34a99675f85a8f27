"""The compiled way from sockets to frames: what it takes for the next packet of a stream, and what it leaves alone."""

import fcntl
import socket
from collections.abc import Iterator
from typing import Final

import numpy as np
import pytest

from bridge.media.leg_table import LegTable
from bridge.media.receiver import MAX_PACKET, Receiver
from bridge.rtp.packet import RtpPacket

LEG: Final = 3
HOST: Final = "127.0.0.1"
FIRST: Final = RtpPacket(
    payload_type=8,
    sequence_number=0xFFFF,
    timestamp=0xFFFFFFFF - 100,
    ssrc=0x89ABCDEF,
    payload=bytes(range(160)),
)


class Line:
    """One leg that has heard a packet of its far end and waits for :data:`FIRST`."""

    def __init__(self, first_fd: int = 0) -> None:
        self.far_end = _bound()
        plain = _bound()
        self.sock = socket.socket(fileno=fcntl.fcntl(plain, fcntl.F_DUPFD, first_fd))
        plain.close()
        self.legs = LegTable(2, np.random.default_rng(1))
        self.legs.open(LEG, self.sock, 10.0)
        self.legs.describe(LEG, payload_type=8, telephone_events=(-1, -1), law=1, receives=True)
        self.legs.in_started[LEG] = True
        self.legs.in_sequence[LEG] = 0x3FFFF
        self.legs.in_timestamp[LEG] = FIRST.timestamp
        self.legs.in_ssrc[LEG] = FIRST.ssrc
        self.receiver = Receiver(self.legs)
        self.receiver.add(LEG, self.sock.fileno())

    def latch(self) -> None:
        self.sock.connect(self.far_end.getsockname())
        self.legs.latch(LEG, self.far_end.getsockname())

    def send(self, data: bytes) -> None:
        self.far_end.sendto(data, self.sock.getsockname())

    def receive(self) -> tuple[list[bytes], list[tuple[int, bytes]]]:
        """Return the frames and the odd packets of one look."""
        self.receiver.receive(10.02)
        legs, frames, _ = self.receiver.frames()
        assert set(legs.tolist()) <= {LEG}
        return [frame.tobytes() for frame in frames], list(self.receiver.odd())

    def close(self) -> None:
        self.receiver.close()
        self.sock.close()
        self.far_end.close()


def _bound() -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    sock.bind((HOST, 0))
    return sock


@pytest.fixture
def line() -> Iterator[Line]:
    line = Line()
    line.latch()
    yield line
    line.close()


def changed(at: int, value: int) -> bytes:
    data = bytearray(bytes(FIRST))
    data[at] ^= value
    return bytes(data)


def test_the_next_packet_is_a_frame_and_the_one_after_it_is_due(line: Line) -> None:
    line.send(bytes(FIRST))
    assert line.receive() == ([FIRST.payload], [])
    assert line.receiver.frames()[2].tolist() == [FIRST.timestamp]
    assert line.legs.in_sequence[LEG] == 0x40000
    assert line.legs.in_timestamp[LEG] == (FIRST.timestamp + 160) % 2**32


def test_a_marker_changes_nothing(line: Line) -> None:
    line.send(changed(1, 0x80))
    assert line.receive() == ([FIRST.payload], [])


@pytest.mark.parametrize("bit", sorted(set(range(12 * 8)) - {15}))
def test_any_other_bit_of_the_header_makes_it_odd(line: Line, bit: int) -> None:
    data = changed(bit // 8, 1 << bit % 8)
    line.send(data)
    assert line.receive() == ([], [(LEG, data)])
    assert line.legs.in_sequence[LEG] == 0x3FFFF


@pytest.mark.parametrize("data", [b"", b"\x80", bytes(FIRST)[:-1], bytes(FIRST) + b"\x00"])
def test_another_length_is_odd(line: Line, data: bytes) -> None:
    line.send(data)
    assert line.receive() == ([], [(LEG, data)])


def test_what_is_too_long_is_cut(line: Line) -> None:
    line.send(bytes(2 * MAX_PACKET))
    assert line.receive() == ([], [(LEG, bytes(MAX_PACKET))])


def test_each_look_takes_one_packet_of_a_leg_in_order(line: Line) -> None:
    line.send(bytes(FIRST))
    line.send(b"second")
    assert line.receive() == ([FIRST.payload], [])
    assert line.receive() == ([], [(LEG, b"second")])
    assert not line.receiver.receive(10.04)


def test_a_leg_that_does_not_receive_counts_and_hears_nothing(line: Line) -> None:
    line.legs.receives[LEG] = False
    line.send(bytes(FIRST))
    assert line.receive() == ([], [])
    assert line.legs.in_sequence[LEG] == 0x40000


def test_a_leg_that_is_not_latched_is_told_and_not_read() -> None:
    line = Line()
    line.send(bytes(FIRST))
    assert line.receive() == ([], [])
    assert line.receiver.not_latched() == [LEG]
    line.latch()
    assert line.receive() == ([FIRST.payload], [])
    assert line.receiver.not_latched() == []
    line.close()


def test_a_far_end_that_is_gone_is_nothing(line: Line) -> None:
    line.far_end.close()
    line.sock.send(b"is anybody there?")
    assert line.receive() == ([], [])


def test_descriptors_may_be_any_number() -> None:
    line = Line(first_fd=900)
    line.latch()
    line.send(bytes(FIRST))
    assert line.receive() == ([FIRST.payload], [])
    line.close()
