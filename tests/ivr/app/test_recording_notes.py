"""The note beside a recording: what was recorded when, and when it was paused and resumed."""

import json
from pathlib import Path
from typing import Any

import pytest

from bridge.call.events import CallInfo, CallState
from bridge.media.messages import RecorderState
from ivr.app.recorder_timelines import MAX_CHANGES, RecorderTimelines
from ivr.app.recording_notes import RecordingNotes
from tests.ivr.app.calls import call_info
from tests.support.clock import ManualClock

OFF, RECORDING, PAUSED = RecorderState.OFF, RecorderState.RECORDING, RecorderState.PAUSED


def note(folder: Path, call: str = "c1") -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((folder / f"{call}.json").read_text("utf-8"))
    return loaded


class Recorded:
    """Notes and the timelines they are written from, as the gateway joins them."""

    def __init__(self, folder: Path, clock: ManualClock) -> None:
        self._notes, self._timelines = RecordingNotes(folder, clock), RecorderTimelines(clock)

    def call_changed(self, info: CallInfo) -> None:
        changes = self._timelines.call_changed(info)
        if info.state is CallState.ENDED:
            self._notes.call_ended(info, changes)


def test_each_change_of_the_recorder_is_noted_once_with_its_time(
    tmp_path: Path, manual_clock: ManualClock
) -> None:
    notes = Recorded(tmp_path, manual_clock)
    for state in (OFF, RECORDING, RECORDING, PAUSED, RECORDING):
        notes.call_changed(call_info(recorder=state))
        manual_clock.advance(1.5)
    notes.call_changed(call_info(state=CallState.ENDED, recorder=RECORDING))
    told = note(tmp_path)
    assert [(change["at"], change["recorder"]) for change in told["recorder"]] == [
        ("2026-11-20T09:00:00.000+00:00", "off"),
        ("2026-11-20T09:00:01.500+00:00", "recording"),
        ("2026-11-20T09:00:04.500+00:00", "paused"),
        ("2026-11-20T09:00:06.000+00:00", "recording"),
    ]
    assert (told["agent"], told["caller"], told["called"]) == ("alice", "02079460123", "5000")
    assert told["ended_at"] == "2026-11-20T09:00:07.500+00:00"
    assert (tmp_path / "c1.json").stat().st_mode & 0o777 == 0o600


def test_a_call_that_was_never_recorded_leaves_no_note(
    tmp_path: Path, manual_clock: ManualClock
) -> None:
    notes = Recorded(tmp_path, manual_clock)
    notes.call_changed(call_info(state=CallState.RINGING, recorder=OFF))
    notes.call_changed(call_info(state=CallState.ENDED, recorder=OFF))
    assert list(tmp_path.iterdir()) == []


def test_calls_are_noted_apart(tmp_path: Path, manual_clock: ManualClock) -> None:
    notes = Recorded(tmp_path, manual_clock)
    notes.call_changed(call_info(call="c1"))
    notes.call_changed(call_info(call="c2", recorder=PAUSED))
    for call in ("c1", "c2"):
        notes.call_changed(call_info(call=call, state=CallState.ENDED))
    assert [note(tmp_path, call)["recorder"][0]["recorder"] for call in ("c1", "c2")] == [
        "recording",
        "paused",
    ]


def test_changes_are_bounded(tmp_path: Path, manual_clock: ManualClock) -> None:
    notes = Recorded(tmp_path, manual_clock)
    for _ in range(MAX_CHANGES):
        notes.call_changed(call_info(recorder=RECORDING))
        notes.call_changed(call_info(recorder=PAUSED))
    notes.call_changed(call_info(state=CallState.ENDED))
    assert len(note(tmp_path)["recorder"]) == MAX_CHANGES


def test_a_note_that_cannot_be_written_is_told_and_the_gateway_goes_on(
    tmp_path: Path, manual_clock: ManualClock, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "gone"
    notes = Recorded(folder, manual_clock)
    notes.call_changed(call_info())
    notes.call_changed(call_info(state=CallState.ENDED))
    told = capsys.readouterr().out
    assert "recording notes could not be written" in told
    assert f"{folder}/c1.json" in told
    assert "No such file or directory" in told
