"""Findings: where something is wrong or not known, they do not hold."""

from dataclasses import replace

import pytest

from bridge.media.messages import RecorderState
from ivr.evidence.facts import CallFacts, RecorderChange, SecureSpan, SpanEnd
from ivr.evidence.findings import Verdict, findings_of
from ivr.evidence.recording import RecordingFindings
from tests.ivr.evidence.facts import FACTS, SPAN, TOTALS, at

CLEAN = RecordingFindings(
    file="c.wav", sha256="00" * 32, duration_ms=1000, keys_found={"caller": 0, "agent": 0}
)


def failing(facts: CallFacts, recording: RecordingFindings | None = CLEAN) -> dict[str, str]:
    return {
        finding.name: finding.reason
        for finding in findings_of(facts, recording)
        if finding.verdict is Verdict.FAILS
    }


def with_span(span: SecureSpan) -> CallFacts:
    return replace(FACTS, spans=(SPAN, span))


def recorder(*changes: tuple[float, RecorderState]) -> CallFacts:
    timeline = tuple(RecorderChange(at=at(seconds), state=state) for seconds, state in changes)
    return replace(FACTS, recorder=timeline)


def test_a_call_in_order_has_no_failing_finding() -> None:
    assert failing(FACTS) == {}


@pytest.mark.parametrize(
    ("span", "reason"),
    [
        (SecureSpan(secured_at=at(55)), "no end"),
        (replace(SPAN, totals=None), "counters are missing"),
        (replace(SPAN, totals=None, ended_by=SpanEnd.WORKER_LOST), "worker was lost"),
    ],
)
def test_an_incomplete_span_is_named_by_its_number(span: SecureSpan, reason: str) -> None:
    facts = replace(with_span(span), recorder=FACTS.recorder[:-1])
    failed = failing(facts)
    assert failed["spans-complete"].startswith("span 2: ")
    assert reason in failed["spans-complete"]
    assert failed["nothing-suspect-passed"] == "span 2: not known: no counters"


def test_a_score_beyond_the_threshold_that_passed_is_told() -> None:
    span = replace(SPAN, totals=replace(TOTALS, highest_passed_score=0.901))
    assert failing(with_span(span)) == {"nothing-suspect-passed": "span 2: a score of 0.901 passed"}


def test_no_trace_at_all_is_in_order() -> None:
    span = replace(SPAN, totals=replace(TOTALS, highest_passed_score=None))
    assert failing(with_span(span)) == {}


@pytest.mark.parametrize(
    "facts",
    [
        recorder(),
        recorder((4, RecorderState.RECORDING)),
        recorder((4, RecorderState.RECORDING), (20.03, RecorderState.PAUSED)),
        recorder((20, RecorderState.PAUSED), (49.9, RecorderState.RECORDING)),
    ],
)
def test_a_recorder_that_was_not_paused_all_the_time_is_told(facts: CallFacts) -> None:
    assert list(failing(facts)) == ["recorder-paused"]


@pytest.mark.parametrize("state", [RecorderState.OFF, RecorderState.FAILED])
def test_a_recorder_that_records_nothing_needs_no_pause(state: RecorderState) -> None:
    assert failing(recorder((0, state))) == {}


def test_keys_in_the_recording_are_told_without_their_number_or_place() -> None:
    failed = failing(FACTS, replace(CLEAN, keys_found={"caller": 3, "agent": 0}))
    assert list(failed) == ["recording-holds-no-key"]
    assert "3" not in failed["recording-holds-no-key"]


def test_without_a_recording_there_is_nothing_to_search() -> None:
    (finding,) = [f for f in findings_of(FACTS, None) if f.name == "recording-holds-no-key"]
    assert finding.verdict is Verdict.NOT_APPLICABLE
