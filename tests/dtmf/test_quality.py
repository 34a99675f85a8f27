"""What each press reports of the line: level, twist and frequency error, within what an admin needs to know."""

from typing import Final

import numpy as np
import pytest

from dtmf import ToneStarted
from dtmf.tones import amplitude, level_of
from tests.dtmf.drive import listen
from tests.dtmf.signals import keyed, ulaw, white_noise

_KEYS: Final = "123A456B789C*0#D"


def _presses(**signal: float) -> list[ToneStarted]:
    """Return all keys as they are read from a line with a little noise."""
    rng = np.random.default_rng(7)
    sound = keyed(_KEYS, rng, on_ms=60, **signal)
    (heard,) = listen([ulaw(sound + white_noise(len(sound), -60, rng))])
    assert heard.keys == _KEYS
    return heard.started


def test_a_level_is_the_inverse_of_an_amplitude() -> None:
    levels = [3.17, -10.0, -41.0]
    peaks = np.array([amplitude(level) for level in levels], np.float32)
    assert [level_of(peak) for peak in peaks] == pytest.approx(levels, abs=1e-4)


@pytest.mark.parametrize("level", [-3.0, -20.0, -38.0])
def test_the_level_is_that_of_the_weaker_tone(level: float) -> None:
    for press in _presses(low_dbm0=level, high_dbm0=level + 3):
        assert press.line.level_dbm0 == pytest.approx(level, abs=0.6)


@pytest.mark.parametrize("twist", [5.0, 0.0, -9.0])
def test_the_twist_is_the_high_tone_over_the_low_one(twist: float) -> None:
    for press in _presses(low_dbm0=-15.0, high_dbm0=-15.0 + twist):
        assert press.line.twist_db == pytest.approx(twist, abs=0.6)


@pytest.mark.parametrize(("low", "high", "worst"), [(0.015, 0.0, 0.015), (0.004, -0.018, 0.018)])
def test_the_frequency_error_is_that_of_the_tone_further_off(
    low: float, high: float, worst: float
) -> None:
    for press in _presses(low_error=low, high_error=high):
        assert press.line.frequency_error == pytest.approx(worst, abs=0.001)


def test_neither_key_nor_figures_show_in_a_text() -> None:
    press = _presses(low_dbm0=-23.0, high_dbm0=-20.0)[0]
    assert repr(press.line) == "ToneQuality()"
    assert "line" not in repr(press)
    assert "key" not in repr(press)
