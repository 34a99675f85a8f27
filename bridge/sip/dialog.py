"""A dialog as both sides share it: tags, CSeq, route set and remote target (RFC 3261 section 12)."""

import ipaddress
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Self

from bridge.sip.incoming import Address, IncomingRequest, IncomingResponse
from bridge.sip.message import Headers, Request
from bridge.sip.name_addr import NameAddr
from bridge.sip.uri import SIP_SCHEMES, Uri
from bridge.sip.via import DEFAULT_PORT

_HOSTS_KEPT: Final = 4_096
"Addresses of phones and carriers that are kept as they were read; each message to one asks for its own."


@dataclass(slots=True, kw_only=True)
class Dialog:
    """State of one dialog; `seen` is where its messages really come from."""

    call_id: str
    local: NameAddr
    "With our tag."

    remote: NameAddr
    "With the other side's tag, as soon as it is known."

    local_cseq: int
    remote_cseq: int | None = None
    route_set: tuple[NameAddr, ...] = ()
    remote_target: Uri
    seen: Address

    @classmethod
    def of_callee(cls, invite: IncomingRequest, *, local_tag: str) -> Self:
        """Return the dialog that our response to `invite` makes (section 12.1.1)."""
        return cls(
            call_id=invite.call_id,
            local=invite.to.with_tag(local_tag),
            remote=invite.from_,
            local_cseq=0,
            remote_cseq=invite.cseq.number,
            route_set=invite.record_route,
            remote_target=invite.contacts[0].uri,
            seen=invite.source,
        )

    def answered_by(self, response: IncomingResponse) -> "Dialog":
        """Return the dialog that `response` to our INVITE makes (section 12.1.2); one for each branch of a fork."""
        contacts = response.contacts
        return Dialog(
            call_id=self.call_id,
            local=self.local,
            remote=response.to,
            local_cseq=self.local_cseq,
            route_set=tuple(reversed(response.record_route)),
            remote_target=contacts[0].uri if contacts else self.remote_target,
            seen=response.source,
        )

    def refresh_target(self, contacts: tuple[NameAddr, ...], source: Address) -> None:
        """Take the Contact of a re-INVITE or of its 2xx (section 12.2)."""
        self.seen = source
        if contacts:
            self.remote_target = contacts[0].uri

    def next_cseq(self) -> int:
        """Count up and return the number of our next request."""
        self.local_cseq += 1
        return self.local_cseq

    def build_request(
        self,
        method: str,
        *,
        cseq: int,
        via: str,
        headers: tuple[tuple[str, str], ...] = (),
        body: bytes = b"",
    ) -> Request:
        """Return a request inside the dialog (section 12.2.1.1), for loose and strict routers."""
        uri, routes = self.remote_target, list(self.route_set)
        if routes and not routes[0].uri.is_loose_router:
            uri = routes.pop(0).uri
            routes.append(NameAddr(uri=self.remote_target))
        lines = [("Via", via), *[("Route", str(route)) for route in routes]]
        lines += [
            ("From", str(self.local)),
            ("To", str(self.remote)),
            ("Call-ID", self.call_id),
            ("CSeq", f"{cseq} {method}"),
            ("Max-Forwards", "70"),
            *headers,
        ]
        return Request(method=method, uri=str(uri), headers=Headers(tuple(lines)), body=body)

    def destination(self) -> Address:
        """Return where our requests go: the first route or the remote target, where it can be used."""
        next_hop = self.route_set[0].uri if self.route_set else self.remote_target
        return usable_address(next_hop, seen=self.seen) or self.seen


def usable_address(uri: Uri, *, seen: Address) -> Address | None:
    """Return the address that `uri` names, None where a packet to it would not arrive.

    Names are not looked up here. Phones behind a translator write a private or loopback address into their Contact;
    one that is of a narrower scope than the address `seen` is not used.
    """
    if uri.scheme not in SIP_SCHEMES or uri.port == 0:
        return None
    try:
        named, real = _read_host(uri.host), _read_host(seen[0])
    except ValueError:
        return None
    if named.is_unspecified or named.is_multicast or named.version != real.version:
        return None
    narrower_loopback = named.is_loopback and not real.is_loopback
    if narrower_loopback or (named.is_private and not real.is_private):
        return None
    return uri.host, uri.port or DEFAULT_PORT


_read_host = lru_cache(maxsize=_HOSTS_KEPT)(ipaddress.ip_address)
