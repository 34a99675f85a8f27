"""CSeq: the order of requests in a dialog (RFC 3261 section 20.16)."""

from dataclasses import dataclass
from typing import Final, Self

from bridge.errors import RemoteProtocolError
from bridge.sip import grammar

MAX_NUMBER: Final = 2**31 - 1
"A sequence number is below 2**31 (RFC 3261 section 8.1.1.5)."


@dataclass(frozen=True, slots=True, kw_only=True)
class CSeq:
    """Number and method of a request."""

    number: int
    method: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `1 INVITE`; raise RemoteProtocolError."""
        words = text.split()
        if len(words) != 2 or not grammar.is_token(words[1]):
            raise RemoteProtocolError("CSeq is not a number and a method")
        number = grammar.parse_number(words[0], maximum=MAX_NUMBER, what="CSeq")
        return cls(number=number, method=words[1])

    def __str__(self) -> str:
        return f"{self.number} {self.method}"
