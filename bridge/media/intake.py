"""From the wire to frames: drains the sockets of a tick and puts each leg's packets into order.

A packet that is exactly what its leg must send next (the usual case) takes the short way: its header is compared in
one NumPy pass with all others. Whatever is odd takes the long way through `bridge.media.streams`, which leaves frames
in the leg's `pending` queue.

Every frame ends up as (leg, 160 coded bytes, lost flag, timestamp); a lost one is told as lost, never as silence.
"""

import select
from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bridge.media.leg_table import FRAME, FRAME_S, Address, LegTable
from bridge.media.streams import FrameSink, IntakeCounters, Streams
from bridge.rtp.packet import HEADER_SIZE, RtpError, RtpPacket
from bridge.rtp.reception import ReceptionTable
from bridge.rtp.rtcp import is_rtcp

MAX_PACKET: Final = 1024
"120 ms of G.711 and a long header extension fit; a longer packet is cut by the kernel and then refused."

MAX_PASSES: Final = 8
"Packets of one leg treated in one tick; the rest waits in the kernel, so one flooded port cannot hold up the others."

MAX_QUEUED: Final = 512
"More small packets than the kernel queues in `port_pool.RECEIVE_BUFFER_BYTES`."

_PLAIN_SIZE: Final = HEADER_SIZE + FRAME


class Intake:
    """Reads the sockets of all legs."""

    def __init__(
        self,
        legs: LegTable,
        sink: FrameSink,
        reception: ReceptionTable,
        *,
        latch: Callable[[int, Address], None],
        take_rtcp: Callable[[int, bytes], None],
    ) -> None:
        """`latch(leg, source)` ties a leg to the source of its first good packet.

        `take_rtcp(leg, data)` gets the RTCP that comes from that source on the same port (RFC 5761).
        """
        self._legs, self._sink, self._reception = legs, sink, reception
        self._latch, self._take_rtcp = latch, take_rtcp
        self._streams = Streams(legs, sink, reception)
        rows = len(legs.state)
        self._epoll = select.epoll()
        self._leg_of_fd: dict[int, int] = {}
        self._rows: NDArray[np.uint8] = np.zeros((rows, MAX_PACKET), np.uint8)
        self._views = [memoryview(row.data) for row in self._rows]
        self._row_leg: NDArray[np.intp] = np.zeros(rows, np.intp)
        self._row_size: NDArray[np.int64] = np.zeros(rows, np.int64)
        self._queued: list[tuple[int, bytes]] = []
        "What a leg's far end had sent before the leg was latched to it."

    @property
    def counters(self) -> IntakeCounters:
        """What was refused."""
        return self._streams.counters

    def add(self, leg: int) -> None:
        """Listen to an open leg."""
        fd = self._legs.state_of(leg).sock.fileno()
        self._leg_of_fd[fd] = leg
        self._epoll.register(fd, select.EPOLLIN)

    def remove(self, leg: int) -> None:
        """Stop listening to a leg that is about to close."""
        fd = self._legs.state_of(leg).sock.fileno()
        del self._leg_of_fd[fd]
        self._epoll.unregister(fd)
        self._streams.pending.discard(leg)

    def close(self) -> None:
        """Release the poll descriptor."""
        self._epoll.close()

    def drain(self) -> None:
        """Take what has arrived, one packet a leg and pass."""
        for _ in range(MAX_PASSES):
            ready = self._epoll.poll(0)
            if not ready:
                return
            count = self._receive(ready)
            if count:
                self._sort_out(count)
            self._take_queued()

    def _receive(self, ready: list[tuple[int, int]]) -> int:
        legs, views, count = self._legs, self._views, 0
        for fd, _ in ready:
            leg = self._leg_of_fd[fd]
            state = legs.state_of(leg)
            try:
                if state.source is not None:
                    size = state.sock.recv_into(views[count])
                else:
                    size, source = state.sock.recvfrom_into(views[count])
                    self._latch_to(leg, views[count][:size], source)
            except OSError:
                # The far end's port is closed (ICMP) or nothing is there after all.
                continue
            self._row_leg[count], self._row_size[count] = leg, size
            count += 1
        return count

    def _latch_to(self, leg: int, data: memoryview, source: Address) -> None:
        """Latch only to what this leg is meant to carry, so that a stray packet does not take the leg over."""
        try:
            payload_type = RtpPacket.parse(bytes(data)).payload_type
        except RtpError:
            return
        legs = self._legs
        if payload_type == legs.payload_type[leg] or legs.is_event(leg, payload_type):
            self._latch(leg, source)
            self._sift(leg, source)

    def _sift(self, leg: int, source: Address) -> None:
        """Empty the queue of a leg that was latched just now: what came earlier may be anybody's."""
        state = self._legs.state_of(leg)
        for _ in range(MAX_QUEUED if state.latched else 0):
            try:
                data, sender = state.sock.recvfrom(MAX_PACKET)
            except OSError:
                return
            if sender == source:
                self._queued.append((leg, data))

    def _take_queued(self) -> None:
        for leg, data in self._queued:
            self._take_odd(leg, data)
            self._take_pending()
        self._queued.clear()

    def _sort_out(self, count: int) -> None:
        legs, rows, row_leg = self._legs, self._rows[:count], self._row_leg[:count]
        sequence = (rows[:, 2].astype(np.int64) << 8) | rows[:, 3]
        words = rows[:, 4:HEADER_SIZE].copy().view(">u4").astype(np.int64)
        plain = (
            (self._row_size[:count] == _PLAIN_SIZE)
            & (rows[:, 0] == 0x80)
            & legs.in_started[row_leg]
            & ((rows[:, 1] & 0x7F) == legs.payload_type[row_leg])
            & (sequence == legs.in_sequence[row_leg] & 0xFFFF)
            & (words[:, 0] == legs.in_timestamp[row_leg])
            & (words[:, 1] == legs.in_ssrc[row_leg])
        )
        for row in np.flatnonzero(~plain).tolist():
            self._take_odd(int(row_leg[row]), bytes(self._views[row][: self._row_size[row]]))
        chosen = row_leg[plain]
        if len(chosen):
            legs.in_sequence[chosen] += 1
            legs.in_timestamp[chosen] = (words[plain, 0] + FRAME) & 0xFFFFFFFF
            self._reception.measure_next(chosen, FRAME_S, self._sink.now)
            wanted = legs.receives[chosen]
            frames = rows[plain, HEADER_SIZE:_PLAIN_SIZE]
            lost = np.zeros(len(chosen), np.bool_)
            self._sink.take_frames(
                chosen[wanted], frames[wanted], lost[wanted], words[plain, 0][wanted]
            )
        self._take_pending()

    def _take_odd(self, leg: int, data: bytes) -> None:
        if is_rtcp(data):
            if self._legs.state_of(leg).latched:
                self._take_rtcp(leg, data)
        else:
            self._streams.take(leg, data)

    def _take_pending(self) -> None:
        """Treat what the long way left, one frame a leg and round, in order."""
        while self._streams.pending:
            legs = np.array(sorted(self._streams.pending), np.intp)
            frames = [self._legs.state_of(leg).pending.popleft() for leg in legs.tolist()]
            self._streams.pending = {
                leg for leg in self._streams.pending if self._legs.state_of(leg).pending
            }
            coded = np.zeros((len(legs), FRAME), np.uint8)
            for row, (data, _) in enumerate(frames):
                if data is not None:
                    coded[row] = np.frombuffer(data, np.uint8)
            lost = np.array([data is None for data, _ in frames], np.bool_)
            timestamps = np.array([timestamp for _, timestamp in frames], np.int64)
            self._sink.take_frames(legs, coded, lost, timestamps)
