"""The metrics: their names, what they mean, and where each number comes from.

Rules of this file: a label is a worker's place, a leg, a transport, a state, a reason or a SIP status. No call, number,
agent, profile or amount is one. Names follow Prometheus: base units, `_total` (added by the library) where a value only
rises. `docs/operations.md` says of each what to do about it.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from bridge.histogram import Histogram
from bridge.media.statistics import TICK_BOUNDS_S, WorkerStatistics
from bridge.sip.transactions import SipStats
from bridge.statistics import NodeStatistics
from ivr.metrics.call_totals import CallTotals

_Values = Mapping[tuple[str, ...], float]
"By the values of the labels, in their order."


@dataclass(frozen=True, slots=True)
class _Row:
    """One metric that is read from attributes."""

    name: str
    meaning: str
    sources: Mapping[tuple[str, ...], str]
    "Attributes by the values of the labels."

    labels: tuple[str, ...] = ()


def _row(name: str, meaning: str, source: str) -> _Row:
    return _Row(name, meaning, {(): source})


_WORKER_GAUGES: Final = (
    _row("tonewall_worker_calls", "Calls that the media worker carries", "calls"),
    _row("tonewall_worker_secure_calls", "Of these, with the gate closed", "secure_calls"),
    _row("tonewall_rtp_ports_in_use", "RTP and RTCP ports taken, or resting", "ports_in_use"),
    _row("tonewall_rtp_ports", "RTP and RTCP ports that there are", "ports"),
    _row("tonewall_rtp_jitter_seconds", "Interarrival jitter, mean of the legs heard", "jitter_s"),
)

_WORKER_COUNTERS: Final = (
    _row("tonewall_rtp_packets_received", "RTP packets of the far ends", "packets_received"),
    _row("tonewall_rtp_packets_missed", "RTP packets lost, or too late", "packets_missed"),
    _row("tonewall_rtp_packets_late", "RTP packets too late, or twice; dropped", "packets_late"),
    _Row(
        "tonewall_rtp_packets_refused",
        "RTP packets that could not be used",
        {("malformed",): "packets_malformed", ("foreign-payload",): "packets_foreign"},
        ("reason",),
    ),
    _row("tonewall_rtp_packets_sent", "RTP packets sent", "packets_sent"),
    _row("tonewall_rtp_packets_unsent", "Packets that the kernel did not take", "packets_unsent"),
    _row("tonewall_frames_masked", "Frames of callers replaced on secure lines", "frames_masked"),
    _row("tonewall_frames_passed", "Frames of callers passed on secure lines", "frames_passed"),
    _row("tonewall_frames_muted", "Frames masked for the mute alone", "frames_muted"),
    _row("tonewall_frames_lost", "Frames masked because they were lost", "frames_lost"),
    _Row(
        "tonewall_presses",
        "Key presses on secure lines, by the transport that told them first",
        {
            ("in-band",): "presses_in_band",
            ("rfc4733",): "presses_rfc4733",
            ("sip-info",): "presses_sip_info",
        },
        ("transport",),
    ),
    _row("tonewall_events_withheld", "RFC 4733 packets not forwarded", "events_withheld"),
    _row("tonewall_stream_restarts", "Streams begun anew on secure lines", "stream_restarts"),
    _row("tonewall_worker_cpu_seconds", "Processor time of the media worker", "cpu_s"),
    _row("tonewall_late_ticks", "Ticks that began more than 5 ms late", "late_ticks"),
    _row("tonewall_withheld_ticks", "Ticks so late that nothing was sent", "withheld_ticks"),
)

_SIP_COUNTERS: Final = (
    _row("tonewall_sip_datagrams", "SIP datagrams received", "datagrams"),
    _row("tonewall_sip_malformed", "SIP datagrams that could not be read", "malformed"),
    _row("tonewall_sip_overloaded", "SIP requests refused for want of room", "overloaded"),
)


def families(node: NodeStatistics, calls: CallTotals, *, version: str) -> Iterator[Metric]:
    """Yield all metrics of a node."""
    yield _gauge("tonewall_build_info", "1; the version is a label", {(version,): 1}, ("version",))
    yield from _calls(node, calls)
    yield from _qualities(calls)
    yield from _workers(node.workers)
    yield from _sip(node.sip)


def _calls(node: NodeStatistics, calls: CallTotals) -> Iterator[Metric]:
    states: _Values = {(state.value,): count for state, count in node.calls.items()}
    refused: _Values = {(str(status),): count for status, count in node.refused.items()}
    media = node.media
    yield _gauge("tonewall_calls", "Calls just now", states, ("state",))
    yield _counter("tonewall_calls_refused", "Calls refused before they rang", refused, ("status",))
    gauges = (
        ("tonewall_secure_calls", "Calls with a secure line", node.secure_calls),
        ("tonewall_call_slots", "Calls that running workers can carry", media.calls_possible),
        ("tonewall_media_workers", "Media workers that run", media.workers_running),
        (
            "tonewall_media_workers_configured",
            "Media workers that should run",
            media.workers_configured,
        ),
        (
            "tonewall_media_workers_spare",
            "Further processes that wait to take a lost worker's place",
            media.spare_ready,
        ),
        (
            "tonewall_media_workers_overloaded",
            "Media workers that take no new calls",
            media.workers_overloaded,
        ),
    )
    for name, meaning, value in gauges:
        yield _gauge(name, meaning, {(): value})
    counters = (
        ("tonewall_calls_started", "Calls that began", calls.started),
        ("tonewall_calls_ended", "Calls that ended", calls.ended),
        ("tonewall_calls_secured", "Times that a line became secure", calls.secured),
        ("tonewall_calls_interrupted", "Calls whose media worker was lost", calls.interrupted),
        ("tonewall_calls_moved", "Calls moved to another media worker", calls.moved),
        ("tonewall_calls_media_lost", "Calls that ended for want of media", calls.media_lost),
        ("tonewall_media_workers_lost", "Media workers that died or hung", media.workers_lost),
    )
    for name, meaning, value in counters:
        yield _counter(name, meaning, {(): value})


def _qualities(calls: CallTotals) -> Iterator[Metric]:
    listener, leg = ("listener",), ("leg",)
    yield _histogram("tonewall_call_mos", "Estimated MOS of ended calls", calls.mos, listener)
    yield _histogram("tonewall_leg_loss_ratio", "Packets missed of a leg", calls.loss, leg)
    yield _histogram("tonewall_leg_jitter_seconds", "Jitter of a leg", calls.jitter_s, leg)
    yield _histogram(
        "tonewall_leg_round_trip_seconds", "Round trip of a leg", calls.round_trip_s, leg
    )


def _workers(workers: Mapping[int, WorkerStatistics]) -> Iterator[Metric]:
    for rows, make in ((_WORKER_GAUGES, _gauge), (_WORKER_COUNTERS, _counter)):
        for row in rows:
            values: _Values = {
                (str(place), *chosen): getattr(told, source)
                for place, told in workers.items()
                for chosen, source in row.sources.items()
            }
            yield make(row.name, row.meaning, values, ("worker", *row.labels))
    ticks = HistogramMetricFamily(
        "tonewall_tick_seconds", "What a tick of the media worker took", labels=("worker",)
    )
    for place, told in workers.items():
        buckets = _buckets(TICK_BOUNDS_S, told.tick_counts)
        ticks.add_metric((str(place),), buckets, told.tick_total_s)
    yield ticks


def _sip(stats: SipStats) -> Iterator[Metric]:
    for row in _SIP_COUNTERS:
        values: _Values = {chosen: getattr(stats, source) for chosen, source in row.sources.items()}
        yield _counter(row.name, row.meaning, values)


def _gauge(name: str, meaning: str, values: _Values, labels: tuple[str, ...] = ()) -> Metric:
    return _filled(GaugeMetricFamily(name, meaning, labels=labels), values)


def _counter(name: str, meaning: str, values: _Values, labels: tuple[str, ...] = ()) -> Metric:
    return _filled(CounterMetricFamily(name, meaning, labels=labels), values)


def _filled(family: GaugeMetricFamily | CounterMetricFamily, values: _Values) -> Metric:
    for labels, value in values.items():
        family.add_metric(labels, value)
    return family


def _histogram(
    name: str, meaning: str, histograms: Mapping[str, Histogram], labels: tuple[str]
) -> Metric:
    family = HistogramMetricFamily(name, meaning, labels=labels)
    for value, histogram in histograms.items():
        buckets = _buckets(histogram.bounds, histogram.counts)
        family.add_metric((value,), buckets, histogram.total)
    return family


def _buckets(bounds: Iterable[float], counts: Iterable[int]) -> list[tuple[str, float]]:
    """Return what Prometheus wants: how many were up to each bound, all smaller ones among them."""
    names = [*(str(bound) for bound in bounds), "+Inf"]
    return list(zip(names, accumulate(counts), strict=True))
