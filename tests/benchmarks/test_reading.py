"""Every row of the reading table, small and seeded: what the benchmark proves with a hundred entries, kept by a few."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks import lines
from benchmarks.presets import strict
from benchmarks.reading import ROWS, ReadingRow, Score
from benchmarks.receivers import Line, Ours
from benchmarks.rows import answer
from benchmarks.signals import RATE_HZ, coded
from benchmarks.voice import music
from tests.support.peers import require_program

_ENTRIES = 6
_SEED = 3


def _small(row: ReadingRow) -> ReadingRow:
    """Return a row that so few entries can answer: one missed key of a hundred must not count as a missed entry."""
    some_may_fail = row.score is Score.EXACT and (row.limit.at_least or 0) < 1
    return replace(row, score=Score.DIGITS) if some_may_fail else row


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.group}: {row.name}")
def test_the_limit_is_reached(row: ReadingRow) -> None:
    if row.way is lines.gsm:
        require_program("sox")
    outcome = answer(_small(row).case([Ours()], _ENTRIES, _SEED), ask_base=False)
    assert outcome.met, outcome.complaint


@pytest.mark.parametrize(
    "row",
    [row for row in ROWS if row.group.startswith("Q.24")],
    ids=lambda row: f"{row.group}: {row.name}",
)
def test_strict_meets_q24_too(row: ReadingRow) -> None:
    outcome = answer(row.case([Ours(strict())], _ENTRIES, _SEED), ask_base=False)
    assert outcome.met, outcome.complaint


def test_made_music_is_no_key() -> None:
    rng = np.random.default_rng(_SEED)
    calls = [Line(pcm=coded(music(20 * RATE_HZ, level, rng))) for level in (-10, -15, -22)]
    assert Ours().read(calls) == [""] * len(calls)
