"""The `;name=value` tail of a header value or URI (RFC 3261 section 7.3.1)."""

from dataclasses import dataclass
from typing import Self

from bridge.errors import RemoteProtocolError
from bridge.sip import grammar


@dataclass(frozen=True, slots=True)
class Parameters:
    """Parameters in their order, values kept as written (quotes included), names case-insensitive."""

    items: tuple[tuple[str, str | None], ...] = ()
    "Name and raw value; None where there is no `=`."

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `;a=1;b="x;y";c`; the leading semicolon may be missing, empty parts are skipped."""
        if not text:
            return cls()
        items: list[tuple[str, str | None]] = []
        for part in grammar.split_outside_quotes(text, ";"):
            if not part:
                continue
            name, equals, value = part.partition("=")
            name, value = name.strip(), value.strip()
            if not name or grammar.has_blank(name):
                raise RemoteProtocolError("a parameter has no name")
            if equals and grammar.has_blank(value) and not grammar.is_quoted(value):
                raise RemoteProtocolError("a parameter's value holds a blank")
            items.append((name, value if equals else None))
        return cls(tuple(items))

    def __str__(self) -> str:
        return "".join(f";{n}" if v is None else f";{n}={v}" for n, v in self.items)

    def __contains__(self, name: str) -> bool:
        wanted = name.lower()
        return any(n.lower() == wanted for n, _ in self.items)

    def get(self, name: str) -> str | None:
        """Return the unquoted value of `name`; the empty string where it has none, None where it is missing."""
        wanted = name.lower()
        for n, value in self.items:
            if n.lower() == wanted:
                return "" if value is None else grammar.unquote(value)
        return None

    def replace(self, name: str, value: str | None) -> Self:
        """Return a copy in which `name` has the raw `value`, in its old place or at the end."""
        if name not in self:
            return type(self)((*self.items, (name, value)))
        return type(self)(
            tuple((n, value if n.lower() == name.lower() else v) for n, v in self.items)
        )
