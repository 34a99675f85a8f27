"""Rows are well formed, and a row that is not reached says so."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks import dtmf, leak, lines
from benchmarks.reading import ROWS, ReadingRow, Score, edits, scored
from benchmarks.receivers import Ours
from benchmarks.report import Report
from benchmarks.rows import (
    OURS,
    Case,
    Figure,
    Limit,
    NotAvailableError,
    Outcome,
    Row,
    answer,
    chosen,
    count,
    share,
)
from tests.support.peers import require_program

_CASES = [
    *dtmf.cases(1, 1, 1.0, 1, lambda _: None),
    *leak.cases(60, 1, 0.1),
]

_ALL = Limit(at_least=1.0, least_base=10, text="100 %")


def _case(found: Figure, limit: Limit = _ALL, **peers: Figure) -> Case:
    row = Row(group="a", name="b", limits={OURS: limit})
    return Case(row=row, ask=lambda: {OURS: found, **peers})


def test_titles_are_unique() -> None:
    titles = [case.row.title for case in _CASES]
    assert len(titles) == len(set(titles))


@pytest.mark.parametrize("case", _CASES, ids=lambda case: case.row.title)
def test_every_limit_says_what_it_asks(case: Case) -> None:
    for limit in case.row.limits.values():
        assert limit.text
        assert (limit.at_least is None) != (limit.at_most is None)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.group}: {row.name}")
def test_a_row_plays_the_same_to_everybody(row: ReadingRow) -> None:
    if row.way is lines.gsm:
        require_program("sox")
    keys, calls = row.entries(1, seed=4)
    again, same = row.entries(1, seed=4)
    assert keys == again
    assert np.array_equal(calls[0].pcm, same[0].pcm)
    assert calls[0].pcm.dtype == np.int16
    other, _ = row.entries(1, seed=5)
    assert keys != other or len(keys[0]) == 1 or len(set(keys[0])) == 1


def test_a_reached_limit_is_met() -> None:
    assert answer(_case(share(12, 12))).met


@pytest.mark.parametrize(
    ("found", "limit", "peers"),
    [
        (share(11, 12), _ALL, {}),
        (share(9, 9), _ALL, {}),
        (count(1, 5.0, "h"), Limit(at_most=0, text="0"), {}),
        (
            share(98, 100),
            Limit(at_least=0.9, as_good_as_peers=True, text="≥"),
            {"x": share(99, 100)},
        ),
    ],
    ids=["too few", "over too little", "too many", "a peer is better"],
)
def test_a_missed_limit_is_told(found: Figure, limit: Limit, peers: dict[str, Figure]) -> None:
    outcome = answer(_case(found, limit, **peers))
    assert not outcome.met
    assert outcome.complaint


def test_a_look_forgives_small_numbers_only() -> None:
    assert answer(_case(share(9, 9)), ask_base=False).met
    assert not answer(_case(share(8, 9)), ask_base=False).met


def test_what_is_not_available_is_not_met() -> None:
    def ask() -> dict[str, Figure]:
        raise NotAvailableError("no such preset")

    outcome = answer(Case(row=Row(group="a", name="b", limits={}), ask=ask))
    assert outcome.complaint == "not available: no such preset"


def test_rows_are_chosen_by_pattern() -> None:
    titles = [case.row.title for case in chosen(_CASES, "q.24 reject|^line: gsm")]
    assert len(titles) == 9


@pytest.mark.parametrize(
    ("a", "b", "distance"), [("123", "123", 0), ("123", "13", 1), ("", "12", 2), ("12", "21", 2)]
)
def test_edits(a: str, b: str, distance: int) -> None:
    assert edits(a, b) == distance


def test_scores_count_what_they_say() -> None:
    keys, read = ["1234", "5678"], ["1234", "568"]
    assert scored(Score.EXACT, keys, read).value == 0.5
    assert scored(Score.DIGITS, keys, read).value == 7 / 8
    assert scored(Score.NOTHING_READ, keys, ["", "5"]).value == 7 / 8


def test_our_detector_reads_through_the_yardstick() -> None:
    row = next(row for row in ROWS if row.name == "level 0 dBm0")
    assert row.case([Ours()], 2, seed=1).ask()[OURS].value == 1.0


def test_the_docs_section_is_replaced_not_repeated(tmp_path: Path) -> None:
    page = tmp_path / "benchmarks.md"
    for text in ("first", "second"):
        found = Figure(value=0, text=text, base=1)
        row = Row(group="a", name="b", limits={})
        Report(
            name="dtmf",
            title="Reading keys",
            command="make bench-dtmf",
            columns=[OURS],
            outcomes=[Outcome(row=row, figures={OURS: found})],
            seed=1,
            n=1,
            load=0.0,
        ).write_docs(page)
    assert "second" in page.read_text()
    assert "first" not in page.read_text()
    assert page.read_text().count("## Reading keys") == 1
