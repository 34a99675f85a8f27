"""The rows of the media benchmark: which relays take turns for a question, and what must come out.

Relays that a row compares ran in the same contest, in turns, so that they met the same moods of the machine.
"""

import asyncio
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from benchmarks import media_flood, media_rtpengine
from benchmarks.media_programs import Direction
from benchmarks.media_stands import Entry, Kind, Measured, contest, ratio
from benchmarks.rows import OURS, Case, Figure, Limit, Row

SIZES: Final = (100, 300, 700)
"Numbers of calls between which the cost of a packet is followed, up to the full load."

_PEER_CALLS: Final = 300
"What rtpengine carries on one core with room to spare."

_TWO_WORKERS_CALLS: Final = 300
"A worker: where two have two cores, one of them is also the load's, which takes as long as both."

_MOST_LATE_MS: Final = 2.0
"A load that sends later than this measures itself."

_MOST_WAITED: Final = 0.05
"Where something else runs on the cores, latency and loss are its doing too."

Find = Callable[[Sequence[Measured]], Mapping[str, Figure]]


@dataclass(slots=True)
class Lab:
    """Holds every contest once, when a row first asks for it."""

    turns: int
    seconds: float
    seed: int
    held: dict[tuple[Entry, ...], list[Measured]] = field(default_factory=dict)

    def hold(self, entries: tuple[Entry, ...]) -> Sequence[Measured]:
        """Return what each of `entries` came to; raise NotAvailableError where something is missing."""
        if entries not in self.held:
            running = contest(entries, turns=self.turns, seconds=self.seconds, seed=self.seed)
            self.held[entries] = asyncio.run(running)
        return self.held[entries]

    def case(
        self,
        group: str,
        name: str,
        entries: tuple[Entry, ...],
        find: Find,
        limit: Limit | None = None,
    ) -> Case:
        """Return a row about the contest of `entries`; `limit` is ours."""
        row = Row(group=group, name=name, limits={OURS: limit} if limit else {})
        return Case(row=row, ask=lambda: find(self.hold(entries)))


def at_most(value: float, text: str, least_base: float = 0) -> Limit:
    """Return a limit from above."""
    return Limit(at_most=value, text=text, least_base=least_base)


def cases(lab: Lab, calls: int) -> list[Case]:
    """Return every row: `calls` secured ones are the full load."""
    return [
        *_secured(lab, calls),
        *_unsecured(lab, calls * 4 // 3),
        *_flat(lab, calls),
        *_beside_rtpengine(lab, min(calls, _PEER_CALLS)),
        *_two_workers(lab, min(calls, _TWO_WORKERS_CALLS)),
        *media_flood.cases(min(calls, _TWO_WORKERS_CALLS), lab.seconds, lab.seed),
        Case(
            row=Row(
                group="the load itself",
                name="sends late by (99 %), and drops",
                limits={OURS: at_most(_MOST_LATE_MS, "≤ 2 ms, none dropped")},
            ),
            ask=lambda: _load_itself(lab),
        ),
        Case(
            row=Row(
                group="the machine",
                name="relay or load waited for their cores",
                limits={OURS: at_most(_MOST_WAITED, "≤ 5 % of the time")},
            ),
            ask=lambda: _machine(lab),
        ),
    ]


def _secured(lab: Lab, calls: int) -> list[Case]:
    group = f"{calls:,} secured calls on one core"
    entries = (Entry(calls=calls), Entry(kind=Kind.FLOOR, calls=calls))

    def case(name: str, find: Find, limit: Limit | None = None) -> Case:
        return lab.case(group, name, entries, find, limit)

    return [
        case("processor time a packet", _costs, at_most(6.0, "≤ 6 µs", 1500)),
        case("over the C floor", _ratio, at_most(1.5, "≤ 1.5 × the floor", 1500)),
        case("packets lost", _lost, at_most(0, "0", 1500)),
        case(
            "latency caller to agent, 99 %",
            _latency_from_caller,
            at_most(40, "≤ 40 ms, the gate's 20 in it", 1500),
        ),
        case(
            "latency agent to caller, 99 %",
            _latency_from_agent,
            at_most(20, "≤ 20 ms", 1500),
        ),
        case("keys missed or made up", _keys, at_most(0, "0")),
        case("memory of the worker a call", _memory),
    ]


def _unsecured(lab: Lab, calls: int) -> list[Case]:
    group = f"{calls:,} unsecured calls on one core"
    entries = (Entry(calls=calls, secure=False),)
    return [
        lab.case(group, "processor time a packet", entries, _costs),
        lab.case(group, "packets lost", entries, _lost, at_most(0, "0", 2000)),
        lab.case(
            group,
            "latency caller to agent, 99 %",
            entries,
            _latency_from_caller,
        ),
    ]


def _flat(lab: Lab, calls: int) -> list[Case]:
    """Return a row for each number of calls below the full load, and one for what that costs beside them."""
    listed = []
    sizes = [size for size in SIZES if size < calls]
    for size in sizes:
        entries = (Entry(calls=size), Entry(kind=Kind.FLOOR, calls=size))
        name = f"processor time a packet with {size} secured calls"
        listed.append(lab.case("more calls", name, entries, _costs))
    if sizes:
        together = (Entry(calls=calls), Entry(calls=sizes[0]))
        name = f"processor time a packet with {calls:,} calls over that with {sizes[0]}"
        listed.append(lab.case("more calls", name, together, _ratio, at_most(1.1, "≤ 1.1", 1500)))
    return listed


def _beside_rtpengine(lab: Lab, calls: int) -> list[Case]:
    if shutil.which(media_rtpengine.PROGRAM) is None:
        return []
    group = f"{calls} secured calls beside rtpengine with a delay of {media_rtpengine.DELAY_MS} ms"
    entries = (Entry(calls=calls), Entry(kind=Kind.RTPENGINE, calls=calls))
    return [
        lab.case(group, "processor time a packet", entries, _costs),
        lab.case(group, "over rtpengine", entries, _ratio, at_most(0.5, "≤ 0.5 × rtpengine", 300)),
        lab.case(
            group,
            "latency caller to agent, 99 %",
            entries,
            _latency_from_caller,
        ),
    ]


def _two_workers(lab: Lab, calls: int) -> list[Case]:
    group = f"two workers with {calls} secured calls each"
    entries = (Entry(calls=calls), Entry(calls=2 * calls, workers=2))

    def carried(found: Sequence[Measured]) -> Mapping[str, Figure]:
        value = 2 * ratio(found[0], found[1])
        return {OURS: Figure(value=value, text=f"{value:.2f} ×", base=calls)}

    limit = Limit(at_least=1.9, text="≥ 1.9 × what one does", least_base=_TWO_WORKERS_CALLS)
    return [
        lab.case(group, "calls carried for the same time a worker", entries, carried, limit),
        lab.case(group, "packets lost", entries, _lost, at_most(0, "0")),
    ]


# --- figures ---


def _costs(found: Sequence[Measured]) -> Mapping[str, Figure]:
    return {
        each.entry.kind: Figure(
            value=each.cost_us,
            text=f"{each.cost_us:.2f} µs ({_range(turn.cost_us for turn in each.turns)})",
            base=each.entry.calls,
        )
        for each in found
    }


def _range(values: Iterable[float]) -> str:
    ordered = sorted(values)
    return f"{ordered[0]:.2f}-{ordered[-1]:.2f}"


def _ratio(found: Sequence[Measured]) -> Mapping[str, Figure]:
    ours, other = found
    value = ratio(ours, other)
    return {OURS: Figure(value=value, text=f"{value:.2f} ×", base=ours.entry.calls)}


def _lost(found: Sequence[Measured]) -> Mapping[str, Figure]:
    ours = [each for each in found if each.entry.kind is Kind.GATEWAY]
    lost, packets = sum(each.counts.lost for each in ours), sum(each.counts.sent for each in ours)
    text = f"{lost} of {packets:,}"
    return {OURS: Figure(value=lost, text=text, base=ours[0].entry.calls)}


def _latency_from_caller(found: Sequence[Measured]) -> Mapping[str, Figure]:
    return {each.entry.kind: _latency(each.counts.from_caller, each.entry.calls) for each in found}


def _latency_from_agent(found: Sequence[Measured]) -> Mapping[str, Figure]:
    return {each.entry.kind: _latency(each.counts.from_agent, each.entry.calls) for each in found}


def _latency(way: Direction, calls: int) -> Figure:
    text = f"{way.p99_ms:.1f} ms (50 %: {way.p50_ms:.1f}, 99.9 %: {way.p999_ms:.1f})"
    return Figure(value=way.p99_ms, text=text, base=calls)


def _keys(found: Sequence[Measured]) -> Mapping[str, Figure]:
    keys = found[0].keys
    text = f"{keys.missed} missed, {keys.false} made up of {keys.keyed}"
    return {OURS: Figure(value=keys.missed + keys.false, text=text, base=keys.keyed)}


def _memory(found: Sequence[Measured]) -> Mapping[str, Figure]:
    value = found[0].bytes_a_call / 1024
    return {OURS: Figure(value=value, text=f"{value:.0f} KiB", base=found[0].entry.calls)}


def _load_itself(lab: Lab) -> Mapping[str, Figure]:
    """Return the worst of all contests so far: what the load did late or missed is no relay's fault."""
    alone = _alone(lab)
    late_ms = max((each.counts.late_p99_ms for each in alone), default=0.0)
    dropped = sum(each.counts.own_drops for each in alone)
    share = max((turn.load_share for each in alone for turn in each.turns), default=0.0)
    text = f"{late_ms:.2f} ms, {dropped} dropped, {100 * share:.0f} % of its core"
    value = float("inf") if dropped else late_ms
    return {OURS: Figure(value=value, text=text, base=len(alone))}


def _machine(lab: Lab) -> Mapping[str, Figure]:
    """Return the worst of all contests so far; rtpengine's threads wait for each other."""
    single = [each for each in _alone(lab) if each.entry.kind is not Kind.RTPENGINE]
    waited = [turn.waited for each in single for turn in each.turns]
    worst = max(waited, default=0.0)
    return {OURS: Figure(value=worst, text=f"{100 * worst:.1f} %", base=len(waited))}


def _alone(lab: Lab) -> list[Measured]:
    """Return what ran on a core of its own: a second worker may have shared the load's."""
    return [each for found in lab.held.values() for each in found if each.entry.workers == 1]
