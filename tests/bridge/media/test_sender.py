"""The compiled way from frames to the wire: each leg's own header, law and socket, whatever becomes of the others."""

import socket
from collections.abc import Iterator
from typing import Final

import numpy as np
import pytest

from bridge.media.leg_table import FRAME, LegTable
from bridge.media.sender import Sender
from bridge.rtp.g711 import A_LAW, MU_LAW, decode, encode
from bridge.rtp.packet import RtpPacket

HOST: Final = "127.0.0.1"
LEGS: Final = np.arange(4)
ALL: Final = np.ones(4, np.bool_)
SOUND: Final = np.random.default_rng(1).normal(0, 3000, (4, FRAME)).astype(np.int16)


class Wires:
    """Four legs, each with a far end; those of odd number speak A-law."""

    def __init__(self) -> None:
        self.table = LegTable(2, np.random.default_rng(1))
        self.sender = Sender(self.table)
        self.ours = [_bound() for _ in LEGS]
        self.far_ends = [_bound() for _ in LEGS]
        for leg, sock in enumerate(self.ours):
            self.table.open(leg, sock, 0.0)
            law = A_LAW if leg & 1 else MU_LAW
            self.table.describe(
                leg, payload_type=8 * law, telephone_events=(-1, -1), law=law, receives=True
            )
            self.table.sends[leg] = True
            sock.connect(self.far_ends[leg].getsockname())
            self.table.latch(leg, self.far_ends[leg].getsockname())

    def heard(self, leg: int) -> list[RtpPacket]:
        packets = []
        while True:
            try:
                packets.append(RtpPacket.parse(self.far_ends[leg].recv(2048)))
            except BlockingIOError:
                return packets

    def close(self) -> None:
        for sock in self.ours + self.far_ends:
            sock.close()


def _bound() -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    sock.bind((HOST, 0))
    return sock


@pytest.fixture
def wires() -> Iterator[Wires]:
    wires = Wires()
    yield wires
    wires.close()


def codec(leg: int) -> str:
    return "PCMA" if leg & 1 else "PCMU"


def test_each_leg_has_a_stream_of_its_own(wires: Wires) -> None:
    table = wires.table
    table.out_sequence[2], table.out_timestamp[2] = 0x1FFFF, 0xFFFFFFFE
    expected = [(int(table.out_timestamp[leg]), int(table.out_ssrc[leg])) for leg in range(4)]
    for _ in range(2):
        wires.sender.send(LEGS, SOUND, ALL)
    for leg in range(4):
        first, second = wires.heard(leg)
        assert (first.timestamp, first.ssrc) == expected[leg]
        assert (first.marker, second.marker) == (True, False)
        assert second.sequence_number == (first.sequence_number + 1) % 2**16
        assert first.payload_type == 8 * (leg & 1)
        assert first.payload == second.payload == encode(SOUND[leg], codec(leg))
    assert table.out_sequence[2] == 0x20001


def test_what_is_passed_on_goes_to_the_other_side_in_its_law(wires: Wires) -> None:
    coded = np.array([list(encode(SOUND[leg], codec(leg))) for leg in range(4)], np.uint8)
    wires.sender.pass_on(LEGS, coded, ALL)
    for leg in range(4):
        (packet,) = wires.heard(leg ^ 1)
        heard = decode(coded[leg].tobytes(), codec(leg))
        assert packet.payload == encode(heard, codec(leg ^ 1))


def test_the_same_law_passes_bit_by_bit(wires: Wires) -> None:
    wires.table.law[:] = MU_LAW
    coded = np.tile(np.arange(FRAME, dtype=np.uint8) + 96, (4, 1))  # both zeros of mu-law
    wires.sender.pass_on(LEGS, coded, ALL)
    assert [packet.payload for packet in wires.heard(0)] == [coded[1].tobytes()]


def test_only_the_chosen_that_send_are_sent_and_counted(wires: Wires) -> None:
    wires.table.sends[1] = False
    before = wires.table.out_sequence.copy()
    wires.sender.send(LEGS, SOUND, np.array([True, True, False, True]))
    assert [len(wires.heard(leg)) for leg in range(4)] == [1, 0, 0, 1]
    assert (wires.table.out_sequence - before).tolist() == [1, 0, 0, 1]


def test_a_leg_that_is_not_latched_sends_its_own_way_and_its_own_packet(wires: Wires) -> None:
    sent: list[bytes] = []

    def send(packet: memoryview) -> int:
        sent.append(bytes(packet))
        return len(packet)

    wires.table.unlatch(0, send)
    wires.table.unlatch(2, send)
    wires.sender.send(LEGS, SOUND, ALL)
    assert [RtpPacket.parse(packet).payload for packet in sent] == [
        encode(SOUND[leg], codec(leg)) for leg in (0, 2)
    ]
    assert [len(wires.heard(leg)) for leg in range(4)] == [0, 1, 0, 1]


def test_a_far_end_that_is_gone_is_counted_and_costs_nobody_else(wires: Wires) -> None:
    wires.far_ends[1].close()
    for _ in range(4):
        wires.sender.send(LEGS, SOUND, ALL)
    assert 1 <= wires.sender.refused <= 3  # every other one is told that the one before was lost
    assert [len(wires.heard(leg)) for leg in (0, 2, 3)] == [4, 4, 4]
