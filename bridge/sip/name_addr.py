"""`"Display name" <uri>;tag=...`: From, To, Contact, Route and Record-Route (RFC 3261 section 20.10)."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Self

from bridge.errors import RemoteProtocolError
from bridge.sip import grammar
from bridge.sip.parameters import Parameters
from bridge.sip.uri import Uri

_KEPT: Final = 8_192
"""Addresses that are kept as they were read: every message of a dialog brings the same three, so the newest 1,300 calls
are read once."""

_LONGEST_KEPT: Final = 256
"Characters of one that is kept, so that strangers cannot fill our memory (a carrier's are about eighty)."


@dataclass(frozen=True, slots=True, kw_only=True)
class NameAddr:
    """A URI with a display name and header parameters."""

    uri: Uri

    display_name: str = ""
    "Without quotes; empty where there is none."

    parameters: Parameters = Parameters()
    "Header parameters, such as `tag` or `expires`."

    @classmethod
    def parse(cls, text: str) -> "NameAddr":
        """Read one value; a `Contact: *` is none and raises RemoteProtocolError, as all that is malformed."""
        read = _read if len(text) > _LONGEST_KEPT else _read_once
        return read(text)

    @classmethod
    def parse_list(cls, values: tuple[str, ...]) -> "tuple[NameAddr, ...]":
        """Read all values of a header that may appear in several lines and several times in a line."""
        return tuple(
            cls.parse(part) for value in values for part in grammar.split_outside_quotes(value, ",")
        )

    def __str__(self) -> str:
        name = f"{grammar.quote(self.display_name)} " if self.display_name else ""
        return f"{name}<{self.uri}>{self.parameters}"

    @property
    def tag(self) -> str | None:
        """The dialog tag; None or empty where there is none (RFC 3261 section 19.3)."""
        return self.parameters.get("tag")

    def with_tag(self, tag: str) -> Self:
        """Return a copy that carries `tag` and no other parameter."""
        return type(self)(
            uri=self.uri, display_name=self.display_name, parameters=Parameters((("tag", tag),))
        )


def _read(text: str) -> NameAddr:
    name, bracket, rest = _split_name(text.strip())
    if not bracket:
        # Without brackets every parameter belongs to the header (RFC 3261 section 20).
        uri_text, _, tail = text.partition(";")
        if "," in uri_text or "?" in uri_text:
            raise RemoteProtocolError("a URI with a comma or a question mark needs angle brackets")
        return NameAddr(uri=Uri.parse(uri_text), parameters=Parameters.parse(tail))
    uri_text, closing, tail = rest.partition(">")
    tail = tail.strip()
    if not closing or (tail and not tail.startswith(";")):
        raise RemoteProtocolError("an address does not end with its angle bracket")
    return NameAddr(
        uri=Uri.parse(uri_text),
        display_name=grammar.unquote(name),
        parameters=Parameters.parse(tail),
    )


_read_once = lru_cache(maxsize=_KEPT)(_read)


def _split_name(text: str) -> tuple[str, str, str]:
    """Return what is before the opening angle bracket, the bracket (empty where none), and what follows."""
    if not text.startswith('"'):
        name, bracket, rest = text.partition("<")
        if bracket and '"' in name:
            raise RemoteProtocolError("a display name is quoted in part")
        return name.strip(), bracket, rest
    end = 1
    while end < len(text) and text[end] != '"':
        end += 2 if text[end] == "\\" else 1
    name, rest = text[: end + 1], text[end + 1 :].lstrip()
    if not grammar.is_quoted(name) or not rest.startswith("<"):
        raise RemoteProtocolError("a display name does not end or has no address")
    return name, "<", rest[1:]
