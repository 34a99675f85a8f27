"""The local recorder: both legs on one timeline, pauses as silence."""

import wave
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from bridge.media.messages import Leg
from bridge.recording.disk_thread import DiskThread
from bridge.recording.recorder import Recorder
from bridge.recording.timelines import WINDOW_SAMPLES, Timelines

FRAME = np.full(160, 1000, np.int16)


def read(path: Path) -> NDArray[np.int16]:
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getframerate(), file.getsampwidth()) == (2, 8000, 2)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2)


class Recording:
    """A recorder with a clock that is moved by hand."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.failures: list[str] = []
        self.disk = DiskThread(lambda _, reason: self.failures.append(reason))
        assert self.disk.create(0, path)
        self.timelines = Timelines(2)
        self.recorder = Recorder(self.disk, 0, self.timelines, 1, now=50.0)

    def take(self, leg: Leg, timestamp: int, now: float) -> None:
        legs = np.array([3 if leg is Leg.AGENT else 2])
        self.timelines.take(legs, np.array([timestamp]), FRAME[None], np.array([True]), now)

    def play(
        self, leg: Leg, start_s: float, frames: int, *, first_timestamp: int = 4_000_000_000
    ) -> None:
        for index in range(frames):
            timestamp = (first_timestamp + 160 * index) % 2**32
            self.take(leg, timestamp, 50.0 + start_s + 0.02 * index)

    def finish(self, length_s: float) -> NDArray[np.int16]:
        self.recorder.finish(50.0 + length_s)
        self.disk.stop()
        return read(self.path)


def test_caller_is_left_agent_is_right_each_at_its_time(tmp_path: Path) -> None:
    recording = Recording(tmp_path / "r.wav")
    recording.play(Leg.CALLER, 0.1, 10)
    recording.play(Leg.AGENT, 0.5, 10)
    sound = recording.finish(1.0)
    assert len(sound) == 8000
    assert np.flatnonzero(sound[:, 0])[[0, -1]].tolist() == [800, 2399]
    assert np.flatnonzero(sound[:, 1])[[0, -1]].tolist() == [4000, 5599]


def test_jitter_does_not_tear_the_stream(tmp_path: Path) -> None:
    recording = Recording(tmp_path / "r.wav")
    for index, late_s in enumerate((0, 0.05, 0.03, 0.06, 0.0, 0.02)):
        recording.take(Leg.CALLER, 160 * index, 50.0 + 0.02 * index + late_s)
    sound = recording.finish(0.5)
    assert np.flatnonzero(sound[:, 0]).tolist() == list(range(960))


def test_a_pause_takes_nothing_and_keeps_its_time(tmp_path: Path) -> None:
    recording = Recording(tmp_path / "r.wav")
    recording.play(Leg.CALLER, 0.0, 10)
    recording.recorder.pause(paused=True)
    recording.play(Leg.CALLER, 0.2, 10, first_timestamp=4_000_001_600)
    recording.play(Leg.AGENT, 0.2, 10)
    recording.recorder.pause(paused=False)
    recording.play(Leg.CALLER, 0.4, 10, first_timestamp=4_000_003_200)
    sound = recording.finish(0.6)
    assert sound[:1600, 0].all()
    assert not sound[1600:3200].any()
    assert sound[3200:4800, 0].all()


def test_the_file_is_whole_while_the_call_runs(tmp_path: Path) -> None:
    recording = Recording(tmp_path / "r.wav")
    recording.play(Leg.CALLER, 0.0, 100)
    assert recording.recorder.flush(52.0)
    recording.disk.stop()
    assert len(read(recording.path)) == 12000


def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    recording = Recording(tmp_path / "r.wav")
    recording.finish(0.1)
    assert recording.path.stat().st_mode & 0o777 == 0o600


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    failures: list[tuple[int, str]] = []
    disk = DiskThread(lambda recording, reason: failures.append((recording, reason)))
    disk.create(3, tmp_path / "file" / "r.wav")
    disk.stop()
    assert failures[0][0] == 3
    assert "cannot write the recording" in failures[0][1]


def test_an_existing_recording_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "r.wav").write_bytes(b"evidence")
    recording = Recording(tmp_path / "r.wav")
    recording.disk.stop()
    assert recording.failures
    assert (tmp_path / "r.wav").read_bytes() == b"evidence"


@pytest.mark.parametrize("jump", [2**31, 40_000, -40_000])
def test_a_jump_of_the_senders_clock_places_by_arrival(tmp_path: Path, jump: int) -> None:
    recording = Recording(tmp_path / "r.wav")
    recording.play(Leg.CALLER, 0.0, 10, first_timestamp=100_000)
    recording.play(Leg.CALLER, 0.2, 10, first_timestamp=(100_000 + jump) % 2**32)
    assert recording.finish(0.4)[:, 0].all()


def test_a_long_recording_is_all_there(tmp_path: Path) -> None:
    """Several times the window, written out while it grows."""
    recording = Recording(tmp_path / "r.wav")
    seconds = 4 * WINDOW_SAMPLES // 8000 + 1
    for second in range(seconds):
        recording.play(Leg.AGENT, second, 50, first_timestamp=8000 * second)
        assert recording.recorder.flush(50.0 + second + 1)
    sound = recording.finish(seconds)
    assert sound[:, 1].all()
    assert not sound[:, 0].any()


def test_a_slot_begins_in_silence_whatever_it_held(tmp_path: Path) -> None:
    recording = Recording(tmp_path / "r.wav")
    recording.play(Leg.CALLER, 0.0, 10)
    recording.recorder = Recorder(recording.disk, 0, recording.timelines, 1, now=50.0)
    assert not recording.finish(0.3).any()


def test_sound_of_a_call_that_is_not_recorded_goes_nowhere(tmp_path: Path) -> None:
    recording = Recording(tmp_path / "r.wav")
    timelines, frames = recording.timelines, np.stack([FRAME, FRAME])
    timelines.take(np.array([0, 2]), np.zeros(2, np.int64), frames, np.array([True, False]), 50.0)
    assert not recording.finish(0.3).any()
    assert not timelines.taking
