"""What a detector at the agent's ear counts for."""

from collections.abc import Sequence

import numpy as np

from benchmarks.masking import read_presses
from benchmarks.receivers import Line
from benchmarks.signals import FRAME, Keying, Pcm

_KEYED = Keying(keys=lambda _: "159", on_ms=(80, 80), off_ms=(300, 300)).play(
    np.random.default_rng(1)
)
_PCM: Pcm = _KEYED.signal.astype(np.int16)


class Deaf:
    """Reads the same of every sound, or nothing where it is silent."""

    name = "deaf"

    def __init__(self, keys: str) -> None:
        self._keys = keys

    def read(self, calls: Sequence[Line]) -> list[str]:
        return [self._keys if call.pcm.any() else "" for call in calls]


def test_all_keys_in_order_are_all_presses() -> None:
    assert read_presses(Deaf("159"), [_PCM], [_KEYED.presses], 0).value == 3


def test_a_key_counts_only_at_its_press() -> None:
    figure = read_presses(Deaf("5"), [_PCM], [_KEYED.presses], 0)
    assert figure.value == 1, "of three presses one was this key"


def test_a_key_that_was_not_pressed_is_told_and_does_not_count() -> None:
    figure = read_presses(Deaf("7"), [_PCM], [_KEYED.presses], 0)
    assert (figure.value, figure.text) == (0, "0 in 3 presses, 1 more")


def test_presses_are_looked_for_as_late_as_they_are_heard() -> None:
    late = np.concatenate([np.zeros(20 * FRAME, np.int16), _PCM[: _KEYED.presses[0].end]])
    assert read_presses(Deaf("1"), [late], [_KEYED.presses], 20 * FRAME).value == 1
