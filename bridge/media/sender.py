"""From frames to packets on the wire, each written and sent in one go by a compiled loop.

Rules of this file: a packet leaves from its leg's own port (RFC 4961), so each is a system call: `sendmmsg` fills
several packets into one socket only. A leg that is not latched yet has its packets sent by Python.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from bridge.media.leg_table import FRAME, FRAME_S, SAMPLES_PER_S, Legs, LegTable
from bridge.media.system_calls import MSG_DONTWAIT, send
from bridge.rtp.g711 import ENCODE, TRANSCODE
from bridge.rtp.packet import HEADER_SIZE
from bridge.rtp.rtcp_session import Sent
from dtmf.compiled import compiled

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


_FIRST_BYTE: Final = 0x80
"RTP version 2, no padding, no extension, no contributing sources (RFC 3550 section 5.1)."

_PACKET_SIZE: Final = HEADER_SIZE + FRAME

_Sent = tuple[int, int]
"Packets that the kernel did not take, and packets that are left to Python."


class Sender:
    """Owns the outgoing sequence numbers and timestamps of all legs."""

    def __init__(self, legs: LegTable) -> None:
        self._legs = legs
        rows = len(legs.rows)
        self._packets: NDArray[np.uint8] = np.zeros((rows + 1, _PACKET_SIZE), np.uint8)
        "Those of legs that are not latched, then room for the one that is written."
        self._left: Legs = np.zeros(rows, np.intp)
        "Whose they are."
        self._fresh: NDArray[np.bool_] = np.zeros(rows, np.bool_)
        self.refused = 0
        "Packets the kernel did not take (full buffer, far end's port closed)."

    def advance(self, legs: Legs, timestamps: NDArray[np.int64], now: float) -> NDArray[np.bool_]:
        """Set the timestamp of the frame about to be produced of each of `legs`, for its other side.

        Return (n,) for which there is one, good until the next time. `timestamps` are those of `legs`. A frame that
        comes after its place in the stream was filled (by a beep, a prompt) is not to be sent: each would be one more
        for the far end's jitter buffer to keep. A stream never goes back: where the other side's clock jumped, the
        offset moves and the rest follows.
        """
        fresh = self._fresh[: len(legs)]
        _advance(self._legs.rows, legs, timestamps, now, fresh)
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
        return _due(self._legs.rows, to, now) if len(to) else to

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

    def pass_on(self, legs: Legs, coded: NDArray[np.uint8], chosen: NDArray[np.bool_]) -> None:
        """Send the `chosen` (n,) frames of `legs`, coded (n, 160), to their other sides, in the law spoken there."""
        rows, packets, left = self._legs.rows, self._packets, self._left
        self._settle(*_pass_on(rows, legs, coded, chosen, TRANSCODE, packets, left))

    def send(self, to: Legs, audio: NDArray[np.int16], chosen: NDArray[np.bool_]) -> None:
        """Encode and send the `chosen` (n,) frames of `audio` (n, 160)."""
        rows, packets, left = self._legs.rows, self._packets, self._left
        self._settle(*_encode_and_send(rows, to, audio, chosen, ENCODE, packets, left))

    def _settle(self, refused: int, left: int) -> None:
        self.refused += refused
        for row in range(left):
            self._send_one(int(self._left[row]), self._packets[row].data)

    def send_event(self, to: int, payload: bytes, timestamp: int, *, marker: bool) -> None:
        """Forward one telephone event packet (RFC 4733) at the other side's `timestamp`."""
        legs = self._legs
        if not legs.sends[to] or legs.telephone_event[to] < 0:
            return
        sequence = int(legs.out_sequence[to])
        legs.out_sequence[to] = sequence + 1
        legs.out_events[to] += 1
        legs.out_event_octets[to] += len(payload)
        header = bytearray(HEADER_SIZE)
        header[0] = _FIRST_BYTE
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


@compiled
def _advance(
    rows: NDArray[np.void],
    legs: Legs,
    timestamps: NDArray[np.int64],
    now: float,
    fresh: NDArray[np.bool_],
) -> None:
    for index in range(len(legs)):
        to = rows[legs[index] ^ 1]
        wanted = (timestamps[index] + to["out_offset"]) & 0xFFFFFFFF
        step = ((wanted - to["out_timestamp"] + 0x80000000) & 0xFFFFFFFF) - 0x80000000
        fresh[index] = step >= FRAME // 2 or not _is_filled(to)
        if not fresh[index]:
            continue
        if step < FRAME:
            to["out_offset"] += FRAME - step
            wanted += FRAME - step
        to["out_timestamp"] = wanted & 0xFFFFFFFF
        to["out_produced_s"] = now


@compiled
def _is_filled(leg: np.void) -> bool:
    """Return whether the last frame of the leg's stream was produced because none came."""
    return bool(leg["out_filled_s"] == leg["out_produced_s"])


@compiled
def _due(rows: NDArray[np.void], to: Legs, now: float) -> Legs:
    due, count = np.empty_like(to), 0
    for leg in to:
        wait_s = FRAME_S - _NEAREST_TICK_S if _is_filled(rows[leg]) else FILL_AFTER_S
        if now - rows[leg]["out_produced_s"] >= wait_s:
            due[count] = leg
            count += 1
    return due[:count]


@compiled
def _pass_on(
    rows: NDArray[np.void],
    legs: Legs,
    coded: NDArray[np.uint8],
    chosen: NDArray[np.bool_],
    transcode: NDArray[np.uint8],
    packets: NDArray[np.uint8],
    left: Legs,
) -> _Sent:
    refused = later = 0
    for index in range(len(legs)):
        to = legs[index] ^ 1
        if not chosen[index] or not rows[to]["sends"]:
            continue
        packet = packets[later]
        _put_header(rows[to], packet)
        law_in, law_out = rows[legs[index]]["law"], rows[to]["law"]
        if law_in == law_out:
            for sample in range(FRAME):
                packet[HEADER_SIZE + sample] = coded[index, sample]
        else:
            for sample in range(FRAME):
                packet[HEADER_SIZE + sample] = transcode[law_in, law_out, coded[index, sample]]
        if rows[to]["socket"] >= 0:
            refused += _is_refused(rows[to], packet)
        else:
            left[later] = to
            later += 1
    return refused, later


@compiled
def _encode_and_send(
    rows: NDArray[np.void],
    legs: Legs,
    audio: NDArray[np.int16],
    chosen: NDArray[np.bool_],
    encode: NDArray[np.uint8],
    packets: NDArray[np.uint8],
    left: Legs,
) -> _Sent:
    refused = later = 0
    for index in range(len(legs)):
        to = rows[legs[index]]
        if not chosen[index] or not to["sends"]:
            continue
        packet = packets[later]
        _put_header(to, packet)
        law = to["law"]
        for sample in range(FRAME):
            packet[HEADER_SIZE + sample] = encode[law, np.uint16(audio[index, sample])]
        if to["socket"] >= 0:
            refused += _is_refused(to, packet)
        else:
            left[later] = legs[index]
            later += 1
    return refused, later


@compiled
def _put_header(leg: np.void, packet: NDArray[np.uint8]) -> None:
    """Begin the leg's next packet (RFC 3550 section 5.1)."""
    packet[0] = _FIRST_BYTE
    packet[1] = leg["payload_type"] | (leg["out_marker"] * 0x80)
    sequence, timestamp, ssrc = leg["out_sequence"], leg["out_timestamp"], leg["out_ssrc"]
    packet[2], packet[3] = (sequence >> 8) & 0xFF, sequence & 0xFF
    for byte in range(4):
        packet[4 + byte] = (timestamp >> (24 - 8 * byte)) & 0xFF
        packet[8 + byte] = (ssrc >> (24 - 8 * byte)) & 0xFF
    leg["out_marker"] = False
    leg["out_sequence"] = sequence + 1


@compiled
def _is_refused(leg: np.void, packet: NDArray[np.uint8]) -> bool:
    """Send a packet to where its leg is latched to; a full buffer or a closed port (ICMP) loses it."""
    return bool(send(leg["socket"], packet.ctypes.data, _PACKET_SIZE, MSG_DONTWAIT) < 0)
