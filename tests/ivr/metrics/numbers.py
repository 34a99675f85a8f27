"""A node in which every number is another one, and calls of which some were heard well."""

from dataclasses import fields
from itertools import count
from typing import Final

from bridge.call.events import CallChanged, CallMeasured, CallState
from bridge.media.messages import CallId
from bridge.media.statistics import TICK_BOUNDS_S, WorkerStatistics
from bridge.rtp.call_quality import CallQuality
from bridge.sip.transactions import SipStats
from bridge.statistics import NodeStatistics
from bridge.workers.load import MediaLoad
from ivr.metrics.call_totals import CallTotals
from tests.bridge.rtp.qualities import CLEAN, LOSSY
from tests.ivr.app.calls import call_info


def worker(first: int) -> WorkerStatistics:
    """Return statistics that count up from `first` in the order of the fields."""
    numbers = count(first)
    values = {item.name: next(numbers) for item in fields(WorkerStatistics)}
    ticks = tuple(range(1, len(TICK_BOUNDS_S) + 2))
    return WorkerStatistics(**values | {"tick_counts": ticks})  # type: ignore[arg-type]  # one is a tuple


NODE: Final = NodeStatistics(
    calls={CallState.RINGING: 1, CallState.TALKING: 5, CallState.HELD: 0},
    secure_calls=2,
    refused={403: 7, 503: 1},
    workers={0: worker(100), 1: worker(200)},
    media=MediaLoad(
        workers_configured=2,
        workers_running=2,
        workers_overloaded=1,
        spare_ready=True,
        workers_lost=6,
        calls=6,
        calls_possible=512,
        calls_refused=1,
        late_ticks=30,
        withheld_ticks=8,
    ),
    sip=SipStats(datagrams=90, malformed=4, overloaded=3),
)


def call_totals() -> CallTotals:
    """Return the totals of one secured call that lives and one that was measured."""
    totals = CallTotals()
    totals.receive(CallChanged(info=call_info(call="c1")))
    totals.receive(CallChanged(info=call_info(call="c1", secure=True)))
    totals.receive(CallChanged(info=call_info(call="c2")))
    totals.receive(CallChanged(info=call_info(call="c2", state=CallState.ENDED)))
    quality = CallQuality(caller=LOSSY, agent=CLEAN)
    totals.receive(CallMeasured(call=CallId("c2"), quality=quality))
    return totals
