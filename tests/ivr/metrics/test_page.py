"""`GET /metrics`: what a Prometheus reads, and that nothing of a single call is in it."""

import re
from dataclasses import fields, replace
from pathlib import Path
from typing import Final

import httpx2
import pytest
from prometheus_client import openmetrics
from prometheus_client.core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families

from bridge.media.statistics import WorkerStatistics
from ivr.metrics.page import NodeCollector, create_metrics_app
from tests.ivr.metrics.numbers import NODE, call_totals, worker

DOCUMENTATION: Final = Path(__file__).parents[3] / "docs" / "operations.md"

LABELS: Final = {
    "worker": {"0", "1"},
    "state": {"ringing", "talking", "held"},
    "status": {"403", "503"},
    "leg": {"caller", "agent"},
    "listener": {"caller", "agent"},
    "transport": {"in-band", "rfc4733", "sip-info"},
    "reason": {"malformed", "foreign-payload"},
    "version": {"1.2.3"},
}
"Every label that there may be, and its values: all of them known beforehand."

COLLECTOR: Final = NodeCollector(lambda: NODE, call_totals(), "1.2.3")


async def get(path: str = "/metrics", accept: str = "*/*", method: str = "GET") -> httpx2.Response:
    transport = httpx2.ASGITransport(app=create_metrics_app(COLLECTOR))
    async with httpx2.AsyncClient(transport=transport, base_url="http://gateway") as client:
        return await client.request(method, path, headers={"accept": accept})


async def families() -> dict[str, Metric]:
    text = (await get()).text
    found = list(text_string_to_metric_families(text))
    assert len({family.name for family in found}) == len(found)
    return {family.name: family for family in found}


async def value(name: str, **labels: str) -> float:
    (found,) = [
        sample.value
        for family in (await families()).values()
        for sample in family.samples
        if (sample.name, sample.labels) == (name, labels)
    ]
    return found


async def test_both_formats_are_read_by_prometheus_own_parsers() -> None:
    plain = await get()
    assert plain.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert plain.headers["cache-control"] == "no-store"
    accept = openmetrics.exposition.CONTENT_TYPE_LATEST
    other = await get(accept=accept)
    assert other.headers["content-type"].startswith("application/openmetrics-text")
    names = {family.name for family in read_openmetrics(other.text)}  # type: ignore[no-untyped-call]  # the library's
    assert names == set(await families())


async def test_every_metric_says_what_it_is() -> None:
    for family in (await families()).values():
        assert family.documentation, family.name
        assert family.type in ("counter", "gauge", "histogram"), family.name
        assert re.fullmatch("(tonewall|process)_[a-z_]+", family.name)


async def test_labels_are_few_and_known() -> None:
    for family in (await families()).values():
        for sample in family.samples:
            for label, text in sample.labels.items():
                assert label == "le" or text in LABELS[label], sample


async def test_numbers_of_a_worker_are_its_own() -> None:
    assert await value("tonewall_worker_calls", worker="0") == NODE.workers[0].calls
    assert await value("tonewall_worker_calls", worker="1") == NODE.workers[1].calls
    name = "tonewall_presses_total"
    assert await value(name, worker="1", transport="rfc4733") == NODE.workers[1].presses_rfc4733


async def test_every_number_that_a_worker_tells_is_served() -> None:
    served = [
        sample.value
        for family in (await families()).values()
        for sample in family.samples
        if sample.labels.get("worker") == "0" and "le" not in sample.labels
    ]
    told = NODE.workers[0]
    numbers = [getattr(told, item.name) for item in fields(WorkerStatistics)]
    ticks = sum(told.tick_counts)
    assert sorted(served) == sorted(ticks if n == told.tick_counts else n for n in numbers)


async def test_ticks_are_a_histogram_whose_buckets_hold_the_smaller_ones() -> None:
    name = "tonewall_tick_seconds"
    assert await value(f"{name}_bucket", worker="0", le="0.0005") == 1
    assert await value(f"{name}_bucket", worker="0", le="0.001") == 3
    assert await value(f"{name}_bucket", worker="0", le="+Inf") == 66
    assert await value(f"{name}_count", worker="0") == 66
    assert await value(f"{name}_sum", worker="0") == NODE.workers[0].tick_total_s


async def test_calls_and_their_quality_are_served() -> None:
    assert await value("tonewall_calls", state="talking") == 5
    assert await value("tonewall_calls_refused_total", status="403") == 7
    assert await value("tonewall_calls_secured_total") == 1
    assert await value("tonewall_call_slots") == 512
    assert await value("tonewall_media_workers_lost_total") == 6
    assert await value("tonewall_media_workers_overloaded") == 1
    assert await value("tonewall_media_workers_spare") == 1
    assert await value("tonewall_call_mos_bucket", listener="agent", le="3.6") == 0
    assert await value("tonewall_call_mos_bucket", listener="agent", le="4.03") == 1
    assert await value("tonewall_call_mos_bucket", listener="caller", le="4.34") == 0


async def test_a_worker_that_is_being_replaced_has_no_numbers() -> None:
    alone = NodeCollector(lambda: replace(NODE, workers={1: worker(1)}), call_totals(), "1.2.3")
    names = {
        sample.labels["worker"]
        for family in alone.collect()
        for sample in family.samples
        if "worker" in sample.labels
    }
    assert names == {"1"}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/", 404), ("GET", "/metrics/x", 404), ("POST", "/metrics", 405)],
)
async def test_nothing_else_is_served(method: str, path: str, status: int) -> None:
    assert (await get(path, method=method)).status_code == status


async def test_every_metric_is_explained_to_who_runs_the_gateway() -> None:
    text = DOCUMENTATION.read_text("utf-8")
    exposed = {
        family.name + ("_total" if family.type == "counter" else "")
        for family in (await families()).values()
        if family.name.startswith("tonewall_")
    }
    assert set(re.findall(r"\| `(tonewall_[a-z_]+)", text, re.MULTILINE)) == exposed
