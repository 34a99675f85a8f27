"""Hours in minutes of many calls: secured calls that key for as long as asked, while the worker is watched."""

import asyncio
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks import corpus, media_processes
from benchmarks.media_figures import MOST_WAITED
from benchmarks.media_sound import KeyScore, track
from benchmarks.media_stands import Entry, Stand, stand
from benchmarks.rows import OURS, Case, Figure, Limit, NotAvailableError, Row

CALLS: Final = 500
_TRACK_S: Final = 600.0
_LOOK_EVERY_S: Final = 1.0
_LEAST_CALL_HOURS: Final = 100.0

_KIB: Final = 1024
_MOST_GROWTH_KIB: Final = 128
"A minute, of the whole worker: 500 calls press 100 keys a second, and one object kept of each would take 330."

_LEAST_MINUTES: Final = 7.0
"A line through less may rise by what a single buffer adds."


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What the worker holds at one time."""

    at_minutes: float
    resident_bytes: int
    descriptors: int | None
    "None where we may not look."


@dataclass(frozen=True, slots=True, kw_only=True)
class _Soaked:
    looks: Sequence[Look]
    keys: KeyScore
    lost: int
    packets: int
    call_hours: float
    waited: float

    @property
    def settled(self) -> Sequence[Look]:
        """Of the second half: buffers have their sizes, and nothing may grow any more."""
        return self.looks[len(self.looks) // 2 :]


class _Soak:
    """Runs once, when the first row asks, and not again where it failed."""

    def __init__(self, calls: int, minutes: float, seed: int) -> None:
        self._calls, self._minutes, self._seed = calls, minutes, seed
        self._soaked: _Soaked | NotAvailableError | None = None

    def ask_memory(self) -> Mapping[str, Figure]:
        soaked = self._hold()
        grown, minutes = kib_a_minute(soaked.settled), _minutes(soaked.settled)
        sizes = " ".join(f"{mib:.1f}" for mib in mib_each_minute(soaked.looks))
        text = f"{grown:+.0f} KiB a minute; from minute to minute {sizes} MiB"
        return {OURS: Figure(value=grown, text=text, base=minutes)}

    def ask_descriptors(self) -> Mapping[str, Figure]:
        looks = self._hold().settled
        first, last = looks[0].descriptors, looks[-1].descriptors
        if first is None or last is None:
            raise NotAvailableError("only root may count a worker's descriptors")
        return {
            OURS: Figure(value=last - first, text=f"{last - first:+d} of {first}", base=len(looks))
        }

    def ask_false(self) -> Mapping[str, Figure]:
        soaked = self._hold()
        corpus.require_speech()  # our own talkers hold their vowels as no voice does
        text = f"{soaked.keys.false} in {soaked.call_hours:.1f} h of calls"
        return {OURS: Figure(value=soaked.keys.false, text=text, base=soaked.call_hours)}

    def ask_missed(self) -> Mapping[str, Figure]:
        keys = self._hold().keys
        text = f"{keys.missed} of {keys.keyed}"
        return {OURS: Figure(value=keys.missed, text=text, base=keys.keyed)}

    def ask_lost(self) -> Mapping[str, Figure]:
        soaked = self._hold()
        text = f"{soaked.lost} of {soaked.packets:,}"
        return {OURS: Figure(value=soaked.lost, text=text, base=soaked.packets)}

    def ask_waited(self) -> Mapping[str, Figure]:
        waited = self._hold().waited
        return {OURS: Figure(value=waited, text=f"{100 * waited:.1f} %", base=1)}

    def _hold(self) -> _Soaked:
        if self._soaked is None:
            try:
                self._soaked = asyncio.run(self._run())
            except NotAvailableError as missing:
                self._soaked = missing
        if isinstance(self._soaked, NotAvailableError):
            raise self._soaked
        return self._soaked

    async def _run(self) -> _Soaked:
        cores = media_processes.cores()
        async with AsyncExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            stack.enter_context(media_processes.confined(cores[0]))
            entry, sound = Entry(calls=self._calls), track(_TRACK_S, self._seed)
            calls = await stack.enter_async_context(stand(entry, folder, sound, cores))
            looks: list[Look] = []
            watching = asyncio.create_task(_watch(calls, looks))
            try:
                turn = await calls.turn(60 * self._minutes)
            finally:
                watching.cancel()
            counts = turn.counts
            return _Soaked(
                looks=looks,
                keys=calls.key_score(counts.frames),
                lost=counts.lost,
                packets=counts.sent,
                call_hours=self._calls * self._minutes / 60,
                waited=turn.waited,
            )


async def _watch(calls: Stand, looks: list[Look]) -> None:
    (pid,) = calls.relay.pids
    began = time.monotonic()
    while True:
        looks.append(_look_at(pid, (time.monotonic() - began) / 60))
        await asyncio.sleep(_LOOK_EVERY_S)


def kib_a_minute(looks: Sequence[Look]) -> float:
    """Return by how much memory grows: the slope of the straight line nearest to `looks`; 0 for less than two."""
    if len(looks) < 2:
        return 0.0
    minutes = [look.at_minutes for look in looks]
    slope, _ = np.polyfit(minutes, [look.resident_bytes / _KIB for look in looks], 1)
    return float(slope)


def mib_each_minute(looks: Sequence[Look]) -> list[float]:
    """Return the memory at the first look of each minute."""
    firsts = {int(look.at_minutes): look for look in reversed(looks)}
    return [firsts[minute].resident_bytes / _KIB**2 for minute in sorted(firsts)]


def _minutes(looks: Sequence[Look]) -> float:
    return looks[-1].at_minutes - looks[0].at_minutes


def _look_at(pid: int, at_minutes: float) -> Look:
    try:
        descriptors = media_processes.descriptors(pid)
    except PermissionError:  # a media worker forbids core dumps, which leaves /proc/PID/fd to root
        descriptors = None
    resident_bytes = media_processes.resident_bytes(pid)
    return Look(at_minutes=at_minutes, resident_bytes=resident_bytes, descriptors=descriptors)


def cases(calls: int, minutes: float, seed: int) -> list[Case]:
    """Return the rows of a soak of `minutes`."""
    soak = _Soak(calls, minutes, seed)
    group = f"{calls} secured calls for {minutes:g} minutes"
    none_false = {OURS: Limit(at_most=0, text="0", least_base=_LEAST_CALL_HOURS)}
    limits = {OURS: Limit(at_most=0, text="0")}
    memory = Limit(
        at_most=_MOST_GROWTH_KIB,
        text=f"≤ {_MOST_GROWTH_KIB} KiB a minute in the second half",
        least_base=_LEAST_MINUTES,
    )
    machine = Row(
        group="the machine",
        name="relay or load waited for their cores",
        limits={OURS: Limit(at_most=MOST_WAITED, text="≤ 5 % of the time")},
    )
    return [
        Case(row=Row(group=group, name="keys made up", limits=none_false), ask=soak.ask_false),
        Case(row=Row(group=group, name="keys missed", limits=limits), ask=soak.ask_missed),
        Case(row=Row(group=group, name="packets lost", limits=limits), ask=soak.ask_lost),
        Case(row=Row(group=group, name="memory grown", limits={OURS: memory}), ask=soak.ask_memory),
        Case(row=Row(group=group, name="descriptors", limits=limits), ask=soak.ask_descriptors),
        Case(row=machine, ask=soak.ask_waited),
    ]
