"""A yardstick must be able to fail: the attacker reads what is not masked, and knows nothing of noise."""

import numpy as np
import pytest

from benchmarks.attacker import attack, guess
from benchmarks.masking import CONDITIONS, OPEN, Condition
from benchmarks.rows import Figure
from benchmarks.signals import DIGITS, Keying, Press, coded, samples_of_ms, white_noise

_SEED = 5


def _keys(number: int) -> Keying:
    return Keying(keys=lambda rng: "".join(rng.choice(list(DIGITS), number)), on_ms=(45, 180))


@pytest.mark.parametrize("noise_dbm0", [-60, -16])
def test_reads_what_is_not_masked(noise_dbm0: float) -> None:
    rng = np.random.default_rng(_SEED)
    keyed = _keys(60).play(rng)
    heard = coded(keyed.signal + white_noise(len(keyed.signal), noise_dbm0, rng))
    assert attack([heard], [keyed.presses], 0, rng).value > 0.9


def test_keys_in_quick_succession_do_not_hide_one_another() -> None:
    rng = np.random.default_rng(_SEED)
    keying = Keying(keys=_keys(60).keys, on_ms=(40, 40), off_ms=(40, 40))
    keyed = keying.play(rng)
    assert attack([coded(keyed.signal)], [keyed.presses], 0, rng).value > 0.9


def test_reads_the_five_milliseconds_that_a_mask_left() -> None:
    rng = np.random.default_rng(_SEED)
    keyed = _keys(80).play(rng)
    left = np.zeros_like(keyed.signal)
    for press in keyed.presses:
        start = press.start + samples_of_ms(20)
        left[start : start + samples_of_ms(5)] = keyed.signal[start : start + samples_of_ms(5)]
    assert attack([coded(left)], [keyed.presses], 0, rng).value > 0.4


def test_is_at_chance_on_noise() -> None:
    rng = np.random.default_rng(_SEED)
    noise = coded(white_noise(8000 * 60, -20, rng))
    presses = [
        Press(key=str(rng.choice(list(DIGITS))), start=start, end=start + 800)
        for start in range(1000, len(noise) - 2000, 1100)
    ]
    assert 0.06 < attack([noise], [presses], 0, rng).value < 0.14


def test_guesses_any_digit_when_it_hears_nothing() -> None:
    rng = np.random.default_rng(_SEED)
    silence = np.zeros(2000, np.int16)
    assert {guess(silence, rng) for _ in range(200)} == set(DIGITS)


def _asked(condition: Condition) -> Figure:
    return condition.case((), 120, _SEED).ask()["attacker"]


def test_a_call_that_is_not_secure_gives_its_keys_away_and_a_secure_one_does_not() -> None:
    clean = next(condition for condition in CONDITIONS if condition.name == "clean -8 dBm0")
    assert _asked(OPEN).value >= 0.85
    assert _asked(clean).value < 0.25
