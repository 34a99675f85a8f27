"""Somebody floods one port: the other calls must not notice."""

import asyncio
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from benchmarks import media_processes
from benchmarks.media_programs import Counts, Flood
from benchmarks.media_sound import track
from benchmarks.media_stands import TRACK_S, Entry, stand
from benchmarks.rows import OURS, Case, Figure, Limit, Row

PACKETS_A_SECOND: Final = 50_000

_FLOODS: Final = {
    "from the caller's own address": Flood(packets_a_second=PACKETS_A_SECOND, by_stranger=False),
    "from a stranger": Flood(packets_a_second=PACKETS_A_SECOND, by_stranger=True),
}


@dataclass(slots=True)
class _Floods:
    """Runs the calls once without a flood, then with each."""

    calls: int
    seconds: float
    seed: int
    counted: dict[str, Counts] = field(default_factory=dict)
    "By kind of flood; without one under the empty string."

    def ask_latency(self, name: str) -> Mapping[str, Figure]:
        """Return by how much longer 99 % of the other calls' packets take."""
        self._hold()
        quiet, flooded = _p99_ms(self.counted[""]), _p99_ms(self.counted[name])
        more_ms = max(after - before for before, after in zip(quiet, flooded, strict=True))
        return {OURS: Figure(value=more_ms, text=f"{more_ms:+.1f} ms", base=self.calls)}

    def ask_lost(self, name: str) -> Mapping[str, Figure]:
        """Return how many of the other calls' packets were lost."""
        self._hold()
        counts = self.counted[name]
        text = f"{counts.lost} of {counts.sent:,}, beside {counts.flooded:,} of the flood"
        return {OURS: Figure(value=counts.lost, text=text, base=self.calls)}

    def _hold(self) -> None:
        if not self.counted:
            asyncio.run(self._run())

    async def _run(self) -> None:
        cores = media_processes.cores()
        async with AsyncExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            stack.enter_context(media_processes.confined(cores[0]))
            entry, sound = Entry(calls=self.calls), track(TRACK_S, self.seed)
            calls = await stack.enter_async_context(stand(entry, folder, sound, cores))
            for name, flood in (("", None), *_FLOODS.items()):
                turn = await calls.turn(self.seconds, flood)
                self.counted[name] = turn.counts
                calls.load.forget()


def cases(calls: int, seconds: float, seed: int) -> Sequence[Case]:
    """Return the rows: one of `calls` secured calls is flooded."""
    floods = _Floods(calls, seconds, seed)
    group = f"{PACKETS_A_SECOND:,} packets a second at one port of {calls} secured calls"
    listed = []
    for name in _FLOODS:
        late = Row(
            group=group,
            name=f"{name}: the others' latency, 99 %",
            limits={OURS: Limit(at_most=5, text="≤ +5 ms")},
        )
        lost = Row(
            group=group,
            name=f"{name}: the others' packets lost",
            limits={OURS: Limit(at_most=0, text="0")},
        )
        listed += [
            Case(row=late, ask=lambda name=name: floods.ask_latency(name)),  # type: ignore[misc]
            Case(row=lost, ask=lambda name=name: floods.ask_lost(name)),  # type: ignore[misc]
        ]
    return listed


def _p99_ms(counts: Counts) -> tuple[float, float]:
    return counts.from_caller.p99_ms, counts.from_agent.p99_ms
