"""From the wire to rows: one compiled loop takes a packet of each ready leg and compares its header with what is due.

Rules of this file: a packet that is exactly what its leg must send next becomes a frame here and is counted; every
other is odd and left to who can read it. A packet of a leg that is not tied to its far end yet is not even read.
"""

import select
from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bridge.media.leg_table import FRAME, FRAME_S, Legs, LegTable
from bridge.media.system_calls import EVENT_FD_WORD, EVENT_WORDS, MSG_DONTWAIT, epoll_wait, recv
from bridge.rtp.packet import HEADER_SIZE
from bridge.rtp.reception import JITTER_GAIN
from dtmf.compiled import compiled

MAX_PACKET: Final = 1024
"120 ms of G.711 and a long header extension fit; a longer packet is cut by the kernel and then refused."

_FD_ROOM: Final = 256
"Descriptors by which the table of theirs grows at least."


class Receiver:
    """Polls the sockets of all legs. What a :meth:`receive` has found is good until the next."""

    def __init__(self, legs: LegTable) -> None:
        self._rows = legs.rows
        rows = len(legs.rows)
        self._epoll = select.epoll()
        self._leg_of_fd: NDArray[np.intp] = np.zeros(_FD_ROOM, np.intp)
        self._events: NDArray[np.int32] = np.zeros(rows * EVENT_WORDS, np.int32)
        self._packet: NDArray[np.uint8] = np.zeros(MAX_PACKET, np.uint8)
        self._legs: Legs = np.zeros(rows, np.intp)
        self._frames: NDArray[np.uint8] = np.zeros((rows, FRAME), np.uint8)
        self._timestamps: NDArray[np.int64] = np.zeros(rows, np.int64)
        self._odd_legs: Legs = np.zeros(rows, np.intp)
        self._odd_sizes: NDArray[np.intp] = np.zeros(rows, np.intp)
        self._odd_packets: NDArray[np.uint8] = np.zeros((rows, MAX_PACKET), np.uint8)
        self._strange_legs: Legs = np.zeros(rows, np.intp)
        self._counts: tuple[int, int, int] = (0, 0, 0)
        "Frames, odd packets, legs that are not latched."

    def add(self, leg: int, fd: int) -> None:
        """Listen to a leg's socket."""
        if fd >= len(self._leg_of_fd):
            self._leg_of_fd = np.pad(self._leg_of_fd, (0, fd + _FD_ROOM - len(self._leg_of_fd)))
        self._leg_of_fd[fd] = leg
        self._epoll.register(fd, select.EPOLLIN)

    def remove(self, fd: int) -> None:
        """Stop listening to a socket that is about to close."""
        self._epoll.unregister(fd)

    def close(self) -> None:
        """Release the poll descriptor."""
        self._epoll.close()

    def receive(self, now: float) -> bool:
        """Take at most one packet of each leg; return whether any had one."""
        ready, *counts = _receive(
            self._epoll.fileno(),
            self._events,
            self._leg_of_fd,
            self._rows,
            now,
            self._packet,
            self._legs,
            self._frames,
            self._timestamps,
            self._odd_legs,
            self._odd_sizes,
            self._odd_packets,
            self._strange_legs,
        )
        self._counts = (counts[0], counts[1], counts[2])
        return ready > 0

    def frames(self) -> tuple[Legs, NDArray[np.uint8], NDArray[np.int64]]:
        """Return legs (n,), coded frames (n, 160) and timestamps (n,) of packets that were due."""
        count = self._counts[0]
        return self._legs[:count], self._frames[:count], self._timestamps[:count]

    def odd(self) -> Iterator[tuple[int, bytes]]:
        """Yield leg and bytes of all other packets."""
        for row in range(self._counts[1]):
            size = int(self._odd_sizes[row])
            yield int(self._odd_legs[row]), self._odd_packets[row, :size].tobytes()

    def not_latched(self) -> list[int]:
        """Return the legs with packets that were left where they are."""
        legs: list[int] = self._strange_legs[: self._counts[2]].tolist()
        return legs


@compiled
def _receive(
    epoll: int,
    events: NDArray[np.int32],
    leg_of_fd: NDArray[np.intp],
    rows: NDArray[np.void],
    now: float,
    packet: NDArray[np.uint8],
    legs: Legs,
    frames: NDArray[np.uint8],
    timestamps: NDArray[np.int64],
    odd_legs: Legs,
    odd_sizes: NDArray[np.intp],
    odd_packets: NDArray[np.uint8],
    strange_legs: Legs,
) -> tuple[int, int, int, int]:
    taken = odd = strange = 0
    ready = epoll_wait(epoll, events.ctypes.data, len(rows), 0)
    for event in range(ready):
        leg = leg_of_fd[events[event * EVENT_WORDS + EVENT_FD_WORD]]
        row = rows[leg]
        if row["socket"] < 0:
            strange_legs[strange] = leg
            strange += 1
            continue
        size = recv(row["socket"], packet.ctypes.data, MAX_PACKET, MSG_DONTWAIT)
        if size < 0:
            continue  # the far end's port is closed (ICMP) or nothing is there after all
        if size == HEADER_SIZE + FRAME and _is_due(row, packet):
            timestamps[taken] = row["in_timestamp"]
            count_due(row, now)
            if row["receives"]:
                legs[taken] = leg
                for sample in range(FRAME):
                    frames[taken, sample] = packet[HEADER_SIZE + sample]
                taken += 1
        else:
            odd_legs[odd], odd_sizes[odd] = leg, size
            odd_packets[odd, :size] = packet[:size]
            odd += 1
    return ready, taken, odd, strange


@compiled
def _is_due(row: np.void, packet: NDArray[np.uint8]) -> bool:
    """Return whether a packet of the usual size is the next of the leg's stream, with a header of nothing else."""
    return bool(
        packet[0] == 0x80
        and row["in_started"]
        and packet[1] & 0x7F == row["payload_type"]
        and _number(packet, 2, 2) == row["in_sequence"] & 0xFFFF
        and _number(packet, 4, 4) == row["in_timestamp"]
        and _number(packet, 8, 4) == row["in_ssrc"]
    )


@compiled
def _number(packet: NDArray[np.uint8], at: int, size: int) -> int:
    number = 0
    for byte in range(at, at + size):
        number = number << 8 | packet[byte]
    return number


@compiled
def count_due(row: np.void, now: float) -> None:
    """Count the packet that was due on a leg (a row of :class:`LegTable`): what `ReceptionTable` leaves to us."""
    row["in_sequence"] += 1
    row["in_timestamp"] = (row["in_timestamp"] + FRAME) & 0xFFFFFFFF
    moved_s = abs(now - row["in_due_s"])
    row["in_due_s"] = now + FRAME_S
    row["in_jitter_s"] += JITTER_GAIN * (moved_s - row["in_jitter_s"])
