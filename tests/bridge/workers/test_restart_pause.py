"""How soon a lost worker is replaced; the clock is moved by hand."""

import itertools

from bridge.workers.restart_pause import FIRST_S, LIVED_S, LONGEST_S, RestartPause


def losses(pause: RestartPause, lived_s: float, times: int) -> list[float]:
    """Lose so many workers after so long a life each; return the pauses."""
    ends = itertools.count(1)
    found = []
    for _ in range(times):
        pause.begun(1000.0 * next(ends))
        found.append(pause.after_loss(1000.0 * (next(ends) - 1) + lived_s))
    return found


def test_a_single_loss_is_made_good_at_once() -> None:
    assert losses(RestartPause(), lived_s=1.0, times=1) == [0.0]


def test_workers_that_have_lived_are_replaced_at_once_however_many() -> None:
    assert losses(RestartPause(), lived_s=LIVED_S, times=5) == [0.0] * 5


def test_a_crash_loop_slows_down_to_a_bound() -> None:
    pauses = losses(RestartPause(), lived_s=LIVED_S - 1, times=40)
    assert pauses[:4] == [0.0, FIRST_S, 2 * FIRST_S, 4 * FIRST_S]
    assert pauses == sorted(pauses)
    assert pauses[-1] == LONGEST_S


def test_one_that_cannot_even_be_started_counts_as_died_young() -> None:
    pause = RestartPause()
    assert [pause.after_loss(100.0) for _ in range(3)] == [0.0, FIRST_S, 2 * FIRST_S]


def test_a_long_life_makes_good_what_was_before() -> None:
    pause = RestartPause()
    losses(pause, lived_s=1.0, times=10)
    assert losses(pause, lived_s=LIVED_S, times=1) == [0.0]
    assert losses(pause, lived_s=1.0, times=2) == [0.0, FIRST_S]
