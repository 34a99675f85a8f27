"""A message from outside with the headers that every message must have, read once (RFC 3261 section 8.1.1)."""

from dataclasses import dataclass
from typing import Final, Self

from bridge.errors import RemoteProtocolError
from bridge.sip import grammar
from bridge.sip.cseq import CSeq
from bridge.sip.message import Request, Response
from bridge.sip.name_addr import NameAddr
from bridge.sip.uri import Uri
from bridge.sip.via import MAGIC_COOKIE, Via

Address = tuple[str, int]
"Host and port of a socket address."

DEFAULT_MAX_FORWARDS: Final = 70
"What a request that has no Max-Forwards counts as having (RFC 3261 section 16.6)."

ServerKey = tuple[str, ...]
"What tells two server transactions apart (RFC 3261 section 17.2.3)."


@dataclass(frozen=True, slots=True, kw_only=True)
class _Incoming:
    """What requests and responses have in common."""

    source: Address
    vias: tuple[Via, ...]
    from_: NameAddr
    to: NameAddr
    call_id: str
    cseq: CSeq
    contacts: tuple[NameAddr, ...]
    record_route: tuple[NameAddr, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingRequest(_Incoming):
    """A request that is well-formed as far as we use it."""

    message: Request
    uri: Uri
    max_forwards: int
    required: tuple[str, ...]
    "Option tags of Require."

    @classmethod
    def read(cls, message: Request, source: Address) -> Self:
        """Read the headers that we use; raise RemoteProtocolError naming the one that is wrong."""
        headers = message.headers
        cseq = CSeq.parse(headers.only("CSeq"))
        if cseq.method != message.method:
            raise RemoteProtocolError("CSeq names another method")
        vias = tuple(Via.parse(value) for value in headers.values("Via"))
        if not vias:
            raise RemoteProtocolError("Via is missing")
        from_ = NameAddr.parse(headers.only("From"))
        hops = headers.get("Max-Forwards")
        # `*` is the one Contact that is no address; the registrar looks at it (section 10.2.2).
        contacts = tuple(value for value in headers.get_all("Contact") if value != "*")
        return cls(
            message=message,
            source=source,
            uri=Uri.parse(message.uri),
            vias=vias,
            from_=from_,
            to=NameAddr.parse(headers.only("To")),
            call_id=_read_call_id(headers.only("Call-ID")),
            cseq=cseq,
            contacts=NameAddr.parse_list(contacts),
            record_route=NameAddr.parse_list(headers.get_all("Record-Route")),
            required=headers.values("Require"),
            max_forwards=DEFAULT_MAX_FORWARDS
            if hops is None
            else grammar.parse_number(hops, maximum=255, what="Max-Forwards"),
        )

    @property
    def method(self) -> str:
        """The method."""
        return self.message.method

    def transaction_key(self, method: str | None = None) -> ServerKey:
        """Return the key of this request's transaction, or of the one of `method` that it belongs to."""
        via = self.vias[0]
        host, port = via.sent_by
        method = method or self.method
        if via.branch.startswith(MAGIC_COOKIE) and len(via.branch) > len(MAGIC_COOKIE):
            return (via.branch, host, str(port), method)
        # RFC 2543: no unique branch.
        number = str(self.cseq.number)
        return (via.branch, host, str(port), method, self.call_id, self.from_.tag or "", number)


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingResponse(_Incoming):
    """A response that is well-formed as far as we use it."""

    message: Response

    @classmethod
    def read(cls, message: Response, source: Address) -> Self:
        """Read the headers that we use; raise RemoteProtocolError naming the one that is wrong."""
        headers = message.headers
        vias = tuple(Via.parse(value) for value in headers.values("Via"))
        if not vias:
            raise RemoteProtocolError("Via is missing")
        return cls(
            message=message,
            source=source,
            vias=vias,
            from_=NameAddr.parse(headers.only("From")),
            to=NameAddr.parse(headers.only("To")),
            call_id=_read_call_id(headers.only("Call-ID")),
            cseq=CSeq.parse(headers.only("CSeq")),
            contacts=NameAddr.parse_list(headers.get_all("Contact")),
            record_route=NameAddr.parse_list(headers.get_all("Record-Route")),
        )

    @property
    def status(self) -> int:
        """The status code."""
        return self.message.status


def _read_call_id(text: str) -> str:
    if not text or grammar.has_blank(text):
        raise RemoteProtocolError("Call-ID is empty or holds a blank")
    return text
