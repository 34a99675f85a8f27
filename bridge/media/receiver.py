"""From the wire to rows: one compiled loop takes a packet of each ready leg and compares its header with what is due.

Rules of this file: a packet that is exactly what its leg must send next becomes a frame here and is counted, also where
a few before it were lost; every other is odd and left to who can read it. A packet of a leg that is not tied to its far
end yet is not even read. Losses are usual in this sense because they come when there is least time for them: a worker
that treats them slowly loses more.

The kernel tells once of each arrival (edge-triggered): to tell as long as there is something would have it look at each
socket a second time, when it is empty. So a leg that may have more is looked at again untold: `in_came_s` is when its
packet came, as the ones before let expect, and the next is there 20 ms after. Where it is not, the expectation moves.
"""

import select
from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bridge.media.leg_table import FRAME, FRAME_S, Legs, LegTable
from bridge.media.rounds import Frames, Rounds
from bridge.media.streams import MAX_BRIDGED_FRAMES
from bridge.media.system_calls import (
    EVENT_FD_WORD,
    EVENT_WORDS,
    MSG_DONTWAIT,
    SOCKET_ADDRESS_BYTES,
    epoll_wait,
    getpeername,
    recv,
    recvfrom,
)
from bridge.rtp.packet import HEADER_SIZE
from bridge.rtp.reception import CLOCK_HZ, CLOCK_JUMP_S, JITTER_GAIN
from dtmf.compiled import compiled

MAX_PACKET: Final = 1024
"120 ms of G.711 and a long header extension fit; a longer packet is cut by the kernel and then refused."

_FD_ROOM: Final = 256
"Descriptors by which the table of theirs grows at least."

_ODD: Final = -1


class Receiver:
    """Polls the sockets of all legs. What it has found is good until it looks again."""

    def __init__(self, legs: LegTable) -> None:
        self._rows = legs.rows
        rows = len(legs.rows)
        self._epoll = select.epoll()
        self._leg_of_fd: NDArray[np.intp] = np.zeros(_FD_ROOM, np.intp)
        self._events: NDArray[np.int32] = np.zeros(rows * EVENT_WORDS, np.int32)
        self._packet: NDArray[np.uint8] = np.zeros(MAX_PACKET, np.uint8)
        self._addresses: NDArray[np.uint8] = np.zeros((2, SOCKET_ADDRESS_BYTES), np.uint8)
        self._turn: Legs = np.zeros(rows, np.intp)
        "Legs that are to be read."
        self._again: Legs = np.zeros(rows, np.intp)
        "Legs to look at next time, told of or not, and whether each leg is among them."
        self._is_again: NDArray[np.bool_] = np.zeros(rows, np.bool_)
        self._again_count = 0
        self._legs: Legs = np.zeros(rows, np.intp)
        self._frames: NDArray[np.uint8] = np.zeros((rows, FRAME), np.uint8)
        self._timestamps: NDArray[np.int64] = np.zeros(rows, np.int64)
        self._gaps: NDArray[np.int64] = np.zeros(rows, np.int64)
        "Packets that were lost just before each."
        self._rounds = Rounds(rows)
        self._odd_legs: Legs = np.zeros(rows, np.intp)
        self._odd_sizes: NDArray[np.intp] = np.zeros(rows, np.intp)
        self._odd_packets: NDArray[np.uint8] = np.zeros((rows, MAX_PACKET), np.uint8)
        self._strange_legs: Legs = np.zeros(rows, np.intp)
        self._taken = self._odd = self._strange = 0
        "Frames, odd packets, legs that are not latched."
        self.longest_gap = 0
        "The most that was lost before one of the frames."

    def add(self, leg: int, fd: int) -> None:
        """Listen to a leg's socket."""
        if fd >= len(self._leg_of_fd):
            self._leg_of_fd = np.pad(self._leg_of_fd, (0, fd + _FD_ROOM - len(self._leg_of_fd)))
        self._leg_of_fd[fd] = leg
        self._epoll.register(fd, select.EPOLLIN | select.EPOLLET)

    def remove(self, fd: int) -> None:
        """Stop listening to a socket that is about to close."""
        self._epoll.unregister(fd)
        self.leave(int(self._leg_of_fd[fd]))

    def leave(self, leg: int) -> None:
        """Do not look at a leg again before something comes: it has no packet left."""
        again = self._again[: self._again_count]
        others = again[again != leg]
        self._again_count = len(others)
        self._again[: len(others)] = others

    def close(self) -> None:
        """Release the poll descriptor."""
        self._epoll.close()

    def receive(self, now: float) -> bool:
        """Take at most one packet of each leg; return whether any had one."""
        latched, self._strange = _look(
            self._epoll.fileno(),
            self._events,
            self._leg_of_fd,
            self._rows,
            self._again[: self._again_count],
            self._is_again,
            self._turn,
            self._strange_legs,
        )
        self._again_count = self._strange
        self._again[: self._strange] = self._strange_legs[: self._strange]
        read = self._take(self._turn[:latched], now, sifts=False)
        return read + self._strange > 0

    def receive_queued(self, legs: Legs, now: float) -> Legs:
        """Take one packet of each of `legs` (n,), which were latched just now; return those that had one.

        What came from elsewhere before the leg was latched is thrown away.
        """
        self._strange = 0
        read = self._take(legs, now, sifts=True)
        return self._turn[:read].copy()

    def gaps(self) -> tuple[Legs, NDArray[np.int64]]:
        """Return legs (n,) and how many packets were lost (n,) before theirs, 0 where none was."""
        return self._legs[: self._taken], self._gaps[: self._taken]

    def frames(self) -> Iterator[Frames]:
        """Yield what the packets that were due bring: what was lost before them, a frame a leg and round, and they."""
        if count := self._taken:
            yield from self._rounds.of(
                self._legs[:count],
                self._frames[:count],
                self._timestamps[:count],
                self._gaps[:count],
                self.longest_gap,
            )

    def odd(self) -> Iterator[tuple[int, bytes]]:
        """Yield leg and bytes of all other packets."""
        for row in range(self._odd):
            size = int(self._odd_sizes[row])
            yield int(self._odd_legs[row]), self._odd_packets[row, :size].tobytes()

    def not_latched(self) -> list[int]:
        """Return the legs with packets that were left where they are."""
        legs: list[int] = self._strange_legs[: self._strange].tolist()
        return legs

    def _take(self, turn: Legs, now: float, *, sifts: bool) -> int:
        read, self._taken, self.longest_gap, self._odd, self._again_count = _take(
            self._rows,
            turn,
            now,
            sifts,
            self._packet,
            self._addresses,
            self._again,
            self._again_count,
            self._is_again,
            self._turn,
            self._legs,
            self._frames,
            self._timestamps,
            self._gaps,
            self._odd_legs,
            self._odd_sizes,
            self._odd_packets,
        )
        return read


@compiled
def _look(
    epoll: int,
    events: NDArray[np.int32],
    leg_of_fd: NDArray[np.intp],
    rows: NDArray[np.void],
    again: Legs,
    is_again: NDArray[np.bool_],
    turn: Legs,
    strange_legs: Legs,
) -> tuple[int, int]:
    """Find the legs to read, `again` or because something has come: those that are latched, and those that are not."""
    count = latched = strange = 0
    for leg in again:
        turn[count], is_again[leg] = leg, True
        count += 1
    for event in range(epoll_wait(epoll, events.ctypes.data, len(rows), 0)):
        leg = leg_of_fd[events[event * EVENT_WORDS + EVENT_FD_WORD]]
        if not is_again[leg]:
            turn[count] = leg
            count += 1
    for leg in turn[:count]:
        if rows[leg]["socket"] < 0:
            is_again[leg] = False
            strange_legs[strange] = leg
            strange += 1
        else:
            turn[latched] = leg
            latched += 1
    return latched, strange


@compiled
def _take(
    rows: NDArray[np.void],
    turn: Legs,
    now: float,
    sifts: bool,
    packet: NDArray[np.uint8],
    addresses: NDArray[np.uint8],
    again: Legs,
    again_count: int,
    is_again: NDArray[np.bool_],
    read_legs: Legs,
    legs: Legs,
    frames: NDArray[np.uint8],
    timestamps: NDArray[np.int64],
    gaps: NDArray[np.int64],
    odd_legs: Legs,
    odd_sizes: NDArray[np.intp],
    odd_packets: NDArray[np.uint8],
) -> tuple[int, int, int, int, int]:
    """Read a packet of each leg of `turn`, which may be `read_legs` itself; add to `again` where more may wait."""
    read = taken = longest_gap = odd = 0
    for leg in turn:
        row = rows[leg]
        if sifts:
            size = _receive_from_far_end(row["socket"], packet, addresses)
        else:
            size = recv(row["socket"], packet.ctypes.data, MAX_PACKET, MSG_DONTWAIT)
        was_again, is_again[leg] = is_again[leg], False
        if size < 0:  # nothing is there, or the far end's port is closed (ICMP)
            row["in_came_s"] = max(row["in_came_s"], now - FRAME_S)
            continue
        read_legs[read] = leg
        read += 1
        gap = _gap(row, packet) if size == HEADER_SIZE + FRAME else _ODD
        came_s = now if gap == _ODD else min(row["in_came_s"] + (gap + 1) * FRAME_S, now)
        row["in_came_s"] = came_s
        if not sifts and (gap != 0 or was_again or now - came_s >= FRAME_S):
            again[again_count] = leg
            again_count += 1
        if gap == _ODD:
            odd_legs[odd], odd_sizes[odd] = leg, size
            odd_packets[odd, :size] = packet[:size]
            odd += 1
            continue
        timestamps[taken] = _number(packet, 4, 4)
        count_due(row, gap, now)
        if row["receives"]:
            legs[taken], gaps[taken] = leg, gap
            longest_gap = max(longest_gap, gap)
            for sample in range(FRAME):
                frames[taken, sample] = packet[HEADER_SIZE + sample]
            taken += 1
    return read, taken, longest_gap, odd, again_count


@compiled
def _receive_from_far_end(fd: int, packet: NDArray[np.uint8], addresses: NDArray[np.uint8]) -> int:
    """Read the first packet that is of whom the socket is connected to; return its size, or -1."""
    sizes = np.full(2, SOCKET_ADDRESS_BYTES, np.uint32)
    far_end, source = addresses[0], addresses[1]
    if getpeername(fd, far_end.ctypes.data, sizes[:1].ctypes.data) < 0:
        return -1
    while True:
        sizes[1] = SOCKET_ADDRESS_BYTES
        size = recvfrom(
            fd,
            packet.ctypes.data,
            MAX_PACKET,
            MSG_DONTWAIT,
            source.ctypes.data,
            sizes[1:].ctypes.data,
        )
        if size < 0 or np.array_equal(far_end[: sizes[0]], source[: sizes[1]]):
            return size


@compiled
def _gap(row: np.void, packet: NDArray[np.uint8]) -> int:
    """Return how many packets were lost before this one of the usual size, or :data:`_ODD`.

    It is the next of the leg's stream that came, with a header of nothing else; as much time is missing as packets are.
    """
    if not (
        packet[0] == 0x80
        and row["in_started"]
        and packet[1] & 0x7F == row["payload_type"]
        and _number(packet, 8, 4) == row["in_ssrc"]
    ):
        return _ODD
    gap = (_number(packet, 2, 2) - row["in_sequence"]) & 0xFFFF
    if gap > MAX_BRIDGED_FRAMES or (gap > 0 and not row["receives"]):
        return _ODD
    if _number(packet, 4, 4) != (row["in_timestamp"] + gap * FRAME) & 0xFFFFFFFF:
        return _ODD
    return int(gap)


@compiled
def _number(packet: NDArray[np.uint8], at: int, size: int) -> int:
    number = 0
    for byte in range(at, at + size):
        number = number << 8 | packet[byte]
    return number


@compiled
def count_due(row: np.void, gap: int, now: float) -> None:
    """Count a packet that was due on a leg (a row of :class:`LegTable`): what `ReceptionTable` leaves to us."""
    row["in_sequence"] += gap + 1
    row["in_timestamp"] = (row["in_timestamp"] + (gap + 1) * FRAME) & 0xFFFFFFFF
    moved_s = abs(now - row["in_due_s"] - gap * FRAME / CLOCK_HZ)
    row["in_due_s"] = now + FRAME_S
    if moved_s < CLOCK_JUMP_S:
        row["in_jitter_s"] += JITTER_GAIN * (moved_s - row["in_jitter_s"])
