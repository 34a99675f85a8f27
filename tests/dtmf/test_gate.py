"""GateBank: a frame passes only if it, the one before and the one or two after are known to be clean."""

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


class TestHoldOfTwo:
    def _gate(self) -> GateBank:
        gate = GateBank(1)
        gate.hold(_ONE, 2)
        return gate

    def test_clean_frames_come_out_two_frames_late(self) -> None:
        assert _run(self._gate(), [False] * 5) == [None, None, 1, 2, 3]

    def test_evidence_masks_its_frame_the_two_before_and_the_one_after(self) -> None:
        found = [False, False, False, False, True, False, False, False, False]
        assert _run(self._gate(), found) == [None, None, 1, 2, None, None, None, None, 7]

    def test_a_lost_frame_silences_itself_and_all_that_it_was_look_ahead_of(self) -> None:
        lost = [False, False, False, False, True, False, False, False, False]
        assert _run(self._gate(), [False] * 9, lost) == [
            None,
            None,
            1,
            2,
            None,
            None,
            None,
            None,
            7,
        ]

    def test_close_masks_both_held_frames(self) -> None:
        gate = self._gate()
        assert _run(gate, [False] * 4) == [None, None, 1, 2]
        gate.close(_ONE, 0)
        assert _run(gate, [False] * 4) == [None, None, 1, 2]

    def test_after_reset_neither_held_frame_comes_out(self) -> None:
        gate = self._gate()
        _run(gate, [False] * 3)
        gate.reset(_ONE)
        assert _run(gate, [False] * 4) == [None, None, 1, 2]

    @pytest.mark.parametrize(("before", "after"), [(1, 2), (2, 1)])
    @pytest.mark.parametrize("fed", [3, 4])
    def test_what_was_held_is_silence_where_the_hold_changes(
        self, before: int, after: int, fed: int
    ) -> None:
        gate = GateBank(1)
        gate.hold(_ONE, before)
        _run(gate, [False] * fed)
        gate.hold(_ONE, after)
        assert _run(gate, [False] * 4) == [None] * after + list(range(1, 5 - after))

    def test_a_hold_that_stays_loses_nothing(self) -> None:
        gate = self._gate()
        _run(gate, [False] * 3)
        gate.hold(_ONE, 2)
        assert _run(gate, [False] * 2) == [2, 3]

    def test_evidence_may_look_back_at_one_frame_of_two(self) -> None:
        gate = GateBank(1)
        gate.hold(_ONE, 2, look_back=1)
        found = [False, False, False, False, True, False, False, False, False]
        assert _run(gate, found) == [None, None, 1, 2, 3, None, None, None, 7]
        gate.close(_ONE, 0)
        assert _run(gate, [False] * 4) == [None, None, 1, 2]

    def test_how_far_it_looks_back_changes_without_a_gap(self) -> None:
        gate = self._gate()
        _run(gate, [False] * 3)
        gate.hold(_ONE, 2, look_back=1)
        assert _run(gate, [False] * 2) == [2, 3]

    @pytest.mark.parametrize(("frames", "look_back"), [(1, 2), (2, 0), (2, 3)])
    def test_it_looks_back_no_further_than_it_holds(self, frames: int, look_back: int) -> None:
        with pytest.raises(ValueError, match="looks back"):
            GateBank(1).hold(_ONE, frames, look_back=look_back)

    @pytest.mark.parametrize("frames", [0, 3])
    def test_another_number_of_frames_is_refused(self, frames: int) -> None:
        with pytest.raises(ValueError, match="1 or 2 frames"):
            GateBank(1).hold(_ONE, frames)

    def test_slots_of_one_batch_hold_as_they_were_told(self) -> None:
        gate = GateBank(3)
        gate.hold(np.array([1], np.intp), 2)
        heard = np.zeros(3, np.bool_)
        clean = Suspicion(score=np.full(3, -np.inf, np.float32), key_down=heard)
        for number in range(1, 5):
            frames = np.concatenate([_frame(10 * slot + number) for slot in range(3)])
            gated = gate.process(frames, np.arange(3), heard, clean)
        assert gated.audio[:, 0].tolist() == [3, 12, 23]


@pytest.mark.parametrize("hold", [1, 2])
@settings(max_examples=100, deadline=None)
@given(rows=st.lists(st.tuples(st.booleans(), st.booleans()), min_size=2, max_size=40))
def test_a_frame_passes_only_between_heard_and_clean_neighbours(
    hold: int, rows: list[tuple[bool, bool]]
) -> None:
    found = [row[0] for row in rows]
    lost = [row[1] for row in rows]
    gate = GateBank(1)
    gate.hold(_ONE, hold)
    out = _run(gate, found, lost)
    bad = [a or b for a, b in rows]
    for number in range(hold, len(rows)):
        clean = not any(bad[max(0, number - hold - 1) : number + 1])
        assert out[number] == (number - hold + 1 if clean else None)


_STEPS = st.one_of(
    st.tuples(st.just("frame"), st.booleans()),
    st.tuples(st.just("hold"), st.sampled_from([1, 2])),
    st.tuples(st.just("close"), st.integers(0, 2)),
    st.tuples(st.just("reset"), st.just(0)),
)


@settings(max_examples=200, deadline=None)
@given(steps=st.lists(_STEPS, max_size=60))
def test_whatever_is_asked_of_it_a_frame_comes_out_once_in_order_and_never_beside_evidence(
    steps: list[tuple[str, int]],
) -> None:
    gate, number, passed = GateBank(1), 0, 0
    evidence: list[bool] = [False]
    for what, value in steps:
        match what:
            case "hold":
                gate.hold(_ONE, value)
            case "close":
                gate.close(_ONE, value)
            case "reset":
                gate.reset(_ONE)
            case _:
                number += 1
                evidence.append(bool(value))
                lost = np.zeros(1, np.bool_)
                gated = gate.process(_frame(number), _ONE, lost, _evidence(bool(value)))
                out = int(gated.audio[0, 0])
                if gated.masked[0]:
                    assert out == 0
                    continue
                assert passed < out < number
                assert not any(evidence[out : number + 1])
                passed = out


def test_the_audio_may_be_written_to_without_harm_to_what_is_held() -> None:
    gate = GateBank(1)
    heard = np.zeros(1, np.bool_)
    for number in range(1, 6):
        gated = gate.process(_frame(number), _ONE, heard, _evidence(False))
        assert int(gated.audio[0, 0]) == number - 1
        gated.audio[:] = 99


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
