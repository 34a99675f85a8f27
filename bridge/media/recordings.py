"""The recordings of a worker's calls: started, paused, resumed and finished by call slot, each state told as confirmed.

Every recording has a number of its own on the disk thread: a slot serves one call after the other, and a late
failure of the last call's file must not be taken for the next one's.
"""

import itertools
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Final

from bridge.media.messages import RecorderState
from bridge.recording.disk_thread import DiskThread
from bridge.recording.recorder import Recorder
from bridge.recording.timelines import Timelines

MAX_FAILURES: Final = 64
"Disk failures waiting for the loop; a failing disk tells the same of every recording, the first tellings will do."

_TOO_SLOW: Final = "the disk cannot keep up with the recording"


class Recordings:
    """`changed(slot, state, reason)` is called with each confirmed state; `reason` only where it failed."""

    def __init__(self, calls: int, changed: Callable[[int, RecorderState, str], None]) -> None:
        """`calls`: how many call slots there are."""
        self._changed = changed
        self.timelines = Timelines(calls)
        "Whoever has sound of a call gives it to these, recorded or not."
        self.recorders: dict[int, Recorder] = {}
        "By call slot."
        self._states: dict[int, RecorderState] = {}
        self._numbers = itertools.count()
        self._slots: dict[int, int] = {}
        self._failures: deque[tuple[int, str]] = deque(maxlen=MAX_FAILURES)
        self._disk = DiskThread(lambda number, reason: self._failures.append((number, reason)))

    def start(self, slot: int, path: Path, now: float, *, continues: bool = False) -> None:
        """Record a call from now on; where it is recorded already, only tell how.

        `continues`: in the file that a worker that is gone has begun.
        """
        if slot in self._states:
            self._tell(slot)
            return
        number = next(self._numbers)
        self._slots[number] = slot
        begin = self._disk.reopen if continues else self._disk.create
        if not begin(number, path):
            self._fail(number, _TOO_SLOW)
            return
        self.recorders[slot] = Recorder(self._disk, number, self.timelines, slot, now)
        self._states[slot] = RecorderState.RECORDING
        self._tell(slot)

    def pause(self, slot: int, *, paused: bool) -> None:
        """Take no more sound, or take it again; a call that is not recorded says so."""
        if (recorder := self.recorders.get(slot)) is not None:
            recorder.pause(paused=paused)
            self._states[slot] = RecorderState.PAUSED if paused else RecorderState.RECORDING
        self._tell(slot)

    def finish(self, slot: int, now: float) -> None:
        """The call is over: bring the rest to disk and forget the slot."""
        if (recorder := self.recorders.pop(slot, None)) is not None:
            recorder.finish(now)
        self._states.pop(slot, None)
        self._slots = {number: other for number, other in self._slots.items() if other != slot}

    def collect_failures(self) -> None:
        """Tell of files that could not be written."""
        while self._failures:
            self._fail(*self._failures.popleft())

    def flush(self, now: float) -> None:
        """Give the disk what is old enough."""
        for number, slot in list(self._slots.items()):
            recorder = self.recorders.get(slot)
            if recorder is not None and not recorder.flush(now):
                self._fail(number, _TOO_SLOW)

    def stop(self) -> None:
        """Wait until everything is on disk."""
        self._disk.stop()

    def _fail(self, number: int, reason: str) -> None:
        if (slot := self._slots.get(number)) is None:
            return  # the call is over; nobody waits for this file's state any more
        if (recorder := self.recorders.pop(slot, None)) is not None:
            recorder.pause(paused=True)
        self._states[slot] = RecorderState.FAILED
        self._tell(slot, reason)

    def _tell(self, slot: int, reason: str = "") -> None:
        self._changed(slot, self._states.get(slot, RecorderState.OFF), reason)
