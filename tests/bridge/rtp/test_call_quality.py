"""What each side of a call heard, from the figures of both legs."""

from dataclasses import replace
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.call.quality_fields import is_poor, quality_fields
from bridge.rtp.call_quality import MIN_PACKETS, CallQuality, Heard
from tests.bridge.rtp.qualities import CLEAN, LOSSY

GOOD: Final = CallQuality(caller=CLEAN, agent=CLEAN)
REPORTED: Final = replace(
    CLEAN, far_packets_lost=0, far_fraction_lost=0.0, far_jitter_ms=1.0, round_trip_ms=40.0
)


def heard_by_agent(quality: CallQuality) -> Heard:
    heard = quality.heard_by_agent
    assert heard is not None
    return heard


class TestHeard:
    def test_a_clean_call_is_as_good_as_g_711_can_be(self) -> None:
        heard = heard_by_agent(GOOD)
        assert (heard.loss, heard.delay_ms) == (0, 45.0)
        assert heard.mos == pytest.approx(4.38, abs=0.02)

    def test_each_side_hears_what_the_other_leg_brought(self) -> None:
        quality = CallQuality(caller=LOSSY, agent=CLEAN)
        heard_by_caller = quality.heard_by_caller
        assert heard_by_caller is not None
        assert heard_by_agent(quality).loss == 0.05
        assert heard_by_caller.loss == 0
        assert heard_by_agent(quality).mos < 3.9 < heard_by_caller.mos

    def test_loss_on_both_networks_adds_up(self) -> None:
        agent = replace(REPORTED, packets_sent=1000, far_packets_lost=100)
        assert heard_by_agent(CallQuality(caller=LOSSY, agent=agent)).loss == pytest.approx(
            1 - 0.95 * 0.9
        )

    def test_a_far_end_that_got_some_packets_twice_has_lost_nothing(self) -> None:
        agent = replace(REPORTED, far_packets_lost=-7)
        assert heard_by_agent(CallQuality(caller=CLEAN, agent=agent)).loss == 0

    def test_half_of_both_round_trips_is_on_the_way(self) -> None:
        far = CallQuality(caller=REPORTED, agent=replace(REPORTED, round_trip_ms=100.0))
        assert heard_by_agent(far).delay_ms == heard_by_agent(GOOD).delay_ms + 70

    def test_jitter_is_delay_as_the_listeners_telephone_sees_it(self) -> None:
        shaky = replace(CLEAN, jitter_ms=30.0)
        assert heard_by_agent(CallQuality(caller=shaky, agent=CLEAN)).delay_ms == 85.0
        assert heard_by_agent(CallQuality(caller=shaky, agent=REPORTED)).delay_ms == 65.0

    def test_too_little_is_not_judged(self) -> None:
        short = replace(CLEAN, packets_received=MIN_PACKETS - 1)
        assert CallQuality(caller=short, agent=CLEAN).heard_by_agent is None
        silent = replace(CLEAN, packets_sent=0)
        assert CallQuality(caller=CLEAN, agent=silent).heard_by_agent is None

    @given(st.integers(0, 5000), st.integers(0, 300), st.integers(0, 300), st.integers(-9, 5000))
    def test_any_figures_are_judged(
        self, received: int, missed: int, late: int, far_lost: int
    ) -> None:
        leg = replace(
            REPORTED,
            packets_received=received + late,
            packets_late=late,
            packets_missed=missed,
            losses=(missed + 2) // 3,
            far_packets_lost=far_lost,
        )
        heard = CallQuality(caller=leg, agent=leg).heard_by_agent
        assert heard is None or (0 <= heard.loss <= 1 and 1 <= heard.mos <= 4.5)


class TestLeg:
    def test_what_came_late_was_missed_and_what_came_twice_was_not(self) -> None:
        late = replace(CLEAN, packets_received=1000, packets_late=50, packets_missed=50)
        assert late.loss == 0.05
        twice = replace(CLEAN, packets_received=2000, packets_late=1000, packets_missed=0)
        assert twice.loss == 0

    def test_losses_are_bursty_where_they_are_longer_than_chance_makes_them(self) -> None:
        assert LOSSY.burst_ratio == 1.0
        assert replace(LOSSY, losses=10).burst_ratio == pytest.approx(5 * 0.95)

    def test_a_leg_without_a_packet_lost_none(self) -> None:
        nothing = replace(CLEAN, packets_received=0)
        assert (nothing.loss, nothing.burst_ratio) == (0, 1)


class TestLine:
    def test_it_tells_both_ways_and_both_legs(self) -> None:
        fields = quality_fields(CallQuality(caller=LOSSY, agent=REPORTED))
        assert fields["agent_missed_percent"] == 5.0
        assert fields["caller_missed_percent"] == 0.0
        assert (fields["caller_packets_missed"], fields["caller_round_trip_ms"]) == (50, None)
        assert (fields["agent_far_jitter_ms"], fields["agent_round_trip_ms"]) == (1.0, 40.0)

    def test_a_call_with_many_complaints_is_poor(self) -> None:
        bad = replace(LOSSY, packets_missed=200, losses=40)
        assert not is_poor(GOOD)
        assert is_poor(CallQuality(caller=bad, agent=CLEAN))
        assert is_poor(CallQuality(caller=CLEAN, agent=bad))

    def test_a_call_that_is_too_short_is_not(self) -> None:
        short = replace(LOSSY, packets_received=10, packets_missed=200)
        assert not is_poor(CallQuality(caller=short, agent=short))
