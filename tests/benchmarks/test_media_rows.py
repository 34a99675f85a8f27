"""The rows of the media benchmark: limits, figures and verdicts from contests that were not run."""

from argparse import Namespace
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import media
from benchmarks.media_machine import Machine
from benchmarks.media_pictures import COST, draw
from benchmarks.media_programs import Counts, Direction
from benchmarks.media_rows import Lab, cases, measured
from benchmarks.media_sound import KeyScore
from benchmarks.media_stands import Entry, Kind, Measured, Turn, ratio
from benchmarks.rows import Case, NotAvailableError, Outcome, answer, chosen

_WAY = Direction(
    sent=1000, received=1000, lost=0, found=990, timed=900,
    p50_ms=23, p99_ms=26, p999_ms=28, max_ms=30,
)  # fmt: skip
_COUNTS = Counts(
    frames=[100], own_drops=0, foreign=0, flooded=0, late_p99_ms=0.3, late_max_ms=2,
    from_caller=_WAY, from_agent=replace(_WAY, p99_ms=6),
)  # fmt: skip
_QUICK = replace(_WAY, p50_ms=2.5, p99_ms=5, p999_ms=5, max_ms=8)
_FLOOR = replace(_COUNTS, from_caller=_QUICK, from_agent=_QUICK)
_RTPENGINE_US = 16.0


class _Contests(dict[tuple[Entry, ...], list[Measured]]):
    """Contests in which everything went well, but for what `change` says of ours."""

    def __init__(
        self,
        counts: Counts = _COUNTS,
        keys: KeyScore | None = None,
        us: float = 5.0,
        waited: float = 0.01,
        floor: Counts | None = None,
        floor_us: float = 4.0,
    ) -> None:
        self._counts, self._us, self._waited = counts, us, waited
        self._floor, self._floor_us = floor or _FLOOR, floor_us
        self._keys = keys or KeyScore(keyed=40, missed=0, false=0)

    def __missing__(self, entries: tuple[Entry, ...]) -> list[Measured]:
        self[entries] = [self._measured(entry) for entry in entries]
        return self[entries]

    def __contains__(self, entries: object) -> bool:
        return True

    def _measured(self, entry: Entry) -> Measured:
        match entry.kind:
            case Kind.GATEWAY:
                cost_us, counts = self._us, self._counts
            case Kind.RTPENGINE:
                cost_us, counts = _RTPENGINE_US, self._counts
            case Kind.FLOOR:
                cost_us, counts = self._floor_us, self._floor
        turn = Turn(cost_us=cost_us, load_share=0.4, waited=self._waited, counts=counts)
        return Measured(entry=entry, turns=[turn] * 3, bytes_a_call=20_480, keys=self._keys)


def _outcomes(
    contests: _Contests, pattern: str = "", calls: int = 1500, *, scaled: bool = True
) -> list[Outcome]:
    lab = Lab(turns=3, seconds=1, seed=1, held=contests)
    machine = measured(lab, calls) if scaled else Machine()
    listed = [case for case in cases(lab, machine, calls) if "one port" not in case.row.title]
    return [answer(case) for case in chosen(listed, pattern)]


@pytest.fixture(autouse=True)
def _rtpengine_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.media_rows.shutil.which", lambda _: "rtpengine")


def _listed(**changes: object) -> list[Case]:
    asked = {
        "n": 1500,
        "seed": 1,
        "soak": 0.0,
        "quick": False,
        "seconds": 1.0,
        "unscaled": True,
    }
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
        (_Contests(us=8.1), "over rtpengine"),
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


def test_a_slower_machine_is_asked_the_same_share_of_its_core() -> None:
    contests = _Contests(us=7.8, floor_us=5.4)
    outcomes = _outcomes(contests)
    assert [outcome.complaint for outcome in outcomes if not outcome.met] == []
    titles = [outcome.row.title for outcome in outcomes]
    reference = "as {} where the floor takes 4.0 µs"
    for calls, kind, stands_for in (("1,100", "secured", "1,500"), ("1,450", "unsecured", "2,000")):
        group = f"{calls} {kind} calls on one core, {reference.format(stands_for)}"
        assert f"{group}: packets lost" in titles
    (limit,) = outcomes[0].row.limits.values()
    assert limit.text == "≤ 8.1 µs, as 6 µs where the floor takes 4.0 µs"
    assert (Entry(calls=1100), Entry(kind=Kind.FLOOR, calls=1100)) in list(contests)


def test_a_slower_machine_may_not_take_a_larger_share() -> None:
    contests = _Contests(us=8.2, floor_us=5.4)
    rows = _outcomes(contests, "1,100 secured calls on one core, .*(a packet|the C floor)")
    assert [outcome.met for outcome in rows] == [False, False]


def test_unscaled_asks_the_same_of_every_machine() -> None:
    outcomes = _outcomes(_Contests(us=7.8, floor_us=5.4), scaled=False)
    title = "1,500 secured calls on one core: processor time a packet"
    (cost,) = [outcome for outcome in outcomes if outcome.row.title == title]
    assert cost.complaint == "7.80 µs (7.80-7.80), must be ≤ 6 µs"


@pytest.mark.parametrize(
    "floor",
    [
        replace(_FLOOR, from_caller=replace(_QUICK, lost=1)),
        replace(_FLOOR, from_agent=replace(_QUICK, p99_ms=21)),
        replace(_FLOOR, late_p99_ms=3),
        replace(_FLOOR, own_drops=1),
    ],
)
def test_no_relay_is_judged_by_what_bare_c_cannot_carry(floor: Counts) -> None:
    lost = replace(_COUNTS, from_caller=replace(_WAY, lost=500))
    outcomes = _outcomes(_Contests(lost, floor=floor), "on one core|1,500 calls over")
    judged = [outcome for outcome in outcomes if outcome.row.limits]
    assert len(judged) == 8
    for outcome in judged:
        assert outcome.complaint.startswith("not available: ")
        assert "itself cannot keep up" in outcome.complaint
        assert outcome.figures, "what came out is shown all the same"


def test_the_floor_of_the_machine_is_shown() -> None:
    (outcome,) = _outcomes(_Contests(floor_us=5.4), "of the C floor with 1,000 calls")
    assert outcome.figures[Kind.FLOOR].text == "5.40 µs (5.40-5.40)"


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
    for case in chosen(cases(lab, Machine(), 1500), "1,500 secured calls on one core"):
        answer(case)
    assert held == [(Entry(calls=1500), Entry(kind=Kind.FLOOR, calls=1500))]


def test_a_contest_that_failed_is_not_held_again(monkeypatch: pytest.MonkeyPatch) -> None:
    held = []

    async def hold(entries: tuple[Entry, ...], **_: object) -> list[Measured]:
        held.append(entries)
        raise NotAvailableError("the load cannot keep up")

    monkeypatch.setattr("benchmarks.media_rows.contest", hold)
    lab = Lab(turns=1, seconds=1, seed=1)
    listed = chosen(cases(lab, Machine(), 1500), "1,500 secured calls on one core")
    assert {answer(case).complaint for case in listed} == {"not available: the load cannot keep up"}
    assert len(held) == 1


def test_what_is_missing_is_not_met(monkeypatch: pytest.MonkeyPatch) -> None:
    async def hold(*_: object, **__: object) -> list[Measured]:
        raise NotAvailableError("no C compiler (cc) is installed")

    monkeypatch.setattr("benchmarks.media_rows.contest", hold)
    lab = Lab(turns=1, seconds=1, seed=1)
    listed = cases(lab, measured(lab, 1500), 1500)
    (outcome,) = [answer(case) for case in chosen(listed, "keys missed")]
    assert outcome.complaint == "not available: no C compiler (cc) is installed"


def test_rows_are_listed_for_the_machine_that_was_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    held = []

    async def hold(entries: tuple[Entry, ...], **_: object) -> list[Measured]:
        held.append(entries)
        return _Contests(floor_us=6.0)[entries]

    monkeypatch.setattr("benchmarks.media_rows.contest", hold)
    assert "1,000 secured calls" in _listed(unscaled=False)[0].row.title
    assert held == [(Entry(kind=Kind.FLOOR, calls=1000),)]


def test_the_picture_needs_more_than_one_number_of_calls(tmp_path: Path) -> None:
    outcomes = _outcomes(_Contests())
    assert draw(outcomes[:1], tmp_path) == []
    assert draw(outcomes, tmp_path) == [COST]
    assert (tmp_path / COST).exists()
