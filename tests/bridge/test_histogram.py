"""Counting values by bounds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.histogram import Histogram


def test_a_value_is_in_the_first_bound_that_it_does_not_exceed() -> None:
    histogram = Histogram((0.5, 1.0, 2.0))
    for value in (0.0, 0.5, 0.6, 2.0, 7.0):
        histogram.add(value)
    assert histogram.counts == (2, 1, 1, 1)
    assert histogram.total == pytest.approx(10.1)


@given(st.lists(st.floats(-5, 5)))
def test_every_value_is_counted_once(values: list[float]) -> None:
    histogram = Histogram((-1.0, 0.0, 3.0))
    for value in values:
        histogram.add(value)
    up_to = [sum(value <= bound for value in values) for bound in histogram.bounds]
    assert [sum(histogram.counts[: n + 1]) for n in range(3)] == up_to
    assert sum(histogram.counts) == len(values)
