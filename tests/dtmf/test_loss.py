"""Lost packets: unknown, not silence."""

import numpy as np
import pytest

from dtmf.frames import FRAME_SAMPLES, Bools, Pcm
from tests.dtmf.drive import listen, read
from tests.dtmf.signals import frames_of, keyed, ms, pair, silence, ulaw

_ENTRIES = 20


def _without(call: Pcm, frames: list[int]) -> tuple[list[Pcm], Bools]:
    """Return the call with `frames` replaced by noise that must not be looked at, and the lost flags."""
    call = call.copy()
    lost = np.zeros((1, len(frames_of([call]))), np.bool_)
    for number in frames:
        call[number * FRAME_SAMPLES : (number + 1) * FRAME_SAMPLES] = -12345
        lost[0, number] = True
    return [call], lost


def _long_press(start_ms: float = 105.0) -> Pcm:
    rng = np.random.default_rng(9)
    return ulaw(np.concatenate([silence(start_ms), pair("6", 250, rng), silence(100)]))


@pytest.mark.parametrize("loss", [0.01, 0.03])
def test_digits_survive_random_loss(loss: float) -> None:
    rng = np.random.default_rng(round(loss * 100))
    keys = ["".join(rng.choice(list("0123456789"), 16)) for _ in range(_ENTRIES)]
    calls = [ulaw(keyed(entry, rng, on_ms=100, off_ms=120)) for entry in keys]
    lost = rng.random((_ENTRIES, len(frames_of(calls)))) < loss
    got = read(calls, lost)
    assert sum(a == b for a, b in zip(got, keys, strict=True)) >= _ENTRIES - 1


@pytest.mark.parametrize("first", range(4, 18))
@pytest.mark.parametrize("count", [1, 2])
def test_a_press_with_a_hole_is_one_press(first: int, count: int) -> None:
    calls, lost = _without(_long_press(), list(range(first, first + count)))
    assert read(calls, lost) == ["6"]


@pytest.mark.parametrize("first", [10, 11, 12])
def test_a_hole_of_three_packets_in_a_held_key_is_bridged(first: int) -> None:
    calls, lost = _without(_long_press(), [first, first + 1, first + 2])
    assert read(calls, lost) == ["6"]


def test_a_longer_hole_ends_the_press() -> None:
    calls, lost = _without(_long_press(), list(range(10, 16)))
    (heard,) = listen(calls, lost)
    assert heard.ended[0].end_samples <= 10 * FRAME_SAMPLES


def test_a_pause_partly_lost_is_still_a_pause() -> None:
    rng = np.random.default_rng(9)
    for shift in range(0, 20, 2):
        parts = [silence(100 + shift), pair("6", 80, rng), silence(60), pair("6", 80, rng)]
        call = ulaw(np.concatenate([*parts, silence(60)]))
        middle = (ms(100 + shift + 80 + 30)) // FRAME_SAMPLES
        calls, lost = _without(call, [middle])
        assert read(calls, lost) == ["66"]


def test_what_a_lost_row_holds_is_not_looked_at() -> None:
    call = _long_press()
    every = list(range(len(frames_of([call]))))
    assert read(*_lost_but_present(call, every)) == [""]


def _lost_but_present(call: Pcm, frames: list[int]) -> tuple[list[Pcm], Bools]:
    lost = np.zeros((1, len(frames_of([call]))), np.bool_)
    lost[0, frames] = True
    return [call], lost


def test_a_hole_nobody_reported_is_bridged_too() -> None:
    call = _long_press()
    for number in range(7, 16):
        holed = call.copy()
        holed[number * FRAME_SAMPLES : (number + 1) * FRAME_SAMPLES] = 0
        assert read([holed]) == ["6"]
