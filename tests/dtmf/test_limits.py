"""DetectorLimits: what they refuse, that the detector obeys them, slot by slot, and ITU-T Q.24 by national column."""

import math
from dataclasses import fields, replace
from typing import Any, Final

import numpy as np
import pytest

from dtmf import PRESETS, DetectorBank, DetectorLimits, decode
from dtmf.frames import FRAME_SAMPLES, Pcm
from dtmf.limits import check_limit
from tests.dtmf.drive import listen, mask
from tests.dtmf.signals import frames_of, keyed, ulaw, white_noise


@pytest.mark.parametrize(
    "wrong",
    [
        {"frequency_tolerance": 0.01},
        {"frequency_tolerance": 0.035},
        {"longest_break_ms": 0.0},
        {"longest_break_ms": 40.0},
        {"shortest_tone_ms": 5.0},
        {"shortest_tone_ms": 41.0},
        {"longest_loss_ms": -1.0},
        {"lowest_level_dbm0": -61.0},
        {"lowest_level_dbm0": -10.0},
        {"positive_twist_db": -1.0},
        {"positive_twist_db": float("inf")},
        {"negative_twist_db": float("nan")},
    ],
)
def test_limits_that_break_q24_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=rf"^{next(iter(wrong))} must be from .* to .* \("):
        DetectorLimits(**wrong)


def test_every_number_has_a_range() -> None:
    for limit in fields(DetectorLimits):
        if isinstance(limit.default, float):
            with pytest.raises(ValueError, match=limit.name):
                check_limit(limit.name, math.nan)


@pytest.mark.parametrize(
    ("limits", "signal"),
    [
        (DetectorLimits(lowest_level_dbm0=-20), {"low_dbm0": -25.0, "high_dbm0": -25.0}),
        (DetectorLimits(positive_twist_db=2), {"low_dbm0": -14.0, "high_dbm0": -10.0}),
        (DetectorLimits(negative_twist_db=2), {"low_dbm0": -10.0, "high_dbm0": -14.0}),
        (DetectorLimits(frequency_tolerance=0.015), {"low_error": 0.019}),
        (DetectorLimits(shortest_tone_ms=40), {"on_ms": 36.0}),
    ],
)
def test_what_a_limit_forbids_is_read_by_default_only(
    limits: DetectorLimits, signal: dict[str, float]
) -> None:
    call = ulaw(keyed("159D", np.random.default_rng(4), **signal))
    assert decode(call, limits=limits) == []
    assert [press.key for press in decode(call)] == list("159D")


def test_a_shorter_break_limit_splits_a_press() -> None:
    rng = np.random.default_rng(4)
    call = ulaw(keyed("55", rng, on_ms=60, off_ms=25))
    assert [press.key for press in decode(call)] == ["5"]
    split = decode(call, limits=DetectorLimits(longest_break_ms=15))
    assert [press.key for press in split] == ["5", "5"]


# Table A-1 of ITU-T Q.24, column by column: what must operate, and what must not.
_OPERATE: Final = {
    "att": [
        {"low_error": 0.015, "high_error": -0.015},
        {"low_dbm0": 0.0, "high_dbm0": 0.0},
        {"low_dbm0": -25.0, "high_dbm0": -25.0},
        {"low_dbm0": -14.0, "high_dbm0": -10.0},
        {"low_dbm0": -10.0, "high_dbm0": -18.0},
        {"on_ms": 40.0, "off_ms": 53.0},
        {"on_ms": 53.0, "off_ms": 40.0},
    ],
    "ntt": [
        {"low_error": 0.018, "high_error": -0.018},
        {"low_dbm0": -3.0, "high_dbm0": -3.0},
        {"low_dbm0": -24.0, "high_dbm0": -24.0},
        {"low_dbm0": -15.0, "high_dbm0": -10.0},
        {"low_dbm0": -10.0, "high_dbm0": -15.0},
        {"on_ms": 40.0, "off_ms": 80.0},
        {"on_ms": 90.0, "off_ms": 30.0},
    ],
}
_NOT_OPERATE: Final = {
    "att": [
        {"low_error": 0.035},
        {"high_error": -0.035},
        {"low_dbm0": -55.0, "high_dbm0": -55.0},
        {"on_ms": 23.0, "off_ms": 70.0},
    ],
    "ntt": [
        {"low_error": 0.03},
        {"high_error": -0.03},
        {"low_dbm0": -29.0, "high_dbm0": -29.0},
        {"on_ms": 24.0, "off_ms": 70.0},
    ],
}


def _cases(table: dict[str, list[dict[str, float]]]) -> list[tuple[str, dict[str, float]]]:
    return [(preset, signal) for preset, signals in table.items() for signal in signals]


def _keyed_by_all(**signal: float) -> Pcm:
    return ulaw(keyed("123A456B789C*0#D", np.random.default_rng(24), **signal))


@pytest.mark.parametrize(("preset", "signal"), _cases(_OPERATE))
def test_a_preset_reads_what_its_column_has_operate(preset: str, signal: dict[str, float]) -> None:
    read = decode(_keyed_by_all(**signal), limits=PRESETS[preset])
    assert "".join(press.key for press in read) == "123A456B789C*0#D"


@pytest.mark.parametrize(("preset", "signal"), _cases(_NOT_OPERATE))
def test_a_preset_refuses_what_its_column_has_not_operate(
    preset: str, signal: dict[str, float]
) -> None:
    assert decode(_keyed_by_all(**signal), limits=PRESETS[preset]) == []


@pytest.mark.parametrize("preset", PRESETS)
def test_a_break_of_10_ms_is_none(preset: str) -> None:
    rng = np.random.default_rng(24)
    whole = keyed("5", rng, on_ms=90)
    tone = np.flatnonzero(whole)
    middle = (tone[0] + tone[-1]) // 2
    whole[middle - 40 : middle + 40] = 0
    assert [press.key for press in decode(ulaw(whole), limits=PRESETS[preset])] == ["5"]


def test_the_defaults_are_those_of_att() -> None:
    assert PRESETS["att"] == DetectorLimits()


def test_slots_of_one_bank_have_limits_of_their_own() -> None:
    rng = np.random.default_rng(4)
    weak = ulaw(keyed("159D", rng, low_dbm0=-28.0, high_dbm0=-28.0))
    bank, both = DetectorBank(3), np.array([0, 2])
    bank.reset(np.array([2]), PRESETS["ntt"])

    def read() -> dict[int, str]:
        keys = {0: "", 2: ""}
        for batch in frames_of([weak, weak]):
            for tone in bank.process(batch, both, np.zeros(2, np.bool_)).started:
                keys[tone.slot] += tone.key
        return keys

    assert read() == {0: "159D", 2: ""}
    bank.reset(both)
    assert read() == {0: "159D", 2: "159D"}


def test_a_pause_ends_a_press_by_the_limits_of_its_slot() -> None:
    rng = np.random.default_rng(4)
    double = ulaw(keyed("55", rng, on_ms=60, off_ms=25))
    bank, both = DetectorBank(2), np.arange(2)
    bank.reset(np.array([1]), DetectorLimits(longest_break_ms=15))
    presses = [0, 0]
    for batch in frames_of([double, double]):
        for tone in bank.process(batch, both, np.zeros(2, np.bool_)).ended:
            presses[tone.slot] += 1
    assert presses == [1, 2]


def test_what_limits_refuse_is_masked_all_the_same() -> None:
    rng = np.random.default_rng(4)
    clean = [keyed("123A456B789C*0#D", rng, on_ms=100, off_ms=100) for _ in range(8)]
    calls = [ulaw(call + white_noise(len(call), -14, rng)) for call in clean]
    refusing = DetectorLimits(lowest_level_dbm0=-20, shortest_tone_ms=40, frequency_tolerance=0.015)
    refusing = replace(refusing, positive_twist_db=0, negative_twist_db=0)
    assert [heard.keys for heard in listen(calls, limits=refusing)] == [""] * 8
    _, masked = mask(calls, limits=refusing)
    tone_samples = (frames_of([ulaw(call) for call in clean]) != 0).sum(axis=2)
    holds_tone = tone_samples.T[:, :-1] > FRAME_SAMPLES // 10
    assert masked[:, 1:][holds_tone].all()  # what comes out is a frame late
