"""What is kept of a call whose line was secure: totals, moments and settings; no digit, nothing of a single press."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from bridge.media.line_masking import LineMasking
from bridge.media.line_quality import LineQuality
from bridge.media.messages import RecorderState
from bridge.media.secure_totals import SecureTotals
from bridge.rtp.call_quality import CallQuality
from ivr.evidence.errors import EvidenceError


class SpanEnd(StrEnum):
    """Why a line is secure no more."""

    OPENED = "opened"
    "The gate was opened, confirmed by the media worker."

    CALL_ENDED = "call-ended"
    WORKER_LOST = "worker-lost"
    "The media worker died: no sound passed from then on, and its counters are gone."


@dataclass(frozen=True, slots=True, kw_only=True)
class RecorderChange:
    """What the recorder confirmed."""

    at: datetime
    "When the gateway was told; UTC, as are all moments here."

    state: RecorderState


@dataclass(frozen=True, slots=True, kw_only=True)
class SecureSpan:
    """One stretch of a call from the confirmed closing of the gate to its confirmed opening."""

    secured_at: datetime

    ended_at: datetime | None = None
    "None while it goes on, and where the gateway was stopped by force."

    ended_by: SpanEnd | None = None

    totals: SecureTotals | None = None
    "None until the media worker has told them."

    masking: LineMasking | None = None
    "How the line was masked when it was secured, as the worker confirmed; None in rows that are too old to have it."


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFacts:
    """One call whose line was secure at least once."""

    call: str
    node: str

    software: str
    "Version of the gateway that carried the call."

    agent: str
    caller: str
    called: str
    started_at: datetime
    ended_at: datetime | None

    masking: dict[str, dict[str, int | float]]
    "Settings of detector and gate, as `bridge.media.masking.masking_settings` gives them."

    recorder: tuple[RecorderChange, ...]
    spans: tuple[SecureSpan, ...]

    line: LineQuality | None = None
    "How good the caller's line was; None where too few presses were read from tones, and until the call has ended."

    quality: CallQuality | None = None
    "How good the sound was; None until the call has ended, and where its worker was lost."


_READER: Final = TypeAdapter(CallFacts)


def facts_as_table(facts: CallFacts) -> dict[str, Any]:
    """Return the facts as plain values, for a JSON column."""
    table: dict[str, Any] = _READER.dump_python(facts, mode="json")
    return table


def read_facts(table: dict[str, Any]) -> CallFacts:
    """Return the facts of :func:`facts_as_table`; raise :class:`EvidenceError` for what another version wrote."""
    try:
        return _READER.validate_python(table)
    except ValidationError as error:
        problem = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(map(str, problem["loc"]))
        raise EvidenceError(f"what is stored of the call cannot be read: {where}") from None
