"""DetectorLimits: what it refuses, and that the detector obeys it."""

import numpy as np
import pytest

from dtmf import DetectorLimits, decode
from tests.dtmf.signals import keyed, ulaw


@pytest.mark.parametrize(
    "wrong",
    [
        {"frequency_tolerance": 0.01},
        {"frequency_tolerance": 0.035},
        {"longest_break_ms": 0.0},
        {"longest_break_ms": 40.0},
        {"shortest_tone_ms": 5.0},
        {"shortest_tone_ms": 41.0},
        {"longest_loss_ms": -1.0},
        {"lowest_level_dbm0": -61.0},
        {"positive_twist_db": -1.0},
        {"negative_twist_db": float("nan")},
    ],
)
def test_limits_that_break_q24_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong)).split("_")[0]):
        DetectorLimits(**wrong)


@pytest.mark.parametrize(
    ("limits", "signal"),
    [
        (DetectorLimits(lowest_level_dbm0=-20), {"low_dbm0": -25.0, "high_dbm0": -25.0}),
        (DetectorLimits(positive_twist_db=2), {"low_dbm0": -14.0, "high_dbm0": -10.0}),
        (DetectorLimits(negative_twist_db=2), {"low_dbm0": -10.0, "high_dbm0": -14.0}),
        (DetectorLimits(frequency_tolerance=0.015), {"low_error": 0.019}),
        (DetectorLimits(shortest_tone_ms=40), {"on_ms": 36.0}),
    ],
)
def test_what_a_limit_forbids_is_read_by_default_only(
    limits: DetectorLimits, signal: dict[str, float]
) -> None:
    call = ulaw(keyed("159D", np.random.default_rng(4), **signal))
    assert decode(call, limits=limits) == []
    assert [press.key for press in decode(call)] == list("159D")


def test_a_shorter_break_limit_splits_a_press() -> None:
    rng = np.random.default_rng(4)
    call = ulaw(keyed("55", rng, on_ms=60, off_ms=25))
    assert [press.key for press in decode(call)] == ["5"]
    split = decode(call, limits=DetectorLimits(longest_break_ms=15))
    assert [press.key for press in split] == ["5", "5"]
