"""Beside each recording a JSON file that says what was recorded when, and when it was paused and resumed."""

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import structlog

from bridge.call.events import CallInfo
from bridge.media.messages import RecorderState
from ivr.clock import Clock
from ivr.evidence.facts import RecorderChange

log = structlog.get_logger(__name__)


class RecordingNotes:
    """Writes the note of a recorded call when it ends."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder, self._clock = folder, clock

    def call_ended(self, info: CallInfo, changes: Sequence[RecorderChange]) -> None:
        """Write what the call's recorder did; nothing where it never recorded."""
        if all(change.state is RecorderState.OFF for change in changes):
            return
        notes = {
            "call": info.call,
            "agent": info.agent,
            "caller": info.caller,
            "called": info.called,
            "started_at": info.started_at.isoformat(timespec="seconds"),
            "ended_at": _precise(self._clock.utc_now()),
            "channels": {"left": "caller, behind the gate", "right": "agent"},
            "recorder": [
                {"at": _precise(change.at), "recorder": change.state} for change in changes
            ],
        }
        path = self._folder / f"{info.call}.json"
        try:
            path.touch(mode=0o600)
            path.write_text(json.dumps(notes, indent=2) + "\n", "utf-8")
        except OSError as error:
            log.error("recording notes could not be written", path=str(path), reason=error.strerror)


def _precise(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")
