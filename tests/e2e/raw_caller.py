"""A caller made of plain sockets: sends what no phone would, and is answered all the same."""

import asyncio
import hashlib
import re
import secrets
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from samples.softphone import mulaw
from tests.e2e.gateway_rig import LIMIT_S
from tests.support.ports import LOOPBACK
from tests.support.wav import Pcm

FRAME: Final = 160

PCMU: Final = "m=audio {port} RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"

OPUS: Final = "m=audio {port} RTP/AVP 96\r\na=rtpmap:96 opus/48000/2\r\n"


class RawCaller(asyncio.DatagramProtocol):
    """One UDP socket for SIP and one for RTP; use :func:`raw_caller`."""

    def __init__(self, gateway: tuple[str, int], host: str, rtp: socket.socket) -> None:
        self._gateway, self._host, self.rtp = gateway, host, rtp
        self._answers: asyncio.Queue[str] = asyncio.Queue()
        self._cseq = 0
        self._call_id, self._tag = secrets.token_hex(8), secrets.token_hex(4)
        self.sip: asyncio.DatagramTransport

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]  # it is one
        self.sip = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if data.startswith(b"SIP/2.0 ") and not data.startswith(b"SIP/2.0 1"):
            self._answers.put_nowait(data.decode())

    async def options(self) -> str:
        """Return the final response to an OPTIONS."""
        return await self._ask("OPTIONS", "")

    async def register(self, user: str, password: str) -> str:
        """Return the final response to a REGISTER that answers the challenge with `password`."""
        challenge = await self._ask("REGISTER", user, f"Contact: <sip:{user}@{self._here}>\r\n")
        asked = dict(re.findall(r'(\w+)="([^"]*)"', challenge))
        uri = f"sip:{self._there}"
        secret = _md5(f"{user}:{asked['realm']}:{password}")
        response = _md5(f"{secret}:{asked['nonce']}:{_md5(f'REGISTER:{uri}')}")
        login = (
            f'Authorization: Digest username="{user}", realm="{asked["realm"]}", '
            f'nonce="{asked["nonce"]}", uri="{uri}", response="{response}", algorithm=MD5\r\n'
        )
        return await self._ask("REGISTER", user, f"Contact: <sip:{user}@{self._here}>\r\n{login}")

    async def call(self, dialled: str, media: str = PCMU) -> str:
        """Return the final response to an INVITE, acknowledged."""
        sdp = (
            f"v=0\r\no=- 1 1 IN IP4 {self._host}\r\ns=-\r\nc=IN IP4 {self._host}\r\nt=0 0\r\n"
            + media.format(port=self.rtp.getsockname()[1])
        )
        headers = f"Contact: <sip:raw@{self._here}>\r\nContent-Type: application/sdp\r\n"
        answer = await self._ask("INVITE", dialled, headers, sdp)
        to = re.search(r"^To: (.*)\r$", answer, re.MULTILINE)
        assert to is not None
        self._send("ACK", dialled, to=to[1])
        if answer.startswith("SIP/2.0 200"):
            port = re.search(r"m=audio (\d+)", answer)
            assert port is not None
            self.rtp.connect((LOOPBACK, int(port[1])))
            self._to = to[1]
        return answer

    async def hang_up(self, dialled: str) -> str:
        """Return the final response to the BYE of an established call."""
        return await self._ask("BYE", dialled, to=self._to)

    async def say(self, pcm: Pcm, *, first: int = 0) -> int:
        """Send `pcm` as PCMU in real time from sequence number `first`; return the next one."""
        loop = asyncio.get_running_loop()
        started_s, last = loop.time(), first + len(pcm) // FRAME
        for number in range(first, last):
            at = FRAME * (number - first)
            self.rtp.send(rtp_packet(number, mulaw.encode(pcm[at : at + FRAME])))
            # Paces the sound itself, as a telephone does; nothing is waited for.
            await asyncio.sleep(max(0.0, started_s + 0.02 * (number - first + 1) - loop.time()))
        return last

    def datagram(self, data: bytes) -> None:
        """Send these bytes to the SIP port."""
        self.sip.sendto(data, self._gateway)

    async def _ask(
        self, method: str, user: str, headers: str = "", body: str = "", *, to: str = ""
    ) -> str:
        self._send(method, user, headers, body, to=to)
        async with asyncio.timeout(LIMIT_S):
            while f"CSeq: {self._cseq} {method}\r\n" not in (answer := await self._answers.get()):
                pass  # a refusal of garbage that was sent before, or a repetition
        return answer

    def _send(
        self, method: str, user: str, headers: str = "", body: str = "", *, to: str = ""
    ) -> None:
        if method != "ACK":
            self._cseq += 1
        address = f"sip:{user}@{self._there}" if user else f"sip:{self._there}"
        start = f"sip:{self._there}" if method == "REGISTER" else address
        self.datagram(
            (
                f"{method} {start} SIP/2.0\r\n"
                f"Via: SIP/2.0/UDP {self._here};branch=z9hG4bK{self._tag}{self._cseq}\r\n"
                f"From: <sip:{user if method == 'REGISTER' else 'raw'}@{self._there}>;tag={self._tag}\r\n"
                f"To: {to or f'<{address}>'}\r\n"
                f"Call-ID: {self._call_id}\r\nCSeq: {self._cseq} {method}\r\nMax-Forwards: 70\r\n"
                f"{headers}Content-Length: {len(body)}\r\n\r\n{body}"
            ).encode()
        )

    @property
    def _here(self) -> str:
        host, port = self.sip.get_extra_info("sockname")
        return f"{host}:{port}"

    @property
    def _there(self) -> str:
        return f"{self._gateway[0]}:{self._gateway[1]}"


@asynccontextmanager
async def raw_caller(gateway: tuple[str, int], *, host: str = LOOPBACK) -> AsyncIterator[RawCaller]:
    """A caller at a loopback address of its own choice."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as rtp:
        rtp.bind((host, 0))
        caller = RawCaller(gateway, host, rtp)
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: caller, local_addr=(host, 0))
        try:
            yield caller
        finally:
            transport.close()


def rtp_packet(number: int, payload: bytes, *, payload_type: int = 0, first: int = 0x80) -> bytes:
    """Return an RTP packet (RFC 3550 section 5.1); `first` is its first byte: version, padding, extension, count."""
    header = bytes([first, payload_type]) + (number % 2**16).to_bytes(2, "big")
    return header + (FRAME * number % 2**32).to_bytes(4, "big") + b"SSRC" + payload


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
