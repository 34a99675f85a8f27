"""The demo as its own process, and whatever it leaves running."""

import asyncio
import os
import secrets
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

_LIMIT_S: Final = 90.0
"What the demo promises, with every phone failing."

_MARK: Final = "TONEWALL_TEST_DEMO"


class Demo:
    """A running `tonewall demo`; `async with started_demo(...)`."""

    def __init__(self, process: asyncio.subprocess.Process, mark: str, temporary: Path) -> None:
        self._process = process
        self._mark = mark
        self._temporary = temporary
        self.printed = ""
        "Standard output and standard error so far, read by the methods below."

    async def line_with(self, text: str) -> str:
        """Return the next printed line that holds `text`."""
        assert self._process.stdout is not None
        async with asyncio.timeout(_LIMIT_S):
            async for raw in self._process.stdout:
                line = raw.decode()
                self.printed += line
                if text in line:
                    return line
        raise AssertionError(f"the demo ended without {text!r}:\n{self.printed}")

    async def ended(self, *, limit_s: float = _LIMIT_S) -> int:
        """Return the exit code, once the demo and everything that holds its output has ended."""
        assert self._process.stdout is not None
        async with asyncio.timeout(limit_s):
            self.printed += (await self._process.stdout.read()).decode()
            return await self._process.wait()

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        self._process.send_signal(signal.SIGINT)

    def softphone(self, role: str) -> int:
        """Return the process of the softphone with this role."""
        options = ["--role", role]
        (pid,) = (p for p in self.processes() if options == _read(p, "cmdline").split("\0")[3:5])
        return pid

    def left_behind(self) -> list[object]:
        """Return the processes and temporary files of a demo that has ended; empty where all is in order."""
        return [*self.processes(), *self._temporary.iterdir()]

    def processes(self) -> list[int]:
        """Return every live process of this demo, its own included."""
        mark = f"{_MARK}={self._mark}"
        pids = (int(name) for name in os.listdir("/proc") if name.isdigit())
        return [pid for pid in pids if mark in _read(pid, "environ").split("\0")]


@asynccontextmanager
async def started_demo(output: Path, *arguments: str) -> AsyncIterator[Demo]:
    """Run the demo without a terminal; end it, should the test not have waited for its end."""
    mark = secrets.token_hex(8)
    with TemporaryDirectory() as temporary:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "ivr", "demo", "--output", str(output), *arguments),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=os.environ | {_MARK: mark, "PYTHONUNBUFFERED": "1", "TMPDIR": temporary},
        )
        demo = Demo(process, mark, Path(temporary))
        try:
            yield demo
        finally:
            for pid in demo.processes():
                os.kill(pid, signal.SIGKILL)
            await demo.ended()


def _read(pid: int, name: str) -> str:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes().decode(errors="replace")
    except OSError:  # it has ended, or is somebody else's
        return ""
