"""The messages between gateway and media worker as small JSON datagrams over a socket pair.

Rules of this file: the name of a message goes first on the wire. A key hides itself again as soon as it is read.
"""

import json
from dataclasses import asdict, fields
from enum import StrEnum
from typing import Final

from bridge.media import messages as m
from bridge.media.line_quality import LineQuality
from bridge.media.statistics import WorkerStatistics
from bridge.rtp.call_quality import CallQuality
from bridge.rtp.quality import LegQuality
from dtmf.keys import HiddenKey
from dtmf.limits import DetectorLimits

MAX_MESSAGE_BYTES: Final = 4096
"The longest message is a recorder path (4,096 is Linux's own bound for one) and a few numbers."

_TYPES: Final[dict[str, type[m.Message]]] = {
    kind.__name__: kind
    for kind in (
        *(
            m.OpenCall,
            m.SetLeg,
            m.SetSecure,
            m.StartRecording,
            m.PauseRecording,
            m.ResumeRecording,
            m.PlayPrompt,
            m.StopPrompt,
            m.InfoKey,
            m.CloseCall,
        ),
        *(m.CallOpened, m.CallRefused, m.SecureChanged, m.SecureSpanCounted),
        *(m.LineReported, m.RecorderChanged, m.PromptEnded, m.KeyReported, m.CallMeasured),
        *(m.Heartbeat, m.WorkerCounted),
    )
}


_ENUMS: Final[dict[str, type[StrEnum]]] = {
    "leg": m.Leg,
    "transport": m.Transport,
    "state": m.RecorderState,
    "why": m.PromptEnd,
}


def encode(message: m.Message) -> bytes:
    """Return `message` as one datagram."""
    values: dict[str, object] = {}
    for item in fields(message):
        value = getattr(message, item.name)
        if isinstance(value, HiddenKey):
            value = value.reveal()
        elif isinstance(value, DetectorLimits | LineQuality | CallQuality | WorkerStatistics):
            value = asdict(value)
        values[item.name] = value
    return json.dumps([type(message).__name__, values]).encode()


def decode(data: bytes) -> m.Message:
    """Return the message in one datagram of :func:`encode`."""
    name, values = json.loads(data)
    if "key" in values:
        values["key"] = HiddenKey(values["key"])
    for name_of, kind in _ENUMS.items():
        if name_of in values:
            values[name_of] = kind(values[name_of])
    if "detector" in values:
        values["detector"] = DetectorLimits(**values["detector"])
    if values.get("line") is not None:
        values["line"] = LineQuality(**values["line"])
    if "quality" in values:
        values["quality"] = CallQuality(
            **{leg: LegQuality(**quality) for leg, quality in values["quality"].items()}
        )
    if "statistics" in values:
        counts = tuple(values["statistics"]["tick_counts"])
        values["statistics"] = WorkerStatistics(**values["statistics"] | {"tick_counts": counts})
    return _TYPES[name](**values)
