"""Offer and answer for one telephone audio stream (RFC 3264), sans-IO.

Rules of this file: one audio stream of PCMU or PCMA is agreed on, all other streams are refused in their place;
what we tell in the answer is what we send and expect, so one codec and at most one telephone-event (RFC 4733).
"""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from bridge.errors import LocalProtocolError, NoCommonCodecError, SdpError
from bridge.sdp.description import Line, Media, SessionDescription

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

_PROFILE: Final = "RTP/AVP"
_DYNAMIC: Final = range(96, 128)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaTerms:
    """What was agreed on, from our side."""

    remote: Address | None
    "Where our packets go; None where the other side named no address (`0.0.0.0`) or refused the stream."

    codec: Codec
    "What we send and expect."

    telephone_event: int | None
    "Payload type of RFC 4733 events; None where they were not agreed on."

    ptime_ms: int
    "Packet time that the other side likes to receive."

    direction: Direction
    "What we do."


def make_offer(
    *,
    host: str,
    port: int,
    session_id: int,
    version: int,
    codecs: Sequence[str] = ("PCMU", "PCMA"),
    direction: Direction = Direction.SENDRECV,
    telephone_event: bool = True,
) -> bytes:
    """Return an offer of one audio stream; raise LocalProtocolError for a codec that we do not speak."""
    unknown = [name for name in codecs if name not in STATIC_PAYLOAD_TYPES]
    if unknown or not codecs:
        raise LocalProtocolError(f"cannot offer {', '.join(unknown) or 'nothing'}")
    offered = [Codec(name=name, payload_type=STATIC_PAYLOAD_TYPES[name]) for name in codecs]
    event = TELEPHONE_EVENT_PAYLOAD_TYPE if telephone_event else None
    stream = _our_stream(port, offered, event, direction)
    return _our_session(host, session_id, version, (stream,))


def answer_offer(
    offer: bytes,
    *,
    host: str,
    port: int,
    session_id: int,
    version: int,
    prefer: Sequence[str] = ("PCMU", "PCMA"),
) -> tuple[bytes, MediaTerms]:
    """Return the answer to `offer`, and what it agrees on.

    Of the codecs in `prefer` the first that was offered is taken. Raises NoCommonCodecError (answer 488) and SdpError.
    """
    session = SessionDescription.parse(offer)
    index, codec = _choose(session, prefer)
    chosen = session.media[index]
    direction = _direction(session, chosen).reversed
    event = _find_telephone_event(chosen)
    terms = _terms(session, chosen, codec, event, direction)
    ours = _our_stream(port, [codec], event, direction)
    streams = tuple(
        ours if place == index else _refused(stream) for place, stream in enumerate(session.media)
    )
    timing = next((value for letter, value in session.lines if letter == "t"), "0 0")
    return _our_session(host, session_id, version, streams, timing), terms


def read_answer(answer: bytes, *, offered: bytes) -> MediaTerms:
    """Return what `answer` agrees on of our offer `offered`.

    The first codec of the answer that we offered counts. Raises NoCommonCodecError and SdpError.
    """
    session, ours = SessionDescription.parse(answer), SessionDescription.parse(offered)
    streams = [stream for stream in session.media if stream.kind == "audio"]
    if len(ours.media) != 1 or not streams:
        raise SdpError("the answer has no audio stream")
    stream = streams[0]
    our_codecs = {codec.name for codec in _codecs(ours.media[0])}
    codec = next((c for c in _codecs(stream) if c.name in our_codecs), None)
    if codec is None or stream.port == 0 or stream.profile != _PROFILE:
        raise NoCommonCodecError(_names(stream))
    event = _find_telephone_event(stream)
    if _find_telephone_event(ours.media[0]) is None:
        event = None
    direction = _narrowed(_direction(ours, ours.media[0]), _direction(session, stream).reversed)
    return _terms(session, stream, codec, event, direction)


def _choose(session: SessionDescription, prefer: Sequence[str]) -> tuple[int, Codec]:
    """Return the place of the stream that is taken and the codec in it."""
    offered: list[str] = []
    for index, stream in enumerate(session.media):
        if stream.kind != "audio" or stream.port == 0:
            continue
        if stream.profile != _PROFILE:
            offered.append(stream.profile)
            continue
        codecs = {codec.name: codec for codec in reversed(_codecs(stream))}
        for name in prefer:
            if name in codecs:
                return index, codecs[name]
        offered += _names(stream)
    raise NoCommonCodecError(tuple(offered))


def _terms(
    session: SessionDescription,
    stream: Media,
    codec: Codec,
    event: int | None,
    direction: Direction,
) -> MediaTerms:
    remote = _remote(stream.connection or session.connection, stream.port)
    return MediaTerms(
        remote=remote,
        codec=codec,
        telephone_event=event,
        ptime_ms=_ptime_ms(stream),
        direction=direction,
    )


def _codecs(stream: Media) -> list[Codec]:
    """Return the codecs of a stream that we speak, in its order."""
    maps = _rtpmaps(stream)
    return [
        Codec(name=name, payload_type=int(fmt))
        for fmt in stream.formats
        for name in STATIC_PAYLOAD_TYPES
        if _is_format(fmt, maps, name)
    ]


def _is_format(fmt: str, maps: dict[str, str], name: str) -> bool:
    static = STATIC_PAYLOAD_TYPES.get(name)
    if fmt not in maps:
        return static is not None and fmt == str(static)
    number = int(fmt) if fmt.isascii() and fmt.isdigit() and len(fmt) <= 3 else -1
    encoding, _, clock = maps[fmt].partition("/")
    is_ours = encoding.upper() == name.upper() and clock in (str(CLOCK_HZ), f"{CLOCK_HZ}/1")
    return is_ours and (number == static or number in _DYNAMIC)


def _rtpmaps(stream: Media) -> dict[str, str]:
    pairs = (value.strip().split(None, 1) for value in stream.attributes("rtpmap"))
    return {pair[0]: pair[1].strip() for pair in pairs if len(pair) == 2}


def _find_telephone_event(stream: Media) -> int | None:
    maps = _rtpmaps(stream)
    found = (int(fmt) for fmt in stream.formats if _is_format(fmt, maps, "telephone-event"))
    return next(found, None)


def _names(stream: Media) -> tuple[str, ...]:
    maps = _rtpmaps(stream)
    return tuple(maps.get(fmt, f"payload type {fmt}") for fmt in stream.formats)


def _ptime_ms(stream: Media) -> int:
    values = stream.attributes("ptime")
    text = values[0].strip() if values else ""
    usable = text.isascii() and text.isdigit() and len(text) <= 3 and int(text) > 0
    return int(text) if usable else PTIME_MS


def _direction(session: SessionDescription, stream: Media) -> Direction:
    """Return what the other side does: the stream's own attribute, the session's, or sendrecv."""
    for part in (stream, session):
        for direction in Direction:
            if part.attributes(direction.value):
                return direction
    return Direction.SENDRECV


def _narrowed(ours: Direction, theirs: Direction) -> Direction:
    """Return what both allow; an answer must not be wider than its offer (RFC 3264 section 6.1)."""
    sends = {Direction.SENDRECV, Direction.SENDONLY}
    receives = {Direction.SENDRECV, Direction.RECVONLY}
    can_send, can_receive = (
        ours in sends and theirs in sends,
        ours in receives and theirs in receives,
    )
    if can_send:
        return Direction.SENDRECV if can_receive else Direction.SENDONLY
    return Direction.RECVONLY if can_receive else Direction.INACTIVE


def _remote(connection: str | None, port: int) -> Address | None:
    """Return where packets go, None for `0.0.0.0`: the hold of RFC 2543."""
    if connection is None:
        raise SdpError("there is no c= line")
    words = connection.split()
    if len(words) != 3 or words[0] != "IN" or words[1] not in ("IP4", "IP6"):
        raise SdpError("a c= line is not of the Internet")
    try:
        address = ipaddress.ip_address(words[2])
    except ValueError:
        raise SdpError("a c= line has no address, or one of a group") from None
    if address.is_multicast:
        raise SdpError("a c= line has the address of a group")
    return None if address.is_unspecified or port == 0 else (str(address), port)


def _refused(stream: Media) -> Media:
    """Return the same stream with port 0 (RFC 3264 section 6)."""
    return Media(kind=stream.kind, port=0, profile=stream.profile, formats=stream.formats)


def _our_stream(
    port: int, codecs: Sequence[Codec], event: int | None, direction: Direction
) -> Media:
    numbers = [str(codec.payload_type) for codec in codecs]
    lines: list[Line] = [
        ("a", f"rtpmap:{codec.payload_type} {codec.name}/{CLOCK_HZ}") for codec in codecs
    ]
    if event is not None:
        numbers.append(str(event))
        lines += [
            ("a", f"rtpmap:{event} telephone-event/{CLOCK_HZ}"),
            ("a", f"fmtp:{event} 0-15"),
        ]
    lines += [("a", f"ptime:{PTIME_MS}"), ("a", direction.value)]
    return Media(
        kind="audio", port=port, profile=_PROFILE, formats=tuple(numbers), lines=tuple(lines)
    )


def _our_session(
    host: str, session_id: int, version: int, media: tuple[Media, ...], timing: str = "0 0"
) -> bytes:
    family = "IP6" if ":" in host else "IP4"
    lines = (
        ("v", "0"),
        ("o", f"- {session_id} {version} IN {family} {host}"),
        ("s", "-"),
        ("c", f"IN {family} {host}"),
        ("t", timing),
    )
    return bytes(SessionDescription(lines=lines, media=media))
