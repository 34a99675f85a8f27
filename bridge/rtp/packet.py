"""RTP packets (RFC 3550 section 5.1)."""

import struct
from dataclasses import dataclass, field
from typing import Final, Self

from bridge.errors import RemoteProtocolError

HEADER_SIZE: Final = 12
_HEADER: Final = struct.Struct("!BBHII")


class RtpError(RemoteProtocolError):
    """Bytes from outside that are no RTP packet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RtpPacket:
    """One RTP packet. A header extension is skipped when parsed, padding is taken off."""

    payload_type: int

    sequence_number: int
    "16 bits."

    timestamp: int
    "32 bits, samples at the codec's clock."

    ssrc: int

    payload: bytes = field(default=b"", repr=False)
    "May hold a key, as a telephone event or as sound: hidden from `repr`."

    marker: bool = False

    csrc: tuple[int, ...] = ()

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Return the packet in `data`; raise :class:`RtpError` where there is none."""
        if len(data) < HEADER_SIZE:
            raise RtpError(f"RTP packet of {len(data)} bytes is shorter than its header")
        first, second, sequence_number, timestamp, ssrc = _HEADER.unpack_from(data)
        if first >> 6 != 2:
            raise RtpError(f"RTP version is {first >> 6}, not 2")
        csrc_end = HEADER_SIZE + 4 * (first & 0x0F)
        start = _skip_extension(data, csrc_end) if first & 0x10 else csrc_end
        end = len(data) - (data[-1] if first & 0x20 else 0)
        if start > end or (first & 0x20 and data[-1] == 0):
            raise RtpError("RTP header, extension or padding is longer than the packet")
        return cls(
            payload_type=second & 0x7F,
            marker=bool(second & 0x80),
            sequence_number=sequence_number,
            timestamp=timestamp,
            ssrc=ssrc,
            csrc=struct.unpack_from(f"!{first & 0x0F}I", data, HEADER_SIZE),
            payload=data[start:end],
        )

    def __bytes__(self) -> bytes:
        header = _HEADER.pack(
            0x80 | len(self.csrc),
            (0x80 if self.marker else 0) | self.payload_type,
            self.sequence_number,
            self.timestamp,
            self.ssrc,
        )
        return header + struct.pack(f"!{len(self.csrc)}I", *self.csrc) + self.payload


def _skip_extension(data: bytes, at: int) -> int:
    """Return where the payload starts behind the extension at `at` (RFC 3550 section 5.3.1)."""
    if len(data) < at + 4:
        raise RtpError("RTP header extension is cut short")
    words: int = struct.unpack_from("!H", data, at + 2)[0]
    return at + 4 + 4 * words
