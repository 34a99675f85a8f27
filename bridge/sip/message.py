"""Requests and responses as they are on the wire (RFC 3261 section 7), lenient to read and strict to write.

Rules of this file: a header value never holds CR or LF, whichever way it came; a body is in no `repr` and no error.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from bridge.errors import LocalProtocolError, RemoteProtocolError
from bridge.sip import grammar

SIP_VERSION: Final = "SIP/2.0"

_VERSION: Final = re.compile(r"SIP/[0-9]+\.[0-9]+", re.IGNORECASE)

MAX_MESSAGE_BYTES: Final = 16_384
"Longest message we read: a carrier's INVITE is 1-3 kB, the longest of RFC 4475 is below 5 kB."

MAX_HEADERS: Final = 128
"Most header lines of a message: a request through ten proxies has about forty."

MAX_HEADER_BYTES: Final = 8_192
"Longest header line after unfolding; the limit that web servers have settled on."

COMPACT_FORMS: Final = {
    "b": "Referred-By",
    "c": "Content-Type",
    "e": "Content-Encoding",
    "f": "From",
    "i": "Call-ID",
    "j": "Reject-Contact",
    "k": "Supported",
    "l": "Content-Length",
    "m": "Contact",
    "o": "Event",
    "r": "Refer-To",
    "s": "Subject",
    "t": "To",
    "u": "Allow-Events",
    "v": "Via",
    "x": "Session-Expires",
}
"One-letter names and the names that they stand for (IANA registry of SIP header fields)."


class MalformedMessageError(RemoteProtocolError):
    """A message cannot be read; `readable` is what could be read of a request, for the 400 that answers it."""

    def __init__(self, problem: str, readable: "Request | None" = None) -> None:
        super().__init__(problem)
        self.readable = readable


class UnsupportedVersionError(MalformedMessageError):
    """A request of another SIP version; answer 505 (RFC 3261 section 21.5.6)."""


@dataclass(frozen=True, slots=True)
class Headers:
    """Header lines in their order; names are case-insensitive and never compact."""

    lines: tuple[tuple[str, str], ...] = ()

    _values: dict[str, list[str]] = field(
        init=False, repr=False, compare=False, default_factory=dict
    )
    "By name in lower case; filled when somebody first asks."

    def get(self, name: str) -> str | None:
        """Return the first value of `name`, None where it is missing."""
        return next(iter(self._all(name)), None)

    def get_all(self, name: str) -> tuple[str, ...]:
        """Return every line of `name`."""
        return tuple(self._all(name))

    def values(self, name: str) -> tuple[str, ...]:
        """Return every value of a header whose lines are comma-separated lists."""
        parts = (p for line in self._all(name) for p in grammar.split_outside_quotes(line, ","))
        return tuple(part for part in parts if part)

    def only(self, name: str) -> str:
        """Return the one value of a mandatory header; raise RemoteProtocolError where it is missing or twice."""
        found = self._all(name)
        if len(found) != 1:
            raise RemoteProtocolError(f"{name} is {'missing' if not found else 'there twice'}")
        return found[0]

    def encode(self) -> bytes:
        """Return the lines with their ends; raise LocalProtocolError where a value would start a line of its own."""
        for name, value in self.lines:
            if not grammar.is_token(name) or not is_one_line(value):
                raise LocalProtocolError(f"header {name!r} cannot be sent on one line")
        return "".join([f"{n}: {v}\r\n" for n, v in self.lines]).encode()

    def _all(self, name: str) -> Sequence[str]:
        if not self._values:
            for known, value in self.lines:
                self._values.setdefault(known.lower(), []).append(value)
        return self._values.get(name.lower(), ())


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request."""

    method: str
    "Case-sensitive."

    uri: str
    "Request-URI as written."

    headers: Headers

    body: bytes = field(default=b"", repr=False)
    "May hold a digit: hidden from `repr`."

    def __bytes__(self) -> bytes:
        return _encode(f"{self.method} {self.uri} {SIP_VERSION}", self.headers, self.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """A response."""

    status: int
    "100-699."

    reason: str

    headers: Headers

    body: bytes = field(default=b"", repr=False)
    "May hold a key of SRTP or a digit: hidden from `repr`."

    def __bytes__(self) -> bytes:
        return _encode(f"{SIP_VERSION} {self.status} {self.reason}", self.headers, self.body)


def is_one_line(text: str) -> bool:
    """Tell whether `text` can be a header value or a part of a start line: no CR, no LF."""
    return "\r" not in text and "\n" not in text


def parse_message(data: bytes) -> Request | Response:
    """Read one datagram.

    Raises MalformedMessageError, with the readable part of a request where a response is possible.
    """
    if len(data) > MAX_MESSAGE_BYTES:
        raise MalformedMessageError("the message is too long", _salvage(data[:MAX_MESSAGE_BYTES]))
    try:
        return _parse(data)
    except MalformedMessageError:
        raise
    except RemoteProtocolError as error:
        raise MalformedMessageError(str(error), _salvage(data)) from None


def _parse(data: bytes) -> Request | Response:
    start, lines, rest = _split_head(data)
    headers = Headers(tuple(_header_lines(lines, strict=True)))
    body = _cut_body(headers, rest)
    first, space, remainder = start.partition(" ")
    if first.upper().startswith("SIP/"):
        return _parse_status_line(first, remainder, headers, body)
    uri, space_too, version = remainder.rpartition(" ")
    if not space or not space_too or not grammar.is_token(first):
        raise RemoteProtocolError("the start line is neither a request's nor a response's")
    request = Request(method=first, uri=uri, headers=headers, body=body)
    if not uri or grammar.has_blank(uri) or _VERSION.fullmatch(version) is None:
        raise RemoteProtocolError("the Request-URI holds a blank, or no version follows it")
    if version.upper() != SIP_VERSION:
        raise UnsupportedVersionError("the message is of another version", request)
    return request


def _parse_status_line(version: str, rest: str, headers: Headers, body: bytes) -> Response:
    status_text, _, reason = rest.partition(" ")
    if version.upper() != SIP_VERSION:
        raise RemoteProtocolError("the response is of another version")
    status = grammar.parse_number(status_text, maximum=699, what="status code")
    if len(status_text) != 3 or status < 100:
        raise RemoteProtocolError("the status code is not of three digits")
    return Response(status=status, reason=reason, headers=headers, body=body)


def _split_head(data: bytes) -> tuple[str, list[str], bytes]:
    """Return start line, unfolded header lines and what follows the empty line."""
    head, end, rest = data.lstrip(b"\r\n").partition(b"\r\n\r\n")
    if not end:
        raise RemoteProtocolError("the head does not end")
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError:
        text = head.decode("latin-1")  # old PBXs write a caller's name so
    if "\n" in text.replace("\r\n", "") or "\r" in text.replace("\r\n", ""):
        raise RemoteProtocolError("a line ends with half a CRLF")
    first, *physical = text.split("\r\n")
    lines: list[str] = []
    for line in physical:
        if line[:1] in (" ", "\t"):
            if not lines:
                raise RemoteProtocolError("the start line is folded")
            lines[-1] = f"{lines[-1].rstrip()} {line.strip()}"
        else:
            lines.append(line)
    return first, lines, rest


def _header_lines(lines: Iterable[str], *, strict: bool) -> Iterator[tuple[str, str]]:
    """Yield name and value of each line; those that are none raise where `strict`, else are left out."""
    for number, line in enumerate(lines, start=1):
        name, colon, value = line.partition(":")
        name = name.rstrip()
        # The line itself is not named: where the empty line is missing it is one of a body.
        if not colon or not grammar.is_token(name) or len(line) > MAX_HEADER_BYTES:
            if strict:
                raise RemoteProtocolError(f"header line {number} is malformed or too long")
        elif number > MAX_HEADERS:
            if strict:
                raise RemoteProtocolError("there are too many headers")
            return
        else:
            yield COMPACT_FORMS.get(name.lower(), name), value.strip()


def _cut_body(headers: Headers, rest: bytes) -> bytes:
    """Return the body by Content-Length; without one, all that is left of the datagram (section 18.3)."""
    lengths = set(headers.get_all("Content-Length"))
    if not lengths:
        return rest
    if len(lengths) > 1:
        raise RemoteProtocolError("Content-Length is there twice")
    length = grammar.parse_number(lengths.pop(), maximum=MAX_MESSAGE_BYTES, what="Content-Length")
    if length > len(rest):
        raise RemoteProtocolError("the body is shorter than its Content-Length")
    return rest[:length]


def _salvage(data: bytes) -> Request | None:
    """Return what a 400 needs of a request that cannot be read, None where it is no request or an ACK."""
    head, _, _ = data.lstrip(b"\r\n").partition(b"\r\n\r\n")
    text = head.decode("utf-8", "replace").replace("\r\n ", " ").replace("\r\n\t", " ")
    first, *lines = text.split("\r\n")
    method = first.partition(" ")[0]
    if not grammar.is_token(method) or method == "ACK" or SIP_VERSION not in first.upper():
        return None
    found = [(n, v) for n, v in _header_lines(lines, strict=False) if is_one_line(v)]
    return Request(method=method, uri="", headers=Headers(tuple(found)))


def _encode(start_line: str, headers: Headers, body: bytes) -> bytes:
    if not is_one_line(start_line):
        raise LocalProtocolError("a start line cannot be sent on one line")
    length = f"Content-Length: {len(body)}\r\n\r\n".encode()
    others = Headers(tuple(line for line in headers.lines if line[0].lower() != "content-length"))
    return start_line.encode() + b"\r\n" + others.encode() + length + body
