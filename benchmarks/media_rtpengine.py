"""The peer: rtpengine in user space, masking keys, told so by its ng protocol (bencode over UDP).

The delay buffer is what it needs to mask a tone from its start: with less, its leg still tells which key it was.
"""

import asyncio
import re
import secrets
import shutil
import socket
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final

from benchmarks.media_phones import HOST
from benchmarks.media_processes import allow_descriptors, pin
from benchmarks.media_programs import Ports
from benchmarks.media_relays import Relay
from benchmarks.rows import NotAvailableError

PROGRAM: Final = "rtpengine"

DELAY_MS: Final = 60
"Whoever knows when keys were pressed is right in 40 % with 40 ms, and left to chance with 60."

_PORTS: Final = (20000, 32000)
"Below those that the kernel chooses."

_ATTEMPTS: Final = 50
_ANSWER_S: Final = 0.2
_LONGEST_ANSWER_S: Final = 5.0
_MAX_REPLY: Final = 65_535

_DESCRIPTORS_A_CALL: Final = 8

Value = int | str | bytes | Sequence["Value"] | Mapping[str, "Value"]


def encoded(value: Value) -> bytes:
    """Return `value` in bencode."""
    match value:
        case int():
            return b"i%de" % value
        case str():
            return encoded(value.encode())
        case bytes():
            return b"%d:" % len(value) + value
        case Mapping():
            pairs = (encoded(key) + encoded(value[key]) for key in sorted(value))
            return b"d" + b"".join(pairs) + b"e"
        case _:
            return b"l" + b"".join(map(encoded, value)) + b"e"


def text_in(reply: bytes, name: str) -> bytes:
    """Return the byte string of key `name` in a bencoded dictionary; raise KeyError where there is none."""
    found = re.search(rb"%d:%s(\d+):" % (len(name), name.encode()), reply)
    if found is None:
        raise KeyError(name)
    return reply[found.end() : found.end() + int(found[1])]


class _Control:
    """Sends commands and waits for what is answered."""

    def __init__(self, port: int) -> None:
        self._sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._sock.connect((HOST, port))

    def close(self) -> None:
        self._sock.close()

    def wait_until_ready(self) -> None:
        """Return once it answers; raise NotAvailableError where it does not."""
        for _ in range(_ATTEMPTS):
            try:
                self.ask({"command": "ping"}, limit_s=_ANSWER_S)
            except OSError:  # nobody listens yet, or nobody answers
                time.sleep(_ANSWER_S)
                continue
            return
        raise NotAvailableError("rtpengine does not start")

    def ask(self, command: Mapping[str, Value], limit_s: float = _LONGEST_ANSWER_S) -> bytes:
        """Return the answer to a command; raise RuntimeError where it is a refusal."""
        cookie = secrets.token_hex(8).encode()
        self._sock.settimeout(limit_s)
        self._sock.send(cookie + b" " + encoded(command))
        reply = self._sock.recv(_MAX_REPLY)
        while not reply.startswith(cookie):
            reply = self._sock.recv(_MAX_REPLY)
        if text_in(reply, "result") not in (b"ok", b"pong"):
            raise RuntimeError(f"rtpengine refused {command['command']!r}: {reply!r}")
        return reply

    def set_up(self, call: str, phones: Ports) -> Ports:
        """Set up a call and let it mask the keys of both ends; return its ports."""
        names: dict[str, Value] = {"call-id": call, "from-tag": "a"}
        flags = ["trust-address", "detect-DTMF", "always-transcode"]
        offered = self.ask(
            {
                "command": "offer",
                "sdp": _description(phones.caller),
                "flags": flags,
                "ICE": "remove",
            }
            | names
        )
        answered = self.ask(
            {
                "command": "answer",
                "sdp": _description(phones.agent),
                "flags": flags,
                "ICE": "remove",
            }
            | {"to-tag": "b"}
            | names
        )
        self.ask(
            {"command": "block DTMF", "call-id": call, "DTMF-security": "tone"}
            | {"flags": ["detect-DTMF"], "delay-buffer": DELAY_MS}
        )
        return Ports(caller=_port_in(answered), agent=_port_in(offered))


@asynccontextmanager
async def running_rtpengine(far_ends: Sequence[Ports], core: int) -> AsyncIterator[Relay]:
    """Run rtpengine on `core`; raise NotAvailableError where it is not installed."""
    if (program := shutil.which(PROGRAM)) is None:
        raise NotAvailableError("rtpengine is not installed")
    allow_descriptors(_DESCRIPTORS_A_CALL * len(far_ends) + 200)
    port = _free_port()
    process = await asyncio.create_subprocess_exec(
        *(program, "--foreground", f"--interface={HOST}", f"--listen-ng={HOST}:{port}"),
        *("--table=-1", "--log-level=3", "--num-threads=1", "--config-file=none", "--log-stderr"),
        *(f"--port-min={_PORTS[0]}", f"--port-max={_PORTS[1]}"),
        stdin=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    control = _Control(port)
    try:
        await asyncio.to_thread(control.wait_until_ready)
        pin(process.pid, core)
        ports = [
            await asyncio.to_thread(control.set_up, f"call-{number}", phones)
            for number, phones in enumerate(far_ends)
        ]
        yield Relay(pids=[process.pid], ports=ports)
    finally:
        control.close()
        process.terminate()
        await process.wait()


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((HOST, 0))
        port: int = sock.getsockname()[1]
        return port


def _description(port: int) -> str:
    return (
        f"v=0\r\no=- 1 1 IN IP4 {HOST}\r\ns=-\r\nc=IN IP4 {HOST}\r\nt=0 0\r\n"
        f"m=audio {port} RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=sendrecv\r\na=ptime:20\r\n"
    )


def _port_in(reply: bytes) -> int:
    found = re.search(rb"m=audio (\d+)", text_in(reply, "sdp"))
    assert found is not None, "rtpengine answered without an audio line"
    return int(found[1])
