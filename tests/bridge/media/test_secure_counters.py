"""What is counted while a call is secure, and when it is told."""

from collections.abc import Iterator

import numpy as np
import pytest

from bridge.media import messages as m
from bridge.media.masking import GATE, masking_settings
from bridge.media.secure_counters import SecureCounters
from bridge.media.secure_totals import SecureTotals
from bridge.rtp.telephone_event import TelephoneEvent
from dtmf.keys import EVENT_KEYS, HiddenKey
from tests.bridge.media.call_rig import CALL, FRAME, Phone, Rig, murmur, pressed

NO_TRACE = -np.inf
NOT = np.array([False])


@pytest.fixture(params=[-1, 101], ids=["in-band", "events agreed on"])
def rig(request: pytest.FixtureRequest) -> Iterator[Rig]:
    rig = Rig(caller=Phone(telephone_event=request.param))
    yield rig
    rig.close()


def counted(rig: Rig) -> m.SecureSpanCounted:
    (told,) = [report for report in rig.reports if isinstance(report, m.SecureSpanCounted)]
    return told


def release(rig: Rig) -> None:
    rig.secure(secure=False)
    rig.play(murmur(1600, seed=9))


class TestTotals:
    def counters(self) -> SecureCounters:
        counters = SecureCounters(3)
        counters.start(1, 10)
        return counters

    def give(self, counters: SecureCounters, *frames: tuple[bool, float]) -> SecureTotals:
        """Count frames of call 1 (masked, score) and return the totals."""
        for masked, score in frames:
            counters.count_frames(
                np.array([1]), np.array([masked]), NOT, NOT, np.array([score], np.float32)
            )
        return counters.totals(1, 10)

    def test_a_masked_frame_says_nothing_of_what_passed(self) -> None:
        totals = self.give(self.counters(), (True, 5.0), (True, 7.0))
        assert (totals.frames_masked, totals.frames_passed) == (2, 0)
        assert totals.highest_passed_score is None

    def test_a_frame_that_passes_is_judged_with_the_one_after_it(self) -> None:
        """The gate lets the held frame go: its own score is that of the call before."""
        totals = self.give(self.counters(), (True, 0.5), (False, -2.0), (False, NO_TRACE))
        assert totals.highest_passed_score == 0.5
        assert totals.frames_passed == 2

    def test_a_frame_is_not_judged_by_one_that_it_need_not_wait_for(self) -> None:
        counters = self.counters()
        counters.judge_by(1, newest=False)
        totals = self.give(counters, (True, -3.0), (True, -2.0), (False, 5.0))
        assert totals.highest_passed_score == -2.0

    def test_a_stream_that_restarts_forgets_the_score_of_what_was_held(self) -> None:
        counters = self.counters()
        self.give(counters, (True, 0.5))
        counters.count_restart(1)
        totals = self.give(counters, (False, NO_TRACE))
        assert (totals.highest_passed_score, totals.stream_restarts) == (None, 1)

    def test_late_packets_are_those_since_the_start(self) -> None:
        assert self.counters().totals(1, 14).packets_late == 4

    def test_calls_of_one_batch_are_counted_apart(self) -> None:
        counters = self.counters()
        counters.start(2, 0)
        scores = np.array([NO_TRACE, 0.25], np.float32)
        masked, lost = np.array([True, False]), np.array([True, False])
        counters.count_frames(np.array([1, 2]), masked, np.array([False, False]), lost, scores)
        first, second = counters.totals(1, 10), counters.totals(2, 0)
        assert (first.frames_masked, first.frames_passed, first.frames_lost) == (1, 0, 1)
        assert (second.frames_masked, second.frames_passed, second.frames_lost) == (0, 1, 0)

    def test_a_new_span_starts_at_nothing(self) -> None:
        counters = self.counters()
        fresh = counters.totals(1, 10)
        counters.count_press(1, m.Transport.IN_BAND)
        counters.count_event(1)
        counters.count_restart(1)
        self.give(counters, (False, 0.5), (True, 0.5))
        counters.start(1, 12)
        assert counters.totals(1, 12) == fresh


class TestCall:
    def test_presses_masked_and_passed_frames_of_a_span_are_told_before_the_gate_opens(
        self, rig: Rig
    ) -> None:
        rig.play(murmur(800))
        rig.secure()
        rig.play(pressed("4159#"))
        release(rig)
        told = counted(rig)
        assert (told.presses_in_band, told.presses_rfc4733, told.presses_sip_info) == (5, 0, 0)
        assert told.frames_masked >= 5 * 800 // FRAME
        assert told.frames_passed > 0
        assert told.highest_passed_score is None or told.highest_passed_score <= GATE.threshold
        opened = m.SecureChanged(call=CALL, secure=False)
        assert rig.reports.index(told) == rig.reports.index(opened) - 1

    def test_every_frame_of_the_span_is_either_masked_or_passed(self, rig: Rig) -> None:
        rig.play(murmur(800))
        rig.secure()
        rig.play(pressed("12"))
        frames = len(pressed("12")) // FRAME
        rig.calls.handle(m.CloseCall(call=CALL))
        told = counted(rig)
        assert told.frames_masked + told.frames_passed == frames

    def test_presses_are_counted_by_the_transport_that_told_them_first(self) -> None:
        rig = Rig()
        rig.play(murmur(800))
        rig.secure()
        event = TelephoneEvent(
            event=EVENT_KEYS.index("7"), end=False, volume=10, duration_samples=160
        )
        rig.caller.send(rig.caller.event(bytes(event), rig.caller.timestamp, marker=True))
        rig.tick(2.0)
        rig.calls.handle(m.InfoKey(call=CALL, key=HiddenKey("4"), duration_ms=0))
        rig.tick(2.0)
        release(rig)
        told = counted(rig)
        assert (told.presses_in_band, told.presses_rfc4733, told.presses_sip_info) == (0, 1, 1)
        assert told.events_withheld == 1
        rig.close()

    def test_lost_late_and_restarted_are_counted(self, rig: Rig) -> None:
        rig.play(murmur(800))
        rig.secure()
        rig.play(murmur(800))
        rig.caller.skip(2)
        rig.play(murmur(800))
        late = rig.caller.frame(murmur(FRAME))
        for _ in range(2):
            rig.caller.send(late)
            rig.tick()
        rig.caller.ssrc = 99
        rig.play(murmur(800))
        release(rig)
        told = counted(rig)
        assert (told.frames_lost, told.packets_late, told.stream_restarts) == (2, 1, 1)

    def test_a_call_that_ends_while_secure_tells_what_was_counted(self, rig: Rig) -> None:
        rig.play(murmur(800))
        rig.secure()
        rig.play(pressed("12"))
        rig.calls.handle(m.CloseCall(call=CALL))
        assert counted(rig).presses_in_band == 2

    def test_an_open_call_has_nothing_to_tell(self, rig: Rig) -> None:
        rig.play(pressed("12"))
        rig.secure(secure=False)
        rig.calls.handle(m.CloseCall(call=CALL))
        assert not [r for r in rig.reports if isinstance(r, m.SecureSpanCounted)]

    def test_securing_twice_is_one_span(self, rig: Rig) -> None:
        rig.play(murmur(800))
        rig.secure()
        rig.play(pressed("1"))
        rig.secure()
        rig.play(pressed("2"))
        release(rig)
        assert counted(rig).presses_in_band == 2


def test_the_settings_that_are_told_are_those_in_use() -> None:
    settings = masking_settings()
    assert settings["gate"]["threshold"] == GATE.threshold
    assert settings["detector"]["shortest_tone_ms"] < 40
