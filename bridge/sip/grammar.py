"""Character sets and splitting rules that every header value shares (RFC 3261 section 25.1)."""

import ipaddress
import re
from typing import Final

from bridge.errors import RemoteProtocolError

TOKEN: Final = re.compile(r"[A-Za-z0-9\-.!%*_+`'~]+")
"token (RFC 3261 section 25.1)."

_HOST_NAME: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?\.?")
_ALL_DIGITS: Final = re.compile(r"[0-9]+")
_QUOTED_PAIR: Final = re.compile(r"\\(.)", re.DOTALL)
_TO_ESCAPE: Final = re.compile(r'([\\"])')
_BLANK: Final = re.compile(r"\s")


def is_token(text: str) -> bool:
    """Tell whether `text` is one `token`."""
    return TOKEN.fullmatch(text) is not None


def has_blank(text: str) -> bool:
    """Tell whether white space of any kind is in `text`."""
    return _BLANK.search(text) is not None


def split_outside_quotes(text: str, separator: str) -> list[str]:
    """Return the parts of `text` between separators that are outside `"..."` and `<...>`, stripped.

    Raises RemoteProtocolError for a quote or an angle bracket that does not end.
    """
    if '"' not in text and (separator not in text or "<" not in text):
        if text.rfind("<") > text.rfind(">"):
            raise RemoteProtocolError("an angle bracket does not end")
        return [part.strip() for part in text.split(separator)]
    parts: list[str] = []
    start = 0
    quoted = bracketed = escaped = False
    for index, char in enumerate(text):
        if escaped:
            escaped = False
        elif quoted:
            escaped = char == "\\"
            quoted = char != '"'
        elif char == '"':
            quoted = True
        elif char == "<":
            bracketed = True
        elif char == ">":
            bracketed = False
        elif char == separator and not bracketed:
            parts.append(text[start:index].strip())
            start = index + 1
    if quoted or bracketed:
        raise RemoteProtocolError("a quoted string or an angle bracket does not end")
    parts.append(text[start:].strip())
    return parts


def is_quoted(text: str) -> bool:
    """Tell whether `text` is written as one quoted string."""
    return len(text) >= 2 and text[0] == '"' and text[-1] == '"'


def unquote(text: str) -> str:
    """Return the content of a quoted string, and any other text as it is."""
    return _QUOTED_PAIR.sub(r"\1", text[1:-1]) if is_quoted(text) else text


def quote(text: str) -> str:
    """Return `text` as a quoted string."""
    return '"' + _TO_ESCAPE.sub(r"\\\1", text) + '"'


def parse_number(text: str, *, maximum: int, what: str) -> int:
    """Return the decimal `text` (ASCII digits only) up to `maximum`; raise RemoteProtocolError naming `what`."""
    digits = text.lstrip("0") or "0"
    if _ALL_DIGITS.fullmatch(text) is None or len(digits) > len(str(maximum)):
        raise RemoteProtocolError(f"{what} is no number in its range")
    number = int(digits)
    if number > maximum:
        raise RemoteProtocolError(f"{what} is no number in its range")
    return number


def parse_host_port(text: str) -> tuple[str, int | None]:
    """Split `host[:port]`; the host is a name, an IPv4 literal or an IPv6 literal without its brackets."""
    text = text.strip()
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        if not bracket or (rest and not rest.lstrip().startswith(":")):
            raise RemoteProtocolError("an IPv6 literal does not end")
        _require_ipv6(host)
        port_text = rest.lstrip()[1:] if rest else None
    else:
        host, colon, tail = text.partition(":")
        host = host.rstrip()
        port_text = tail if colon else None
        if _HOST_NAME.fullmatch(host) is None:
            raise RemoteProtocolError("a host is neither a name nor an address")
    if port_text is None:
        return host, None
    return host, parse_number(port_text.strip(), maximum=65_535, what="port")


def format_host_port(host: str, port: int | None) -> str:
    """Return `host[:port]`, an IPv6 literal in brackets."""
    shown = f"[{host}]" if ":" in host else host
    return shown if port is None else f"{shown}:{port}"


def _require_ipv6(host: str) -> None:
    try:
        address = ipaddress.IPv6Address(host)
    except ValueError:
        raise RemoteProtocolError("an IPv6 literal is malformed") from None
    if address.scope_id is not None:
        raise RemoteProtocolError("an IPv6 literal has a zone")
