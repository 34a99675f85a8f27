"""Digest authentication as a server asks for it (RFC 3261 section 22, RFC 7616, RFC 8760)."""

import hashlib
import hmac
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, Self

from bridge.errors import RemoteProtocolError
from bridge.sip import grammar

ALGORITHMS: Final = {"SHA-256": "sha256", "MD5": "md5"}
"Names on the wire and in `hashlib`, preferred first. MD5 is here because phones know nothing else."

_NC_LENGTH: Final = 8
"nonce-count is eight hexadecimal digits (RFC 7616 section 3.4)."


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """An Authorization header of the scheme Digest."""

    username: str
    realm: str
    nonce: str
    uri: str
    response: str
    algorithm: str = "MD5"
    qop: str | None = None
    "None from a client of RFC 2069, which knows of no nonce-count."

    nonce_count: int = 1
    cnonce: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the header's value; raise RemoteProtocolError for another scheme or missing fields."""
        scheme, _, rest = text.strip().partition(" ")
        if scheme.lower() != "digest":
            raise RemoteProtocolError("credentials are of another scheme")
        found: dict[str, str] = {}
        for part in grammar.split_outside_quotes(rest, ","):
            name, equals, value = part.partition("=")
            if equals:
                found[name.strip().lower()] = grammar.unquote(value.strip())
        missing = {"username", "realm", "nonce", "uri", "response"} - found.keys()
        if missing:
            raise RemoteProtocolError(f"credentials without {', '.join(sorted(missing))}")
        qop = found.get("qop")
        return cls(
            username=found["username"],
            realm=found["realm"],
            nonce=found["nonce"],
            uri=found["uri"],
            response=found["response"].lower(),
            algorithm=found.get("algorithm", "MD5").upper(),
            qop=qop.lower() if qop is not None else None,
            nonce_count=_parse_nonce_count(found.get("nc", "")) if qop is not None else 1,
            cnonce=found.get("cnonce", ""),
        )

    def __str__(self) -> str:
        quoted = {
            "username": self.username,
            "realm": self.realm,
            "nonce": self.nonce,
            "uri": self.uri,
            "response": self.response,
        }
        parts = [f"{name}={grammar.quote(value)}" for name, value in quoted.items()]
        parts.append(f"algorithm={self.algorithm}")
        if self.qop is not None:
            parts += [f"qop={self.qop}", f"nc={self.nonce_count:08x}"]
            parts.append(f"cnonce={grammar.quote(self.cnonce)}")
        return f"Digest {', '.join(parts)}"


def digest_response(credentials: Credentials, *, method: str, password: str) -> str:
    """Return what `response` has to be, in hexadecimal (RFC 7616 section 3.4.1)."""
    name = ALGORITHMS[credentials.algorithm]

    def digest(*parts: str) -> str:
        data = ":".join(parts).encode()
        return hashlib.new(name, data, usedforsecurity=False).hexdigest()

    secret = digest(credentials.username, credentials.realm, password)
    request = digest(method, credentials.uri)
    if credentials.qop is None:
        return digest(secret, credentials.nonce, request)
    count = f"{credentials.nonce_count:08x}"
    return digest(secret, credentials.nonce, count, credentials.cnonce, credentials.qop, request)


def is_right(credentials: Credentials, *, method: str, password: str) -> bool:
    """Tell in constant time whether `credentials` were made with `password`."""
    if credentials.algorithm not in ALGORITHMS or credentials.qop not in (None, "auth"):
        return False
    expected = digest_response(credentials, method=method, password=password)
    return hmac.compare_digest(expected.encode(), credentials.response.encode())


class NonceState(Enum):
    """What a nonce is worth."""

    FRESH = auto()
    STALE = auto()
    "Ours, but too old or used already: ask again with `stale=true`."
    FOREIGN = auto()
    "Not made here."


class Nonces:
    """Nonces that carry their time and a seal, so that asking costs no memory; only used ones are remembered."""

    def __init__(self, *, secret: str, lifetime_s: float, capacity: int) -> None:
        self._key = secret.encode()
        self._lifetime_s = lifetime_s
        self._capacity = capacity
        self._used: dict[str, int] = {}
        "Highest nonce-count by nonce, oldest first."

    def issue(self, salt: str, now: float) -> str:
        """Return a new nonce; `salt` is fresh random text."""
        stamp = f"{int(now * 1000):x}.{salt}"
        return f"{stamp}.{self._seal(stamp)}"

    def check(self, nonce: str, now: float) -> NonceState:
        """Tell what `nonce` is worth by its seal and age."""
        stamp, _, seal = nonce.rpartition(".")
        if not hmac.compare_digest(self._seal(stamp).encode(), seal.encode()):
            return NonceState.FOREIGN
        issued_s = int(stamp.partition(".")[0], 16) / 1000
        return NonceState.STALE if now - issued_s > self._lifetime_s else NonceState.FRESH

    def use(self, nonce: str, nonce_count: int) -> bool:
        """Take note that right credentials used `nonce`; False where this count was used before (a replay)."""
        if nonce_count <= self._used.get(nonce, 0):
            return False
        self._used.pop(nonce, None)
        self._used[nonce] = nonce_count
        if len(self._used) > self._capacity:
            del self._used[next(iter(self._used))]
        return True

    def _seal(self, stamp: str) -> str:
        return hmac.new(self._key, stamp.encode(), "sha256").hexdigest()[:32]


def challenges(
    realm: str, nonce: str, algorithms: tuple[str, ...], *, stale: bool
) -> tuple[str, ...]:
    """Return one WWW-Authenticate value for each algorithm, preferred first (RFC 8760 section 2.4)."""
    suffix = ", stale=true" if stale else ""
    shown = grammar.quote(realm)
    return tuple(
        f'Digest realm={shown}, nonce="{nonce}", algorithm={algorithm}, qop="auth"{suffix}'
        for algorithm in algorithms
    )


def _parse_nonce_count(text: str) -> int:
    if len(text) != _NC_LENGTH or not all(char in "0123456789abcdefABCDEF" for char in text):
        raise RemoteProtocolError("nonce-count is not of eight hexadecimal digits")
    return int(text, 16)
