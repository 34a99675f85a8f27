"""When RTCP is sent, RFC 3550 sections 6.2 and 6.3."""

import random
import statistics

import pytest

from bridge.rtp.rtcp_timing import (
    COMPENSATION,
    MIN_INTERVAL_S,
    TIMEOUT_INTERVALS,
    ReportTimer,
    deterministic_interval_s,
)


def timer(chance: float = 0.5, now: float = 100.0) -> ReportTimer:
    return ReportTimer(lambda: chance, now)


def run(timer: ReportTimer, until_s: float) -> list[float]:
    """Return when reports were due."""
    due = []
    while (now := timer.next_timer()) < until_s:
        if timer.handle_timer(now, we_sent=True, far_sends=True):
            due.append(now)
            timer.sent(100)
    return due


class TestIntervalSection631:
    def interval(self, **changes: object) -> float:
        usual = {"members": 2, "senders": 2, "we_sent": True, "average_octets": 128.0}
        return deterministic_interval_s(**(usual | {"initial": False} | changes))  # type: ignore[arg-type]  # by name

    def test_a_call_has_the_minimum(self) -> None:
        assert self.interval() == MIN_INTERVAL_S == 5.0

    def test_the_first_comes_after_half_of_it(self) -> None:
        assert self.interval(initial=True) == 2.5

    def test_large_reports_stretch_it(self) -> None:
        assert self.interval(average_octets=5000.0) == 2 * 5000 / 500

    @pytest.mark.parametrize(("we_sent", "expected"), [(True, 125), (False, 375)])
    def test_few_senders_have_a_quarter_of_the_bandwidth(
        self, we_sent: bool, expected: int
    ) -> None:
        got = self.interval(members=100, senders=10, we_sent=we_sent, average_octets=500.0)
        assert got == pytest.approx((10 if we_sent else 90) * 500 / expected)


class TestTimerSection636:
    @pytest.mark.parametrize("chance", [0.0, 0.5, 1.0])
    def test_it_is_drawn_from_half_to_one_and_a_half(self, chance: float) -> None:
        first, second = run(timer(chance), 115.0)[:2]
        assert first - 100 == pytest.approx(2.5 * (0.5 + chance) / COMPENSATION)
        assert second - first == pytest.approx(5 * (0.5 + chance) / COMPENSATION)

    def test_reconsidered_reports_come_every_five_seconds_or_so(self) -> None:
        due = run(ReportTimer(random.Random(1).random, 0.0), 20_000.0)
        gaps = [b - a for a, b in zip(due, due[1:], strict=False)]
        assert statistics.mean(gaps) == pytest.approx(MIN_INTERVAL_S, rel=0.06)
        assert min(gaps) >= 2.5 / COMPENSATION
        assert max(gaps) <= 7.5 / COMPENSATION + 1e-6

    def test_nothing_is_due_before_its_time(self) -> None:
        one = timer()
        assert not one.handle_timer(one.next_timer() - 0.001, we_sent=True, far_sends=True)

    def test_a_tick_that_comes_late_sends_once(self) -> None:
        one = timer()
        assert one.handle_timer(160.0, we_sent=True, far_sends=True)
        assert one.next_timer() > 160.0

    def test_a_timer_drawn_anew_puts_the_report_off(self) -> None:
        draws = iter([0.0, 1.0, 0.0])
        one = ReportTimer(lambda: next(draws), 0.0)
        first = one.next_timer()
        assert not one.handle_timer(first, we_sent=True, far_sends=True)
        assert one.next_timer() == pytest.approx(2.5 * 1.5 / COMPENSATION)


class TestMembersSection63:
    """They only matter where reports are large: here they are of 5,000 octets."""

    def interval(self, one: ReportTimer, now: float) -> float:
        for _ in range(200):
            one.sent(5000)
        one.handle_timer(now, we_sent=True, far_sends=True)
        return one.next_timer() - now

    def test_a_far_end_that_was_heard_counts_until_it_is_silent_for_long(self) -> None:
        alone, heard, silent, gone = timer(), timer(), timer(), timer()
        limit_s = TIMEOUT_INTERVALS * MIN_INTERVAL_S
        for one, at in ((heard, 140.0), (silent, 150.0 - limit_s - 1), (gone, 140.0)):
            one.receive(5000, at)
        gone.leave()
        intervals = [round(self.interval(one, 150.0), 1) for one in (alone, heard, silent, gone)]
        assert intervals[1] == pytest.approx(2 * intervals[0], abs=0.2)
        assert intervals[2] == pytest.approx(intervals[0], abs=0.2)
        assert intervals[3] == pytest.approx(intervals[0], abs=0.2)
