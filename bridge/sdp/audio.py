"""What one audio stream of a description says: codecs, telephone-event, direction, address (RFC 8866, RFC 3551)."""

import ipaddress
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Final

from bridge.errors import SdpError
from bridge.sdp.description import MAX_PORT, Media, SessionDescription, parse_number

Address = tuple[str, int]
"Host and port of a socket address."

STATIC_PAYLOAD_TYPES: Final = {"PCMU": 0, "PCMA": 8}
"Codecs that we speak, and the payload types that need no rtpmap (RFC 3551 section 6)."

TELEPHONE_EVENT_PAYLOAD_TYPE: Final = 101
"What we offer for telephone-event: the number that everybody uses."

PTIME_MS: Final = 20
"Packet time that we offer and answer."

CLOCK_HZ: Final = 8_000
"Clock of both codecs, and the only one of telephone-event beside them."

PROFILE: Final = "RTP/AVP"

RTCP_MUX: Final = "rtcp-mux"
"Attribute without a value: RTCP on the port of RTP (RFC 5761 section 5.1.1)."

_DYNAMIC: Final = range(96, 128)

_CLOCKS: Final = frozenset({f"{CLOCK_HZ}", f"{CLOCK_HZ}/1"})
"As an rtpmap writes it, without and with the number of channels."

_STATIC_NAMES: Final = {str(number): name for name, number in STATIC_PAYLOAD_TYPES.items()}
"Formats that need no rtpmap."

_FORMATS_KEPT: Final = 256
"Lists of formats that are kept as they were read: a carrier, or phones of one kind, send the same in each description."


class Direction(Enum):
    """Who sends, from our side (RFC 8866 section 6.7)."""

    SENDRECV = "sendrecv"
    SENDONLY = "sendonly"
    RECVONLY = "recvonly"
    INACTIVE = "inactive"

    @property
    def reversed(self) -> "Direction":
        """The same, from the other side."""
        return _REVERSED.get(self, self)


_REVERSED: Final = {
    Direction.SENDONLY: Direction.RECVONLY,
    Direction.RECVONLY: Direction.SENDONLY,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Codec:
    """A codec and the number that its packets carry."""

    name: str
    "`PCMU` or `PCMA`."

    payload_type: int
    "0-127."


def codecs_of(stream: Media) -> list[Codec]:
    """Return the codecs of a stream that we speak, in its order."""
    return [
        Codec(name=name, payload_type=number)
        for number, name in _known(stream)
        if name in STATIC_PAYLOAD_TYPES
    ]


def _known(stream: Media) -> tuple[tuple[int, str], ...]:
    return _read_formats(stream.formats, stream.attributes("rtpmap"))


@lru_cache(maxsize=_FORMATS_KEPT)
def _read_formats(
    formats: tuple[str, ...], rtpmaps: tuple[str, ...]
) -> tuple[tuple[int, str], ...]:
    """Return number and name, in upper case, of each format that has our clock and a number it may have."""
    maps = _names_of(rtpmaps)
    names = ((fmt, _name(fmt, maps)) for fmt in formats)
    return tuple((int(fmt), name) for fmt, name in names if name is not None)


def _name(fmt: str, maps: dict[str, str]) -> str | None:
    if fmt not in maps:
        return _STATIC_NAMES.get(fmt)
    encoding, _, clock = maps[fmt].partition("/")
    name = encoding.upper()
    if clock not in _CLOCKS or not (fmt.isascii() and fmt.isdigit() and len(fmt) <= 3):
        return None
    number = int(fmt)
    may_be = number in _DYNAMIC or number == STATIC_PAYLOAD_TYPES.get(name)
    return name if may_be else None


def _names_of(rtpmaps: tuple[str, ...]) -> dict[str, str]:
    pairs = (value.strip().split(None, 1) for value in rtpmaps)
    return {pair[0]: pair[1].strip() for pair in pairs if len(pair) == 2}


def find_telephone_event(stream: Media) -> int | None:
    """Return the payload type of RFC 4733 events at our clock, None where there is none."""
    return next((number for number, name in _known(stream) if name == "TELEPHONE-EVENT"), None)


def format_names(stream: Media) -> tuple[str, ...]:
    """Return how the stream calls its formats; for people."""
    maps = _names_of(stream.attributes("rtpmap"))
    return tuple(maps.get(fmt, f"payload type {fmt}") for fmt in stream.formats)


def ptime_ms_of(stream: Media) -> int:
    """Return the packet time that the other side likes to receive, ours where it says none that is usable."""
    values = stream.attributes("ptime")
    text = values[0].strip() if values else ""
    usable = text.isascii() and text.isdigit() and len(text) <= 3 and int(text) > 0
    return int(text) if usable else PTIME_MS


def direction_of(session: SessionDescription, stream: Media) -> Direction:
    """Return what the other side does: the stream's own attribute, the session's, or sendrecv."""
    for part in (stream, session):
        for direction in Direction:
            if part.attributes(direction.value):
                return direction
    return Direction.SENDRECV


def narrowed(ours: Direction, theirs: Direction) -> Direction:
    """Return what both allow; an answer must not be wider than its offer (RFC 3264 section 6.1)."""
    sends = (Direction.SENDRECV, Direction.SENDONLY)
    receives = (Direction.SENDRECV, Direction.RECVONLY)
    can_send = ours in sends and theirs in sends
    can_receive = ours in receives and theirs in receives
    if can_send:
        return Direction.SENDRECV if can_receive else Direction.SENDONLY
    return Direction.RECVONLY if can_receive else Direction.INACTIVE


def has_rtcp_mux(stream: Media) -> bool:
    """Return whether the other side can take RTCP on the port of RTP."""
    return bool(stream.attributes(RTCP_MUX))


def remote_of(connection: str | None, port: int) -> Address | None:
    """Return where packets go, None for `0.0.0.0`: the hold of RFC 2543."""
    if connection is None:
        raise SdpError("there is no c= line")
    host = _host_of(connection.split(), "c= line")
    return None if host is None or port == 0 else (host, port)


def is_ipv6(host: str) -> bool:
    """Return whether a host is an IPv6 literal."""
    return ":" in host


def rtcp_of(stream: Media, remote: Address | None) -> Address | None:
    """Return where RTCP goes: as `a=rtcp` says (RFC 3605), else to the port above that of RTP.

    None where RTP goes nowhere, or `a=rtcp` says what we cannot use, as a host name: no call fails for want of RTCP.
    """
    if remote is None:
        return None
    values = stream.attributes("rtcp")
    if not values:
        return (remote[0], remote[1] + 1) if remote[1] < MAX_PORT else None
    port, *connection = values[0].split() or [""]
    try:
        number = parse_number(port, "port of an a=rtcp line")
        host = _host_of(connection, "a=rtcp line") if connection else remote[0]
    except SdpError:
        return None
    if host is None or number == 0 or is_ipv6(host) != is_ipv6(remote[0]):
        return None
    return host, number


def _host_of(words: list[str], line: str) -> str | None:
    """Return the address in `IN IP4 192.0.2.1`; None where it is the unspecified one."""
    if len(words) != 3 or words[0] != "IN" or words[1] not in ("IP4", "IP6"):
        raise SdpError(f"a {line} is not of the Internet")
    try:
        address = ipaddress.ip_address(words[2])
    except ValueError:
        raise SdpError(f"a {line} has no address, or one of a group") from None
    if address.is_multicast:
        raise SdpError(f"a {line} has the address of a group")
    return None if address.is_unspecified else str(address)
