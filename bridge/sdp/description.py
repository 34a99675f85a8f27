"""Session descriptions as lines that keep what nobody here understands (RFC 8866)."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Self

from bridge.errors import LocalProtocolError, SdpError

MAX_BODY_BYTES: Final = 16_384
"Longest description we read: one with video, ICE and SRTP has about 4 kB, a SIP message has no more."

MAX_LINES: Final = 1_024
"Most lines of a description."

MAX_MEDIA: Final = 32
"Most `m=` lines: each gets one in the answer."

MAX_PORT: Final = 65_535
"The highest that there is."

Line = tuple[str, str]
"Type letter and value."


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """One `m=` line and what belongs to it (RFC 8866 section 5.14)."""

    kind: str
    "`audio`, `video`, `image`, ..."

    port: int
    "0 where the stream is off or refused."

    port_count: int | None = None
    "What follows `/`; None where it is not written."

    profile: str
    "`RTP/AVP`, ..."

    formats: tuple[str, ...]
    "Payload types of RTP, as text."

    lines: tuple[Line, ...] = field(default=(), repr=False)
    "All lines below, as written; may hold keys of SRTP."

    _attributes: dict[str, list[str]] = field(
        init=False, repr=False, compare=False, default_factory=dict
    )
    "Values by name; filled when somebody first asks."

    @classmethod
    def parse(cls, value: str, lines: Iterable[Line] = ()) -> Self:
        """Read the value of an `m=` line; raise SdpError."""
        words = value.split()
        if len(words) < 4:
            raise SdpError("an m= line has less than four words")
        kind, ports, profile, *formats = words
        port, slash, count = ports.partition("/")
        return cls(
            kind=kind,
            port=parse_number(port, "port of an m= line"),
            port_count=parse_number(count, "number of ports of an m= line") if slash else None,
            profile=profile,
            formats=tuple(formats),
            lines=tuple(lines),
        )

    def __str__(self) -> str:
        count = "" if self.port_count is None else f"/{self.port_count}"
        return f"{self.kind} {self.port}{count} {self.profile} {' '.join(self.formats)}"

    @property
    def connection(self) -> str | None:
        """Value of the stream's own `c=` line."""
        return _first(self.lines, "c")

    def attributes(self, name: str) -> tuple[str, ...]:
        """Return the values of all `a=name` or `a=name:value` lines, the empty string for one without value."""
        return tuple(_named(self._attributes, self.lines).get(name, ()))


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionDescription:
    """Session lines and streams, in their order."""

    lines: tuple[Line, ...] = field(repr=False)
    "From `v=` to the first `m=`; may hold keys."

    media: tuple[Media, ...]

    _attributes: dict[str, list[str]] = field(
        init=False, repr=False, compare=False, default_factory=dict
    )
    "As those of :class:`Media`."

    @classmethod
    def parse(cls, body: bytes) -> Self:
        """Read a description; line ends may be LF or CRLF. Raises SdpError."""
        session: list[Line] = []
        streams: list[tuple[str, list[Line]]] = []
        for letter, value in _read_lines(body):
            if letter == "m":
                streams.append((value, []))
            else:
                (streams[-1][1] if streams else session).append((letter, value))
        if len(streams) > MAX_MEDIA:
            raise SdpError("there are too many m= lines")
        media = tuple(Media.parse(value, lines) for value, lines in streams)
        return cls(lines=tuple(session), media=media)

    def __bytes__(self) -> bytes:
        lines = [*self.lines]
        for stream in self.media:
            lines += [("m", str(stream)), *stream.lines]
        if any("\r" in value or "\n" in value for _, value in lines):
            raise LocalProtocolError("a line of a session description cannot be sent as one")
        return "".join(f"{letter}={value}\r\n" for letter, value in lines).encode()

    @property
    def connection(self) -> str | None:
        """Value of the session's `c=` line."""
        return _first(self.lines, "c")

    def attributes(self, name: str) -> tuple[str, ...]:
        """Return the values of the session's `a=name` lines, as :meth:`Media.attributes`."""
        return tuple(_named(self._attributes, self.lines).get(name, ()))


def _read_lines(body: bytes) -> list[Line]:
    if len(body) > MAX_BODY_BYTES:
        raise SdpError("the session description is too long")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        text = body.decode("latin-1")
    physical = text.replace("\r\n", "\n").rstrip("\n").split("\n")
    if len(physical) > MAX_LINES:
        raise SdpError("the session description has too many lines")
    lines: list[Line] = []
    for number, line in enumerate(physical, start=1):
        if len(line) < 2 or line[1] != "=" or not line[0].isalpha() or "\r" in line:
            raise SdpError(f"line {number} of the session description is malformed")
        lines.append((line[0], line[2:]))
    if lines[0] != ("v", "0"):
        raise SdpError("the session description does not begin with v=0")
    return lines


def _first(lines: Iterable[Line], wanted: str) -> str | None:
    return next((value for letter, value in lines if letter == wanted), None)


def _named(attributes: dict[str, list[str]], lines: Iterable[Line]) -> dict[str, list[str]]:
    """Return `attributes`, filled from `lines` where they are not yet."""
    if not attributes:
        for letter, value in lines:
            if letter == "a":
                name, _, text = value.partition(":")
                attributes.setdefault(name, []).append(text)
    return attributes


def parse_number(text: str, what: str) -> int:
    """Return a port, or a number of them; raise SdpError that names `what` it is."""
    if not (text.isascii() and text.isdigit()) or len(text) > 5 or int(text) > MAX_PORT:
        raise SdpError(f"the {what} is no number in its range")
    return int(text)
