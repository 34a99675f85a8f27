"""The compiled way from sockets to frames: what it takes for the next packet of a stream, and what it leaves alone."""

import fcntl
import socket
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import numpy as np
import pytest

from bridge.media.leg_table import LegTable
from bridge.media.receiver import MAX_PACKET, Receiver
from bridge.media.streams import MAX_BRIDGED_FRAMES
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

    def __init__(self, first_fd: int = 0, host: str = HOST) -> None:
        self.far_end = _bound(host)
        plain = _bound(host)
        self.sock = socket.socket(fileno=fcntl.fcntl(plain, fcntl.F_DUPFD, first_fd))
        plain.close()
        self.legs = LegTable(2, np.random.default_rng(1))
        self.legs.open(LEG, self.sock, 10.0)
        self.legs.describe(LEG, payload_type=8, telephone_events=(-1, -1), law=1, receives=True)
        self.legs.in_started[LEG] = True
        self.legs.in_sequence[LEG] = 0x3FFFF
        self.legs.in_timestamp[LEG] = FIRST.timestamp
        self.legs.in_ssrc[LEG] = FIRST.ssrc
        self.timestamps: list[int] = []
        "Of the frames of the last look."
        self.receiver = Receiver(self.legs)
        self.receiver.add(LEG, self.sock.fileno())

    def latch(self) -> None:
        self.sock.connect(self.far_end.getsockname())
        self.legs.latch(LEG, self.far_end.getsockname())

    def send(self, data: bytes) -> None:
        self.far_end.sendto(data, self.sock.getsockname())

    def receive(self) -> tuple[list[bytes | None], list[tuple[int, bytes]]]:
        """Return the frames (None: lost) and the odd packets of one look."""
        self.receiver.receive(10.02)
        return self.found()

    def found(self) -> tuple[list[bytes | None], list[tuple[int, bytes]]]:
        """Return the frames and the odd packets that were found last."""
        self.timestamps = []
        frames: list[bytes | None] = []
        for legs, coded, lost, timestamps in self.receiver.frames():
            assert legs.tolist() == [LEG]
            frames.append(None if lost[0] else coded[0].tobytes())
            self.timestamps += timestamps.tolist()
        return frames, list(self.receiver.odd())

    def close(self) -> None:
        self.receiver.close()
        self.sock.close()
        self.far_end.close()


def _bound(host: str = HOST) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    sock.bind((host, 0))
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
    assert line.timestamps == [FIRST.timestamp]
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


class Stream:
    """Packets of 20 ms, and looks every 5 ms."""

    def __init__(self, line: Line) -> None:
        self._line, self._sent, self.now = line, 0, 20.0
        line.legs.in_came_s[LEG] = self.now - 0.02
        line.receiver.receive(self.now)

    def send(self) -> None:
        data = replace(
            FIRST,
            sequence_number=(FIRST.sequence_number + self._sent) % 2**16,
            timestamp=(FIRST.timestamp + 160 * self._sent) % 2**32,
        )
        self._line.send(bytes(data))
        self._sent += 1

    def look(self, after_s: float = 0.005) -> int:
        """Return how many frames the next look finds."""
        self.now += after_s
        self._line.receiver.receive(self.now)
        return len(self._line.found()[0])


def test_what_is_behind_a_packet_that_came_late_is_taken_by_the_next_look(line: Line) -> None:
    stream = Stream(line)
    line.legs.in_came_s[LEG] = stream.now - 0.036
    stream.send()
    stream.send()
    assert [stream.look(), stream.look(), stream.look()] == [1, 1, 0]


def test_after_a_long_tick_all_that_has_come_is_taken_by_as_many_looks(line: Line) -> None:
    stream = Stream(line)
    for _ in range(3):
        stream.send()
    assert [stream.look(0.06), stream.look(0), stream.look(0), stream.look(0)] == [1, 1, 1, 0]


def test_a_stream_that_is_late_for_good_is_expected_later_as_soon_as_it_is_missed(
    line: Line,
) -> None:
    stream = Stream(line)
    stream.look(0.1)
    for _ in range(3):
        stream.send()
        assert [stream.look() for _ in range(4)] == [1, 0, 0, 0]
        read_s = stream.now - 0.015
        assert read_s - 0.02 < line.legs.in_came_s[LEG] < read_s


def test_what_waits_since_before_an_odd_packet_is_made_up_for(line: Line) -> None:
    stream = Stream(line)
    line.send(b"odd")
    for _ in range(3):
        stream.send()
    assert [stream.look() for _ in range(5)] == [0, 1, 1, 1, 0]


def test_a_leg_that_is_not_latched_is_told_of_until_it_is() -> None:
    line = Line()
    line.send(bytes(FIRST))
    assert line.receive() == line.receive() == ([], [])
    assert line.receiver.not_latched() == [LEG]
    line.latch()
    assert line.receive() == ([FIRST.payload], [])
    line.close()


def test_a_leg_that_is_not_latched_is_left_when_it_has_no_packet_and_told_of_with_the_next() -> (
    None
):
    line = Line()
    line.send(b"stray")
    line.receive()
    line.sock.recv(100)
    line.receiver.leave(LEG)
    assert not line.receiver.receive(10.04)
    line.send(b"another")
    assert line.receiver.receive(10.06)
    assert line.receiver.not_latched() == [LEG]
    line.close()


def test_a_leg_that_is_not_listened_to_any_more_is_not_looked_at(line: Line) -> None:
    line.send(b"odd")
    line.send(b"behind it")
    assert line.receive() == ([], [(LEG, b"odd")])
    line.receiver.remove(line.sock.fileno())
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


@pytest.mark.parametrize("lost", range(1, MAX_BRIDGED_FRAMES + 1))
def test_what_a_few_packets_were_lost_before_is_due_too(line: Line, lost: int) -> None:
    later = after(lost)
    line.send(bytes(later))
    assert line.receive() == ([None] * lost + [FIRST.payload], [])
    assert line.timestamps == [after(turn).timestamp for turn in range(lost + 1)]
    assert [column.tolist() for column in line.receiver.gaps()] == [[LEG], [lost]]
    assert line.receiver.longest_gap == lost
    line.send(bytes(after(lost + 1)))
    assert line.receive() == ([FIRST.payload], [])
    assert line.receiver.longest_gap == 0


@pytest.mark.parametrize("samples", [-160, -1, 1, 160])
def test_a_gap_that_is_not_as_long_as_what_is_missing_is_odd(line: Line, samples: int) -> None:
    data = bytes(replace(after(2), timestamp=(after(2).timestamp + samples) % 2**32))
    line.send(data)
    assert line.receive() == ([], [(LEG, data)])
    assert line.legs.in_sequence[LEG] == 0x3FFFF


def test_what_a_leg_lost_that_does_not_receive_is_nobodys_loss(line: Line) -> None:
    line.legs.receives[LEG] = False
    line.send(bytes(after(2)))
    assert line.receive() == ([], [(LEG, bytes(after(2)))])
    assert line.legs.in_sequence[LEG] == 0x3FFFF


@pytest.mark.parametrize("host", [HOST, "::1"])
def test_what_a_far_end_sent_before_its_leg_was_latched_is_all_that_is_taken(host: str) -> None:
    line, stranger = Line(host=host), _bound(host)
    to = line.sock.getsockname()
    for turn in range(3):
        stranger.sendto(b"not for you", to)
        line.send(bytes(after(turn)))
        stranger.sendto(bytes(after(turn + 1)), to)
    line.latch()
    legs, taken = np.array([LEG]), []
    while len(legs := line.receiver.receive_queued(legs, 10.02)):
        assert legs.tolist() == [LEG]
        taken += line.found()[0]
    assert taken == [FIRST.payload] * 3
    assert not line.receiver.receive(10.02)
    stranger.close()
    line.close()


def after(packets: int) -> RtpPacket:
    """Return the packet that comes so many after the first."""
    return replace(
        FIRST,
        sequence_number=(FIRST.sequence_number + packets) % 2**16,
        timestamp=(FIRST.timestamp + packets * 160) % 2**32,
    )
