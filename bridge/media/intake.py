"""From the wire to frames: drains the sockets of a tick and puts each leg's packets into order.

A packet that is exactly what its leg must send next (the usual case) takes the short way: its header is compared in
one NumPy pass with all others. Whatever is odd (first packet, loss, event, other packet time, foreign payload)
takes the long way through :meth:`Intake._take_odd`, which leaves frames in the leg's `pending` queue.

Every frame ends up as (leg, 160 coded bytes, lost flag, timestamp); a lost one is told as lost, never as silence.
"""

import select
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from bridge.media.leg_table import FRAME, Legs, LegState, LegTable
from bridge.rtp import comfort_noise
from bridge.rtp.packet import HEADER_SIZE, RtpError, RtpPacket
from bridge.rtp.telephone_event import TelephoneEvent, TelephoneEventError
from dtmf.keys import HiddenKey

MAX_PACKET: Final = 1024
"120 ms of G.711 and a long header extension fit; a longer packet is cut by the kernel and then refused."

MAX_PAYLOAD: Final = 960
"120 ms; what claims to be more is no telephone audio."

MAX_PASSES: Final = 8
"Packets of one leg treated in one tick; the rest waits in the kernel, so one flooded port cannot hold up the others."

MAX_BRIDGED_FRAMES: Final = 5
"A hole of up to 100 ms is told to the detector as lost frames; after a longer one it starts afresh."

MAX_DROPOUT: Final = 3000
"Sequence numbers may jump ahead so far (a minute) before it takes two packets in a row to believe it (RFC 3550 A.1)."

MAX_MISORDER: Final = 100
"And back so far (2 s) for a packet to be late, rather than of a sender that counts anew (RFC 3550 A.1)."

MAX_QUEUED: Final = 512
"More small packets than the kernel queues in `port_pool.RECEIVE_BUFFER_BYTES`."

_PLAIN_SIZE: Final = HEADER_SIZE + FRAME


class FrameSink(Protocol):
    """What treats the frames."""

    now: float
    "Of this tick, monotonic seconds."

    def take_frames(
        self,
        legs: Legs,
        coded: NDArray[np.uint8],
        lost: NDArray[np.bool_],
        timestamps: NDArray[np.int64],
    ) -> None:
        """Treat frames of different legs: `(n,)`, `(n, 160)`, `(n,)`, `(n,)`."""
        ...

    def take_event(
        self, leg: int, event: TelephoneEvent, key: HiddenKey | None, packet: RtpPacket
    ) -> None:
        """Treat one telephone event packet; `key` is set on the first packet seen of a press."""
        ...

    def take_pause(self, leg: int, level: int) -> None:
        """The far end sends no sound until further notice; meanwhile there is noise of `level` -dBov (RFC 3389)."""
        ...

    def restart_stream(self, leg: int, timestamp: int) -> None:
        """A new stream, or one after a long hole, begins on `leg`; what was held of the old one is void."""
        ...


@dataclass(slots=True)
class IntakeCounters:
    """What was refused, by reason."""

    malformed: int = 0
    late: int = 0
    foreign_payload: int = 0


class Intake:
    """Reads the sockets of all legs."""

    def __init__(
        self, legs: LegTable, sink: FrameSink, latch: Callable[[int, tuple[str, int]], None]
    ) -> None:
        """`latch(leg, source)` ties a leg to the source of its first good packet."""
        self._legs, self._sink, self._latch = legs, sink, latch
        rows = len(legs.state)
        self._epoll = select.epoll()
        self._leg_of_fd: dict[int, int] = {}
        self._rows: NDArray[np.uint8] = np.zeros((rows, MAX_PACKET), np.uint8)
        self._views = [memoryview(row.data) for row in self._rows]
        self._row_leg: NDArray[np.intp] = np.zeros(rows, np.intp)
        self._row_size: NDArray[np.int64] = np.zeros(rows, np.int64)
        self._pending: set[int] = set()
        self._queued: list[tuple[int, bytes]] = []
        "What a leg's far end had sent before the leg was latched to it."
        self.counters = IntakeCounters()

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
        self._pending.discard(leg)

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
                if state.latched:
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

    def _latch_to(self, leg: int, data: memoryview, source: tuple[str, int]) -> None:
        """Latch only to what this leg is meant to carry, so that a stray packet does not take the leg over."""
        try:
            payload_type = RtpPacket.parse(bytes(data)).payload_type
        except RtpError:
            return
        legs = self._legs
        if payload_type == legs.payload_type[leg] or legs.is_event(leg, payload_type):
            self._latch(leg, source)
            self._sift(leg, source)

    def _sift(self, leg: int, source: tuple[str, int]) -> None:
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
            & (sequence == legs.in_sequence[row_leg])
            & (words[:, 0] == legs.in_timestamp[row_leg])
            & (words[:, 1] == legs.in_ssrc[row_leg])
        )
        for row in np.flatnonzero(~plain).tolist():
            self._take_odd(int(row_leg[row]), bytes(self._views[row][: self._row_size[row]]))
        chosen = row_leg[plain]
        if len(chosen):
            legs.in_sequence[chosen] = (sequence[plain] + 1) & 0xFFFF
            legs.in_timestamp[chosen] = (words[plain, 0] + FRAME) & 0xFFFFFFFF
            wanted = legs.receives[chosen]
            frames = rows[plain, HEADER_SIZE:_PLAIN_SIZE]
            lost = np.zeros(len(chosen), np.bool_)
            self._sink.take_frames(
                chosen[wanted], frames[wanted], lost[wanted], words[plain, 0][wanted]
            )
        self._take_pending()

    def _take_pending(self) -> None:
        """Treat what the long way left, one frame a leg and round, in order."""
        while self._pending:
            legs = np.array(sorted(self._pending), np.intp)
            frames = [self._legs.state_of(leg).pending.popleft() for leg in legs.tolist()]
            self._pending = {leg for leg in self._pending if self._legs.state_of(leg).pending}
            coded = np.zeros((len(legs), FRAME), np.uint8)
            for row, (data, _) in enumerate(frames):
                if data is not None:
                    coded[row] = np.frombuffer(data, np.uint8)
            lost = np.array([data is None for data, _ in frames], np.bool_)
            timestamps = np.array([timestamp for _, timestamp in frames], np.int64)
            self._sink.take_frames(legs, coded, lost, timestamps)

    def _take_odd(self, leg: int, data: bytes) -> None:
        legs, state = self._legs, self._legs.state_of(leg)
        try:
            packet = RtpPacket.parse(data)
        except RtpError:
            self.counters.malformed += 1
            return
        if not state.latched or not legs.receives[leg]:
            return
        if not self._is_ours(leg, packet):
            self.counters.foreign_payload += 1
            return
        if not self._in_order(leg, packet):
            self.counters.late += 1
            legs.in_late[leg] += 1
            return
        legs.in_sequence[leg] = (packet.sequence_number + 1) & 0xFFFF
        if legs.is_event(leg, packet.payload_type):
            self._take_event(leg, state, packet)
        elif packet.payload_type == legs.payload_type[leg]:
            self._take_audio(leg, state, packet)
        elif packet.payload_type == comfort_noise.PAYLOAD_TYPE:
            self._take_comfort_noise(leg, state, packet)
        else:
            self.counters.foreign_payload += 1

    def _is_ours(self, leg: int, packet: RtpPacket) -> bool:
        """Return whether the packet is of the stream that was agreed on, or counts in its sequence numbers.

        Another payload from another source (a video stream that lost its way, RTCP) says nothing about ours.
        """
        legs = self._legs
        agreed = packet.payload_type in (legs.payload_type[leg], comfort_noise.PAYLOAD_TYPE)
        expected = agreed or legs.is_event(leg, packet.payload_type)
        return (expected or packet.ssrc == legs.in_ssrc[leg]) and len(packet.payload) <= MAX_PAYLOAD

    def _in_order(self, leg: int, packet: RtpPacket) -> bool:
        """Return whether the packet is not older than what was taken; start a new stream where it opens one."""
        legs, state = self._legs, self._legs.state_of(leg)
        known = legs.in_started[leg] or state.partial or state.silent
        if not known or packet.ssrc != legs.in_ssrc[leg]:
            self._start_stream(leg, packet)
            return True
        ahead = (packet.sequence_number - int(legs.in_sequence[leg])) & 0xFFFF
        if ahead < MAX_DROPOUT:
            return True
        if ahead < 0x10000 - MAX_MISORDER:
            if packet.sequence_number == state.bad_sequence:
                self._start_stream(leg, packet)
                return True
            state.bad_sequence = (packet.sequence_number + 1) & 0xFFFF
        return False

    def _start_stream(self, leg: int, packet: RtpPacket) -> None:
        legs, state = self._legs, self._legs.state_of(leg)
        state.bad_sequence = -1
        if packet.ssrc != legs.in_ssrc[leg]:
            state.events.change_source()
        legs.in_ssrc[leg] = packet.ssrc
        legs.in_timestamp[leg] = packet.timestamp
        legs.in_started[leg] = True
        state.clear_sound()
        self._sink.restart_stream(leg, packet.timestamp)

    def _take_event(self, leg: int, state: LegState, packet: RtpPacket) -> None:
        try:
            event = TelephoneEvent.parse(packet.payload)
        except TelephoneEventError:
            self.counters.malformed += 1
            return
        key = state.events.receive(event, packet.timestamp, self._sink.now)
        self._sink.take_event(leg, event, key, packet)

    def _take_comfort_noise(self, leg: int, state: LegState, packet: RtpPacket) -> None:
        try:
            level = comfort_noise.level_of(packet.payload)
        except comfort_noise.ComfortNoiseError:
            self.counters.malformed += 1
            return
        state.clear_sound()
        state.silent = True
        # Whatever ends the pause must take the long way, where the pause is told to be over.
        self._legs.in_started[leg] = False
        self._sink.take_pause(leg, level)

    def _take_audio(self, leg: int, state: LegState, packet: RtpPacket) -> None:
        legs = self._legs
        hole = (packet.timestamp - int(legs.in_timestamp[leg]) + 2**31) % 2**32 - 2**31
        if state.silent or hole < 0 or hole > MAX_BRIDGED_FRAMES * FRAME:
            state.clear_sound()
            self._sink.restart_stream(leg, packet.timestamp)
        elif hole > 0:
            state.partial += bytes(hole)
            state.unknown = len(state.partial)
        legs.in_timestamp[leg] = (packet.timestamp + len(packet.payload)) & 0xFFFFFFFF
        start = packet.timestamp - len(state.partial)
        state.partial += packet.payload
        while len(state.partial) >= FRAME:
            whole = None if state.unknown else bytes(state.partial[:FRAME])
            state.pending.append((whole, start & 0xFFFFFFFF))
            state.unknown = max(0, state.unknown - FRAME)
            del state.partial[:FRAME]
            start += FRAME
        legs.in_started[leg] = not state.partial
        if state.pending:
            self._pending.add(leg)
