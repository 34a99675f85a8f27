"""Facts of live calls: a span begins and ends with what the media worker confirmed, whatever ends the call."""

from dataclasses import replace

import pytest

from bridge.call.events import CallState
from bridge.config import PRESETS
from bridge.media.line_masking import OPEN_LINE, LineMasking
from bridge.media.line_quality import LineQuality
from bridge.media.masking import masking_settings
from bridge.media.messages import RecorderState
from ivr.evidence.collector import MAX_SPANS, MAX_WAITING, EvidenceCollector
from ivr.evidence.errors import EvidenceError
from ivr.evidence.facts import CallFacts, RecorderChange, SpanEnd, facts_as_table, read_facts
from tests.ivr.app.calls import call_info
from tests.ivr.evidence.facts import FACTS, LINE, QUALITY, TOTALS, at
from tests.support.canary import CANARY_CARD

MASKED = LineMasking(hold_frames=2, muted=True)
PAUSED = (RecorderChange(at=at(1), state=RecorderState.PAUSED),)


class Calls:
    """A collector, told of calls a second apart."""

    def __init__(self) -> None:
        self.collector = EvidenceCollector(node="node-1", software="tonewall 0", masking={})
        self.now = 0.0

    def change(
        self, *, secure: bool, state: CallState = CallState.TALKING, call: str = "c1"
    ) -> CallFacts | None:
        self.now += 1
        info = replace(
            call_info(call=call, secure=secure, state=state),
            masking=MASKED if secure else OPEN_LINE,
        )
        return self.collector.call_changed(info, PAUSED, at(self.now))

    def count(self, call: str = "c1") -> CallFacts | None:
        return self.collector.span_counted(call, TOTALS)

    def measure(self, line: LineQuality | None) -> CallFacts | None:
        return self.collector.line_measured("c1", line)

    def lose(self) -> CallFacts | None:
        self.now += 1
        return self.collector.media_lost("c1", at(self.now))


@pytest.fixture
def calls() -> Calls:
    return Calls()


def test_a_call_that_is_never_secure_is_not_collected(calls: Calls) -> None:
    assert calls.change(secure=False) is None
    assert calls.change(secure=False, state=CallState.ENDED) is None
    assert calls.count() is None
    assert calls.lose() is None


def test_a_span_lasts_from_one_confirmation_to_the_other(calls: Calls) -> None:
    calls.change(secure=False)
    calls.change(secure=True)
    calls.count()
    facts = calls.change(secure=False)
    assert facts is not None
    (span,) = facts.spans
    assert (span.secured_at, span.ended_at, span.ended_by) == (at(2), at(3), SpanEnd.OPENED)
    assert (span.totals, facts.recorder, span.masking) == (TOTALS, PAUSED, MASKED)


def test_facts_are_known_from_the_first_moment_on(calls: Calls) -> None:
    facts = calls.change(secure=True)
    assert facts is not None
    assert (facts.spans[0].ended_at, facts.spans[0].totals, facts.ended_at) == (None, None, None)


def test_a_change_that_changes_nothing_is_not_stored_again(calls: Calls) -> None:
    calls.change(secure=True)
    assert calls.change(secure=True) is None


def test_each_payment_has_a_span_of_its_own(calls: Calls) -> None:
    for _ in range(2):
        calls.change(secure=True)
        calls.count()
        facts = calls.change(secure=False)
    assert facts is not None
    assert [span.totals for span in facts.spans] == [TOTALS, TOTALS]


def test_a_call_that_ends_while_secure_waits_for_its_counters(calls: Calls) -> None:
    calls.change(secure=True)
    ended = calls.change(secure=False, state=CallState.ENDED)
    assert ended is not None
    assert (ended.spans[0].ended_by, ended.ended_at) == (SpanEnd.CALL_ENDED, at(2))
    counted = calls.count()
    assert counted == replace(ended, spans=(replace(ended.spans[0], totals=TOTALS),))
    assert calls.count() is None


def test_the_line_is_the_last_that_is_told_of_a_call(calls: Calls) -> None:
    calls.change(secure=True)
    assert calls.measure(LINE) is None  # never while it lives: nothing could be told yet
    calls.count()
    ended = calls.change(secure=False, state=CallState.ENDED)
    assert ended is not None
    assert calls.measure(LINE) == replace(ended, line=LINE)
    assert calls.measure(LINE) is None


def test_a_line_of_which_nothing_may_be_told_changes_nothing(calls: Calls) -> None:
    calls.change(secure=True)
    calls.change(secure=False, state=CallState.ENDED)
    assert calls.count() is not None
    assert calls.measure(None) is None
    assert calls.count() is None


def test_the_limits_are_those_of_the_call() -> None:
    collector = EvidenceCollector(node="n", software="s", masking=masking_settings())
    info = replace(call_info(secure=True), detector=PRESETS["ntt"])
    facts = collector.call_changed(info, PAUSED, at(1))
    assert facts is not None
    assert facts.masking == masking_settings(PRESETS["ntt"])
    assert facts.masking != masking_settings()


def test_a_lost_worker_leaves_a_span_without_counters(calls: Calls) -> None:
    calls.change(secure=True)
    lost = calls.lose()
    facts = calls.change(secure=False, state=CallState.ENDED)
    assert lost is not None
    assert facts is not None
    assert (facts.spans[0].ended_by, facts.spans[0].ended_at) == (SpanEnd.WORKER_LOST, at(2))
    assert facts.spans == lost.spans
    assert calls.count() is None


def test_counters_of_a_gate_that_was_never_confirmed_belong_to_no_span(calls: Calls) -> None:
    calls.change(secure=True)
    calls.count()
    calls.change(secure=False)
    assert calls.count() is None


def test_the_sound_is_told_between_the_end_and_the_line(calls: Calls) -> None:
    calls.change(secure=True)
    assert calls.collector.call_measured("c1", QUALITY) is None  # it lives
    calls.count()
    ended = calls.change(secure=False, state=CallState.ENDED)
    assert ended is not None
    measured = calls.collector.call_measured("c1", QUALITY)
    assert measured == replace(ended, quality=QUALITY)
    assert calls.measure(LINE) == replace(measured, line=LINE)
    assert calls.collector.call_measured("c1", QUALITY) is None


def test_the_sound_of_a_call_that_was_never_secure_is_not_kept(calls: Calls) -> None:
    calls.change(secure=False)
    calls.change(secure=False, state=CallState.ENDED)
    assert calls.collector.call_measured("c1", QUALITY) is None


def test_spans_are_bounded_and_the_last_stays_current(calls: Calls) -> None:
    for _ in range(MAX_SPANS + 2):
        calls.change(secure=True)
        calls.count()
        facts = calls.change(secure=False)
    assert facts is not None
    assert len(facts.spans) == MAX_SPANS
    assert facts.spans[-1].ended_at == at(calls.now)


def test_ended_calls_that_wait_are_bounded(calls: Calls) -> None:
    for number in range(MAX_WAITING + 1):
        calls.change(secure=True, call=f"c{number}")
        calls.change(secure=False, call=f"c{number}", state=CallState.ENDED)
    assert calls.count("c0") is None
    assert calls.count("c1") is not None


def test_a_card_number_dialled_by_mistake_is_not_kept() -> None:
    collector = EvidenceCollector(node="n", software="s", masking={})
    info = replace(call_info(secure=True), called=CANARY_CARD)
    facts = collector.call_changed(info, PAUSED, at(1))
    assert facts is not None
    assert facts.called == "[card number removed]"


def test_facts_survive_being_stored() -> None:
    assert read_facts(facts_as_table(FACTS)) == FACTS


def test_facts_of_before_lines_and_sound_were_measured_are_read() -> None:
    table = facts_as_table(FACTS)
    del table["line"], table["quality"]
    assert read_facts(table) == replace(FACTS, line=None, quality=None)


def test_facts_of_another_version_are_refused_by_the_name_of_what_is_wrong() -> None:
    table = facts_as_table(FACTS)
    table["spans"][0]["ended_by"] = "boredom"
    with pytest.raises(EvidenceError, match=r"cannot be read: spans\.0\.ended_by"):
        read_facts(table)


def test_what_was_stored_before_maskings_were_kept_can_be_read() -> None:
    table = facts_as_table(FACTS)
    del table["spans"][0]["masking"], table["spans"][0]["totals"]["frames_muted"]
    (span,) = read_facts(table).spans
    assert span.masking is None
    assert span.totals is not None
    assert span.totals.frames_muted == 0
