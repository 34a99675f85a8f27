"""Acceptance rules on features alone, without a sound: what must hold whatever was measured."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from dtmf.frames import Bools, Floats
from dtmf.rules import Features, is_press, is_settled_press


@pytest.fixture(scope="module", autouse=True)
def _rules_at_hand() -> None:
    """Compile the rules first: Hypothesis allows no example the time that the compiler takes."""
    is_press(_spans(), strict=False)


_RANGES = {
    "frequency_error": (0.0, 0.0248),
    "coherence": (0.85, 1.0),
    "ripple": (0.0, 0.5),
    "inner_coherence": (0.85, 1.0),
    "inner_ripple": (0.0, 0.5),
    "inner_hops": (2.0, 45.0),
    "snr_db": (-10.0, 30.0),
    "weaker_db": (-15.0, 25.0),
    "peak_db": (-30.0, 10.0),
    "flatness_db": (5.0, 24.0),
    "jitter": (0.0, 0.5),
}
_ROWS = 12


@st.composite
def _features(draw: st.DrawFn) -> Features:
    def column(name: str) -> Floats:
        lowest, highest = np.array(_RANGES[name], np.float32)
        return draw(arrays(np.float32, _ROWS, elements=st.floats(lowest, highest, width=32)))

    return Features(*map(column, Features._fields))


_CLEAN = {
    "frequency_error": 0.0003,
    "coherence": 0.999,
    "ripple": 0.1,
    "inner_coherence": 0.999,
    "inner_ripple": 0.02,
    "inner_hops": 14.0,
    "snr_db": 24.0,
    "weaker_db": 21.0,
    "peak_db": -28.0,
    "flatness_db": 9.0,
    "jitter": 0.02,
}


def _spans(**columns: list[float]) -> Features:
    """Return a clean press a row, but for the columns given."""
    rows = max(map(len, columns.values()), default=1)
    clean = {name: np.full(rows, value, np.float32) for name, value in _CLEAN.items()}
    changed = {name: np.array(values, np.float32) for name, values in columns.items()}
    return Features(**{**clean, **changed})


def _row(features: Features, row: int) -> Features:
    return Features(*(column[row : row + 1] for column in features))


@given(_features())
def test_strict_takes_nothing_that_the_default_refuses(features: Features) -> None:
    for rule in (is_press, is_settled_press):
        strict, usual = rule(features, True), rule(features, False)
        assert not (strict & ~usual).any()


@given(_features(), arrays(np.bool_, _ROWS))
def test_a_span_is_judged_on_its_own(features: Features, strict: Bools) -> None:
    for rule in (is_press, is_settled_press):
        together = rule(features, strict)
        alone = [
            bool(rule(_row(features, row), strict[row : row + 1]).all()) for row in range(_ROWS)
        ]
        assert together.shape == (_ROWS,)
        assert together.tolist() == alone


@given(_features())
def test_being_nearer_to_the_frequency_never_hurts(features: Features) -> None:
    nearer = features._replace(frequency_error=features.frequency_error * np.float32(0.5))
    assert not (is_press(features, False) & ~is_press(nearer, False)).any()


def test_the_further_off_frequency_the_louder_a_tone_must_be() -> None:
    # a voice 12 dB and more over the noise that is left, so that only its level can speak for the tone
    voice = {"flatness_db": 18.0, "inner_hops": 6.0}
    errors = [0.0005, 0.003, 0.007, 0.015, 0.02]
    for level_db, taken in [(0.0, 1), (1.5, 2), (3.0, 3), (5.0, 4), (7.0, 5)]:
        rows = {name: [value] * len(errors) for name, value in voice.items()}
        spans = _spans(frequency_error=errors, weaker_db=[level_db] * len(errors), **rows)
        assert is_press(spans, False).tolist() == [True] * taken + [False] * (5 - taken)


def test_an_unsteady_end_is_no_settled_press() -> None:
    spans = _spans(coherence=[0.99, 0.96], weaker_db=[10.0, 10.0])
    assert is_settled_press(spans, False).tolist() == [True, False]


def test_strict_is_of_each_span() -> None:
    # 7 dB over a voice and 1.8 % off: louder than all, but not by what strict asks
    spans = _spans(frequency_error=[0.018] * 2, weaker_db=[7.0] * 2, flatness_db=[18.0] * 2)
    assert is_press(spans, np.array([False, True])).tolist() == [True, False]
