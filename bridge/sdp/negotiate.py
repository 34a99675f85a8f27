"""Offer and answer for one telephone audio stream (RFC 3264), sans-IO.

Rules of this file: one audio stream of PCMU or PCMA is agreed on, all other streams are refused in their place;
what we tell in the answer is what we send and expect, so one codec and at most one telephone-event (RFC 4733).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from bridge.errors import AddressFamilyError, LocalProtocolError, NoCommonCodecError, SdpError
from bridge.sdp.audio import (
    CLOCK_HZ,
    PROFILE,
    PTIME_MS,
    RTCP_MUX,
    STATIC_PAYLOAD_TYPES,
    TELEPHONE_EVENT_PAYLOAD_TYPE,
    Address,
    Codec,
    Direction,
    codecs_of,
    direction_of,
    find_telephone_event,
    format_names,
    has_rtcp_mux,
    is_ipv6,
    narrowed,
    ptime_ms_of,
    remote_of,
    rtcp_of,
)
from bridge.sdp.description import Line, Media, SessionDescription

__all__ = [
    "Codec",
    "Direction",
    "MediaTerms",
    "answer_offer",
    "audio_is_ipv6",
    "make_offer",
    "read_answer",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaTerms:
    """What was agreed on, from our side."""

    remote: Address | None
    "Where our packets go; None where the other side named no address (`0.0.0.0`) or refused the stream."

    codec: Codec
    "What we send and expect."

    telephone_event: int | None
    "Payload type of the RFC 4733 events that we send; None where they were not agreed on."

    telephone_event_in: int | None
    "And of those that we expect: an answer may write another number than its offer (RFC 3264 section 5.1)."

    ptime_ms: int
    "Packet time that the other side likes to receive."

    direction: Direction
    "What we do."

    rtcp: Address | None
    "Where our RTCP goes; None where our packets go nowhere."

    rtcp_mux: bool
    "RTCP shares the port of RTP, both ways (RFC 5761)."


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
    stream = _our_stream(port, offered, event, direction, rtcp_mux=True)
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

    Of the codecs in `prefer` the first that was offered is taken. Raises NoCommonCodecError and AddressFamilyError
    (answer 488), and SdpError.
    """
    session = SessionDescription.parse(offer)
    index, codec = _choose(session, prefer)
    chosen = session.media[index]
    direction = direction_of(session, chosen).reversed
    event = find_telephone_event(chosen)
    mux = has_rtcp_mux(chosen)
    terms = _terms(session, chosen, codec, (event, event), direction, rtcp_mux=mux)
    _require_family(terms, ipv6=is_ipv6(host))
    ours = _our_stream(port, [codec], event, direction, rtcp_mux=mux)
    streams = tuple(
        ours if place == index else _refused(stream) for place, stream in enumerate(session.media)
    )
    timing = next((value for letter, value in session.lines if letter == "t"), "0 0")
    return _our_session(host, session_id, version, streams, timing), terms


def read_answer(answer: bytes, *, offered: bytes) -> MediaTerms:
    """Return what `answer` agrees on of our offer `offered`.

    The first codec of the answer that we offered counts. Raises NoCommonCodecError, AddressFamilyError and SdpError.
    """
    session, ours = SessionDescription.parse(answer), SessionDescription.parse(offered)
    streams = [stream for stream in session.media if stream.kind == "audio"]
    if len(ours.media) != 1 or not streams:
        raise SdpError("the answer has no audio stream")
    stream = streams[0]
    our_codecs = {codec.name for codec in codecs_of(ours.media[0])}
    codec = next((c for c in codecs_of(stream) if c.name in our_codecs), None)
    if codec is None or stream.port == 0 or stream.profile != PROFILE:
        raise NoCommonCodecError(format_names(stream))
    event, expected = find_telephone_event(stream), find_telephone_event(ours.media[0])
    events = (None, None) if event is None or expected is None else (event, expected)
    direction = narrowed(direction_of(ours, ours.media[0]), direction_of(session, stream).reversed)
    mux = has_rtcp_mux(ours.media[0]) and has_rtcp_mux(stream)
    terms = _terms(session, stream, codec, events, direction, rtcp_mux=mux)
    _require_family(terms, ipv6=(ours.connection or "").startswith("IN IP6"))
    return terms


def audio_is_ipv6(offer: bytes) -> bool | None:
    """Return whether the audio of an offer is on IPv6; None where the offer has no readable address for it."""
    try:
        session = SessionDescription.parse(offer)
        streams = [stream for stream in session.media if stream.kind == "audio" and stream.port]
        remote = remote_of(streams[0].connection or session.connection, streams[0].port)
    except (SdpError, IndexError):
        return None
    return None if remote is None else is_ipv6(remote[0])


def _require_family(terms: MediaTerms, *, ipv6: bool) -> None:
    """Raise AddressFamilyError where our sockets cannot send to the other side: it would hear nothing."""
    if terms.remote is not None and is_ipv6(terms.remote[0]) != ipv6:
        ours, theirs = ("IPv6", "IPv4") if ipv6 else ("IPv4", "IPv6")
        raise AddressFamilyError(f"the audio's address is {theirs}, ours is {ours}")


def _choose(session: SessionDescription, prefer: Sequence[str]) -> tuple[int, Codec]:
    """Return the place of the stream that is taken and the codec in it."""
    offered: list[str] = []
    for index, stream in enumerate(session.media):
        if stream.kind != "audio" or stream.port == 0:
            continue
        if stream.profile != PROFILE:
            offered.append(stream.profile)
            continue
        codecs = {codec.name: codec for codec in reversed(codecs_of(stream))}
        for name in prefer:
            if name in codecs:
                return index, codecs[name]
        offered += format_names(stream)
    raise NoCommonCodecError(tuple(offered))


def _terms(
    session: SessionDescription,
    stream: Media,
    codec: Codec,
    events: tuple[int | None, int | None],
    direction: Direction,
    *,
    rtcp_mux: bool,
) -> MediaTerms:
    remote = remote_of(stream.connection or session.connection, stream.port)
    return MediaTerms(
        remote=remote,
        codec=codec,
        telephone_event=events[0],
        telephone_event_in=events[1],
        ptime_ms=ptime_ms_of(stream),
        direction=direction,
        rtcp=remote if rtcp_mux else rtcp_of(stream, remote),
        rtcp_mux=rtcp_mux,
    )


def _refused(stream: Media) -> Media:
    """Return the same stream with port 0 (RFC 3264 section 6)."""
    return Media(kind=stream.kind, port=0, profile=stream.profile, formats=stream.formats)


def _our_stream(
    port: int,
    codecs: Sequence[Codec],
    event: int | None,
    direction: Direction,
    *,
    rtcp_mux: bool,
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
    if rtcp_mux:
        lines.append(("a", RTCP_MUX))
    return Media(
        kind="audio", port=port, profile=PROFILE, formats=tuple(numbers), lines=tuple(lines)
    )


def _our_session(
    host: str, session_id: int, version: int, media: tuple[Media, ...], timing: str = "0 0"
) -> bytes:
    family = "IP6" if is_ipv6(host) else "IP4"
    lines = (
        ("v", "0"),
        ("o", f"- {session_id} {version} IN {family} {host}"),
        ("s", "-"),
        ("c", f"IN {family} {host}"),
        ("t", timing),
    )
    return bytes(SessionDescription(lines=lines, media=media))
