"""The SIP sockets of a node, one for each version of IP that it has an address of, with an endpoint each.

Rules of this file: a dialog belongs to the endpoint that knows it; a new one begins at the socket that reaches its
destination.
"""

import asyncio
import socket
from collections.abc import Callable, Sequence

from bridge.config import Address
from bridge.errors import LocalProtocolError
from bridge.sdp.audio import is_ipv6
from bridge.sip import events as sip
from bridge.sip.endpoint import SipEndpoint
from bridge.sip.name_addr import NameAddr
from bridge.sip.uri import Uri
from bridge.udp_shell import UdpShell


class SipSocket:
    """One bound socket; nothing is read before :meth:`serve`."""

    def __init__(
        self, host: str, port: int, make_endpoint: Callable[[str, int], SipEndpoint]
    ) -> None:
        """Raise OSError that names the address where it cannot be had."""
        self._sock = _bind(host, port)
        self.address: Address = self._sock.getsockname()[:2]
        self.endpoint = make_endpoint(host, self.address[1])
        self._shell: UdpShell | None = None

    async def serve(self, on_event: Callable[[sip.SipEvent], None]) -> None:
        """Answer what comes."""
        _, self._shell = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: UdpShell(self.endpoint, on_event), sock=self._sock
        )

    def pump(self) -> None:
        """Send what commands to the endpoint have made."""
        if self._shell is not None:
            self._shell.pump()

    async def until_answered(self) -> None:
        """Return when none of our requests waits for an answer."""
        if self._shell is not None:
            await self._shell.until(lambda: self.endpoint.unanswered_count == 0)

    def close(self) -> None:
        """Close the socket."""
        if self._shell is None:
            self._sock.close()
        else:
            self._shell.close()


class SipSockets:
    """Fulfils :class:`bridge.call.dialogs.SipDialogs` for all sockets of a node."""

    def __init__(self, sockets: Sequence[SipSocket]) -> None:
        self._sockets = sockets

    def invite(
        self,
        *,
        request_uri: Uri,
        from_: NameAddr,
        to: NameAddr,
        destination: Address,
        body: bytes,
        max_forwards: int = 70,
        now: float,
    ) -> sip.DialogId:
        """Call by the socket that reaches `destination`; raise LocalProtocolError where none does."""
        return self.reaching(destination).endpoint.invite(
            request_uri=request_uri,
            from_=from_,
            to=to,
            destination=destination,
            body=body,
            max_forwards=max_forwards,
            now=now,
        )

    def respond(
        self,
        dialog: sip.DialogId,
        status: int,
        reason: str = "",
        *,
        body: bytes = b"",
        headers: Sequence[tuple[str, str]] = (),
        now: float,
    ) -> None:
        """Answer the pending INVITE or re-INVITE of `dialog`."""
        self._of(dialog).respond(dialog, status, reason, body=body, headers=headers, now=now)

    def cancel(self, dialog: sip.DialogId, now: float) -> None:
        """Give up our call that is not answered."""
        self._of(dialog).cancel(dialog, now)

    def bye(self, dialog: sip.DialogId, now: float) -> None:
        """Hang up an established call."""
        self._of(dialog).bye(dialog, now)

    def reinvite(self, dialog: sip.DialogId, body: bytes, now: float) -> None:
        """Offer a changed session."""
        self._of(dialog).reinvite(dialog, body, now)

    def info(self, dialog: sip.DialogId, content_type: str, body: bytes, now: float) -> None:
        """Send INFO in an established call."""
        self._of(dialog).info(dialog, content_type, body, now)

    def reaching(self, destination: Address) -> SipSocket:
        """Return the socket of the destination's version of IP; raise LocalProtocolError where there is none."""
        wanted = is_ipv6(destination[0])
        for one in self._sockets:
            if is_ipv6(one.address[0]) == wanted:
                return one
        raise LocalProtocolError(f"the gateway has no address of IPv{6 if wanted else 4}")

    def _of(self, dialog: sip.DialogId) -> SipEndpoint:
        for one in self._sockets:
            if one.endpoint.knows(dialog):
                return one.endpoint
        raise LocalProtocolError("the dialog is gone")


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if is_ipv6(host) else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM)
    try:
        sock.bind((host, port))
    except OSError as error:
        sock.close()
        raise OSError(
            error.errno, f"cannot listen for SIP on {host} port {port}: {error.strerror}"
        ) from None
    return sock
