"""What an assessor asks of a secured call, answered from its facts. Where something is not known, it does not hold."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from bridge.media.messages import RecorderState
from ivr.evidence.facts import CallFacts, RecorderChange, SecureSpan, SpanEnd
from ivr.evidence.recording import RecordingFindings


class Verdict(StrEnum):
    """The answer to one question."""

    HOLDS = "holds"
    FAILS = "fails"
    NOT_APPLICABLE = "not-applicable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One question and its answer."""

    name: str
    "A stable word."

    question: str
    verdict: Verdict

    reason: str
    "Why it fails, or does not apply; empty where it holds."


def findings_of(facts: CallFacts, recording: RecordingFindings | None) -> tuple[Finding, ...]:
    """Return all findings, in the order in which they are shown."""
    return (
        _finding(
            "spans-complete",
            "Every secure span has a confirmed end and the media worker's counters",
            [_incomplete(span) for span in facts.spans],
        ),
        _finding(
            "nothing-suspect-passed",
            "No frame that passed was suspected of a tone beyond the gate's threshold",
            [_suspect(span, facts.masking["gate"]["threshold"]) for span in facts.spans],
        ),
        _finding(
            "recorder-paused",
            "The recorder had confirmed its pause before each span and recorded nothing during it",
            [_recorded(span, facts.recorder) for span in facts.spans],
        ),
        _of_recording(recording),
    )


def _finding(name: str, question: str, failures: Sequence[str]) -> Finding:
    """Return the finding of all spans; each failure is empty where the span is in order."""
    reasons = [f"span {number}: {why}" for number, why in enumerate(failures, start=1) if why]
    verdict = Verdict.FAILS if reasons else Verdict.HOLDS
    return Finding(name=name, question=question, verdict=verdict, reason="; ".join(reasons))


def _incomplete(span: SecureSpan) -> str:
    if span.ended_by is None:
        return "it has no end: the call goes on, or the gateway was stopped by force"
    if span.ended_by is SpanEnd.WORKER_LOST:
        return "the media worker was lost; no sound passed from then on"
    return "" if span.totals is not None else "the media worker's counters are missing"


def _suspect(span: SecureSpan, threshold: float) -> str:
    if span.totals is None:
        return "not known: no counters"
    highest = span.totals.highest_passed_score
    return "" if highest is None or highest <= threshold else f"a score of {highest} passed"


def _recorded(span: SecureSpan, recorder: Sequence[RecorderChange]) -> str:
    before = [change.state for change in recorder if change.at <= span.secured_at]
    during = [
        change.state
        for change in recorder
        if span.secured_at < change.at and (span.ended_at is None or change.at < span.ended_at)
    ]
    if not before:
        return "what the recorder did before is not known"
    if RecorderState.RECORDING in (before[-1], *during):
        return "the recorder was recording"
    return ""


def _of_recording(recording: RecordingFindings | None) -> Finding:
    question = "No key can be read from the recording"
    if recording is None:
        verdict, reason = Verdict.NOT_APPLICABLE, "there is no recording of the call"
    elif recording.problem:
        verdict, reason = Verdict.FAILS, f"it cannot be searched: {recording.problem}"
    elif sum(recording.keys_found.values()):
        verdict = Verdict.FAILS
        reason = "keys were found in it; they may have been pressed outside the secure spans"
    else:
        verdict, reason = Verdict.HOLDS, ""
    return Finding(name="recording-holds-no-key", question=question, verdict=verdict, reason=reason)
