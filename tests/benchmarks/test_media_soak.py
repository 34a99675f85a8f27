"""Growth over a soak is what memory does in its second half, whatever it did while it settled."""

from collections.abc import Callable

import pytest

from benchmarks import media_processes
from benchmarks.media_soak import Look, cases, kib_a_minute, mib_each_minute
from benchmarks.rows import NotAvailableError, answer

_KIB = 1024


def _looks(kib: Callable[[float], float], minutes: float = 10.0) -> list[Look]:
    """Return a look a second."""
    times = [second / 60 for second in range(round(60 * minutes))]
    return [
        Look(at_minutes=at, resident_bytes=round(kib(at) * _KIB), descriptors=9) for at in times
    ]


@pytest.mark.parametrize("kib", [0.0, 64.0, -10.0])
def test_a_steady_rise_is_its_slope(kib: float) -> None:
    assert kib_a_minute(_looks(lambda at: 1000 + kib * at)) == pytest.approx(kib, abs=0.01)


def test_a_step_is_no_steady_rise() -> None:
    looks = _looks(lambda at: 1000 + 200 * (at > 5))
    assert 0 < kib_a_minute(looks) < 64


def test_one_look_shows_no_growth() -> None:
    assert kib_a_minute(_looks(lambda _: 1000, minutes=1 / 60)) == 0


def test_memory_is_told_from_minute_to_minute() -> None:
    told = mib_each_minute(_looks(lambda at: 1024 * (100 + at), minutes=2.5))
    assert told == pytest.approx([100, 101, 102])


def test_a_soak_that_failed_is_not_run_again(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def cores() -> list[int]:
        asked.append(1)
        raise NotAvailableError("there is only one core")

    monkeypatch.setattr(media_processes, "cores", cores)
    complaints = {answer(case).complaint for case in cases(500, minutes=15, seed=1)}
    assert complaints == {"not available: there is only one core"}
    assert len(asked) == 1
