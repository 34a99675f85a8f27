"""Beside each recording a JSON file that says what was recorded when, and when it was paused and resumed."""

import json
from pathlib import Path
from typing import Final

import structlog

from bridge.call.events import CallInfo, CallState
from ivr.clock import Clock

MAX_CHANGES: Final = 1000
"Of one call's recorder; some 300 payments on one call. Later ones are not noted, the recording itself goes on."

log = structlog.get_logger(__name__)


class RecordingNotes:
    """Collects the recorder's confirmed changes of each live call, writes them when the call ends."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder, self._clock = folder, clock
        self._changes: dict[str, list[dict[str, str]]] = {}

    def call_changed(self, info: CallInfo) -> None:
        """Take note of a call's recorder; write the file where the call is over."""
        changes = self._changes.setdefault(info.call, [])
        if info.state is CallState.ENDED:
            del self._changes[info.call]
            self._write(info, changes)
        elif (not changes or changes[-1]["recorder"] != info.recorder) and len(
            changes
        ) < MAX_CHANGES:
            changes.append({"at": self._now(), "recorder": info.recorder})

    def _now(self) -> str:
        return self._clock.utc_now().isoformat(timespec="milliseconds")

    def _write(self, info: CallInfo, changes: list[dict[str, str]]) -> None:
        if all(change["recorder"] == "off" for change in changes):
            return
        notes = {
            "call": info.call,
            "agent": info.agent,
            "caller": info.caller,
            "called": info.called,
            "started_at": info.started_at.isoformat(timespec="seconds"),
            "ended_at": self._now(),
            "channels": {"left": "caller, behind the gate", "right": "agent"},
            "recorder": changes,
        }
        path = self._folder / f"{info.call}.json"
        try:
            path.touch(mode=0o600)
            path.write_text(json.dumps(notes, indent=2) + "\n", "utf-8")
        except OSError as error:
            log.error("recording notes could not be written", path=str(path), reason=error.strerror)
