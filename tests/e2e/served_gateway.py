"""`tonewall serve` as a process of its own, as a user runs it: configuration file, command line, output."""

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.e2e.gateway_rig import LIMIT_S, PASSWORD

_CONFIG: Final = """\
data = "{data}"
[sip]
port = 0
[sip.phones]
{phones}
[[sip.trunks]]
name = "loopback"
sources = ["127.0.0.0/8"]
[media]
silence_limit_ms = 10000  # a busy machine is no worker that hangs
[web]
port = 0
[log]
level = "DEBUG"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A gateway process that runs."""

    panel_url: str

    sip_address: tuple[str, int]

    data: Path

    output: Path
    "Standard output and error, the log at DEBUG among it."


@asynccontextmanager
async def served_gateway(folder: Path, *, agent: str = "agent") -> AsyncIterator[Served]:
    """Run a gateway with one phone, whose user may sign in to the panel. SIGTERM must end it with exit code 0."""
    config, output = folder / "tonewall.toml", folder / "serve.log"
    config.write_text(_CONFIG.format(data=folder / "var", phones=f'{agent} = "{PASSWORD}"'))
    await _run("users", "add", agent, "--config", str(config), typed=PASSWORD)
    with output.open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-u",
            "-m",
            "ivr",
            "serve",
            "--config",
            str(config),
            stdout=log,
            stderr=log,
        )
    try:
        yield await _started(process, output, folder / "var")
    finally:
        if process.returncode is None:
            process.terminate()
        code = await asyncio.wait_for(process.wait(), LIMIT_S)
    assert code == 0, output.read_text()


async def _run(*arguments: str, typed: str) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "ivr",
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await asyncio.wait_for(process.communicate(f"{typed}\n".encode()), LIMIT_S)
    assert process.returncode == 0, output.decode()


async def _started(process: asyncio.subprocess.Process, output: Path, data: Path) -> Served:
    async with asyncio.timeout(LIMIT_S):
        while "Ctrl-C" not in (text := _read(output)):
            assert process.returncode is None, text
            await asyncio.sleep(0.05)  # a file tells nobody that it grew
    panel = re.search(r"http://127\.0\.0\.1:\d+", text)
    sip = re.search(r"sip:(127\.0\.0\.1):(\d+)", text)
    assert panel is not None
    assert sip is not None
    return Served(panel_url=panel[0], sip_address=(sip[1], int(sip[2])), data=data, output=output)


def _read(path: Path) -> str:
    return path.read_text("utf-8")
