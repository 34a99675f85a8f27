"""PJSIP, driven: a SIP phone nobody here wrote, which keys by RFC 4733 and by SIP INFO in one and the same call.

Use it as ``async with Pjsip(tmp_path, username="caller", microphone=speech(2.0)) as caller:``; the process ends with
the block. PJSIP is GPLv2 or later: it runs in a process of its own (:mod:`tests.support.pjsip_phone`), for tests only.
"""

import asyncio
import json
import sys
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Literal, Self

from tests.support.peers import require_module
from tests.support.ports import LOOPBACK, free_rtp_ports, free_sip_port
from tests.support.wav import Pcm, pad, read_wav, silence, write_wav

EVENT_LIMIT_S: Final = 20.0
"Longest wait for something that a healthy machine does within a second."

_STOP_LIMIT_S: Final = 5.0

_MICROPHONE_S: Final = 90.0
"What is played is padded with silence to this length: PJSIP complains of a file that ends."

_ROOT: Final = Path(__file__).resolve().parents[2]

Event = dict[str, Any]

DtmfMethod = Literal["rfc4733", "info"]


class PjsipError(Exception):
    """PJSIP refused a command or ended, or what was waited for did not happen in time."""


class Pjsip:
    """One phone, one call; it picks up at once when it is called."""

    def __init__(
        self,
        folder: Path,
        *,
        username: str,
        microphone: Pcm | None = None,
        registrar: tuple[str, int] | None = None,
        password: str = "",
    ) -> None:
        """Prepare a phone; nothing is started before ``async with``.

        `microphone` is what it says once, from the moment its call is answered; silence after it. With `registrar`
        it registers there; without, it calls by URI.
        """
        require_module("pjsua2")
        self.username = username
        self.events: list[Event] = []
        "Every event so far, oldest first, as tests.support.pjsip_phone describes them."
        self._sip_port = free_sip_port()
        self._folder = folder / f"pjsip-{username}"
        self._microphone = microphone if microphone is not None else silence(0)
        self._registrar, self._password = registrar, password
        self._process: asyncio.subprocess.Process | None = None
        self._pump: asyncio.Task[None] | None = None
        self._changed = asyncio.Condition()
        self._ended = False
        self._commands = 0
        self._played = 0

    @property
    def uri(self) -> str:
        """Where this phone is called directly."""
        return f"sip:{self.username}@{LOOPBACK}:{self._sip_port}"

    def heard(self) -> Pcm:
        """Return what this phone heard, int16 at 8000 Hz; complete once the call is over."""
        return read_wav(self._heard_wav)

    def keys_received(self) -> str:
        """Return the digits that came to this phone as RFC 4733 events or SIP INFO."""
        return "".join(str(seen["key"]) for seen in self.events if seen["event"] == "key")

    async def __aenter__(self) -> Self:
        self._folder.mkdir()
        with (self._folder / "output.log").open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tests.support.pjsip_phone", *self._arguments()),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                cwd=_ROOT,
            )
        self._pump = asyncio.create_task(self._receive())
        try:
            await self.wait_for("ready")
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._stop()

    async def dial(self, uri: str) -> None:
        """Call `uri`; returns when the INVITE is on its way."""
        await self._command("dial", uri=uri)

    async def play(self, pcm: Pcm) -> None:
        """Begin to send `pcm`, over what else is being sent."""
        await self._command("play", path=str(self._sound(pcm)))

    async def press(
        self, keys: str, *, method: DtmfMethod, on_ms: int = 100, off_ms: int = 100
    ) -> None:
        """Press `keys` one by one; returns when the last one has been let go."""
        await self._command("press", keys=keys, method=method, on_ms=on_ms, off_ms=off_ms)

    async def hold(self) -> None:
        """Put the call on hold (re-INVITE, `sendonly`); returns when the far end has agreed."""
        await self._command("hold")
        await self.wait_for("media", state="held")

    async def resume(self) -> None:
        """Take the call off hold; returns when the far end has agreed."""
        before = self._count("media", state="active")
        await self._command("resume")
        await self.wait_for("media", state="active", count=before + 1)

    async def hang_up(self) -> None:
        """End the call; returns when it is over."""
        await self._command("hang_up")
        await self.wait_for("call", state="closed")

    async def wait_for(
        self, event: str, *, count: int = 1, limit_s: float = EVENT_LIMIT_S, **fields: object
    ) -> None:
        """Return once `event` with these `fields`, for example `call` with `state="closed"`, has come `count` times."""
        try:
            async with asyncio.timeout(limit_s), self._changed:
                await self._changed.wait_for(
                    lambda: self._ended or self._count(event, **fields) >= count
                )
        except TimeoutError:
            raise PjsipError(f"{self.username}: no {event} {fields} in {limit_s:g} s") from None
        if self._count(event, **fields) < count:
            raise PjsipError(f"{self.username}: PJSIP ended, see {self._folder}/output.log")

    async def heard_for(self, seconds: float, *, limit_s: float = 60.0) -> None:
        """Return once this phone has heard `seconds` of audio, holds left out (its recording has grown to that)."""
        wanted_bytes = round(seconds * 8000) * 2
        try:
            async with asyncio.timeout(limit_s):
                while self._heard_bytes() < wanted_bytes:  # noqa: ASYNC110  # a file tells nobody that it grew
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise PjsipError(f"{self.username} did not hear {seconds:g} s of audio") from None

    async def heard_more(self, seconds: float) -> None:
        """Return once this phone has heard `seconds` of audio from now on."""
        await self.heard_for(self._heard_bytes() / 2 / 8000 + seconds)

    def _heard_bytes(self) -> int:
        return self._heard_wav.stat().st_size if self._heard_wav.exists() else 0

    def _count(self, event: str, **fields: object) -> int:
        wanted = {"event": event, **fields}
        return sum(wanted.items() <= seen.items() for seen in self.events)

    async def _command(self, verb: str, **fields: object) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        self._commands += 1
        number = self._commands
        line = json.dumps({"do": verb, "id": number, **fields})
        self._process.stdin.write(line.encode() + b"\n")
        await self._process.stdin.drain()
        await self.wait_for("answer", id=number)
        (answer,) = (seen for seen in self.events if seen.get("id") == number)
        if answer["error"]:
            raise PjsipError(f"{self.username}: {verb} was refused: {answer['error']}")

    async def _receive(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            async with self._changed:
                self.events.append(json.loads(line))
                self._changed.notify_all()
        async with self._changed:
            self._ended = True
            self._changed.notify_all()

    async def _stop(self) -> None:
        process = self._process
        assert process is not None
        assert process.stdin is not None
        with suppress(ConnectionError):
            process.stdin.close()
            await process.stdin.wait_closed()
        try:
            await asyncio.wait_for(process.wait(), _STOP_LIMIT_S)
        except TimeoutError:
            process.kill()
            await process.wait()
        if self._pump is not None:
            await self._pump

    @property
    def _heard_wav(self) -> Path:
        return self._folder / "heard.wav"

    def _sound(self, pcm: Pcm) -> Path:
        self._played += 1
        missing_s = max(0.0, _MICROPHONE_S - len(pcm) / 8000)
        return write_wav(self._folder / f"sound-{self._played}.wav", pad(pcm, after_s=missing_s))

    def _arguments(self) -> list[str]:
        rtp_low, rtp_high = free_rtp_ports()
        account = []
        if self._registrar is not None:
            host, port = self._registrar
            account = ["--registrar", f"{host}:{port}", f"--password={self._password}"]
        return [
            *account,
            *("--username", self.username, "--sip-port", str(self._sip_port)),
            *("--rtp-low", str(rtp_low), "--rtp-high", str(rtp_high)),
            *("--microphone", str(self._sound(self._microphone)), "--heard", str(self._heard_wav)),
        ]
