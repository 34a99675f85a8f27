"""The rows of the media benchmark: which relays take turns for a question, and what must come out.

Relays that a row compares ran in the same contest, in turns, so that they met the same moods of the machine. How many
calls are the full load, and what a packet of them may cost, depends on the machine (`media_machine.py`); rows about a
full load under which the C floor or the load itself fails are not judged, and not met.
"""

import asyncio
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from benchmarks import media_figures as figures
from benchmarks import media_flood, media_rtpengine
from benchmarks.media_machine import (
    COST_US,
    SECURED,
    UNSECURED,
    FullLoad,
    Machine,
    as_on_reference,
)
from benchmarks.media_stands import Entry, Kind, Measured, contest, ratio
from benchmarks.rows import OURS, Case, Figure, Limit, NotAvailableError, Row

SIZES: Final = (100, 300, 700)
"Numbers of calls between which the cost of a packet is followed, up to the full load."

_FLOOR_CALLS: Final = 1000
"What the floor of the machine is measured with."

_PEER_CALLS: Final = 300
"What rtpengine carries on one core with room to spare."

_TWO_WORKERS_CALLS: Final = 300
"A worker: where two have two cores, one of them is also the load's, which takes as long as both."

Find = Callable[[Sequence[Measured]], Mapping[str, Figure]]


@dataclass(slots=True)
class Lab:
    """Holds every contest once, when a row first asks for it, and not again where it failed."""

    turns: int
    seconds: float
    seed: int
    held: dict[tuple[Entry, ...], list[Measured]] = field(default_factory=dict)
    failed: dict[tuple[Entry, ...], NotAvailableError] = field(default_factory=dict)

    def hold(self, entries: tuple[Entry, ...]) -> Sequence[Measured]:
        """Return what each of `entries` came to; raise NotAvailableError where something is missing."""
        if entries in self.failed:
            raise self.failed[entries]
        if entries not in self.held:
            running = contest(entries, turns=self.turns, seconds=self.seconds, seed=self.seed)
            try:
                self.held[entries] = asyncio.run(running)
            except NotAvailableError as missing:
                self.failed[entries] = missing
                raise
        return self.held[entries]

    def alone(self) -> Sequence[Measured]:
        """Return what ran on a core of its own so far: a second worker may have shared the load's."""
        return [each for found in self.held.values() for each in found if each.entry.workers == 1]

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


def measured(lab: Lab, calls: int) -> Machine:
    """Return the machine that this is, by a contest of its floor alone; where there is none, as if the reference."""
    try:
        (floor,) = lab.hold(_floor_alone(calls))
    except NotAvailableError:  # the rows will say so
        return Machine()
    return Machine(floor_us=floor.cost_us)


def _floor_alone(calls: int) -> tuple[Entry, ...]:
    return (Entry(kind=Kind.FLOOR, calls=min(calls, _FLOOR_CALLS)),)


def cases(lab: Lab, machine: Machine, calls: int) -> list[Case]:
    """Return every row: the full load is `calls` secured ones, or as many as `machine` carries."""
    full = machine.full_load(calls, SECURED)
    few = min(full.calls, _TWO_WORKERS_CALLS)
    return [
        *_secured(lab, machine, full),
        *_unsecured(lab, machine.full_load(calls * UNSECURED // SECURED, UNSECURED)),
        *_flat(lab, full),
        *_beside_rtpengine(lab, min(full.calls, _PEER_CALLS)),
        *_two_workers(lab, few),
        *media_flood.cases(few, lab.seconds, lab.seed),
        *_circumstances(lab, calls),
    ]


def at_most(value: float, text: str, least_base: float = 0) -> Limit:
    """Return a limit from above."""
    return Limit(at_most=value, text=text, least_base=least_base)


def _beside_floor(calls: int, *, secure: bool = True) -> tuple[Entry, ...]:
    return (Entry(calls=calls, secure=secure), Entry(kind=Kind.FLOOR, calls=calls))


def _judged(find: Find) -> Find:
    """Return `find` where load and floor have kept up."""

    def checked(found: Sequence[Measured]) -> Mapping[str, Figure]:
        came_out = find(found)
        figures.require_judgeable(found, came_out)
        return came_out

    return checked


def _secured(lab: Lab, machine: Machine, full: FullLoad) -> list[Case]:
    entries, proof = _beside_floor(full.calls), full.proof

    def case(name: str, find: Find, limit: Limit) -> Case:
        return lab.case(full.on_one_core("secured"), name, entries, _judged(find), limit)

    most_us = machine.cost_us(COST_US)
    cost = f"≤ {COST_US:g} µs"
    if most_us > COST_US:
        cost = as_on_reference(f"≤ {most_us:.1f} µs", f"{COST_US:g} µs")
    return [
        case("processor time a packet", figures.costs, at_most(most_us, cost, proof)),
        case("over the C floor", figures.cost_ratio, at_most(1.5, "≤ 1.5 × the floor", proof)),
        case("packets lost", figures.lost, at_most(0, "0", proof)),
        case(
            "latency caller to agent, 99 %",
            figures.latency_from_caller,
            at_most(40, "≤ 40 ms, the gate's 20 in it", proof),
        ),
        case(
            "latency agent to caller, 99 %",
            figures.latency_from_agent,
            at_most(20, "≤ 20 ms", proof),
        ),
        case("keys missed or made up", figures.keys, at_most(0, "0")),
        lab.case(
            full.on_one_core("secured"), "memory of the worker a call", entries, figures.memory
        ),
    ]


def _unsecured(lab: Lab, full: FullLoad) -> list[Case]:
    group = full.on_one_core("unsecured")
    entries = _beside_floor(full.calls, secure=False)
    lost = _judged(figures.lost)
    return [
        lab.case(group, "processor time a packet", entries, figures.costs),
        lab.case(group, "packets lost", entries, lost, at_most(0, "0", full.proof)),
        lab.case(
            group,
            "latency caller to agent, 99 %",
            entries,
            figures.latency_from_caller,
        ),
    ]


def _flat(lab: Lab, full: FullLoad) -> list[Case]:
    """Return a row for each number of calls below the full load, and one for what that costs beside them."""
    listed = []
    sizes = [size for size in SIZES if size < full.calls]
    for size in sizes:
        name = f"processor time a packet with {size} secured calls"
        listed.append(lab.case("more calls", name, _beside_floor(size), figures.costs))
    if sizes:
        together = (Entry(calls=full.calls), Entry(calls=sizes[0]))
        name = f"processor time a packet with {full.calls:,} calls over that with {sizes[0]}"

        def flat(found: Sequence[Measured]) -> Mapping[str, Figure]:
            came_out = figures.cost_ratio(found)
            figures.require_judgeable([*lab.hold(_beside_floor(full.calls)), *found], came_out)
            return came_out

        limit = at_most(1.1, "≤ 1.1", full.proof)
        listed.append(lab.case("more calls", name, together, flat, limit))
    return listed


def _beside_rtpengine(lab: Lab, calls: int) -> list[Case]:
    if shutil.which(media_rtpengine.PROGRAM) is None:
        return []
    group = f"{calls} secured calls beside rtpengine with a delay of {media_rtpengine.DELAY_MS} ms"
    entries = (Entry(calls=calls), Entry(kind=Kind.RTPENGINE, calls=calls))
    limit = at_most(0.5, "≤ 0.5 × rtpengine", _PEER_CALLS)
    return [
        lab.case(group, "processor time a packet", entries, figures.costs),
        lab.case(group, "over rtpengine", entries, figures.cost_ratio, limit),
        lab.case(group, "latency caller to agent, 99 %", entries, figures.latency_from_caller),
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
        lab.case(group, "packets lost", entries, figures.lost, at_most(0, "0")),
    ]


def _circumstances(lab: Lab, calls: int) -> list[Case]:
    """Return the rows about what must hold before any other counts."""
    late = at_most(figures.MOST_LATE_MS, "≤ 2 ms, none dropped")
    waited = at_most(figures.MOST_WAITED, "≤ 5 % of the time")
    load = Row(group="the load itself", name="sends late by (99 %), and drops", limits={OURS: late})
    cores = Row(
        group="the machine",
        name="relay or load waited for their cores",
        limits={OURS: waited},
    )
    floor = _floor_alone(calls)
    name = f"processor time a packet of the C floor with {floor[0].calls:,} calls"
    return [
        *([lab.case("the machine", name, floor, figures.costs)] if floor in lab.held else []),
        Case(row=load, ask=lambda: figures.load_itself(lab.alone())),
        Case(row=cores, ask=lambda: figures.waited(lab.alone())),
    ]
