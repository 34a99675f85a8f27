"""One call's recorder: places both legs' frames on one timeline. Left is the caller behind the gate, right the agent.

Rules of this file: it is given gate output only; while paused it takes nothing and the file holds silence for that
span, so that the recording stays as long as the call and the pause can be seen. Times are monotonic seconds.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from bridge.media.messages import Leg
from bridge.recording.disk_thread import DiskThread
from bridge.recording.wav_file import RATE_HZ

WINDOW_SAMPLES: Final = 2 * RATE_HZ
"Room for frames that arrive out of step; what does not fit is dropped."

LAG_SAMPLES: Final = RATE_HZ // 2
"How far behind the present samples are given to the disk: late packets still find their place until then."

REANCHOR_SAMPLES: Final = RATE_HZ // 4
"A stream this far off the clock (pause of the sender, new SSRC) is placed anew by its arrival."

CHUNK_SAMPLES: Final = RATE_HZ // 5
"Disk writes come in pieces of at least this size."

_CHANNEL: Final = {Leg.CALLER: 0, Leg.AGENT: 1}


class Recorder:
    """Takes int16 frames of both legs, gives interleaved chunks to the disk."""

    def __init__(self, disk: DiskThread, recording: int, now: float) -> None:
        self._disk, self._recording, self._start_s = disk, recording, now
        self._window: NDArray[np.int16] = np.zeros((WINDOW_SAMPLES, 2), np.int16)
        self._written = 0
        self._anchor: dict[Leg, int] = {}
        self.paused = False

    def take(self, leg: Leg, timestamp: int, frame: NDArray[np.int16], now: float) -> None:
        """Place `frame` by its RTP `timestamp`; ignored while paused."""
        if self.paused:
            return
        arrived = int((now - self._start_s) * RATE_HZ)
        anchor = self._anchor.get(leg, 0)
        at = (timestamp - anchor) % 2**32
        if leg not in self._anchor or abs(at - arrived) > REANCHOR_SAMPLES:
            self._anchor[leg] = (timestamp - arrived) % 2**32
            at = arrived
        start = at - self._written
        if 0 <= start <= WINDOW_SAMPLES - len(frame):
            self._window[start : start + len(frame), _CHANNEL[leg]] = frame

    def flush(self, now: float) -> bool:
        """Give what is old enough to the disk; return False where the disk cannot keep up."""
        ready = int((now - self._start_s) * RATE_HZ) - LAG_SAMPLES - self._written
        return ready < CHUNK_SAMPLES or self._write(ready)

    def finish(self, now: float) -> None:
        """Write the rest and close the file."""
        self._write(int((now - self._start_s) * RATE_HZ) - self._written)
        self._disk.close_file(self._recording)

    def _write(self, count: int) -> bool:
        kept = True
        while count > 0:
            piece = min(count, WINDOW_SAMPLES)
            kept = (
                self._disk.append(self._recording, self._window[:piece].astype("<i2").tobytes())
                and kept
            )
            self._window[: WINDOW_SAMPLES - piece] = self._window[piece:]
            self._window[WINDOW_SAMPLES - piece :] = 0
            self._written += piece
            count -= piece
        return kept
