"""From the wire to frames: drains the sockets of a tick and puts each leg's packets into order.

A packet that is exactly what its leg must send next, or would be but for a few that were lost before it, takes the
short way: `bridge.media.receiver` makes frames of it. Whatever is odd takes the long way through
`bridge.media.streams`, which leaves frames in the leg's `pending` queue.

Every frame ends up as (leg, 160 coded bytes, lost flag, timestamp); a lost one is told as lost, never as silence.
"""

from collections.abc import Callable
from typing import Final

import numpy as np

from bridge.media.leg_table import FRAME, FRAME_S, Address, LegTable
from bridge.media.receiver import MAX_PACKET, Receiver
from bridge.media.streams import FrameSink, IntakeCounters, Streams
from bridge.rtp.packet import RtpError, RtpPacket
from bridge.rtp.reception import ReceptionTable
from bridge.rtp.rtcp import is_rtcp

MAX_PACKETS: Final = 8
"""Packets of one leg that a tick takes at most. So many where their sound is not sent: what came while the worker stood
still is got rid of. Elsewhere as many as packet times have passed: fewer would never be made up for."""

MAX_FIRSTS: Final = 32
"""Packets of legs that are not latched that are taken in one tick: each costs as much as a dozen others, and what the
leg has waiting comes on top. The rest waits in the kernel, so that a thousand calls that begin at once, or are moved
here from a worker that is gone, do not hold up those that talk, nor make a tick so long that the worker seems hung."""

MAX_QUEUED: Final = 512
"More small packets than the kernel queues in `port_pool.RECEIVE_BUFFER_BYTES`."


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
        self._legs, self._sink = legs, sink
        self._latch, self._take_rtcp = latch, take_rtcp
        self._streams, self._receiver = Streams(legs, sink, reception), Receiver(legs)
        self._reception = reception
        self._drained_s = 0.0
        self._last_first = -1
        "The leg that was last to have a packet taken before it was latched."

    @property
    def counters(self) -> IntakeCounters:
        """What was refused."""
        return self._streams.counters

    def add(self, leg: int) -> None:
        """Listen to an open leg."""
        self._receiver.add(leg, self._legs.state_of(leg).sock.fileno())

    def remove(self, leg: int) -> None:
        """Stop listening to a leg that is about to close."""
        self._receiver.remove(self._legs.state_of(leg).sock.fileno())
        self._streams.pending.discard(leg)

    def close(self) -> None:
        """Release the poll descriptor."""
        self._receiver.close()

    def drain(self, *, withheld: bool = False) -> None:
        """Take a packet of each leg that has one; one more for each packet time since the last tick, and of what is
        `withheld`.

        The rest waits in the kernel for the next tick, four of which go into a packet time of 20 ms. Looking again
        would find what has come meanwhile, a few packets that cost as much as hundreds together, and again what has
        come while these were treated; and one flooded port would hold up the others.
        """
        receiver, firsts = self._receiver, MAX_FIRSTS
        now = self._sink.now
        looks = 1 + int((now - self._drained_s) / FRAME_S)
        self._drained_s = now
        for _ in range(MAX_PACKETS if withheld else min(looks, MAX_PACKETS)):
            if not receiver.receive(self._sink.now):
                return
            turn = self._first_turn(receiver.not_latched(), firsts)
            firsts -= len(turn)
            latched = [leg for leg in turn if self._take_first(leg)]
            self._hand_on()
            if latched:
                self._take_queued(latched)

    def _first_turn(self, legs: list[int], most: int) -> list[int]:
        """Return whose turn it is of the legs that are not latched, `most` of them."""
        legs.sort(key=lambda leg: (leg <= self._last_first, leg))
        turn = legs[:most]
        self._last_first = turn[-1] if turn else self._last_first
        return turn

    def _take_first(self, leg: int) -> bool:
        """Take a packet of a leg that is not latched; return whether it is now."""
        state = self._legs.state_of(leg)
        try:
            data, source = state.sock.recvfrom(MAX_PACKET)
        except BlockingIOError:
            self._receiver.leave(leg)
            return False
        except OSError:
            return False  # the far end's port is closed (ICMP)
        if self._is_meant_for(leg, data):
            self._latch(leg, source)
        self._take_odd(leg, data)
        return state.latched

    def _is_meant_for(self, leg: int, data: bytes) -> bool:
        """Return whether this is what the leg is to carry: a stray packet must not take it over."""
        try:
            payload_type = RtpPacket.parse(data).payload_type
        except RtpError:
            return False
        legs = self._legs
        return bool(payload_type == legs.payload_type[leg]) or legs.is_event(leg, payload_type)

    def _take_queued(self, legs: list[int]) -> None:
        """Treat what the far ends of `legs` had sent before these were latched, one packet a leg and round."""
        queued = np.array(legs, np.intp)
        for _ in range(MAX_QUEUED):
            queued = self._receiver.receive_queued(queued, self._sink.now)
            if not len(queued):
                return
            self._hand_on()

    def _hand_on(self) -> None:
        """Treat what the receiver has found."""
        receiver = self._receiver
        for leg, data in receiver.odd():
            self._take_odd(leg, data)
        if receiver.longest_gap:
            self._reception.count_gaps(*receiver.gaps())
        for frames in receiver.frames():
            self._sink.take_frames(*frames)
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
