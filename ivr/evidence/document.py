"""The document that is signed: plain values, described in `docs/evidence.md`. Whole numbers and text only."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from bridge.media.line_masking import LineMasking
from bridge.media.line_quality import LineQuality
from bridge.media.messages import Transport
from bridge.media.secure_totals import SecureTotals
from bridge.rtp.call_quality import CallQuality, Heard
from bridge.rtp.quality import LegQuality
from ivr.evidence.facts import CallFacts, SecureSpan
from ivr.evidence.findings import findings_of
from ivr.evidence.recording import RecordingFindings
from ivr.evidence.signed_file import FORMAT, VERSION
from ivr.session.store import SessionRecord
from ivr.session.words import CallerVoice


def build_document(
    facts: CallFacts,
    payments: Sequence[SessionRecord],
    recording: RecordingFindings | None,
    *,
    software: str,
    now: datetime,
) -> dict[str, Any]:
    """Return the document of one call, made at `now` by `software`."""
    return {
        "format": FORMAT,
        "version": VERSION,
        "made_at": moment(now),
        "made_by": software,
        "call": {
            "id": facts.call,
            "node": facts.node,
            "software": facts.software,
            "agent": facts.agent,
            "caller": facts.caller,
            "called": facts.called,
            "started_at": moment(facts.started_at),
            "ended_at": moment(facts.ended_at),
        },
        "findings": [asdict(finding) for finding in findings_of(facts, recording)],
        "secure_spans": [_span(n, span) for n, span in enumerate(facts.spans, start=1)],
        "line": None if facts.line is None else _line(facts.line),
        "quality": None if facts.quality is None else _quality(facts.quality),
        "recorder": [{"at": moment(c.at), "state": c.state.value} for c in facts.recorder],
        "payments": [_payment(record) for record in payments],
        "recording": None if recording is None else asdict(recording),
        "masking": {
            part: {name: str(value) for name, value in settings.items()}
            for part, settings in facts.masking.items()
        },
    }


def moment(at: datetime | None) -> str | None:
    """Return a moment in UTC, RFC 3339 with milliseconds."""
    if at is None:
        return None
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _span(number: int, span: SecureSpan) -> dict[str, Any]:
    return {
        "number": number,
        "secured_at": moment(span.secured_at),
        "ended_at": moment(span.ended_at),
        "ended_by": None if span.ended_by is None else span.ended_by.value,
        "masking": None if span.masking is None else _masking(span.masking),
        "counters": None if span.totals is None else _counters(span.totals),
    }


def _masking(masking: LineMasking) -> dict[str, Any]:
    return {
        "hold_frames": masking.hold_frames,
        "caller_voice": (CallerVoice.MUTE if masking.muted else CallerVoice.PASS).value,
        "even_beeps": masking.even_beeps,
    }


def _counters(totals: SecureTotals) -> dict[str, Any]:
    score = totals.highest_passed_score
    return {
        "presses": {
            Transport.IN_BAND.value: totals.presses_in_band,
            Transport.RFC_4733.value: totals.presses_rfc4733,
            Transport.SIP_INFO.value: totals.presses_sip_info,
        },
        "frames": {
            "masked": totals.frames_masked,
            "passed": totals.frames_passed,
            "lost": totals.frames_lost,
            "muted": totals.frames_muted,
        },
        "packets_late": totals.packets_late,
        "events_withheld": totals.events_withheld,
        "stream_restarts": totals.stream_restarts,
        "highest_passed_score": None if score is None else f"{score:.3f}",
    }


def _line(line: LineQuality) -> dict[str, Any]:
    return {
        "lowest_level_dbm0": line.lowest_level_dbm0,
        "lowest_twist_db": line.lowest_twist_db,
        "highest_twist_db": line.highest_twist_db,
        "frequency_error_percent": f"{line.frequency_error_percent:.1f}",
        "near_limits": line.near_limits.split(",") if line.near_limits else [],
    }


def _quality(quality: CallQuality) -> dict[str, Any]:
    return {
        "caller": _leg(quality.caller),
        "agent": _leg(quality.agent),
        "heard_by_agent": _heard(quality.heard_by_agent),
        "heard_by_caller": _heard(quality.heard_by_caller),
    }


def _leg(leg: LegQuality) -> dict[str, int | str | None]:
    """Return the leg's figures by their names; fractions as text."""
    figures: dict[str, int | float | None] = asdict(leg)
    return {
        name: f"{value:.3f}" if isinstance(value, float) else value
        for name, value in figures.items()
    }


def _heard(heard: Heard | None) -> dict[str, str] | None:
    if heard is None:
        return None
    return {
        "missed_percent": f"{100 * heard.loss:.2f}",
        "delay_ms": f"{heard.delay_ms:.1f}",
        "rating": f"{heard.rating:.1f}",
        "mos": f"{heard.mos:.2f}",
    }


def _payment(record: SessionRecord) -> dict[str, Any]:
    return {
        "session": record.session,
        "status": record.status.value,
        "result": None if record.result is None else record.result.value,
        "amount_minor": record.amount.minor,
        "currency": record.amount.currency,
        "card_brand": record.card_brand,
        "card_last_four": record.card_last_four,
        "reference": record.confirmation,
        "created_at": moment(record.created_at),
        "ended_at": moment(record.ended_at),
    }
