"""What a node counts, for who draws it: numbers only, nothing of a single call."""

from collections.abc import Mapping
from dataclasses import dataclass

from bridge.call.events import CallState
from bridge.media.statistics import WorkerStatistics
from bridge.sip.transactions import SipStats
from bridge.workers.load import MediaLoad


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeStatistics:
    """A node just now, and since its start."""

    calls: Mapping[CallState, int]
    "Just now; every state but `ended`."

    secure_calls: int

    refused: Mapping[int, int]
    "Calls that were refused before anybody's phone rang, by SIP status: no trunk or route, no room."

    workers: Mapping[int, WorkerStatistics]
    "What the running media workers told last, a second ago at most, by their places."

    media: MediaLoad
    sip: SipStats
