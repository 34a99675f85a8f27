"""A registrar with digest that calls who registered: as little SIP as pyVoIP needs to be tested alone."""

import asyncio
import hashlib
import re
from typing import Final

from samples.softphone import mulaw
from tests.support.ports import LOOPBACK
from tests.support.wav import Pcm

_REALM: Final = "test"

_NONCE: Final = "n0nce"

_LIMIT_S: Final = 20.0


class Registrar(asyncio.DatagramProtocol):
    """Accepts one user, then calls it on request. Not a model of SIP: no retransmission, no timers."""

    def __init__(self, username: str, password: str) -> None:
        self._user = (username, password)
        self._messages: asyncio.Queue[str] = asyncio.Queue()
        self._peer: tuple[str, int] | None = None
        self._transport: asyncio.DatagramTransport | None = None
        self.port = 0

    async def open(self) -> None:
        """Bind a port of the kernel's choice."""
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(
            lambda: self, local_addr=(LOOPBACK, 0)
        )
        self.port = int(self._transport.get_extra_info("sockname")[1])

    def close(self) -> None:
        """Give the port back."""
        if self._transport is not None:
            self._transport.close()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        message = data.decode()
        self._peer = addr
        if message.startswith("REGISTER"):
            self._answer_register(message)
        else:
            self._messages.put_nowait(message)

    async def call(self, rtp_port: int) -> int:
        """Call the registered phone; return the port at which it wants its audio."""
        assert self._peer is not None
        body = (
            f"v=0\r\no=- 1 1 IN IP4 {LOOPBACK}\r\ns=-\r\nc=IN IP4 {LOOPBACK}\r\nt=0 0\r\n"
            f"m=audio {rtp_port} RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=sendrecv\r\n"
        )
        self._request("INVITE", 1, f"Content-Type: application/sdp\r\n{_length(body)}{body}")
        answer = await self._next("SIP/2.0 200")
        self._request("ACK", 1, _length(""))
        media = re.search(r"m=audio (\d+)", answer)
        assert media is not None
        return int(media[1])

    async def hang_up(self) -> None:
        """End the call from this side."""
        self._request("BYE", 2, _length(""))
        await self._next("SIP/2.0 200")

    async def _next(self, start: str) -> str:
        async with asyncio.timeout(_LIMIT_S):
            while not (message := await self._messages.get()).startswith(start):
                pass
        return message

    def _request(self, method: str, cseq: int, rest: str) -> None:
        self._send(
            f"{method} sip:{self._user[0]}@{LOOPBACK} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP {LOOPBACK}:{self.port};branch=z9hG4bK{method}{cseq}\r\n"
            f"From: <sip:5000@{LOOPBACK}:{self.port}>;tag=there\r\n"
            f"To: <sip:{self._user[0]}@{LOOPBACK}>\r\n"
            f"Call-ID: one@{LOOPBACK}\r\nCSeq: {cseq} {method}\r\n"
            f"Contact: <sip:5000@{LOOPBACK}:{self.port}>\r\nMax-Forwards: 70\r\n{rest}"
        )

    def _answer_register(self, message: str) -> None:
        kept = [
            line
            for line in message.split("\r\n")
            if line.startswith(("Via:", "From:", "To:", "Call-ID:", "CSeq:"))
        ]
        if _proved(message, *self._user):
            start, extra = "SIP/2.0 200 OK", "Expires: 120"
        else:
            start = "SIP/2.0 401 Unauthorized"
            extra = f'WWW-Authenticate: Digest realm="{_REALM}", nonce="{_NONCE}", algorithm=MD5'
        self._send("\r\n".join([start, *kept, extra, _length("")]))

    def _send(self, message: str) -> None:
        assert self._transport is not None
        self._transport.sendto(message.encode(), self._peer)


def _length(body: str) -> str:
    return f"Content-Length: {len(body)}\r\n\r\n"


def _proved(message: str, username: str, password: str) -> bool:
    """Return whether the request carries a right MD5 digest (RFC 2617, without qop)."""
    found = dict(re.findall(r'(username|uri|nonce|response)="([^"]*)"', message))
    secret = hashlib.md5(f"{username}:{_REALM}:{password}".encode()).hexdigest()
    request = hashlib.md5(f"REGISTER:{found.get('uri')}".encode()).hexdigest()
    wanted = hashlib.md5(f"{secret}:{_NONCE}:{request}".encode()).hexdigest()
    return found.get("response") == wanted and found.get("nonce") == _NONCE


class RtpSender(asyncio.DatagramProtocol):
    """The far end's audio: sends 20 ms packets by absolute deadlines."""

    def __init__(self) -> None:
        self.port = 0
        self.received = 0
        self._transport: asyncio.DatagramTransport | None = None

    async def open(self) -> None:
        """Bind a port of the kernel's choice."""
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(
            lambda: self, local_addr=(LOOPBACK, 0)
        )
        self.port = int(self._transport.get_extra_info("sockname")[1])

    def close(self) -> None:
        """Give the port back."""
        if self._transport is not None:
            self._transport.close()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.received += 1

    async def play(self, pcm: Pcm, port: int) -> None:
        """Send `pcm` to `port` in real time."""
        assert self._transport is not None
        loop = asyncio.get_running_loop()
        started = loop.time()
        for i in range(len(pcm) // 160):
            header = b"\x80\x00" + i.to_bytes(2, "big") + (160 * i).to_bytes(4, "big") + b"SSRC"
            payload = mulaw.encode(pcm[160 * i : 160 * i + 160])
            self._transport.sendto(header + payload, (LOOPBACK, port))
            await asyncio.sleep(max(0.0, started + 0.02 * (i + 1) - loop.time()))
