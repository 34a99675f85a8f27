"""Calls are counted once, whatever is told of them."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from bridge.call.events import (
    CallChanged,
    CallMeasured,
    CallState,
    MediaInterrupted,
    MediaLost,
    MediaMoved,
)
from bridge.media.messages import CallId
from bridge.rtp.call_quality import CallQuality
from ivr.metrics.call_totals import CallTotals
from tests.bridge.rtp.qualities import CLEAN, LOSSY
from tests.ivr.app.calls import call_info

LIVES = st.lists(st.tuples(st.sampled_from("abc"), st.booleans(), st.booleans()), max_size=40)


@given(LIVES)
def test_every_call_begins_once_and_is_secured_as_often_as_it_became_so(
    changes: list[tuple[str, bool, bool]],
) -> None:
    totals, live = CallTotals(), dict[str, bool]()
    started = secured = ended = 0
    for call, secure, ends in changes:
        state = CallState.ENDED if ends else CallState.TALKING
        totals.receive(CallChanged(info=call_info(call=call, secure=secure, state=state)))
        started += call not in live
        secured += secure and not live.get(call, False)
        live[call] = secure
        if ends:
            ended += 1
            del live[call]
        assert (totals.started, totals.secured, totals.ended) == (started, secured, ended)


def measured(totals: CallTotals, quality: CallQuality) -> None:
    totals.receive(CallMeasured(call=CallId("c1"), quality=quality))


def test_each_leg_and_each_listener_has_a_histogram_of_its_own() -> None:
    totals = CallTotals()
    measured(totals, CallQuality(caller=replace(LOSSY, round_trip_ms=30.0), agent=CLEAN))
    assert totals.loss["caller"].total == 0.05
    assert totals.loss["agent"].total == 0
    assert totals.mos["agent"].total < 4 < totals.mos["caller"].total
    assert totals.round_trip_s["caller"].total == 0.03
    assert sum(totals.round_trip_s["agent"].counts) == 0


def test_what_is_not_known_is_not_counted() -> None:
    totals = CallTotals()
    silent = replace(CLEAN, packets_received=0)
    measured(totals, CallQuality(caller=silent, agent=silent))
    for histograms in (totals.mos, totals.loss, totals.jitter_s, totals.round_trip_s):
        assert [sum(histogram.counts) for histogram in histograms.values()] == [0, 0]


def test_calls_whose_worker_was_lost_are_counted_by_what_became_of_them() -> None:
    totals = CallTotals()
    for call in ("c1", "c2", "c3"):
        totals.receive(MediaInterrupted(call=CallId(call)))
    for call in ("c1", "c2"):
        totals.receive(MediaMoved(call=CallId(call)))
    totals.receive(MediaLost(call=CallId("c3")))
    assert (totals.interrupted, totals.moved, totals.media_lost) == (3, 2, 1)
