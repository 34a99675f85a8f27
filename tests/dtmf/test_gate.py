"""GateBank: a frame passes only if it, the one before and the one after are known to be clean."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dtmf import GateBank, GateSettings, Suspicion
from dtmf.frames import FRAME_SAMPLES, Bools, Pcm

_ONE = np.zeros(1, np.intp)


def _frame(value: int) -> Pcm:
    return np.full((1, FRAME_SAMPLES), value, np.int16)


def _evidence(found: bool, *, down: bool = False) -> Suspicion:
    score = np.array([1.0 if found else -np.inf], np.float32)
    return Suspicion(score=score, key_down=np.array([down]))


def _run(gate: GateBank, evidence: list[bool], lost: list[bool] | None = None) -> list[int | None]:
    """Feed frames 1, 2, 3 …; return what came out with each, None for silence."""
    out: list[int | None] = []
    for number, found in enumerate(evidence, 1):
        gone = np.array([lost is not None and lost[number - 1]])
        gated = gate.process(_frame(number), _ONE, gone, _evidence(found))
        assert gated.audio.shape == (1, FRAME_SAMPLES)
        assert len(set(gated.audio[0].tolist())) == 1
        assert bool(gated.masked[0]) == (gated.audio[0, 0] == 0)
        out.append(None if gated.masked[0] else int(gated.audio[0, 0]))
    return out


def test_clean_frames_come_out_one_frame_late() -> None:
    assert _run(GateBank(1), [False] * 4) == [None, 1, 2, 3]


def test_evidence_masks_its_frame_the_one_before_and_the_one_after() -> None:
    found = [False, False, False, True, False, False, False, False]
    assert _run(GateBank(1), found) == [None, 1, 2, None, None, None, 6, 7]


def test_a_longer_hang_over_masks_longer() -> None:
    gate = GateBank(1, GateSettings(hang_over_frames=3))
    found = [False, True, False, False, False, False, False]
    assert _run(gate, found) == [None, None, None, None, None, None, 6]


def test_a_lost_frame_silences_itself_and_its_neighbours() -> None:
    lost = [False, False, False, True, False, False, False]
    assert _run(GateBank(1), [False] * 7, lost) == [None, 1, 2, None, None, None, 6]


def test_a_key_that_is_down_is_evidence_without_a_score() -> None:
    gate = GateBank(1)
    heard = np.zeros(1, np.bool_)
    gate.process(_frame(1), _ONE, heard, _evidence(False))
    assert gate.process(_frame(2), _ONE, heard, _evidence(False, down=True)).masked[0]


def test_a_score_that_is_no_number_is_evidence() -> None:
    gate = GateBank(1)
    heard = np.zeros(1, np.bool_)
    gate.process(_frame(1), _ONE, heard, _evidence(False))
    broken = Suspicion(score=np.array([np.nan], np.float32), key_down=heard)
    assert gate.process(_frame(2), _ONE, heard, broken).masked[0]


def test_the_threshold_decides_what_is_evidence() -> None:
    gate = GateBank(1, GateSettings(threshold=2.0))
    assert _run(gate, [False, True, False, True]) == [None, 1, 2, 3]


def test_close_masks_the_held_frame_and_as_many_as_asked() -> None:
    gate = GateBank(1)
    assert _run(gate, [False] * 3) == [None, 1, 2]
    gate.close(_ONE, 2)
    assert _run(gate, [False] * 5) == [None, None, None, 3, 4]


def test_close_0_masks_the_held_frame_only() -> None:
    gate = GateBank(1)
    _run(gate, [False] * 3)
    gate.close(_ONE, 0)
    assert _run(gate, [False] * 3) == [None, 1, 2]


def test_a_shorter_close_does_not_open_a_longer() -> None:
    gate = GateBank(1)
    gate.close(_ONE, 3)
    gate.close(_ONE, 1)
    assert _run(gate, [False] * 6) == [None, None, None, None, 4, 5]


def test_close_of_negative_length_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 0"):
        GateBank(1).close(_ONE, -1)


def test_after_reset_the_frame_before_never_comes_out() -> None:
    gate = GateBank(1)
    _run(gate, [False] * 3)
    gate.reset(_ONE)
    assert _run(gate, [False] * 3) == [None, 1, 2]


def test_slots_are_on_their_own() -> None:
    gate = GateBank(3)
    heard = np.zeros(2, np.bool_)
    clean = Suspicion(score=np.full(2, -np.inf, np.float32), key_down=heard)
    frames = np.concatenate([_frame(1), _frame(2)])
    gate.process(frames, np.array([2, 0], np.intp), heard, clean)
    gate.close(np.array([0], np.intp), 1)
    gated = gate.process(frames, np.array([0, 2], np.intp), heard, clean)
    assert gated.masked.tolist() == [True, False]
    assert gated.audio[1, 0] == 1


@settings(max_examples=100, deadline=None)
@given(rows=st.lists(st.tuples(st.booleans(), st.booleans()), min_size=2, max_size=40))
def test_a_frame_passes_only_between_heard_and_clean_neighbours(
    rows: list[tuple[bool, bool]],
) -> None:
    found = [row[0] for row in rows]
    lost = [row[1] for row in rows]
    out = _run(GateBank(1), found, lost)
    bad = [a or b for a, b in rows]
    for number in range(1, len(rows)):
        clean = not (bad[number - 1] or bad[number] or (number > 1 and bad[number - 2]))
        assert out[number] == (number if clean else None)


def test_take_keeps_rows_in_the_order_asked() -> None:
    down: Bools = np.array([False, True, False])
    suspicion = Suspicion(score=np.array([0.5, 1.5, 2.5], np.float32), key_down=down)
    taken = suspicion.take(np.array([2, 1], np.intp))
    assert taken.score.tolist() == [2.5, 1.5]
    assert taken.key_down.tolist() == [False, True]


@pytest.mark.parametrize("frames", [0, 51])
def test_a_hang_over_out_of_range_is_refused(frames: int) -> None:
    with pytest.raises(ValueError, match="hang_over_frames"):
        GateSettings(hang_over_frames=frames)
