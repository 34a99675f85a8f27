"""SIPp, driven: scenarios written from steps, run to their end, with the messages they exchanged.

A caller: ``await run_caller(tmp_path, remote=(host, port), service="5000", steps=[PlayAudio(...), PressKeys("41#")])``.
An answerer: ``async with SippAnswerer(tmp_path) as far_end:``.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from samples.softphone import mulaw
from tests.support import sipp_scenarios as scenarios
from tests.support.peers import require_program
from tests.support.ports import LOOPBACK, free_rtp_ports, free_sip_port
from tests.support.wav import Pcm

RUN_LIMIT_S: Final = 60.0
"Longest a scenario may take; SIPp gives up by itself a little earlier."

_STOP_LIMIT_S: Final = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayAudio:
    """Send `pcm` as PCMU and go on once it has been sent."""

    pcm: Pcm


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """Do nothing for a while; RTP stops too."""

    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PressKeys:
    """Send one SIP INFO (application/dtmf-relay) a key, each awaiting its 200."""

    keys: str

    duration_ms: int = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class AwaitKey:
    """Go on once the far end has sent a key by SIP INFO: how a test tells the scenario that the time has come."""


Step = PlayAudio | Pause | PressKeys | AwaitKey


@dataclass(frozen=True, slots=True, kw_only=True)
class SippResult:
    """How a scenario went."""

    returncode: int
    "0: every call did what the scenario says."

    messages: str
    "All SIP messages sent and received, as SIPp traced them."

    errors: str
    "What SIPp complained of."

    @property
    def ok(self) -> bool:
        """Whether every call went as the scenario says."""
        return self.returncode == 0


async def run_caller(
    folder: Path,
    *,
    remote: tuple[str, int],
    service: str,
    steps: list[Step],
    username: str = "sipp",
) -> SippResult:
    """Call `service` at `remote`, do `steps`, hang up; return once the BYE is answered or the run failed."""
    folder = folder / "sipp-caller"
    folder.mkdir()
    scenario = folder / "scenario.xml"
    scenario.write_text(_caller_scenario(folder, steps, username))
    process = await _start(
        folder, scenario, free_sip_port(), "-s", service, f"{remote[0]}:{remote[1]}"
    )
    try:
        async with asyncio.timeout(RUN_LIMIT_S):
            await process.wait()
    finally:
        await _stop(process)
    return _result(folder, process)


class SippAnswerer:
    """Answers one call, echoes its audio back, and waits for the BYE."""

    def __init__(self, folder: Path) -> None:
        require_program("sipp")
        self.port = free_sip_port()
        self._folder = folder / "sipp-answerer"
        self._process: asyncio.subprocess.Process | None = None

    @property
    def uri(self) -> str:
        """Where it is called."""
        return f"sip:sipp@{LOOPBACK}:{self.port}"

    async def __aenter__(self) -> Self:
        self._folder.mkdir()
        scenario = self._folder / "scenario.xml"
        scenario.write_text(scenarios.answerer())
        # pyVoIP acknowledges with a To-tag of its own; SIPp shall not end the call over it.
        tolerant = ("-default_behaviors", "all,-abortunexp")
        self._process = await _start(self._folder, scenario, self.port, "-rtp_echo", *tolerant)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._process is not None:
            await _stop(self._process)

    async def finished(self) -> SippResult:
        """Return once the call has come and gone."""
        assert self._process is not None
        async with asyncio.timeout(RUN_LIMIT_S):
            await self._process.wait()
        return _result(self._folder, self._process)


def _caller_scenario(folder: Path, steps: list[Step], username: str) -> str:
    parts: list[str] = []
    cseq = 2
    for number, step in enumerate(steps):
        match step:
            case PlayAudio(pcm=pcm):
                raw = folder / f"audio-{number}.ul"
                raw.write_bytes(mulaw.encode(pcm))
                parts.append(scenarios.play(raw, len(pcm) / 8000))
            case Pause(seconds=seconds):
                parts.append(scenarios.pause(seconds))
            case PressKeys(keys=keys, duration_ms=duration_ms):
                for key in keys:
                    parts.append(scenarios.info(username, key, duration_ms, cseq))
                    cseq += 1
            case AwaitKey():
                parts.append(scenarios.await_info())
    return scenarios.caller(username, parts, cseq)


async def _start(
    folder: Path, scenario: Path, port: int, *arguments: str
) -> asyncio.subprocess.Process:
    program = require_program("sipp")
    rtp_port, _ = free_rtp_ports()
    with (folder / "output.log").open("wb") as log:
        return await asyncio.create_subprocess_exec(
            str(program),
            *("-sf", str(scenario), "-m", "1", "-nostdin"),
            *("-i", LOOPBACK, "-p", str(port), "-mi", LOOPBACK, "-mp", str(rtp_port)),
            *("-timeout", f"{RUN_LIMIT_S - 5:.0f}s", "-timeout_error"),
            *("-trace_msg", "-message_file", str(folder / "messages.log")),
            *("-trace_err", "-error_file", str(folder / "errors.log")),
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=folder,
        )


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), _STOP_LIMIT_S)
    except TimeoutError:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def _result(folder: Path, process: asyncio.subprocess.Process) -> SippResult:
    assert process.returncode is not None
    return SippResult(
        returncode=process.returncode,
        messages=_text(folder / "messages.log"),
        errors=_text(folder / "errors.log"),
    )


def _text(path: Path) -> str:
    return path.read_text(errors="replace") if path.exists() else ""
