"""Run a demo softphone in a process of its own, and talk to it in JSON lines.

The softphone is `samples/softphone` (pyVoIP, GPLv3): a separate program that this one only starts.
"""

import asyncio
import json
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, NoReturn, Self

_MODULE: Final = "samples.softphone.phone"

_ROOT: Final = Path(__file__).resolve().parents[2]
"The clone that holds `samples/`."

_EXIT_LIMIT_S: Final = 8.0
"The softphone signs off within three seconds of the end of its stdin."

_MAX_EVENTS: Final = 10_000
"A phone that reports more than this has lost its way; it is not listened to any longer."

Event = dict[str, Any]


def softphone_is_here() -> bool:
    """Return whether this is a clone: an installed package comes without `samples/`."""
    return (_ROOT / "samples" / "softphone" / "phone.py").is_file()


class SoftphoneError(Exception):
    """The softphone reported an error, ended, or did not do in time what was waited for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SoftphoneOptions:
    """Who the phone is and where it talks; ports are chosen by whoever starts it."""

    role: str
    "`agent` registers and answers; `caller` calls without registering, as a trunk does."

    server: tuple[str, int]
    "Registrar and gateway."

    sip_port: int

    rtp_ports: tuple[int, int]
    "First and last; two are enough."

    username: str

    password: str = ""

    sent_wav: Path | None = None
    "Where to keep what it sent, with a sidecar beside it."

    heard_wav: Path | None = None
    "Where to keep what it heard, with a sidecar beside it."

    log: Path | None = None
    "Where the phone's own complaints go; nowhere if not given."

    deadline_s: float = 120.0
    "The phone ends by itself after this, whatever happens."

    def arguments(self) -> list[str]:
        """Return the command line."""
        low, high = self.rtp_ports
        arguments = [
            *("--role", self.role, "--username", self.username),
            *("--server-host", self.server[0], "--server-port", str(self.server[1])),
            *("--sip-port", str(self.sip_port), "--rtp-ports", f"{low}-{high}"),
            *("--deadline-s", str(self.deadline_s), f"--password={self.password}"),
        ]
        if self.sent_wav is not None:
            arguments += ["--sent-wav", str(self.sent_wav.resolve())]
        if self.heard_wav is not None:
            arguments += ["--heard-wav", str(self.heard_wav.resolve())]
        return arguments


class Softphone:
    """One softphone process; ``async with`` starts it and sees to its end."""

    def __init__(
        self, options: SoftphoneOptions, on_event: Callable[[Event], None] | None = None
    ) -> None:
        """`on_event` is called with every event as it comes, besides those that are waited for."""
        self.events: list[Event] = []
        self._options = options
        self._on_event = on_event
        self._process: asyncio.subprocess.Process | None = None
        self._pump: asyncio.Task[None] | None = None
        self._changed = asyncio.Condition()
        self._over = False

    async def __aenter__(self) -> Self:
        with (self._options.log or Path(os.devnull)).open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", _MODULE),
                *self._options.arguments(),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                cwd=_ROOT,
                start_new_session=True,  # Ctrl-C is for us: the phones hang up when they are told
            )
        self._pump = asyncio.create_task(self._receive())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        process, pump = self._process, self._pump
        assert process is not None
        assert pump is not None
        assert process.stdin is not None
        process.stdin.close()
        with suppress(ConnectionError, BrokenPipeError):
            await process.stdin.wait_closed()
        try:
            await asyncio.wait_for(process.wait(), _EXIT_LIMIT_S)
        except TimeoutError:
            process.kill()
            await process.wait()
        await pump

    async def tell(self, verb: str, **parameters: object) -> None:
        """Give one command (see samples/softphone/README.md); raise :class:`SoftphoneError` where the phone is gone."""
        assert self._process is not None
        assert self._process.stdin is not None
        line = json.dumps({"do": verb, **parameters}) + "\n"
        try:
            self._process.stdin.write(line.encode())
            await self._process.stdin.drain()
        except ConnectionError as error:
            raise SoftphoneError(f"{self._options.username}: the softphone has ended") from error

    async def wait_for(self, event: str, *, limit_s: float | None, count: int = 1) -> Event:
        """Return the `count`-th event of that name once it has come.

        Raise :class:`SoftphoneError` when it has not in `limit_s` (None: no limit), when the phone ends first, or
        reports an error.
        """

        def seen() -> list[Event]:
            return [e for e in self.events if e["event"] == event]

        def settled() -> bool:
            return len(seen()) >= count or self._over or self._error() is not None

        try:
            async with asyncio.timeout(limit_s), self._changed:
                await self._changed.wait_for(settled)
        except TimeoutError:
            pass
        if len(seen()) >= count:
            return seen()[count - 1]
        raise self._failure(f"{limit_s:g} s are over without `{event}`")

    async def watch(self) -> NoReturn:
        """Raise :class:`SoftphoneError` once the phone reports an error or ends without having been told to."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._over or self._error() is not None)
        raise self._failure("")

    def _failure(self, otherwise: str) -> SoftphoneError:
        reason = self._error() or ("its process has ended" if self._over else otherwise)
        return SoftphoneError(f"the {self._options.role}'s softphone: {reason}")

    def _error(self) -> str | None:
        messages = (str(e["message"]) for e in self.events if e["event"] == "error")
        return next(messages, None)

    async def _receive(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            if len(self.events) >= _MAX_EVENTS:
                continue
            event: Event = json.loads(line)
            async with self._changed:
                self.events.append(event)
                self._changed.notify_all()
            if self._on_event is not None:
                self._on_event(event)
        async with self._changed:
            self._over = True
            self._changed.notify_all()
