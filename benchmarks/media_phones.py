"""Callers and agents as SIP knows them: two user agents that make and answer any number of calls through a gateway."""

import asyncio
import secrets
import socket
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

from benchmarks.media_programs import Ports
from bridge.config import Address
from bridge.sdp.description import SessionDescription
from bridge.sip.config import SipConfig, SipLimits
from bridge.sip.endpoint import SipEndpoint
from bridge.sip.events import (
    Answered,
    DialogId,
    DialogLost,
    InviteReceived,
    Rejected,
    SipEvent,
)
from bridge.sip.name_addr import NameAddr
from bridge.sip.uri import Uri
from bridge.udp_shell import UdpShell

HOST: Final = "127.0.0.1"
_LIMITS: Final = SipLimits(dialogs=65_536, transactions=262_144)
"All phones of the benchmark are behind two endpoints."

_RECEIVE_BUFFER_BYTES: Final = 1 << 20


class Phones:
    """Use it as `async with Phones() as phones:`; the gateway must send all calls to `phones.agents`."""

    def __init__(self) -> None:
        self._callers, self._agents = _Side(self._caller_event), _Side(self._agent_event)
        self._answered: dict[DialogId, asyncio.Future[int]] = {}
        self._agent_ports: dict[str, int] = {}
        "Where the phone that is dialled listens."
        self._offered: dict[str, int] = {}
        "What the gateway offered to it."

    async def __aenter__(self) -> Self:
        await self._callers.open()
        await self._agents.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._callers.close()
        self._agents.close()
        await asyncio.sleep(0)  # the transports close their sockets in the loop's next round

    @property
    def agents(self) -> Address:
        """Where the agents' phones are."""
        return self._agents.address

    async def call(self, user: str, phones: Ports, gateway: Address) -> Ports:
        """Make a call to `user` and answer it; return the gateway's RTP ports, or raise ConnectionError."""
        self._agent_ports[user] = phones.agent
        now = asyncio.get_running_loop().time()
        dialog = self._callers.endpoint.invite(
            request_uri=Uri(user=user, host=HOST, port=gateway[1]),
            from_=NameAddr.parse(f"<sip:caller@{HOST}>"),
            to=NameAddr.parse(f"<sip:{user}@{HOST}>"),
            destination=gateway,
            body=_description(phones.caller),
            now=now,
        )
        answered = self._answered[dialog] = asyncio.get_running_loop().create_future()
        self._callers.shell.pump()
        facing_caller = await answered
        return Ports(caller=facing_caller, agent=self._offered.pop(user))

    def _caller_event(self, event: SipEvent) -> None:
        match event:
            case Answered():
                self._answered.pop(event.dialog).set_result(_port_of(event.body))
            case Rejected():
                refusal = ConnectionError(f"the gateway answered {event.status} {event.reason}")
                self._answered.pop(event.dialog).set_exception(refusal)
            case DialogLost() if event.dialog in self._answered:
                lost = ConnectionError(event.reason)
                self._answered.pop(event.dialog).set_exception(lost)
            case _:
                pass  # ringing, and the gateway's BYE at the end

    def _agent_event(self, event: SipEvent) -> None:
        if not isinstance(event, InviteReceived):
            return
        user = event.request_uri.user or ""
        self._offered[user] = _port_of(event.body)
        self._agents.endpoint.respond(
            event.dialog,
            200,
            body=_description(self._agent_ports.pop(user)),
            now=asyncio.get_running_loop().time(),
        )


class _Side:
    """A SIP endpoint on a socket of its own."""

    def __init__(self, on_event: Callable[[SipEvent], None]) -> None:
        self._on_event = on_event

    async def open(self) -> None:
        """Bind a port of the kernel's choice."""
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_BYTES)
        sock.bind((HOST, 0))
        self.address: Address = sock.getsockname()
        self.endpoint = SipEndpoint(
            SipConfig(host=HOST, port=self.address[1], limits=_LIMITS),
            token=lambda: secrets.token_hex(8),
            password_of=lambda user: None,
        )
        _, self.shell = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: UdpShell(self.endpoint, self._on_event), sock=sock
        )

    def close(self) -> None:
        """Close the socket."""
        self.shell.close()


def _description(port: int) -> bytes:
    """Return an offer or answer of PCMU at `port`."""
    return (
        f"v=0\r\no=- 1 1 IN IP4 {HOST}\r\ns=-\r\nc=IN IP4 {HOST}\r\nt=0 0\r\n"
        f"m=audio {port} RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
    ).encode()


def _port_of(body: bytes) -> int:
    return SessionDescription.parse(body).media[0].port
