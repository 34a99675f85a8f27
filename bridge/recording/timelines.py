"""The timelines of all recorded calls: where each frame of either leg belongs, by its timestamp and the clock.

Rules of this file: what is placed is gate output only. Left is the caller behind the gate, right the agent; a leg is
`2 * call` or `2 * call + 1`, as in the media worker's table. Times are monotonic seconds.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from bridge.recording.wav_file import RATE_HZ
from dtmf.compiled import compiled

WINDOW_SAMPLES: Final = 2 * RATE_HZ
"Room for frames that arrive out of step; what does not fit is dropped."

REANCHOR_SAMPLES: Final = RATE_HZ // 4
"A stream this far off the clock (pause of the sender, new SSRC) is placed anew by its arrival."

_CHANNELS: Final = 2

_CALL: Final = np.dtype(
    [
        ("takes", np.bool_),
        ("start_s", np.float64),
        ("written", np.int64),
        ("anchor", np.int64, _CHANNELS),
    ]
)
"""Whether sound is taken; when the recording began; samples that were taken out; for each leg the timestamp that
belongs to the beginning, or _NO_ANCHOR before its first frame."""

_NO_ANCHOR: Final = -1


class Timelines:
    """Room for `calls` recordings, by call slot. What no frame has filled is silence."""

    def __init__(self, calls: int) -> None:
        self._calls: NDArray[np.void] = np.zeros(calls, _CALL)
        # A ring each: sample s of a recording is at s % WINDOW_SAMPLES.
        self._windows: NDArray[np.int16] = np.zeros((calls, WINDOW_SAMPLES, _CHANNELS), np.int16)
        self.taking = False
        "Whether any call takes sound."

    def begin(self, call: int, now: float) -> None:
        """Begin a timeline at `now`, and take sound."""
        self._calls[call] = (False, now, 0, (_NO_ANCHOR, _NO_ANCHOR))
        self._windows[call] = 0
        self.set_taking(call, taking=True)

    def set_taking(self, call: int, *, taking: bool) -> None:
        """Take sound of a call, or let it pass by: then its timeline goes on in silence."""
        self._calls["takes"][call] = taking
        self.taking = bool(self._calls["takes"].any())

    def is_taking(self, call: int) -> bool:
        """Return whether sound of a call is taken."""
        return bool(self._calls["takes"][call])

    def take(
        self,
        legs: NDArray[np.intp],
        timestamps: NDArray[np.int64],
        audio: NDArray[np.int16],
        chosen: NDArray[np.bool_],
        now: float,
    ) -> None:
        """Place the `chosen` (n,) frames of `legs` (n,), with RTP `timestamps` (n,) and `audio` (n, samples)."""
        _take(self._calls, self._windows, legs, timestamps, audio, chosen, now)

    def ready(self, call: int, now: float) -> int:
        """Return how many samples of time have passed that were not taken out."""
        row = self._calls[call]
        return int((now - row["start_s"]) * RATE_HZ) - int(row["written"])

    def take_out(self, call: int, count: int) -> NDArray[np.int16]:
        """Return the next samples, (up to `count`, 2); repeat until there are as many."""
        at = int(self._calls["written"][call]) % WINDOW_SAMPLES
        span = self._windows[call, at : min(at + count, WINDOW_SAMPLES)]
        samples = span.copy()
        span[:] = 0
        self._calls["written"][call] += len(samples)
        return samples


@compiled
def _take(
    calls: NDArray[np.void],
    windows: NDArray[np.int16],
    legs: NDArray[np.intp],
    timestamps: NDArray[np.int64],
    audio: NDArray[np.int16],
    chosen: NDArray[np.bool_],
    now: float,
) -> None:
    samples = audio.shape[1]
    for index in range(len(legs)):
        call, channel = calls[legs[index] >> 1], legs[index] & 1
        if not (chosen[index] and call["takes"]):
            continue
        start = _place(call, channel, timestamps[index], now) - call["written"]
        if not 0 <= start <= WINDOW_SAMPLES - samples:
            continue
        window, at = windows[legs[index] >> 1], (call["written"] + start) % WINDOW_SAMPLES
        for sample in range(samples):
            window[at, channel] = audio[index, sample]
            at = at + 1 if at + 1 < WINDOW_SAMPLES else 0


@compiled
def _place(call: np.void, channel: int, timestamp: int, now: float) -> int:
    """Return the sample of the recording with which a frame begins."""
    arrived, anchor = int((now - call["start_s"]) * RATE_HZ), call["anchor"][channel]
    at = (timestamp - anchor) & 0xFFFFFFFF
    if anchor == _NO_ANCHOR or abs(at - arrived) > REANCHOR_SAMPLES:
        call["anchor"][channel] = (timestamp - arrived) & 0xFFFFFFFF
        at = arrived
    return int(at)
