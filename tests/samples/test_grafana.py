"""The dashboard draws numbers that there are, by labels that they have."""

import json
import re
from pathlib import Path
from typing import Any, Final

import pytest
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import Metric

from ivr.metrics.families import families
from tests.ivr.metrics.numbers import NODE, call_totals

DASHBOARD: Final[dict[str, Any]] = json.loads(
    (Path(__file__).parents[2] / "samples" / "grafana" / "tonewall.json").read_text("utf-8")
)
PANELS: Final = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
TARGETS: Final = [
    pytest.param(target["expr"], target["legendFormat"], id=f"{panel['title']} {target['refId']}")
    for panel in PANELS
    for target in panel["targets"]
]
OUTSIDE: Final = {"instance", "le"}
"Labels that Prometheus or a histogram adds."


def exposed() -> list[Metric]:
    process = ProcessCollector(registry=CollectorRegistry())
    return [*families(NODE, call_totals(), version="1"), *process.collect()]


SAMPLES: Final = {sample.name: set(sample.labels) for one in exposed() for sample in one.samples}


@pytest.mark.parametrize(("expr", "legend"), TARGETS)
def test_every_metric_exists_with_the_labels_that_are_used(expr: str, legend: str) -> None:
    names = re.findall(r"\b(?:tonewall|process)_\w+", expr)
    assert names
    assert set(names) <= SAMPLES.keys()
    labels = OUTSIDE.union(*(SAMPLES[name] for name in names))
    groups = re.findall(r"by \(([^)]*)\)", expr)
    used = {label.strip() for group in groups for label in group.split(",")}
    assert used | set(re.findall(r"{{(\w+)}}", legend)) <= labels
    assert expr.count("(") == expr.count(")")


@pytest.mark.parametrize(("expr", "legend"), TARGETS)
def test_what_only_rises_is_drawn_as_a_rate(expr: str, legend: str) -> None:
    rising = re.findall(r"\w+_(?:total|bucket)\{", expr)
    assert len(rising) == len(re.findall(r"(?:rate|increase)\(", expr))


def test_every_metric_of_ours_is_drawn() -> None:
    text = " ".join(parameter.values[0] for parameter in TARGETS)  # type: ignore[misc]  # texts all
    drawn = set(re.findall(r"\btonewall_\w+", text)) | {"tonewall_build_info"}
    ours = {name for name in SAMPLES if name.startswith("tonewall_")}
    assert {name for name in ours if not re.search("_(sum|count)$", name)} == drawn


def test_it_works_on_any_prometheus() -> None:
    """Imported, not provisioned: no data source of ours is in it."""
    sources = {json.dumps(target["datasource"]) for panel in PANELS for target in panel["targets"]}
    assert sources == {'{"type": "prometheus", "uid": "${datasource}"}'}
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids))
