"""SIP of a node: tells of phones in the log, and of calls whoever asked."""

import asyncio
import contextlib
import secrets
from collections.abc import Callable
from dataclasses import fields
from typing import Final

import structlog

from bridge.config import Address, BridgeConfig
from bridge.sip import events as sip
from bridge.sip.config import SipConfig
from bridge.sip.endpoint import SipEndpoint, SipStats
from bridge.sip.registrar import Binding
from bridge.sip.uri import Uri
from bridge.sip_sockets import SipSocket, SipSockets

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
        """Bind the sockets; raise OSError where an address cannot be had. Nothing is read before :meth:`serve`."""
        self._realm, self._password_of = config.realm, password_of
        self._on_invite, self._on_dialog_event = on_invite, on_dialog_event
        self._sockets: list[SipSocket] = []
        try:
            for host in config.hosts:
                self._sockets.append(SipSocket(host, config.sip_port, self._endpoint))
        except OSError:
            self._close_sockets()
            raise
        self.dialogs = SipSockets(self._sockets)

    @property
    def addresses(self) -> tuple[Address, ...]:
        """Where SIP is listened for."""
        return tuple(one.address for one in self._sockets)

    @property
    def stats(self) -> SipStats:
        """What all sockets have counted."""
        told = [one.endpoint.stats for one in self._sockets]
        return SipStats(
            **{item.name: sum(getattr(one, item.name) for one in told) for item in fields(SipStats)}
        )

    async def serve(self) -> None:
        """Answer what comes."""
        for one in self._sockets:
            await one.serve(self._receive)

    async def close(self) -> None:
        """Wait for the answers to our BYEs, then close the sockets."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GOODBYE_S):
                for one in self._sockets:
                    await one.until_answered()
        self._close_sockets()

    def pump(self) -> None:
        """Send what commands to the endpoints have made."""
        for one in self._sockets:
            one.pump()

    def identity(self, user: str, towards: Address) -> Uri:
        """Return the URI by which we stand for a user towards an address.

        Raise LocalProtocolError where we have no address of its version of IP.
        """
        host, port = self.dialogs.reaching(towards).address
        return Uri(user=user, host=host, port=port)

    def location_of(self, user: str) -> Binding | None:
        """Return where a phone is registered: of several the one whose registration lasts longest."""
        now = asyncio.get_running_loop().time()
        found = (one.endpoint.location_of(user, now) for one in self._sockets)
        bindings = [binding for binding in found if binding is not None]
        return max(bindings, key=lambda binding: binding.expires_at, default=None)

    def _endpoint(self, host: str, port: int) -> SipEndpoint:
        return SipEndpoint(
            SipConfig(host=host, port=port, user_agent="Tonewall", realm=self._realm),
            token=lambda: secrets.token_hex(10),
            password_of=self._password_of,
        )

    def _close_sockets(self) -> None:
        for one in self._sockets:
            one.close()

    def _receive(self, event: sip.SipEvent) -> None:
        try:
            self._treat(event)
        finally:
            self.pump()  # the call's other side may be at the other socket, which nothing else wakes

    def _treat(self, event: sip.SipEvent) -> None:
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
