"""The E-model against what is published of it: ITU-T G.107 and G.113, and the fit of Cole and Rosenbluth (2001)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.rtp.e_model import (
    BPL_WITH_CONCEALMENT,
    BPL_WITHOUT_CONCEALMENT,
    MAX_BURST_RATIO,
    delay_impairment,
    equipment_impairment,
    mos_of,
    rating,
)

SHARES = st.floats(0, 1)
DELAYS_MS = st.floats(0, 5000)


class TestRating:
    def test_a_connection_with_nothing_wrong_has_the_default_rating(self) -> None:
        """G.107 section 7.7."""
        assert rating(loss=0) == pytest.approx(93.2, abs=0.05)

    @given(SHARES, st.floats(1, 20), DELAYS_MS)
    def test_it_is_between_unusable_and_the_default(
        self, loss: float, burst: float, delay_ms: float
    ) -> None:
        assert 0 <= rating(loss=loss, burst_ratio=burst, delay_ms=delay_ms) < 93.25

    @given(st.tuples(SHARES, SHARES), st.tuples(DELAYS_MS, DELAYS_MS))
    def test_more_loss_or_delay_is_never_better(
        self, losses: tuple[float, float], delays_ms: tuple[float, float]
    ) -> None:
        better = rating(loss=min(losses), delay_ms=min(delays_ms))
        worse = rating(loss=max(losses), delay_ms=max(delays_ms))
        assert worse <= better + 1e-9


class TestOpinionAnnexB:
    @pytest.mark.parametrize(
        ("r", "mos"),
        [(93.2, 4.41), (90, 4.34), (80, 4.03), (70, 3.60), (60, 3.10), (50, 2.58)],
    )
    def test_table_b_1(self, r: float, mos: float) -> None:
        assert mos_of(r) == pytest.approx(mos, abs=0.01)

    @pytest.mark.parametrize(("r", "mos"), [(-5, 1.0), (0, 1.0), (3, 1.0), (100, 4.5), (110, 4.5)])
    def test_the_ends_of_the_scale(self, r: float, mos: float) -> None:
        assert mos_of(r) == mos

    @given(st.floats(0, 100), st.floats(0, 100))
    def test_a_higher_rating_is_never_a_lower_score(self, one: float, other: float) -> None:
        assert mos_of(min(one, other)) <= mos_of(max(one, other)) + 1e-9


class TestDelaySection74:
    @pytest.mark.parametrize("delay_ms", [20, 50, 100, 150, 200, 250, 300])
    def test_it_is_near_the_fit_of_cole_and_rosenbluth(self, delay_ms: float) -> None:
        """Id = 0.024 d + 0.11 (d - 177.3) H(d - 177.3), meant for delays of up to 400 ms."""
        fit = 0.024 * delay_ms + 0.11 * max(0.0, delay_ms - 177.3)
        at_rest = delay_impairment(0)
        assert delay_impairment(delay_ms) - at_rest == pytest.approx(fit, abs=0.7)

    def test_up_to_150_ms_nearly_all_users_are_satisfied(self) -> None:
        """ITU-T G.114: delays below 150 ms are transparent to most; above 400 ms they are not acceptable."""
        assert mos_of(rating(loss=0, delay_ms=150)) > 4.3
        assert rating(loss=0, delay_ms=400) < 70


class TestLossEquation729:
    @pytest.mark.parametrize(
        ("percent", "random", "bursty"), [(2, 7, 7), (3, 10, 10), (5, 15, 30), (10, 25, 40)]
    )
    def test_it_is_near_the_planning_values_with_concealment(
        self, percent: float, random: float, bursty: float
    ) -> None:
        """G.113 (2001) appendix I gives whole fives; its bursts are long, the equation's twice as long as chance."""
        assert equipment_impairment(percent / 100) == pytest.approx(random, abs=3)
        assert random - 3 < equipment_impairment(percent / 100, 2.0) < bursty + 3

    @pytest.mark.parametrize(("percent", "ie"), [(1, 25), (2, 35), (3, 45), (5, 55)])
    def test_it_is_near_the_planning_values_without_concealment(
        self, percent: float, ie: float
    ) -> None:
        found = equipment_impairment(percent / 100, bpl=BPL_WITHOUT_CONCEALMENT)
        assert found == pytest.approx(ie, abs=8)

    def test_it_is_the_equation(self) -> None:
        assert equipment_impairment(0.05) == 95 * 5 / (5 + BPL_WITH_CONCEALMENT)
        assert equipment_impairment(0.05, 2.0) == 95 * 5 / (2.5 + BPL_WITH_CONCEALMENT)
        assert equipment_impairment(0, 2.0) == 0

    def test_bursts_that_the_model_does_not_know_are_its_longest(self) -> None:
        assert equipment_impairment(0.05, 50) == equipment_impairment(0.05, MAX_BURST_RATIO)
