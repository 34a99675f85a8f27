"""One call's recorder: brings its timeline to disk. Left is the caller behind the gate, right the agent.

Rules of this file: while paused it takes nothing and the file holds silence for that span, so that the recording stays
as long as the call and the pause can be seen. Times are monotonic seconds.
"""

from typing import Final

from bridge.recording.disk_thread import DiskThread
from bridge.recording.timelines import Timelines
from bridge.recording.wav_file import RATE_HZ

LAG_SAMPLES: Final = RATE_HZ // 2
"How far behind the present samples are given to the disk: late packets still find their place until then."

CHUNK_SAMPLES: Final = RATE_HZ // 5
"Disk writes come in pieces of at least this size."


class Recorder:
    """Gives interleaved chunks of the timeline of a call slot to the disk, as the file `recording`."""

    def __init__(
        self, disk: DiskThread, recording: int, timelines: Timelines, call: int, now: float
    ) -> None:
        self._disk, self._recording = disk, recording
        self._timelines, self._call = timelines, call
        timelines.begin(call, now)

    @property
    def paused(self) -> bool:
        """No sound is taken."""
        return not self._timelines.is_taking(self._call)

    def pause(self, *, paused: bool) -> None:
        """Take no more sound, or take it again."""
        self._timelines.set_taking(self._call, taking=not paused)

    def flush(self, now: float) -> bool:
        """Give what is old enough to the disk; return False where the disk cannot keep up."""
        ready = self._timelines.ready(self._call, now) - LAG_SAMPLES
        return ready < CHUNK_SAMPLES or self._write(ready)

    def finish(self, now: float) -> None:
        """Write the rest and close the file."""
        self.pause(paused=True)
        self._write(self._timelines.ready(self._call, now))
        self._disk.close_file(self._recording)

    def _write(self, count: int) -> bool:
        kept = True
        while count > 0:
            samples = self._timelines.take_out(self._call, count)
            kept = self._disk.append(self._recording, samples.astype("<i2").tobytes()) and kept
            count -= len(samples)
        return kept
