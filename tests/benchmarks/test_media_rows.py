"""The rows of the media benchmark: limits, figures and verdicts from contests that were not run."""

from argparse import Namespace
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import media
from benchmarks.media_pictures import COST, draw
from benchmarks.media_programs import Counts, Direction
from benchmarks.media_rows import Lab, cases
from benchmarks.media_sound import KeyScore
from benchmarks.media_stands import Entry, Kind, Measured, Turn, ratio
from benchmarks.rows import Case, NotAvailableError, Outcome, answer, chosen

_WAY = Direction(
    sent=1000, received=1000, lost=0, found=990, timed=900,
    p50_ms=23, p99_ms=26, p999_ms=28, max_ms=30,
)  # fmt: skip
_COUNTS = Counts(
    frames=100, own_drops=0, foreign=0, flooded=0, late_p99_ms=0.3, late_max_ms=2,
    from_caller=_WAY, from_agent=replace(_WAY, p99_ms=6),
)  # fmt: skip
_COSTS_US = {Kind.GATEWAY: 5.0, Kind.RTPENGINE: 12.0, Kind.FLOOR: 4.0}


class _Contests(dict[tuple[Entry, ...], list[Measured]]):
    """Contests in which everything went well, but for what `change` says of ours."""

    def __init__(
        self,
        counts: Counts = _COUNTS,
        keys: KeyScore | None = None,
        us: float = 5.0,
        waited: float = 0.01,
    ) -> None:
        self._counts, self._us, self._waited = counts, us, waited
        self._keys = keys or KeyScore(keyed=40, missed=0, false=0)

    def __missing__(self, entries: tuple[Entry, ...]) -> list[Measured]:
        self[entries] = [self._measured(entry) for entry in entries]
        return self[entries]

    def __contains__(self, entries: object) -> bool:
        return True

    def _measured(self, entry: Entry) -> Measured:
        cost_us = self._us if entry.kind is Kind.GATEWAY else _COSTS_US[entry.kind]
        turn = Turn(cost_us=cost_us, load_share=0.4, waited=self._waited, counts=self._counts)
        return Measured(entry=entry, turns=[turn] * 3, bytes_a_call=20_480, keys=self._keys)


def _outcomes(contests: _Contests, pattern: str = "", calls: int = 1500) -> list[Outcome]:
    lab = Lab(turns=3, seconds=1, seed=1, held=contests)
    listed = [case for case in cases(lab, calls) if "one port" not in case.row.title]
    return [answer(case) for case in chosen(listed, pattern)]


@pytest.fixture(autouse=True)
def _rtpengine_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.media_rows.shutil.which", lambda _: "rtpengine")


def _listed(**changes: object) -> list[Case]:
    asked = {"n": 1500, "seed": 1, "soak": 0.0, "quick": False, "seconds": 1.0}
    return media.listed(Namespace(**asked | changes))


@pytest.mark.parametrize("soak", [0.0, 15.0])
def test_titles_are_unique_and_limits_say_what_they_ask(soak: float) -> None:
    listed = _listed(soak=soak)
    titles = [case.row.title for case in listed]
    assert len(titles) == len(set(titles)) > 4
    for case in listed:
        for limit in case.row.limits.values():
            assert limit.text
            assert (limit.at_least is None) != (limit.at_most is None)


def test_a_good_run_meets_every_row() -> None:
    assert [outcome.complaint for outcome in _outcomes(_Contests()) if not outcome.met] == []


@pytest.mark.parametrize(
    ("contests", "row"),
    [
        (_Contests(us=6.1), "1,500 secured calls on one core: processor time"),
        (_Contests(us=6.1), "over the C floor"),
        (_Contests(us=6.1), "over rtpengine"),
        (_Contests(replace(_COUNTS, from_caller=replace(_WAY, lost=1))), "1,500 .* packets lost"),
        (_Contests(replace(_COUNTS, from_agent=replace(_WAY, lost=1))), "2,000 .* packets lost"),
        (_Contests(replace(_COUNTS, from_caller=replace(_WAY, p99_ms=41))), "1,500 .* to agent"),
        (_Contests(replace(_COUNTS, from_agent=replace(_WAY, p99_ms=21))), "1,500 .* to caller"),
        (_Contests(keys=KeyScore(keyed=40, missed=0, false=1)), "keys missed or made up"),
        (_Contests(keys=KeyScore(keyed=40, missed=1, false=0)), "keys missed or made up"),
        (_Contests(replace(_COUNTS, own_drops=1)), "packets lost|the load itself"),
        (_Contests(replace(_COUNTS, late_p99_ms=3)), "packets lost|the load itself"),
        (_Contests(waited=0.06), "packets lost|the machine"),
    ],
)
def test_what_is_not_reached_is_told(contests: _Contests, row: str) -> None:
    assert not _outcomes(contests, row)[-1].met


def test_fewer_calls_prove_nothing_about_the_full_load() -> None:
    outcomes = _outcomes(_Contests(), "secured calls on one core: packets lost", calls=300)
    assert [outcome.met for outcome in outcomes] == [False, False]


def test_without_rtpengine_nothing_is_compared_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.media_rows.shutil.which", lambda _: None)
    assert not any("rtpengine" in outcome.row.title for outcome in _outcomes(_Contests()))


def test_a_ratio_is_the_median_of_turns_side_by_side() -> None:
    def measured(*costs_us: float) -> Measured:
        turns = [Turn(cost_us=us, load_share=0, waited=0, counts=_COUNTS) for us in costs_us]
        keys = KeyScore(keyed=0, missed=0, false=0)
        return Measured(entry=Entry(calls=1), turns=turns, bytes_a_call=0, keys=keys)

    assert ratio(measured(4, 40, 6), measured(2, 20, 2)) == 2


def test_a_contest_is_held_once(monkeypatch: pytest.MonkeyPatch) -> None:
    held = []

    async def hold(entries: tuple[Entry, ...], **_: object) -> list[Measured]:
        held.append(entries)
        return _Contests()[entries]

    monkeypatch.setattr("benchmarks.media_rows.contest", hold)
    lab = Lab(turns=1, seconds=1, seed=1)
    for case in chosen(cases(lab, 1500), "1,500 secured calls on one core"):
        answer(case)
    assert held == [(Entry(calls=1500), Entry(kind=Kind.FLOOR, calls=1500))]


def test_what_is_missing_is_not_met(monkeypatch: pytest.MonkeyPatch) -> None:
    async def hold(*_: object, **__: object) -> list[Measured]:
        raise NotAvailableError("no C compiler (cc) is installed")

    monkeypatch.setattr("benchmarks.media_rows.contest", hold)
    (outcome,) = [
        answer(case) for case in chosen(cases(Lab(turns=1, seconds=1, seed=1), 1500), "keys missed")
    ]
    assert outcome.complaint == "not available: no C compiler (cc) is installed"


def test_the_picture_needs_more_than_one_number_of_calls(tmp_path: Path) -> None:
    outcomes = _outcomes(_Contests())
    assert draw(outcomes[:1], tmp_path) == []
    assert draw(outcomes, tmp_path) == [COST]
    assert (tmp_path / COST).exists()
