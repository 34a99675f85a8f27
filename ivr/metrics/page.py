"""`GET /metrics` as an ASGI application: whoever reaches it may read it, so it is bound where only monitoring is."""

from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from bridge.statistics import NodeStatistics
from ivr.metrics.call_totals import CallTotals
from ivr.metrics.families import families

METRICS_PATH = "/metrics"


class NodeCollector(Collector):
    """Reads a node whenever somebody asks."""

    def __init__(
        self, statistics: Callable[[], NodeStatistics], calls: CallTotals, version: str
    ) -> None:
        self._statistics, self._calls, self._version = statistics, calls, version

    def collect(self) -> Iterator[Metric]:
        """Yield all metrics."""
        return families(self._statistics(), self._calls, version=self._version)


def create_metrics_app(collector: Collector) -> ASGIApp:
    """Return the application; it serves `/metrics` alone, in the text format or OpenMetrics as asked.

    Besides the collector's it tells of the gateway process (`process_*`).
    """
    registry = CollectorRegistry(auto_describe=True)
    registry.register(collector)
    ProcessCollector(registry=registry)

    async def metrics(request: Request) -> Response:
        encode, media_type = choose_encoder(request.headers.get("accept", ""))
        headers = {"content-type": media_type, "cache-control": "no-store"}
        return Response(encode(registry), headers=headers)

    return Starlette(routes=[Route(METRICS_PATH, metrics)])
