"""The SIP socket of a node: tells of phones in the log, and of calls whoever asked."""

import asyncio
import contextlib
import secrets
import socket
from collections.abc import Callable
from typing import Final

import structlog

from bridge.config import Address, BridgeConfig
from bridge.sip import events as sip
from bridge.sip.config import SipConfig
from bridge.sip.endpoint import SipEndpoint
from bridge.sip.registrar import Binding
from bridge.sip.uri import Uri
from bridge.udp_shell import UdpShell

GOODBYE_S: Final = 2.0
"How long the end waits for the answers to our BYEs: each is sent three times until then."

log = structlog.get_logger(__name__)


class SipFront:
    """`on_invite` gets new calls, `on_dialog_event` what happens to those that there are."""

    def __init__(
        self,
        config: BridgeConfig,
        *,
        password_of: Callable[[str], str | None],
        on_invite: Callable[[sip.InviteReceived], None],
        on_dialog_event: Callable[[sip.DialogEvent], None],
    ) -> None:
        """Bind the socket; raise OSError where the address cannot be had. Nothing is read before :meth:`serve`."""
        self._host = config.host
        self._on_invite, self._on_dialog_event = on_invite, on_dialog_event
        self._sock = _bind(config.host, config.sip_port)
        self.address: Address = self._sock.getsockname()[:2]
        self.endpoint = SipEndpoint(
            SipConfig(
                host=config.host,
                port=self.address[1],
                user_agent="Tonewall",
                realm=config.realm,
            ),
            token=lambda: secrets.token_hex(10),
            password_of=password_of,
        )
        self._shell: UdpShell | None = None

    async def serve(self) -> None:
        """Answer what comes."""
        _, self._shell = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: UdpShell(self.endpoint, self._receive), sock=self._sock
        )

    async def close(self) -> None:
        """Wait for the answers to our BYEs, then close the socket."""
        if self._shell is None:
            self._sock.close()
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GOODBYE_S):
                await self._shell.until(lambda: self.endpoint.unanswered_count == 0)
        self._shell.close()

    def pump(self) -> None:
        """Send what commands to the endpoint have made."""
        if self._shell is not None:
            self._shell.pump()

    def identity(self, user: str) -> Uri:
        """Return the URI by which we stand for a user."""
        return Uri(user=user, host=self._host, port=self.address[1])

    def location_of(self, user: str) -> Binding | None:
        """Return where a phone is registered."""
        return self.endpoint.location_of(user, asyncio.get_running_loop().time())

    def _receive(self, event: sip.SipEvent) -> None:
        match event:
            case sip.InviteReceived():
                self._on_invite(event)
            case sip.Registered():
                log.info("phone registered", user=event.user)
            case sip.Unregistered():
                log.info("phone unregistered", user=event.user)
            case sip.RegistrationRefused():
                log.warning(
                    "phone refused: wrong user name or password",
                    user=event.user or "unknown",
                    source=event.source[0],
                )
            case _:
                self._on_dialog_event(event)


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM)
    try:
        sock.bind((host, port))
    except OSError as error:
        sock.close()
        raise OSError(
            error.errno, f"cannot listen for SIP on {host} port {port}: {error.strerror}"
        ) from None
    return sock
