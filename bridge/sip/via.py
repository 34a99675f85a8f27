"""Via: the way a request came and its response goes back (RFC 3261 section 20.42, RFC 3581)."""

from dataclasses import dataclass
from typing import Final, Self

from bridge.errors import RemoteProtocolError
from bridge.sip import grammar
from bridge.sip.parameters import Parameters

MAGIC_COOKIE: Final = "z9hG4bK"
"What every branch of RFC 3261 begins with."

DEFAULT_PORT: Final = 5060
"Port of a host that names none, over UDP."


@dataclass(frozen=True, slots=True, kw_only=True)
class Via:
    """One hop."""

    transport: str = "UDP"
    "In upper case."

    host: str
    "Sent-by host."

    port: int | None = None
    "Sent-by port; None where it is not written."

    parameters: Parameters = Parameters()
    "`branch`, `received`, `rport`, ..."

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read one hop; raise RemoteProtocolError."""
        head, semicolon, tail = text.strip().partition(";")
        protocol, slash, transport_and_host = head.partition("/")
        version, slash_too, transport_and_host = transport_and_host.partition("/")
        words = transport_and_host.split(None, 1)
        if not slash or not slash_too or len(words) != 2:
            raise RemoteProtocolError("a Via has no sent-by")
        if protocol.strip().upper() != "SIP" or version.strip() != "2.0":
            raise RemoteProtocolError("a Via is of another protocol")
        if not grammar.is_token(words[0]):
            raise RemoteProtocolError("a Via has no transport")
        host, port = grammar.parse_host_port(words[1])
        parameters = Parameters.parse(semicolon + tail)
        return cls(transport=words[0].upper(), host=host, port=port, parameters=parameters)

    def __str__(self) -> str:
        sent_by = grammar.format_host_port(self.host, self.port)
        return f"SIP/2.0/{self.transport} {sent_by}{self.parameters}"

    @property
    def branch(self) -> str:
        """The transaction's branch; empty where there is none."""
        return self.parameters.get("branch") or ""

    @property
    def sent_by(self) -> tuple[str, int]:
        """Host in lower case and port with its default."""
        return self.host.lower(), self.port or DEFAULT_PORT

    def received_from(self, source: tuple[str, int]) -> Self:
        """Return the hop with `received` and `rport` filled in (RFC 3261 section 18.2.1, RFC 3581 section 4)."""
        host, port = source
        parameters = self.parameters
        asked = "rport" in parameters
        if asked:
            parameters = parameters.replace("rport", str(port))
        if asked or self.host.lower() != host.lower():
            parameters = parameters.replace("received", host)
        return type(self)(
            transport=self.transport, host=self.host, port=self.port, parameters=parameters
        )
