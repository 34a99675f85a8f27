"""What crossed the wire, packet by packet: a WAV on the RTP timeline and a sidecar with the time of each packet.

The sidecar is an `.npz` beside the WAV. For each 20 ms PCMU packet, in order of arrival:

=================  ==========  ============================================================
`monotonic_ns`     (n,)        `time.monotonic_ns()` at which it was sent or received
`rtp_timestamp`    (n,)        its RTP timestamp
`position`         (n,)        the sample of the WAV at which it begins
`payload`          (n, 160)    its mu-law bytes
`origin_ns`        ()          `time.monotonic_ns()` of the WAV's first sample
=================  ==========  ============================================================
"""

import struct
import wave
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from samples.softphone import mulaw

RATE_HZ: Final = 8000

FRAME_SAMPLES: Final = 160

_PCMU: Final = 0
"RTP payload type of mu-law (RFC 3551 section 6)."

_HEADER: Final = struct.Struct("!BBHII")
"Fixed RTP header (RFC 3550 section 5.1)."

_MAX_PACKETS: Final = 50 * 60 * 60
"One hour of 20 ms packets; a tape that is full drops what comes after."

_MAX_JUMP_SAMPLES: Final = 10 * RATE_HZ
"A timestamp further than this from its arrival time belongs to a new timeline (RFC 3550 section 5.1)."


@dataclass(frozen=True, slots=True, kw_only=True)
class TapedPacket:
    """One PCMU packet."""

    monotonic_ns: int

    ssrc: int

    timestamp: int

    payload: bytes


class Tape:
    """Every packet of one direction of a call."""

    def __init__(self) -> None:
        self._packets: list[TapedPacket] = []
        self.payload_types: Counter[int] = Counter()
        "Packets by RTP payload type, those that are no audio too."

    def __len__(self) -> int:
        return len(self._packets)

    def append(self, datagram: bytes, monotonic_ns: int) -> None:
        """Keep one RTP packet; what is none is ignored."""
        if len(datagram) <= _HEADER.size or datagram[0] >> 6 != 2:
            return
        first, second, _, timestamp, ssrc = _HEADER.unpack_from(datagram)
        payload_type = second & 0x7F
        self.payload_types[payload_type] += 1
        if payload_type != _PCMU or len(self._packets) >= _MAX_PACKETS:
            return
        payload = datagram[_HEADER.size + 4 * (first & 0x0F) :]
        self._packets.append(
            TapedPacket(monotonic_ns=monotonic_ns, ssrc=ssrc, timestamp=timestamp, payload=payload)
        )

    def write(self, wav: Path) -> None:
        """Write the WAV, and the sidecar beside it with the suffix `.npz`; both exist even when nothing was heard."""
        packets = list(self._packets)
        positions = _positions(packets)
        _write_wav(wav, _timeline(packets, positions))
        whole = [i for i, p in enumerate(packets) if len(p.payload) == FRAME_SAMPLES]
        payloads = b"".join(packets[i].payload for i in whole)
        np.savez_compressed(
            wav.with_suffix(".npz"),
            monotonic_ns=np.array([packets[i].monotonic_ns for i in whole], np.int64),
            rtp_timestamp=np.array([packets[i].timestamp for i in whole], np.uint32),
            position=np.array([positions[i] for i in whole], np.int64),
            payload=np.frombuffer(payloads, np.uint8).reshape(-1, FRAME_SAMPLES),
            origin_ns=np.int64(_origin_ns(packets, positions)),
        )


def _positions(packets: list[TapedPacket]) -> list[int]:
    """Return the WAV sample of each packet, 0 for the earliest, by RTP timestamp.

    A new SSRC, or a timestamp that has jumped, is anchored again at its time of arrival.
    """
    positions: list[int] = []
    ssrc, base = None, 0
    for packet in packets:
        elapsed_ns = packet.monotonic_ns - packets[0].monotonic_ns
        arrived = elapsed_ns * RATE_HZ // 1_000_000_000
        position = (packet.timestamp - base + 2**31) % 2**32 - 2**31
        if packet.ssrc != ssrc or abs(position - arrived) > _MAX_JUMP_SAMPLES:
            ssrc, base, position = packet.ssrc, packet.timestamp - arrived, arrived
        positions.append(position)
    earliest = min(positions, default=0)
    return [position - earliest for position in positions]


def _timeline(packets: list[TapedPacket], positions: list[int]) -> NDArray[np.int16]:
    """Return the audio; what never came is silence, and of two packets for one place the later counts."""
    ends = (at + len(p.payload) for p, at in zip(packets, positions, strict=True))
    audio = np.zeros(max(ends, default=0), np.int16)
    for packet, at in zip(packets, positions, strict=True):
        audio[at : at + len(packet.payload)] = mulaw.decode(packet.payload)
    return audio


def _origin_ns(packets: list[TapedPacket], positions: list[int]) -> int:
    if not packets:
        return 0
    return packets[0].monotonic_ns - positions[0] * 1_000_000_000 // RATE_HZ


def _write_wav(path: Path, audio: NDArray[np.int16]) -> None:
    with wave.open(str(path), "wb") as wav:
        wav.setnchannels(1)
        wav.setsampwidth(2)
        wav.setframerate(RATE_HZ)
        wav.writeframes(audio.astype("<i2").tobytes())
