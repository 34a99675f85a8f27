"""A slower machine is asked for fewer calls, never for a smaller share of its core."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.media_machine import COST_US, REFERENCE_FLOOR_US, SECURED, UNSECURED, Machine

Floors = st.floats(REFERENCE_FLOOR_US, 100.0, exclude_min=True)


@pytest.mark.parametrize(
    ("floor_us", "secured", "unsecured"),
    [(2.0, 1500, 2000), (4.0, 1500, 2000), (5.0, 1200, 1600), (5.43, 1100, 1450)],
)
def test_calls_in_proportion_to_the_floor(floor_us: float, secured: int, unsecured: int) -> None:
    machine = Machine(floor_us=floor_us)
    assert machine.full_load(SECURED, SECURED).calls == secured
    assert machine.full_load(UNSECURED, UNSECURED).calls == unsecured


@settings(max_examples=100, deadline=None, database=None)
@given(floor_us=Floors, asked=st.integers(1, 5000))
def test_a_slower_machine_is_never_asked_for_more(floor_us: float, asked: int) -> None:
    full = Machine(floor_us=floor_us).full_load(asked, SECURED)
    assert full.calls <= min(asked, max(50, SECURED * REFERENCE_FLOOR_US / floor_us))
    assert full.proof <= SECURED


@settings(max_examples=100, deadline=None, database=None)
@given(floor_us=Floors)
def test_what_a_packet_may_take_is_one_and_a_half_floors(floor_us: float) -> None:
    assert Machine(floor_us=floor_us).cost_us(COST_US) == pytest.approx(1.5 * floor_us)


def test_a_faster_machine_must_not_take_more_than_was_asked() -> None:
    assert Machine(floor_us=3.0).cost_us(COST_US) == COST_US


def test_more_calls_than_were_asked_may_be_tried() -> None:
    assert Machine().full_load(3000, SECURED).calls == 3000


@pytest.mark.parametrize(
    ("floor_us", "asked", "text"),
    [
        (5.43, 1500, "1,100 secured calls on one core, as 1,500 where the floor takes 4.0 µs"),
        (5.43, 300, "300 secured calls on one core"),
        (3.8, 1500, "1,500 secured calls on one core"),
    ],
)
def test_a_load_says_what_it_stands_for(floor_us: float, asked: int, text: str) -> None:
    assert Machine(floor_us=floor_us).full_load(asked, SECURED).on_one_core("secured") == text
