"""From coded frames to packets on the wire: headers for a whole batch at once, then one `send` a packet."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from bridge.media.leg_table import FRAME, FRAME_S, SAMPLES_PER_S, Legs, LegTable
from bridge.rtp.packet import HEADER_SIZE
from bridge.rtp.rtcp_session import Sent

FILL_AFTER_S: Final = 0.03
"""A leg that gets no sound from the other side but has something to say: this long after the last frame it says so, and
then every 20 ms. What comes up to 10 ms late still finds its place."""

_NEAREST_TICK_S: Final = 0.0025
"Half a tick of the worker: what is due goes with the tick that is nearest."

PAUSE_FRAMES: Final = 2
"A stream that has produced nothing for longer has paused: it counts the time, and marks what comes next."

SAME_CLOCK_SAMPLES: Final = 3 * FRAME
"""A stream whose timestamps agree with the time that has passed within this much counts on: jitter, no jump. More would
let the delay that frames in between add stay."""


class Sender:
    """Owns the outgoing sequence numbers and timestamps of all legs."""

    def __init__(self, legs: LegTable) -> None:
        self._legs = legs
        rows = len(legs.state)
        self._packets: NDArray[np.uint8] = np.zeros((rows, HEADER_SIZE + FRAME), np.uint8)
        self._packets[:, 0] = 0x80
        self._views = [memoryview(row.data) for row in self._packets]
        self.refused = 0
        "Packets the kernel did not take (full buffer, far end's port closed)."

    def advance(self, to: Legs, timestamps: NDArray[np.int64], now: float) -> NDArray[np.bool_]:
        """Set the timestamp of the frame about to be produced for each leg of `to`; return for which there is one.

        `timestamps` are the other side's. A frame that comes after its place in the stream was filled (by a beep, a
        prompt) is not to be sent: each would be one more for the far end's jitter buffer to keep. A stream never goes
        back: where the other side's clock jumped, the offset moves and the rest follows.
        """
        legs = self._legs
        wanted = (timestamps + legs.out_offset[to]) & 0xFFFFFFFF
        step = (wanted - legs.out_timestamp[to] + 0x80000000) % 0x100000000 - 0x80000000
        fresh = (step >= FRAME // 2) | ~self._is_filled(to)
        if not fresh.all():
            to, wanted, step = to[fresh], wanted[fresh], step[fresh]
        behind = step < FRAME
        if behind.any():
            legs.out_offset[to[behind]] += FRAME - step[behind]
            wanted[behind] += FRAME - step[behind]
        legs.out_timestamp[to] = wanted & 0xFFFFFFFF
        legs.out_produced_s[to] = now
        return fresh

    def rebase(self, to: int, timestamp: int, now: float) -> None:
        """The other side begins anew at `timestamp`, after a pause or as another stream.

        Where its timestamps have counted the pause as the clock has, they are followed to the sample; otherwise this
        stream goes on as many frames later as the clock says.
        """
        legs = self._legs
        frames = max(1, round((now - float(legs.out_produced_s[to])) / FRAME_S))
        wanted = int(legs.out_timestamp[to]) + frames * FRAME
        jump = (timestamp + int(legs.out_offset[to]) - wanted + 2**31) % 2**32 - 2**31
        if abs(jump) > SAME_CLOCK_SAMPLES:
            legs.out_offset[to] = wanted - timestamp
        else:  # what begins anew is not to fall into places that were filled
            legs.out_offset[to] += max(0, FRAME - (frames * FRAME + jump))
        # After a pause the next packet starts a talkspurt (RFC 3551 section 4.1); a new source alone is no pause.
        legs.out_marker[to] |= frames > PAUSE_FRAMES

    def join(self, to: int, timestamp: int) -> None:
        """The other side begins anew at `timestamp` while this stream is being filled: it goes on, to the sample."""
        legs = self._legs
        legs.out_offset[to] = int(legs.out_timestamp[to]) + FRAME - timestamp

    def due(self, to: Legs, now: float) -> Legs:
        """Return those of `to` that want a frame because none has come for a while."""
        if not len(to):
            return to
        wait_s = np.where(self._is_filled(to), FRAME_S - _NEAREST_TICK_S, FILL_AFTER_S)
        return to[now - self._legs.out_produced_s[to] >= wait_s]

    def step(self, to: Legs, now: float) -> None:
        """Set the timestamps of frames that are produced because they were due; a pause before them is counted."""
        legs = self._legs
        produced_s = legs.out_produced_s[to]
        frames = np.rint((now - produced_s) / FRAME_S).astype(np.int64)
        paused = frames > PAUSE_FRAMES
        legs.out_timestamp[to] += np.where(paused, frames, 1) * FRAME
        legs.out_timestamp[to] &= 0xFFFFFFFF
        legs.out_marker[to] |= paused
        # A late tick is made up for; a pause is not.
        legs.out_produced_s[to] = np.where(self._is_filled(to) & ~paused, produced_s + FRAME_S, now)
        legs.out_filled_s[to] = legs.out_produced_s[to]

    def _is_filled(self, to: Legs) -> NDArray[np.bool_]:
        """Return which streams' last frame was produced because none came."""
        filled: NDArray[np.bool_] = self._legs.out_filled_s[to] == self._legs.out_produced_s[to]
        return filled

    def send(self, to: Legs, coded: NDArray[np.uint8]) -> None:
        """Send `coded` (n, 160) at the current timestamps; legs that do not send are left out."""
        legs = self._legs
        wanted = legs.sends[to]
        if not wanted.all():
            to, coded = to[wanted], coded[wanted]
        count = len(to)
        packets = self._packets[:count]
        packets[:, 1] = legs.payload_type[to] | (legs.out_marker[to] * 0x80)
        legs.out_marker[to] = False
        sequence = legs.out_sequence[to]
        legs.out_sequence[to] = sequence + 1
        packets[:, 2:4] = sequence.astype(">u2").view(np.uint8).reshape(count, 2)
        packets[:, 4:8] = legs.out_timestamp[to].astype(">u4").view(np.uint8).reshape(count, 4)
        packets[:, 8:12] = legs.out_ssrc[to].astype(">u4").view(np.uint8).reshape(count, 4)
        packets[:, HEADER_SIZE:] = coded
        for leg, packet in zip(to.tolist(), self._views, strict=False):
            self._send_one(leg, packet)

    def send_event(self, to: int, payload: bytes, timestamp: int, *, marker: bool) -> None:
        """Forward one telephone event packet (RFC 4733) at the other side's `timestamp`."""
        legs = self._legs
        if not legs.sends[to] or legs.telephone_event[to] < 0:
            return
        sequence = int(legs.out_sequence[to])
        legs.out_sequence[to] = sequence + 1
        legs.out_events[to] += 1
        legs.out_event_octets[to] += len(payload)
        header = bytearray(self._packets[0, :HEADER_SIZE].tobytes())
        header[1] = int(legs.telephone_event[to]) | (0x80 if marker else 0)
        header[2:4] = (sequence & 0xFFFF).to_bytes(2, "big")
        header[4:8] = ((timestamp + int(legs.out_offset[to])) & 0xFFFFFFFF).to_bytes(4, "big")
        header[8:12] = int(legs.out_ssrc[to]).to_bytes(4, "big")
        self._send_one(to, memoryview(header + payload))

    def sent(self, leg: int, now: float) -> Sent:
        """Return what has been sent on a leg, and the timestamp of this instant."""
        legs = self._legs
        packets = int(legs.out_sequence[leg] - legs.out_first_sequence[leg])
        events, event_octets = int(legs.out_events[leg]), int(legs.out_event_octets[leg])
        since_s = now - float(legs.out_produced_s[leg])
        return Sent(
            packets=packets,
            octets=(packets - events) * FRAME + event_octets,
            rtp_timestamp=int(legs.out_timestamp[leg]) + round(since_s * SAMPLES_PER_S),
        )

    def _send_one(self, leg: int, packet: memoryview) -> None:
        try:
            self._legs.state_of(leg).send(packet)
        except OSError:
            # A full socket buffer or a far end that closed its port (ICMP): a telephone call loses a packet.
            self.refused += 1
