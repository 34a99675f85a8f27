"""Collects the facts of live calls from what the bridge tells. Sans-IO: each method returns what is to be stored now.

Rules of this file: a call is collected from the first confirmed closing of its gate. What the worker counted arrives
before the gate is told open, but after the end of a call that ended while it was secure; then comes what it says of the
sound, and of the line as its last word on any call. So ended calls are waited for.
"""

from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import datetime
from typing import Final

from bridge.call.events import CallInfo, CallState
from bridge.media.line_quality import LineQuality
from bridge.media.secure_totals import SecureTotals
from bridge.rtp.call_quality import CallQuality
from ivr.evidence.facts import CallFacts, RecorderChange, SecureSpan, SpanEnd
from ivr.redaction import redact

MAX_SPANS: Final = 300
"Of one call, as many as payments are noted beside its recording; the last one is kept current, the rest stays."

MAX_WAITING: Final = 1000
"Ended calls of which the worker's last word has not come; the oldest are given up first, and stay as they are stored."


class EvidenceCollector:
    """Facts of all live calls of a node."""

    def __init__(
        self, *, node: str, software: str, masking: Mapping[str, dict[str, int | float]]
    ) -> None:
        self._node, self._software, self._masking = node, software, dict(masking)
        self._live: dict[str, CallFacts] = {}
        self._waiting: dict[str, CallFacts] = {}
        "Ended calls whose line is not told yet, oldest first."

    def call_changed(
        self, info: CallInfo, recorder: tuple[RecorderChange, ...], now: datetime
    ) -> CallFacts | None:
        """Take a change of a call and its recorder so far; return the facts where they are new."""
        before = self._live.get(info.call)
        if before is None and not info.secure:
            return None
        ended = info.state is CallState.ENDED
        facts = replace(
            before or self._first(info),
            recorder=recorder or (before.recorder if before else ()),
            spans=_spans(before.spans if before else (), info, now),
            ended_at=now if ended else None,
        )
        self._live[info.call] = facts
        if ended:
            self._wait_for_line(self._live.pop(info.call))
        return None if facts == before else facts

    def span_counted(self, call: str, totals: SecureTotals) -> CallFacts | None:
        """Take the worker's counters; return the facts, or None where no span of the call waits for any."""
        calls = self._live if call in self._live else self._waiting
        facts = calls.get(call)
        if facts is None or facts.spans[-1].totals is not None:
            return None  # closed, but never confirmed to the gateway: nobody was asked for a card
        calls[call] = facts = _with_last(facts, replace(facts.spans[-1], totals=totals))
        return facts

    def call_measured(self, call: str, quality: CallQuality) -> CallFacts | None:
        """Take how good the sound of an ended call was; return the facts, or None where nobody waits for it."""
        facts = self._waiting.get(call)
        if facts is None:
            return None
        self._waiting[call] = facts = replace(facts, quality=quality)
        return facts

    def line_measured(self, call: str, line: LineQuality | None) -> CallFacts | None:
        """Take how good the line of an ended call was; return the facts where they are new."""
        facts = self._waiting.pop(call, None)
        return None if facts is None or line is None else replace(facts, line=line)

    def media_lost(self, call: str, now: datetime) -> CallFacts | None:
        """Take the loss of the worker; return the facts where the line was secure just then."""
        facts = self._live.get(call)
        if facts is None or facts.spans[-1].ended_by is not None:
            return None
        lost = replace(facts.spans[-1], ended_at=now, ended_by=SpanEnd.WORKER_LOST)
        self._live[call] = facts = _with_last(facts, lost)
        return facts

    def _first(self, info: CallInfo) -> CallFacts:
        return CallFacts(
            call=info.call,
            node=self._node,
            software=self._software,
            agent=redact(info.agent),
            caller=redact(info.caller),
            called=redact(info.called),
            started_at=info.started_at,
            ended_at=None,
            masking={**self._masking, "detector": asdict(info.detector)},
            recorder=(),
            spans=(),
        )

    def _wait_for_line(self, facts: CallFacts) -> None:
        if facts.spans[-1].ended_by is not SpanEnd.WORKER_LOST:
            self._waiting[facts.call] = facts
            if len(self._waiting) > MAX_WAITING:
                del self._waiting[next(iter(self._waiting))]


def _spans(spans: tuple[SecureSpan, ...], info: CallInfo, now: datetime) -> tuple[SecureSpan, ...]:
    """Return the spans after a change: one more where the line became secure, the last ended where it is no more."""
    goes_on = bool(spans) and spans[-1].ended_by is None
    if info.secure == goes_on:
        return spans
    if info.secure:
        return (*spans[: MAX_SPANS - 1], SecureSpan(secured_at=now, masking=info.masking))
    why = SpanEnd.CALL_ENDED if info.state is CallState.ENDED else SpanEnd.OPENED
    return (*spans[:-1], replace(spans[-1], ended_at=now, ended_by=why))


def _with_last(facts: CallFacts, span: SecureSpan) -> CallFacts:
    return replace(facts, spans=(*facts.spans[:-1], span))
