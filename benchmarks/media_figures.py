"""The figures of the media benchmark: what the rows find in a contest, and whether a relay can be judged by it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from benchmarks.media_programs import Direction
from benchmarks.media_stands import Kind, Measured, ratio
from benchmarks.rows import OURS, Figure, NotAvailableError

MOST_LATE_MS: Final = 2.0
"A load that sends later than this measures itself."

MOST_WAITED: Final = 0.05
"Where something else runs on the cores, latency and loss are its doing too."

_MOST_FLOOR_MS: Final = 20.0
"A floor that keeps up looks every 5 ms; one that does not has packets waiting for longer and longer."


def require_judgeable(found: Sequence[Measured], came_out: Mapping[str, Figure]) -> None:
    """Raise NotAvailableError where load or floor failed: no relay can be judged by calls that bare C cannot carry.

    What `came_out` goes with it, to be shown.
    """
    for each in found:
        counts = each.counts
        if counts.late_p99_ms > MOST_LATE_MS or counts.own_drops:
            late = f"{counts.late_p99_ms:.1f} ms late, {counts.own_drops} dropped"
            raise NotAvailableError(f"the load itself cannot keep up: {late}", came_out)
        p99_ms = max(counts.from_caller.p99_ms, counts.from_agent.p99_ms)
        if each.entry.kind is Kind.FLOOR and (counts.lost or p99_ms > _MOST_FLOOR_MS):
            slow = f"{counts.lost} lost, 99 % within {p99_ms:.1f} ms"
            raise NotAvailableError(f"the C floor itself cannot keep up: {slow}", came_out)


def costs(found: Sequence[Measured]) -> Mapping[str, Figure]:
    """Return what a packet costs each relay, and the range of its turns."""
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


def cost_ratio(found: Sequence[Measured]) -> Mapping[str, Figure]:
    """Return our cost over that of the relay beside us."""
    ours, other = found
    value = ratio(ours, other)
    return {OURS: Figure(value=value, text=f"{value:.2f} ×", base=ours.entry.calls)}


def lost(found: Sequence[Measured]) -> Mapping[str, Figure]:
    """Return the packets that we lost."""
    ours = [each for each in found if each.entry.kind is Kind.GATEWAY]
    missing, sent = sum(each.counts.lost for each in ours), sum(each.counts.sent for each in ours)
    text = f"{missing} of {sent:,}"
    return {OURS: Figure(value=missing, text=text, base=ours[0].entry.calls)}


def latency_from_caller(found: Sequence[Measured]) -> Mapping[str, Figure]:
    """Return how late each relay's packets from callers are, 99 % of them."""
    return {each.entry.kind: _latency(each.counts.from_caller, each.entry.calls) for each in found}


def latency_from_agent(found: Sequence[Measured]) -> Mapping[str, Figure]:
    """Return how late each relay's packets from agents are, 99 % of them."""
    return {each.entry.kind: _latency(each.counts.from_agent, each.entry.calls) for each in found}


def _latency(way: Direction, calls: int) -> Figure:
    text = f"{way.p99_ms:.1f} ms (50 %: {way.p50_ms:.1f}, 99.9 %: {way.p999_ms:.1f})"
    return Figure(value=way.p99_ms, text=text, base=calls)


def keys(found: Sequence[Measured]) -> Mapping[str, Figure]:
    """Return how many keys we missed or made up."""
    score = found[0].keys
    text = f"{score.missed} missed, {score.false} made up of {score.keyed}"
    return {OURS: Figure(value=score.missed + score.false, text=text, base=score.keyed)}


def memory(found: Sequence[Measured]) -> Mapping[str, Figure]:
    """Return what a call of ours takes."""
    value = found[0].bytes_a_call / 1024
    return {OURS: Figure(value=value, text=f"{value:.0f} KiB", base=found[0].entry.calls)}


def load_itself(alone: Sequence[Measured]) -> Mapping[str, Figure]:
    """Return the worst of all contests so far: what the load did late or missed is no relay's fault."""
    late_ms = max((each.counts.late_p99_ms for each in alone), default=0.0)
    dropped = sum(each.counts.own_drops for each in alone)
    share = max((turn.load_share for each in alone for turn in each.turns), default=0.0)
    text = f"{late_ms:.2f} ms, {dropped} dropped, {100 * share:.0f} % of its core"
    value = float("inf") if dropped else late_ms
    return {OURS: Figure(value=value, text=text, base=len(alone))}


def waited(alone: Sequence[Measured]) -> Mapping[str, Figure]:
    """Return the worst of all contests so far; rtpengine's threads wait for each other."""
    single = [each for each in alone if each.entry.kind is not Kind.RTPENGINE]
    shares = [turn.waited for each in single for turn in each.turns]
    worst = max(shares, default=0.0)
    return {OURS: Figure(value=worst, text=f"{100 * worst:.1f} %", base=len(shares))}
