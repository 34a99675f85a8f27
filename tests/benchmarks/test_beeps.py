"""Benchmark rows about beeps see what there is to see, and nothing where there is nothing."""

from benchmarks.beeps import from_rhythm
from benchmarks.passing import KEPT
from bridge.media.line_masking import PLAIN_MASKING, LineMasking

_FEW = 60
"Presses: enough for an attacker who sees every interval, too few for figures."


def test_plain_beeps_give_a_rhythm_away() -> None:
    assert from_rhythm(_FEW, 1, PLAIN_MASKING)[KEPT].value > 0.9


def test_even_beeps_are_all_heard_and_give_away_little() -> None:
    figure = from_rhythm(_FEW, 1, LineMasking(muted=True, even_beeps=True))[KEPT]
    assert figure.base >= _FEW, "calls in which a beep was missing are left out"
    assert figure.value < 0.35
