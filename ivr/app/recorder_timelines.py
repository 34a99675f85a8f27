"""What the recorder of each live call confirmed when: for the note beside the recording, and for the evidence."""

from typing import Final

from bridge.call.events import CallInfo, CallState
from ivr.clock import Clock
from ivr.evidence.facts import RecorderChange

MAX_CHANGES: Final = 1000
"Of one call's recorder; some 300 payments on one call. Later ones are not noted, the recording itself goes on."


class RecorderTimelines:
    """Collects the recorder's confirmed changes; a call is forgotten when it ends."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._changes: dict[str, tuple[RecorderChange, ...]] = {}

    def call_changed(self, info: CallInfo) -> tuple[RecorderChange, ...]:
        """Take note of a call's recorder; return all its changes so far, oldest first."""
        changes = self._changes.get(info.call, ())
        if info.state is CallState.ENDED:
            self._changes.pop(info.call, None)
            return changes
        if (not changes or changes[-1].state is not info.recorder) and len(changes) < MAX_CHANGES:
            changes = (*changes, RecorderChange(at=self._clock.utc_now(), state=info.recorder))
            self._changes[info.call] = changes
        return changes
