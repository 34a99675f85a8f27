"""Recordings by call slot, each state told as confirmed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.media.messages import RecorderState
from bridge.media.recordings import Recordings

Told = tuple[int, RecorderState, str]


class Kept:
    """Recordings, and all that they told."""

    def __init__(self) -> None:
        self.told: list[Told] = []
        self.recordings = Recordings(
            4, lambda slot, state, reason: self.told.append((slot, state, reason))
        )

    def states(self, slot: int) -> list[RecorderState]:
        return [state for told_slot, state, _ in self.told if told_slot == slot]


@pytest.fixture
def kept() -> Iterator[Kept]:
    kept = Kept()
    yield kept
    kept.recordings.stop()


def test_each_step_is_told_once_it_is_done(kept: Kept, tmp_path: Path) -> None:
    kept.recordings.start(2, tmp_path / "a.wav", 1.0)
    kept.recordings.pause(2, paused=True)
    assert kept.recordings.recorders[2].paused
    kept.recordings.pause(2, paused=False)
    assert kept.states(2) == [
        RecorderState.RECORDING,
        RecorderState.PAUSED,
        RecorderState.RECORDING,
    ]


def test_a_second_start_changes_nothing(kept: Kept, tmp_path: Path) -> None:
    kept.recordings.start(0, tmp_path / "a.wav", 1.0)
    kept.recordings.pause(0, paused=True)
    kept.recordings.start(0, tmp_path / "b.wav", 2.0)
    assert kept.told[-1] == (0, RecorderState.PAUSED, "")
    assert not (tmp_path / "b.wav").exists()


def test_a_call_that_is_not_recorded_says_off(kept: Kept) -> None:
    kept.recordings.pause(1, paused=True)
    assert kept.told == [(1, RecorderState.OFF, "")]


def test_a_file_that_cannot_be_written_is_told_and_takes_no_more_sound(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    kept = Kept()
    kept.recordings.start(0, tmp_path / "file" / "a.wav", 1.0)
    kept.recordings.stop()
    kept.recordings.collect_failures()
    slot, state, reason = kept.told[-1]
    assert (slot, state) == (0, RecorderState.FAILED)
    assert "cannot write the recording" in reason
    assert kept.recordings.recorders == {}
    kept.recordings.pause(0, paused=False)
    assert kept.told[-1][1] is RecorderState.FAILED


def test_a_late_failure_is_not_taken_for_the_next_calls(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    kept = Kept()
    kept.recordings.start(0, tmp_path / "file" / "first.wav", 1.0)
    kept.recordings.finish(0, 2.0)
    kept.recordings.start(0, tmp_path / "second.wav", 3.0)
    kept.recordings.stop()
    kept.recordings.collect_failures()
    assert kept.states(0) == [RecorderState.RECORDING, RecorderState.RECORDING]
