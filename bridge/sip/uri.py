"""URIs of SIP (RFC 3261 section 19.1) and others that a telephone may name (`tel:`, RFC 3966)."""

import re
from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import quote, unquote_to_bytes

from bridge.errors import RemoteProtocolError
from bridge.sip import grammar
from bridge.sip.parameters import Parameters

_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*")
_FORBIDDEN: Final = re.compile(r'[\s<>"]')
_USER_SAFE: Final = "-_.!~*'()&=+$,;?/"
"Characters of a user part that are written without escape (RFC 3261 section 25.1, user-unreserved)."

SIP_SCHEMES: Final = frozenset({"sip", "sips"})
"Schemes whose URIs have a host."


@dataclass(frozen=True, slots=True, kw_only=True)
class Uri:
    """One URI. For other schemes than sip and sips all before the parameters is in `user`, `host` is empty."""

    scheme: str = "sip"
    "In lower case."

    user: str | None = None
    "User part (telephone number, extension) without escapes."

    password: str | None = None
    "Password in the user part, as written; nobody should use it (RFC 3261 section 19.1.1)."

    host: str = ""
    "Name or address; an IPv6 literal without brackets."

    port: int | None = None
    "None where it is not written (5060 then)."

    parameters: Parameters = Parameters()
    "URI parameters (`transport`, `lr`, ...)."

    headers: str = ""
    "What follows `?`, as written."

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read one URI without angle brackets; raise RemoteProtocolError."""
        scheme, colon, rest = text.strip().partition(":")
        if not colon or not rest or _SCHEME.fullmatch(scheme) is None:
            raise RemoteProtocolError("a URI has no scheme")
        if _FORBIDDEN.search(rest) is not None:
            raise RemoteProtocolError("a URI holds a blank, a quote or an angle bracket")
        scheme = scheme.lower()
        if scheme not in SIP_SCHEMES:
            opaque, _, tail = rest.partition(";")
            return cls(scheme=scheme, user=opaque, parameters=Parameters.parse(tail))
        return cls._parse_sip(scheme, rest)

    @classmethod
    def _parse_sip(cls, scheme: str, rest: str) -> Self:
        # A user part may hold `;` and `?`, a host part never an `@`: the last one divides.
        user_info, at, host_part = rest.rpartition("@")
        host_part, _, headers = host_part.partition("?")
        host_port, _, tail = host_part.partition(";")
        host, port = grammar.parse_host_port(host_port)
        user, colon, password = user_info.partition(":")
        if at and not user:
            raise RemoteProtocolError("a URI has an empty user part")
        return cls(
            scheme=scheme,
            user=_unescape(user) if at else None,
            password=password if colon else None,
            host=host,
            port=port,
            parameters=Parameters.parse(tail),
            headers=headers,
        )

    def __str__(self) -> str:
        if self.scheme not in SIP_SCHEMES:
            return f"{self.scheme}:{self.user or ''}{self.parameters}"
        user = "" if self.user is None else quote(self.user, safe=_USER_SAFE)
        password = "" if self.password is None else f":{self.password}"
        at = "" if self.user is None else "@"
        host = grammar.format_host_port(self.host, self.port)
        headers = f"?{self.headers}" if self.headers else ""
        return f"{self.scheme}:{user}{password}{at}{host}{self.parameters}{headers}"

    @property
    def is_loose_router(self) -> bool:
        """Tell whether this URI of a route names a loose router (`lr`, RFC 3261 section 16.12)."""
        return "lr" in self.parameters


def _unescape(text: str) -> str:
    try:
        return unquote_to_bytes(text).decode("utf-8")
    except UnicodeDecodeError:
        raise RemoteProtocolError("the user part of a URI is not UTF-8") from None
