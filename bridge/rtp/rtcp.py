"""RTCP packets (RFC 3550 section 6): reports, the source's name, good-bye. Bytes in, values out, and back.

Rules of this file: datagrams are compounds that begin with a report (section 6.1); kinds that nobody here reads
(APP, feedback, extended reports) are passed over, and so is all of a source description but its CNAME.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Self

from bridge.errors import RemoteProtocolError

NTP_EPOCH_S: Final = 2_208_988_800
"Seconds from NTP's beginning (1900) to Unix's (1970)."

_SR, _RR, _SDES, _BYE = 200, 201, 202, 203
_HEADER: Final = struct.Struct("!BBH")
_SENDER: Final = struct.Struct("!QIII")
_BLOCK: Final = struct.Struct("!IIIIII")
_CNAME: Final = 1
_MAX_TEXT: Final = 255


class RtcpError(RemoteProtocolError):
    """Bytes from outside that are no RTCP."""


def is_rtcp(data: bytes | memoryview) -> bool:
    """Return whether a datagram of a port that both share is RTCP and not RTP (RFC 5761 section 4)."""
    return len(data) > 1 and 192 <= data[1] <= 223


def ntp_timestamp(unix_s: float) -> int:
    """Return 64 bits: seconds since 1900 and their fraction (section 4)."""
    return int((unix_s + NTP_EPOCH_S) * 2**32) & 0xFFFFFFFFFFFFFFFF


def middle(ntp: int) -> int:
    """Return the middle 32 bits of an NTP timestamp: units of 1/65536 s (section 4)."""
    return ntp >> 16 & 0xFFFFFFFF


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportBlock:
    """What somebody received of one source (section 6.4.1)."""

    ssrc: int
    "The source that was received."

    fraction_lost: int
    "Since the last report, in 1/256."

    cumulative_lost: int
    "Since the beginning; 24 bits with a sign, as packets that came twice count against it."

    highest_sequence: int
    "Extended by the count of its cycles: 32 bits."

    jitter: int
    "In timestamp units."

    last_sr: int = 0
    "Middle 32 bits of the NTP timestamp of the source's last sender report; 0 where there was none."

    delay_since_last_sr: int = 0
    "In 1/65536 s."

    @classmethod
    def parse(cls, data: bytes, at: int) -> Self:
        """Return the block at `at`, which must be there."""
        ssrc, lost, highest, jitter, last_sr, delay = _BLOCK.unpack_from(data, at)
        return cls(
            ssrc=ssrc,
            fraction_lost=lost >> 24,
            cumulative_lost=(lost & 0xFFFFFF ^ 0x800000) - 0x800000,
            highest_sequence=highest,
            jitter=jitter,
            last_sr=last_sr,
            delay_since_last_sr=delay,
        )

    @classmethod
    def parse_all(cls, data: bytes, at: int, count: int) -> tuple[Self, ...]:
        """Return `count` blocks from `at` on; raise :class:`RtcpError`."""
        if len(data) < at + count * _BLOCK.size:
            raise RtcpError("an RTCP report is shorter than its blocks")
        return tuple(cls.parse(data, at + index * _BLOCK.size) for index in range(count))

    def __bytes__(self) -> bytes:
        lost = self.fraction_lost << 24 | self.cumulative_lost & 0xFFFFFF
        return _BLOCK.pack(
            *(self.ssrc, lost, self.highest_sequence, self.jitter),
            *(self.last_sr, self.delay_since_last_sr),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderReport:
    """What a source has sent, and received (section 6.4.1)."""

    ssrc: int

    ntp: int
    "64 bits, when this report was sent."

    rtp_timestamp: int
    "The same instant on the clock of the RTP timestamps."

    packet_count: int
    octet_count: int
    "Of payload, without headers."

    reports: tuple[ReportBlock, ...] = ()

    @classmethod
    def parse_body(cls, body: bytes, count: int) -> Self:
        """Read what follows the header; `count` is the header's. Raises :class:`RtcpError`."""
        if len(body) < 4 + _SENDER.size:
            raise RtcpError("an RTCP sender report is cut short")
        ntp, rtp_timestamp, packets, octets = _SENDER.unpack_from(body, 4)
        return cls(
            ssrc=_first_ssrc(body),
            ntp=ntp,
            rtp_timestamp=rtp_timestamp,
            packet_count=packets,
            octet_count=octets,
            reports=ReportBlock.parse_all(body, 4 + _SENDER.size, count),
        )

    def __bytes__(self) -> bytes:
        sender = _SENDER.pack(self.ntp, self.rtp_timestamp, self.packet_count, self.octet_count)
        body = struct.pack("!I", self.ssrc) + sender + b"".join(map(bytes, self.reports))
        return _packet(_SR, len(self.reports), body)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiverReport:
    """What somebody who sends nothing has received (section 6.4.2)."""

    ssrc: int

    reports: tuple[ReportBlock, ...] = ()

    @classmethod
    def parse_body(cls, body: bytes, count: int) -> Self:
        """Read what follows the header; `count` is the header's. Raises :class:`RtcpError`."""
        return cls(ssrc=_first_ssrc(body), reports=ReportBlock.parse_all(body, 4, count))

    def __bytes__(self) -> bytes:
        body = struct.pack("!I", self.ssrc) + b"".join(map(bytes, self.reports))
        return _packet(_RR, len(self.reports), body)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceDescription:
    """The name of a source that outlives its SSRC (section 6.5.1)."""

    ssrc: int

    cname: str
    "At most 255 bytes."

    def __bytes__(self) -> bytes:
        name = self.cname.encode()
        assert len(name) <= _MAX_TEXT, "a CNAME is longer than its length field can say"
        chunk = struct.pack("!IBB", self.ssrc, _CNAME, len(name)) + name + b"\x00"
        return _packet(_SDES, 1, chunk + bytes(-len(chunk) % 4))


@dataclass(frozen=True, slots=True, kw_only=True)
class Goodbye:
    """Sources that send no more (section 6.6)."""

    sources: tuple[int, ...]

    @classmethod
    def parse_body(cls, body: bytes, count: int) -> Self:
        """Read what follows the header; `count` is the header's. Raises :class:`RtcpError`."""
        if len(body) < 4 * count:
            raise RtcpError("an RTCP good-bye is shorter than its sources")
        return cls(sources=struct.unpack_from(f"!{count}I", body))

    def __bytes__(self) -> bytes:
        count = len(self.sources)
        return _packet(_BYE, count, struct.pack(f"!{count}I", *self.sources))


RtcpPacket = SenderReport | ReceiverReport | SourceDescription | Goodbye


def parse_compound(data: bytes) -> tuple[RtcpPacket, ...]:
    """Return the packets of a datagram; raise :class:`RtcpError` where it fails the checks of appendix A.2."""
    packets: list[RtcpPacket] = []
    for index, (kind, count, body) in enumerate(_split(data)):
        if index == 0 and kind not in (_SR, _RR):
            raise RtcpError(f"an RTCP datagram begins with packet type {kind}, not with a report")
        if kind == _SR:
            packets.append(SenderReport.parse_body(body, count))
        elif kind == _RR:
            packets.append(ReceiverReport.parse_body(body, count))
        elif kind == _SDES:
            packets += _parse_descriptions(body, count)
        elif kind == _BYE:
            packets.append(Goodbye.parse_body(body, count))
    return tuple(packets)


def _split(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Yield packet type, count and body without header and padding of each packet in `data`."""
    at = 0
    while at < len(data) or at == 0:
        if len(data) < at + _HEADER.size:
            raise RtcpError("an RTCP header is cut short")
        first, kind, words = _HEADER.unpack_from(data, at)
        end = at + 4 * (words + 1)
        if first >> 6 != 2:
            raise RtcpError(f"RTCP version is {first >> 6}, not 2")
        if end > len(data):
            raise RtcpError("an RTCP packet is longer than its datagram")
        padding = data[end - 1] if first & 0x20 else 0
        if first & 0x20 and (at == 0 or end != len(data) or not 0 < padding <= 4 * words):
            raise RtcpError("an RTCP packet is padded where it may not be")
        yield kind, first & 0x1F, data[at + _HEADER.size : end - padding]
        at = end


def _first_ssrc(body: bytes) -> int:
    if len(body) < 4:
        raise RtcpError("an RTCP report has no source")
    ssrc: int = struct.unpack_from("!I", body)[0]
    return ssrc


def _parse_descriptions(body: bytes, count: int) -> Iterator[SourceDescription]:
    at = 0
    for _ in range(count):
        if len(body) < at + 4:
            raise RtcpError("an RTCP source description is shorter than its sources")
        ssrc: int = struct.unpack_from("!I", body, at)[0]
        at += 4
        while True:
            if at >= len(body):
                raise RtcpError("an RTCP source description does not end")
            if body[at] == 0:
                at += 4 - at % 4
                break
            if at + 1 >= len(body) or at + 2 + body[at + 1] > len(body):
                raise RtcpError("an item of an RTCP source description is cut short")
            text = body[at + 2 : at + 2 + body[at + 1]]
            if body[at] == _CNAME:
                yield SourceDescription(ssrc=ssrc, cname=text.decode("utf-8", "replace"))
            at += 2 + len(text)


def _packet(kind: int, count: int, body: bytes) -> bytes:
    return _HEADER.pack(0x80 | count, kind, len(body) // 4) + body
