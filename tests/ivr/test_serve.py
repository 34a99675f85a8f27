"""`tonewall serve` as a process: what it prints, what it logs, how it ends."""

import asyncio
import re
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import httpx2
import pytest

LIMIT_S: Final = 40.0
"Longest wait for something that takes a second on an idle machine."

STARTED: Final = "stop with Ctrl-C"

pytestmark = pytest.mark.e2e


class Serve:
    """A `tonewall serve` that has begun."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def started(self) -> list[str]:
        """Return what it printed, once it runs."""
        assert self._process.stdout is not None
        lines: list[str] = []
        async with asyncio.timeout(LIMIT_S):
            while not lines or STARTED not in lines[-1]:
                line = await self._process.stdout.readline()
                assert line, "it ended before it had started"
                lines.append(line.decode().rstrip("\n"))
        return lines

    async def ended(self) -> tuple[int, str, str]:
        """Return exit code, the rest of standard output, and standard error with the log, once it has ended."""
        async with asyncio.timeout(LIMIT_S):
            output, errors = await self._process.communicate()
        assert self._process.returncode is not None
        return self._process.returncode, output.decode(), errors.decode()

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def kill(self) -> None:
        if self._process.returncode is None:
            self._process.kill()


@asynccontextmanager
async def serve(config: Path) -> AsyncIterator[Serve]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-u", "-m", "ivr", "serve", "--config", str(config)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    served = Serve(process)
    try:
        yield served
    finally:
        served.kill()
        await process.wait()


async def ended(config: Path) -> tuple[int, str, str]:
    """Return what one that does not start leaves: :meth:`Serve.ended`."""
    async with serve(config) as served:
        return await served.ended()


def written(
    folder: Path, *, name: str = "a", sip_port: int = 0, web_port: int = 0, level: str = "INFO"
) -> Path:
    path = folder / f"{name}.toml"
    path.write_text(
        f'data = "{folder}/{name}"\n[sip]\nport = {sip_port}\n[web]\nport = {web_port}\n'
        f'[log]\nlevel = "{level}"\n'
    )
    return path


def found(pattern: str, lines: list[str]) -> str:
    match = re.search(pattern, "\n".join(lines))
    assert match is not None, lines
    return match[1]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_it_says_where_to_go_and_stops_in_order(
    tmp_path: Path, number: signal.Signals
) -> None:
    async with serve(written(tmp_path)) as served:
        said = await served.started()
        panel = found(r"panel +(http://127\.0\.0\.1:\d+)", said)
        password = found(r"sign in as agent with password (\S+) \(shown this once\)", said)
        assert found(r"register at (sip:127\.0\.0\.1:\d+), accounts: agent", said)
        assert f"their passwords are in {tmp_path}/a/phones.toml" in "\n".join(said)
        async with httpx2.AsyncClient(base_url=panel) as browser:
            form = {"username": "agent", "password": password}
            assert (await browser.post("/panel/sign-in", data=form)).headers["location"] == "/panel"
        served.signal(number)
        code, output, _ = await served.ended()
    assert (code, output) == (0, "stopping: calls are ended, recordings brought to disk ...\n")


async def test_the_log_at_the_default_level_is_ours_alone(tmp_path: Path) -> None:
    async with serve(written(tmp_path)) as served:
        await served.started()
        served.signal(signal.SIGTERM)
        _, _, log = await served.ended()
    (line,) = log.splitlines()
    assert "gateway started" in line


async def test_no_secret_is_in_the_log_at_its_loudest(tmp_path: Path) -> None:
    async with serve(written(tmp_path, level="DEBUG")) as served:
        said = await served.started()
        password = found(r"with password (\S+)", said)
        phone = found(r'agent" = "(\S+)"', [(tmp_path / "a" / "phones.toml").read_text()])
        served.signal(signal.SIGTERM)
        _, _, log = await served.ended()
    assert "alembic" in log
    assert [secret in log for secret in (password, phone, "argon2")] == [False] * 3


async def test_the_password_is_shown_once(tmp_path: Path) -> None:
    config = written(tmp_path)
    for shown in (True, False):
        async with serve(config) as served:
            said = await served.started()
            served.signal(signal.SIGTERM)
            await served.ended()
        assert ("shown this once" in "\n".join(said)) is shown


async def test_a_second_one_is_refused_in_one_line_and_the_first_goes_on(tmp_path: Path) -> None:
    async with serve(written(tmp_path, name="a")) as first:
        said = await first.started()
        sip_port = int(found(r"sip:127\.0\.0\.1:(\d+)", said))
        web_port = int(found(r"http://127\.0\.0\.1:(\d+)", said))
        refused = (
            (
                written(tmp_path, name="b", sip_port=sip_port),
                f"cannot listen for SIP on 127.0.0.1 port {sip_port}: Address already in use; "
                "end the program that uses it, or set sip.host or sip.port",
            ),
            (
                written(tmp_path, name="c", web_port=web_port),
                f"cannot serve the panel on 127.0.0.1 port {web_port}: Address already in use; "
                "end the program that uses it, or set web.host or web.port",
            ),
            (
                written(tmp_path, name="a"),
                f"data folder {tmp_path}/a: a gateway named 'node-1' runs on it already; "
                "stop that one, or set data",
            ),
        )
        ends = await asyncio.gather(*(ended(config) for config, _ in refused))
        assert ends == [(1, "", f"Error: {reason}\n") for _, reason in refused]
        first.signal(signal.SIGTERM)
        code, _, _ = await first.ended()
    assert code == 0


async def test_a_killed_gateway_leaves_no_lock(tmp_path: Path) -> None:
    config = written(tmp_path)
    for _ in range(2):
        async with serve(config) as served:
            await served.started()
            served.kill()
            await served.ended()
    with sqlite3.connect(tmp_path / "a" / "tonewall.db") as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database.close()
