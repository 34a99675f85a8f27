"""One packet at a time: puts what is odd in a leg's stream into order and cuts it into frames.

Odd is whatever `bridge.media.receiver` does not know as the next 20 ms of a stream: a first packet, a long loss, an
event, a pause, another packet time, a foreign payload. What becomes a frame waits in the leg's `pending` queue. A lost
frame is told as lost, never as silence.
"""

from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from bridge.media.leg_table import FRAME, Legs, LegState, LegTable
from bridge.rtp import comfort_noise
from bridge.rtp.packet import RtpError, RtpPacket
from bridge.rtp.reception import ReceptionTable
from bridge.rtp.telephone_event import TelephoneEvent, TelephoneEventError
from dtmf.keys import HiddenKey

MAX_PAYLOAD: Final = 960
"120 ms; what claims to be more is no telephone audio."

MAX_BRIDGED_FRAMES: Final = 5
"A hole of up to 100 ms is told to the detector as lost frames; after a longer one it starts afresh."

MAX_DROPOUT: Final = 3000
"Sequence numbers may jump ahead so far (a minute) before it takes two packets in a row to believe it (RFC 3550 A.1)."

MAX_MISORDER: Final = 100
"And back so far (2 s) for a packet to be late, rather than of a sender that counts anew (RFC 3550 A.1)."


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


class Streams:
    """The streams of all legs."""

    def __init__(self, legs: LegTable, sink: FrameSink, reception: ReceptionTable) -> None:
        self._legs, self._sink, self._reception = legs, sink, reception
        self.pending: set[int] = set()
        "Legs that have frames in their `pending` queue."
        self.counters = IntakeCounters()

    def take(self, leg: int, data: bytes) -> None:
        """Take one packet of a latched leg."""
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
            self._reception.count_late(leg)
            return
        self._reception.count(leg, packet.sequence_number)
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
                state.events.change_source()
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
        self._reception.start(leg, packet.sequence_number, self._sink.now)
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
        self._reception.measure(leg, hole, len(packet.payload), self._sink.now)
        if state.silent or hole < 0 or hole > MAX_BRIDGED_FRAMES * FRAME:
            if hole < 0:
                state.events.change_source()  # a clock that has gone back, in packets that are in order
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
            self.pending.add(leg)
