"""DetectorBank: slots are on their own, whatever the batch, and whatever the audio."""

from dataclasses import dataclass, field
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from dtmf import DetectorBank, ToneEnded, ToneStarted
from dtmf.frames import FRAME_SAMPLES, Floats, Pcm
from tests.dtmf.drive import listen
from tests.dtmf.signals import frames_of, keyed, ms, pair, silence, ulaw, voice, white_noise

_CALLS = 5


@dataclass(slots=True)
class _Told:
    """All that a slot told, without the slot's number."""

    tones: list[tuple[str, str, int, int]] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    key_down: list[bool] = field(default_factory=list)


def _calls(seed: int) -> list[Pcm]:
    """Return five unlike calls of 1.5 s."""
    rng = np.random.default_rng(seed)
    length = ms(1500)

    def press(key: str) -> NDArray[np.float64]:
        keys = keyed(key * 8, rng, on_ms=60, off_ms=60)
        return np.pad(keys, (0, length - len(keys)))

    calls = [press("4"), press("#"), voice(length, -15, rng), white_noise(length, -20, rng)]
    calls.append(press("8") + voice(length, -22, rng))
    return [ulaw(call) for call in calls]


def _note(told: _Told, event: ToneStarted | ToneEnded) -> None:
    end = event.end_samples if isinstance(event, ToneEnded) else -1
    told.tones.append((type(event).__name__, event.key, event.start_samples, end))


def _run(
    bank: DetectorBank, frames: Pcm, lost: NDArray[np.bool_], batches: list[list[int]]
) -> list[_Told]:
    """Feed each call's frames in order, as `batches` of calls say, until every call is at its end."""
    told = [_Told() for _ in range(_CALLS)]
    place = [0] * _CALLS
    for batch in [*batches, *[list(range(_CALLS))] * len(frames)]:
        calls = [call for call in batch if place[call] < len(frames)]
        slots = np.array(calls, np.intp)
        audio = np.array([frames[place[call], call] for call in calls], np.int16)
        gone = np.array([lost[place[call], call] for call in calls], np.bool_)
        detection = bank.process(audio.reshape(-1, FRAME_SAMPLES), slots, gone)
        for row, call in enumerate(calls):
            told[call].scores.append(float(detection.suspicion.score[row]))
            told[call].key_down.append(bool(detection.suspicion.key_down[row]))
            place[call] += 1
        for event in _in_order(detection.started, detection.ended):
            _note(told[event.slot], event)
    return told


@cache
def _heard(seed: int, loss: float) -> tuple[Pcm, NDArray[np.bool_]]:
    """Return the calls as frames (frames, calls, 160), and which were lost (frames, calls)."""
    frames = frames_of(_calls(seed))
    return frames, np.random.default_rng(seed).random(frames.shape[:2]) < loss


@cache
def _alone(seed: int, loss: float) -> list[_Told]:
    """Return what a bank of one tells of each call; the same for every interleaving."""
    frames, lost = _heard(seed, loss)
    turns = ([[call]] * len(frames) for call in range(_CALLS))
    return [_run(DetectorBank(_CALLS), frames, lost, turn)[call] for call, turn in enumerate(turns)]


@settings(max_examples=8, deadline=None)
@given(
    batches=st.lists(st.lists(st.integers(0, _CALLS - 1), unique=True), max_size=80),
    seed=st.integers(0, 3),
    loss=st.sampled_from([0.0, 0.05]),
)
def test_any_interleaving_tells_what_a_bank_of_one_tells(
    batches: list[list[int]], seed: int, loss: float
) -> None:
    frames, lost = _heard(seed, loss)
    together = _run(DetectorBank(_CALLS), frames, lost, batches)
    for call, alone in enumerate(_alone(seed, loss)):
        assert together[call].tones == alone.tones
        assert together[call].key_down == alone.key_down
        # the order of sums in a matrix product depends on its size
        np.testing.assert_allclose(together[call].scores, alone.scores, atol=1e-2)


def test_the_interleaved_calls_hold_keys() -> None:
    assert [heard.keys for heard in listen(_calls(0))][:2] == ["4" * 8, "#" * 8]


_SAMPLES = st.sampled_from(["zeros", "full", "noise", "square", "dc", "key", "click"])


def _frame(kind: str, rng: np.random.Generator) -> Pcm:
    ramp = np.arange(FRAME_SAMPLES)
    made: dict[str, Floats | Pcm] = {
        "zeros": np.zeros(FRAME_SAMPLES, np.int16),
        "full": np.full(FRAME_SAMPLES, -32768, np.int16),
        "noise": rng.integers(-32768, 32768, FRAME_SAMPLES).astype(np.int16),
        "square": np.where(ramp // 5 % 2, 32767, -32768).astype(np.int16),
        "dc": np.full(FRAME_SAMPLES, 32767, np.int16),
        "key": ulaw(pair("123A456B789C*0#D"[rng.integers(16)], 20, rng, low_dbm0=0, high_dbm0=0)),
        "click": np.where(ramp == 80, 32767, 0).astype(np.int16),
    }
    return made[kind].astype(np.int16)


@settings(max_examples=40, deadline=None)
@given(
    kinds=st.lists(st.tuples(_SAMPLES, st.booleans()), min_size=1, max_size=60),
    seed=st.integers(0, 1000),
)
def test_nothing_in_the_audio_raises_or_breaks_the_state(
    kinds: list[tuple[str, bool]], seed: int
) -> None:
    """Starts and ends alternate, in order, and a clean press is read after 200 ms of silence."""
    rng = np.random.default_rng(seed)
    bank = DetectorBank(2)
    slot = np.array([1], np.intp)
    rest = frames_of([ulaw(np.concatenate([silence(200), pair("6", 80, rng), silence(100)]))])[:, 0]
    audio = [(_frame(kind, rng), gone) for kind, gone in kinds] + [(row, False) for row in rest]
    down: ToneStarted | None = None
    ends = 0
    last: ToneStarted | None = None
    for number, (frame, gone) in enumerate(audio):
        detection = bank.process(frame[None], slot, np.array([gone]))
        assert not np.isnan(detection.suspicion.score).any()
        for event in _in_order(detection.started, detection.ended):
            if isinstance(event, ToneStarted):
                assert down is None
                assert ends <= event.start_samples <= number * FRAME_SAMPLES
                down = last = event
            else:
                assert down is not None
                assert (event.key, event.start_samples) == (down.key, down.start_samples)
                assert event.start_samples < event.end_samples <= (number + 1) * FRAME_SAMPLES
                down, ends = None, event.end_samples
    assert down is None
    assert last is not None
    assert last.key == "6"


def _in_order(started: list[ToneStarted], ended: list[ToneEnded]) -> list[ToneStarted | ToneEnded]:
    """Return a frame's events as they happened: the end of a press before the start of a later one."""
    events: list[ToneStarted | ToneEnded] = [*started, *ended]
    return sorted(events, key=lambda event: (event.start_samples, isinstance(event, ToneEnded)))


def test_reset_forgets_the_call_before() -> None:
    rng = np.random.default_rng(5)
    frames = frames_of([ulaw(np.concatenate([silence(40), pair("1", 400, rng)]))])
    bank, slot, heard = DetectorBank(1), np.zeros(1, np.intp), np.zeros(1, np.bool_)
    for row in frames[:10]:
        detection = bank.process(row, slot, heard)
    assert detection.suspicion.key_down[0]
    bank.reset(slot)
    quiet = np.zeros((1, FRAME_SAMPLES), np.int16)
    for _ in range(10):
        detection = bank.process(quiet, slot, heard)
        assert not detection.started
        assert not detection.ended
        assert not detection.suspicion.key_down[0]
        assert detection.suspicion.score[0] == -np.inf
    again = frames_of([ulaw(np.concatenate([silence(45), pair("2", 100, rng)]))])
    bank.reset(slot)
    starts = [start for row in again for start in bank.process(row, slot, heard).started]
    assert [start.key for start in starts] == ["2"]
    assert starts[0].start_samples == pytest.approx(ms(45), abs=ms(4))


def test_an_empty_batch_is_no_batch() -> None:
    detection = DetectorBank(3).process(
        np.zeros((0, FRAME_SAMPLES), np.int16), np.zeros(0, np.intp), np.zeros(0, np.bool_)
    )
    assert detection.suspicion.score.shape == (0,)
    assert not detection.started


@pytest.mark.parametrize(
    ("shape", "slots", "lost"),
    [
        ((1, 159), [0], 1),
        ((2, 160), [0], 1),
        ((1, 160), [0], 2),
        ((1, 160), [3], 1),
        ((1, 160), [-1], 1),
    ],
)
def test_what_does_not_fit_is_refused(shape: tuple[int, int], slots: list[int], lost: int) -> None:
    with pytest.raises(ValueError):
        DetectorBank(3).process(
            np.zeros(shape, np.int16), np.array(slots, np.intp), np.zeros(lost, np.bool_)
        )


def test_a_slot_twice_in_a_batch_is_refused() -> None:
    with pytest.raises(ValueError, match="one frame"):
        DetectorBank(3).process(
            np.zeros((2, 160), np.int16), np.array([1, 1], np.intp), np.zeros(2, np.bool_)
        )


def test_float_audio_is_refused() -> None:
    wrong = np.zeros((1, 160), np.float64)
    with pytest.raises(ValueError, match="int16"):
        DetectorBank(1).process(wrong, np.zeros(1, np.intp), np.zeros(1, np.bool_))  # type: ignore[arg-type] # the point


def test_events_do_not_show_their_key() -> None:
    (heard,) = listen(
        [ulaw(np.concatenate([silence(50), pair("*", 80, np.random.default_rng(1))]))]
    )
    for event in (heard.started[0], heard.ended[0]):
        assert event.key == "*"
        assert "*" not in repr(event)
        assert "key" not in repr(event)
