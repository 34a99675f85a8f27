"""Relays in a contest: each carries calls of a load of its own, they take turns, and all run on the same core."""

import statistics
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final

from benchmarks import media_processes
from benchmarks.media_programs import (
    FRAMES_A_SECOND,
    Counts,
    Flood,
    MediaLoad,
    running_load,
)
from benchmarks.media_relays import Relay, running_floor, running_gateway
from benchmarks.media_rtpengine import running_rtpengine
from benchmarks.media_sound import NOTHING_KEYED, KeyScore, Track, judged, track
from benchmarks.rows import OURS

TRACK_S: Final = 120.0
_WARM_S: Final = 2.0
_STARTS_A_SECOND: Final = 250
"As on a busy day rather than all in one instant, which no telephone network does; each wants to be latched on to."

_GOLDEN: Final = 0.6180339887498949
"Of the track, between the places where two calls begin: however many they are, they spread over all of it."

_DIRECTIONS: Final = 2


class Kind(StrEnum):
    """Who carries the packets."""

    GATEWAY = OURS
    RTPENGINE = "rtpengine"
    FLOOR = "C floor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One relay of a contest."""

    kind: Kind = Kind.GATEWAY
    calls: int
    workers: int = 1
    secure: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What one turn of one relay came to."""

    cost_us: float
    "Processor time of the relay a packet that it received."

    load_share: float
    "Of its core that the load took."

    waited: float
    "Share of the time that relay or load were ready to run and something else had their core, whichever was longer."

    counts: Counts


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What all turns of one relay came to."""

    entry: Entry

    turns: Sequence[Turn]

    bytes_a_call: float
    "Resident memory of the media workers; 0 for others."

    keys: KeyScore

    @property
    def cost_us(self) -> float:
        """The median of the turns."""
        return statistics.median(turn.cost_us for turn in self.turns)

    @property
    def counts(self) -> Counts:
        """Of all turns."""
        return self.turns[-1].counts


def ratio(ours: Measured, other: Measured) -> float:
    """Return the median over the turns of our cost over the other's in the turn beside it."""
    pairs = zip(ours.turns, other.turns, strict=True)
    return statistics.median(a.cost_us / b.cost_us for a, b in pairs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stand:
    """A relay and its load."""

    load: MediaLoad
    relay: Relay
    sound: Track
    first_frames: Sequence[int] = field(repr=False)
    "Where in the track each caller begins."

    async def turn(self, seconds: float, flood: Flood | None = None) -> Turn:
        """Let all calls talk for `seconds` after a warm-up."""
        warm, frames = round(_WARM_S * FRAMES_A_SECOND), round(seconds * FRAMES_A_SECOND)
        await self.load.begin(warm, frames, flood)
        before = self._clocks()
        await self.load.sent(frames)
        relay_s, load_s, relay_waited_s, load_waited_s = (
            now - then for now, then in zip(self._clocks(), before, strict=True)
        )
        counts = await self.load.counts()
        # What was lost waited at the relay's socket in vain: it has cost the relay nothing.
        arrived = max(1, counts.sent - counts.lost) / counts.sent
        packets = _DIRECTIONS * len(self.relay.ports) * frames * arrived
        return Turn(
            cost_us=relay_s * 1e6 / packets,
            load_share=load_s / seconds,
            waited=max(relay_waited_s, load_waited_s) / seconds,
            counts=counts,
        )

    def _clocks(self) -> tuple[float, float, float, float]:
        relay, load = self.relay.pids, [self.load.pid]
        return (
            media_processes.spent_s(relay),
            media_processes.spent_s(load),
            media_processes.waited_s(relay),
            media_processes.waited_s(load),
        )

    def bytes_a_call(self) -> float:
        """Return by how much the relay has grown since its first call, a call."""
        if not self.relay.first_call_bytes or len(self.relay.ports) < 2:
            return 0.0
        grown = sum(map(media_processes.resident_bytes, self.relay.pids))
        return (grown - self.relay.first_call_bytes) / (len(self.relay.ports) - 1)

    def key_score(self, frames: Sequence[int]) -> KeyScore:
        """Return how the keys that the relay has read compare with those of the `frames` that each caller sent."""
        score = NOTHING_KEYED
        callers = zip(self.first_frames, frames, strict=True)
        for told, (first_frame, sent) in zip(self.relay.told, callers, strict=False):
            must, may = self.sound.keys_of(first_frame, sent)
            score += judged("".join(key.reveal() for key in told), must, may)
        return score


@asynccontextmanager
async def stand(
    entry: Entry, folder: Path, sound: Track, cores: Sequence[int]
) -> AsyncIterator[Stand]:
    """Run a relay whose calls have begun; raise NotAvailableError where something for it is missing.

    The load gets the first of `cores`, the relay the others; where these do not suffice, the first as well.
    """
    load_core, *relay_cores = cores
    relay_cores = [*relay_cores, load_core][: entry.workers]
    path = folder / "track"
    if not path.exists():
        sound.write(path)
    async with AsyncExitStack() as stack:
        load = await stack.enter_async_context(running_load(folder, path, entry.calls))
        media_processes.pin(load.pid, load_core)
        media_processes.prefer(load.pid)
        far_ends = load.far_ends
        match entry.kind:
            case Kind.GATEWAY:
                running = running_gateway(far_ends, relay_cores, secure=entry.secure)
            case Kind.RTPENGINE:
                running = running_rtpengine(far_ends, relay_cores[0])
            case Kind.FLOOR:
                running = running_floor(far_ends, relay_cores[0], folder)
        relay = await stack.enter_async_context(running)
        first_frames = [
            int(number * _GOLDEN % 1 * len(sound.frames)) for number in range(entry.calls)
        ]
        await load.dial(relay.ports, first_frames)
        await load.start(-(-entry.calls * FRAMES_A_SECOND // _STARTS_A_SECOND))
        yield Stand(load=load, relay=relay, sound=sound, first_frames=first_frames)


async def contest(
    entries: Sequence[Entry], *, turns: int, seconds: float, seed: int
) -> list[Measured]:
    """Let all entries take turns; return what each came to."""
    sound, cores = track(TRACK_S, seed), media_processes.cores()
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        stack.enter_context(media_processes.confined(cores[0]))
        stands = [
            await stack.enter_async_context(stand(entry, folder, sound, cores)) for entry in entries
        ]
        taken: list[list[Turn]] = [[] for _ in stands]
        for _ in range(turns):
            for each, so_far in zip(stands, taken, strict=True):
                so_far.append(await each.turn(seconds))
        return [
            Measured(
                entry=entry,
                turns=so_far,
                bytes_a_call=each.bytes_a_call(),
                keys=each.key_score(so_far[-1].counts.frames),
            )
            for entry, each, so_far in zip(entries, stands, taken, strict=True)
        ]
