"""Our two C programs, compiled when they are needed: the load (`media_load.c`) and the floor (`media_floor.c`)."""

import asyncio
import json
import shutil
import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from benchmarks.rows import NotAvailableError

_SOURCES: Final = Path(__file__).parent
_LIMIT_S: Final = 30.0
"Longest wait for what a program does at once."

_LONGEST_LINE: Final = 1 << 20
"Bytes: counts have a number for each call."

FRAMES_A_SECOND: Final = 50


def compiled(name: str, folder: Path) -> Path:
    """Return the program `name` in `folder`, compiled there if it is not yet; raise NotAvailableError without cc."""
    program = folder / name
    if not program.exists():
        if (compiler := shutil.which("cc")) is None:
            raise NotAvailableError("no C compiler (cc) is installed")
        source = _SOURCES / f"{name}.c"
        subprocess.run([compiler, "-std=gnu17", "-O2", "-o", program, source], check=True)
    return program


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """A call's two ends, on one side of the relay."""

    caller: int
    agent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Direction:
    """What became of one direction's packets. Latency is that of frames that came out as they were sent."""

    sent: int
    received: int
    lost: int
    found: int
    "Received as they were sent; the rest was masked."
    timed: int
    "Of these, sent after the warm-up: what the latency is counted over."
    p50_ms: float
    p99_ms: float
    p999_ms: float
    max_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What the load counted since it was told to forget."""

    frames: Sequence[int]
    "Of each call: sent by either end since its start."
    own_drops: int
    "Packets that the load itself did not fetch in time."
    foreign: int
    "Packets that no call of ours expects."
    flooded: int
    "Packets of the flood."
    late_p99_ms: float
    "By how much the load itself was late to send."
    late_max_ms: float
    from_caller: Direction
    from_agent: Direction

    @classmethod
    def read(cls, line: str) -> Self:
        """Read the program's line of JSON."""
        told = json.loads(line)
        for name in ("from_caller", "from_agent"):
            told[name] = Direction(**told[name])
        return cls(**told)

    @property
    def sent(self) -> int:
        """Packets of both directions."""
        return self.from_caller.sent + self.from_agent.sent

    @property
    def lost(self) -> int:
        """Packets of both directions that did not come out."""
        return self.from_caller.lost + self.from_agent.lost


@dataclass(frozen=True, slots=True, kw_only=True)
class Flood:
    """What is sent at the caller's port of call 0, besides its own packets."""

    packets_a_second: int
    by_stranger: bool
    "Whether it comes from elsewhere, or from the caller's own address."


class MediaLoad:
    """A running `media_load`."""

    def __init__(self, process: asyncio.subprocess.Process, far_ends: Sequence[Ports]) -> None:
        self._process = process
        self.far_ends = far_ends
        "Of each call: where its two phones are."

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    async def dial(self, relay: Sequence[Ports], first_frames: Sequence[int]) -> None:
        """Tell each call its relay's ports and where in the track its caller begins."""
        for ports, first_frame in zip(relay, first_frames, strict=True):
            self._tell(f"{ports.caller} {ports.agent} {first_frame}")
        await self._input.drain()

    async def start(self, frames: int) -> None:
        """Let the calls begin one after another over `frames`; raise NotAvailableError as :meth:`begin` does.

        What is sent and received meanwhile counts as well.
        """
        self._tell(f"start {frames}")
        await self.sent(frames)
        await self.counts()

    async def begin(self, warm_frames: int, frames: int, flood: Flood | None = None) -> None:
        """Start to send; return when the warm-up is over and `frames` more follow.

        This and :meth:`sent` raise NotAvailableError where the machine is too busy for the load.
        """
        rate = flood.packets_a_second if flood else 0
        stranger = int(flood is not None and flood.by_stranger)
        self._tell(f"run {warm_frames} {frames} {rate} {stranger}")
        await self._expect("begin", _LIMIT_S + warm_frames / FRAMES_A_SECOND)

    async def sent(self, frames: int) -> None:
        """Return when the `frames` of :meth:`begin` are sent."""
        await self._expect("end", _LIMIT_S + frames / FRAMES_A_SECOND)

    async def counts(self) -> Counts:
        """Return what was counted since the start or :meth:`forget`, once after each :meth:`sent`."""
        return Counts.read(await read_line(self._process))

    def forget(self) -> None:
        """Start counting afresh; what a call received more than was sent counts as received afterwards."""
        self._tell("forget")

    async def _expect(self, wanted: str, limit_s: float) -> None:
        line = await read_line(self._process, limit_s)
        if line == "behind":
            raise NotAvailableError(
                "the load cannot keep up: its core is too slow for so many calls, or busy"
            )
        if line != wanted:
            raise AssertionError(f"media_load said {line!r} in place of {wanted!r}")

    def _tell(self, line: str) -> None:
        self._input.write(f"{line}\n".encode())

    @property
    def _input(self) -> asyncio.StreamWriter:
        assert self._process.stdin is not None
        return self._process.stdin


@asynccontextmanager
async def running_load(folder: Path, track: Path, calls: int) -> AsyncIterator[MediaLoad]:
    """Run `media_load` with `calls` calls that are not dialled yet."""
    async with started(compiled("media_load", folder), str(track), str(calls)) as process:
        callers, agents = [
            [int(port) for port in (await read_line(process)).split()] for _ in range(2)
        ]
        far_ends = [
            Ports(caller=callers[call % len(callers)], agent=agents[call % len(agents)])
            for call in range(calls)
        ]
        yield MediaLoad(process, far_ends)


@asynccontextmanager
async def started(program: Path, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a program with pipes to its input and output, and end it afterwards."""
    # A session of its own: where the kernel shares cores out by session (sched_autogroup), a load that is late because
    # the benchmark's other processes have used up the share would measure itself.
    process = await asyncio.create_subprocess_exec(
        str(program),
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,
        limit=_LONGEST_LINE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()


async def read_line(process: asyncio.subprocess.Process, limit_s: float = _LIMIT_S) -> str:
    """Return the next line of a program's output; raise an error where there is none within `limit_s`."""
    assert process.stdout is not None
    line = await asyncio.wait_for(process.stdout.readline(), limit_s)
    if not line:
        raise AssertionError("the program ended before it had said all")
    return line.decode().rstrip("\n")
