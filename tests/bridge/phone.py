"""A phone of the test's own: a SIP endpoint on a real socket, driven by awaiting its events."""

import asyncio
import secrets
import socket
from types import TracebackType
from typing import Final, Self, TypeVar

from bridge.sdp.description import SessionDescription
from bridge.sip.config import SipConfig
from bridge.sip.endpoint import SipEndpoint
from bridge.sip.events import Answered, DialogId, InviteReceived, ReinviteReceived, SipEvent
from bridge.sip.incoming import Address
from bridge.sip.name_addr import NameAddr
from bridge.sip.uri import Uri
from bridge.udp_shell import UdpShell

HOST: Final = "127.0.0.1"
LIMIT_S: Final = 30.0
"Longest wait for what takes milliseconds on an idle machine."

E = TypeVar("E", bound=SipEvent)


def description(port: int, codec: str = "0 PCMU", host: str = HOST) -> bytes:
    """Return an offer or answer of one codec at `port`."""
    number, name = codec.split()
    network = f"IN {'IP6' if ':' in host else 'IP4'} {host}"
    return (
        f"v=0\r\no=- 1 1 {network}\r\ns=-\r\nc={network}\r\nt=0 0\r\n"
        f"m=audio {port} RTP/AVP {number}\r\na=rtpmap:{number} {name}/8000\r\n"
    ).encode()


class Phone:
    """Use it as `async with Phone() as phone:`. It answers nothing by itself."""

    def __init__(self, host: str = HOST) -> None:
        self.host = host
        self._family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._events: asyncio.Queue[SipEvent] = asyncio.Queue()
        self.rtp = socket.socket(self._family, socket.SOCK_DGRAM)
        self.rtp.bind((host, 0))
        self.rtp.setblocking(False)

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        sock = socket.socket(self._family, socket.SOCK_DGRAM)
        sock.bind((self.host, 0))
        self.address: Address = sock.getsockname()[:2]
        self.endpoint = SipEndpoint(
            SipConfig(host=self.host, port=self.address[1]),
            token=lambda: secrets.token_hex(8),
            password_of=lambda user: None,
        )
        _, self._shell = await loop.create_datagram_endpoint(
            lambda: UdpShell(self.endpoint, self._events.put_nowait), sock=sock
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._shell.close()
        self.rtp.close()
        await asyncio.sleep(0)  # the transport closes its socket in the loop's next round

    @property
    def media(self) -> bytes:
        """Our description."""
        return description(self.rtp.getsockname()[1], host=self.host)

    async def told(self, kind: type[E]) -> E:
        """Return the next event of a kind; others before it are dropped."""
        async with asyncio.timeout(LIMIT_S):
            while True:
                event = await self._events.get()
                if isinstance(event, kind):
                    return event

    def dial(self, bridge: Address, user: str, body: bytes | None = None) -> DialogId:
        """Call `user` by way of the bridge."""
        dialog = self.endpoint.invite(
            request_uri=Uri(user=user, host=self.host, port=bridge[1]),
            from_=NameAddr(uri=Uri(user="caller", host=self.host)),
            to=NameAddr(uri=Uri(user=user, host=self.host)),
            destination=bridge,
            body=self.media if body is None else body,
            now=self._now(),
        )
        self._shell.pump()
        return dialog

    async def answer(self) -> DialogId:
        """Wait for a call and answer it."""
        offered = await self.told(InviteReceived)
        self.respond(offered.dialog)
        return offered.dialog

    def respond(self, dialog: DialogId) -> None:
        """Answer a call."""
        self.endpoint.respond(dialog, 200, body=self.media, now=self._now())
        self._shell.pump()

    async def talk_to(self, other: "Phone", bridge: Address) -> DialogId:
        """Call the phone that the bridge rings for `bob`, and return our dialog."""
        dialog = self.dial(bridge, "bob")
        await other.answer()
        await self.told(Answered)
        return dialog

    async def answer_reinvite(self, status: int = 200) -> int:
        """Wait for a re-INVITE, answer it, and return the RTP port that it offers."""
        offered = await self.told(ReinviteReceived)
        body = self.media if status == 200 else b""
        self.endpoint.respond(offered.dialog, status, body=body, now=self._now())
        self._shell.pump()
        return SessionDescription.parse(offered.body).media[0].port

    def hang_up(self, dialog: DialogId) -> None:
        """Send BYE."""
        self.endpoint.bye(dialog, self._now())
        self._shell.pump()

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
