"""What the softphone says: a queue of speech and key presses, taken one 20 ms payload at a time by the RTP thread."""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dtmf.tones import tone
from ivr.demo.microphone import Microphone, PressSpan, press_timeline
from samples.softphone import mulaw

RATE_HZ: Final = 8000

FRAME_SAMPLES: Final = 160

MAX_PRESSES: Final = 64
"Keys of one command: a card number, an expiry, a code, and their ends, twice over."

MAX_JOBS: Final = 256
"Commands that may wait; a driver that asks for more has lost its way."


class MouthpieceError(Exception):
    """The command cannot be played; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A command has been sent to its last packet."""

    name: str
    "`spoken` or `keyed`."

    presses: tuple[PressSpan, ...] = ()
    "Where the presses lie on the timeline of what was sent, in samples (`keyed` only)."


_Frames = Iterator[NDArray[np.int16]]


class Mouthpiece:
    """Plays commands in order and the quiet room between them. Commands and payloads may come from two threads."""

    def __init__(self, microphone: Microphone, report: Callable[[Done], None]) -> None:
        self._microphone = microphone
        self._report = report
        self._jobs: deque[Callable[[], _Frames]] = deque()
        self._playing: _Frames = iter(())
        self._sent_samples = 0

    def speak(self, seconds: float) -> None:
        """Talk for `seconds`, after what is queued."""
        frames = round(seconds * RATE_HZ / FRAME_SAMPLES)
        if not 0 < frames <= 50 * 60 * 60:
            raise MouthpieceError("speak for more than nothing and less than an hour")
        self._queue(lambda: self._speech(frames))

    def key(self, digits: str, *, on_ms: float, off_ms: float, level_dbm0: float) -> None:
        """Press `digits` one after the other, after what is queued; `level_dbm0` is that of each of the two tones."""
        if not 0 < len(digits) <= MAX_PRESSES:
            raise MouthpieceError(f"key one to {MAX_PRESSES} digits at a time")
        if not (20 <= on_ms <= 5000 and 20 <= off_ms <= 5000):
            raise MouthpieceError("on_ms and off_ms lie between 20 and 5000")
        on_samples, off_samples = (round(ms * RATE_HZ / 1000) for ms in (on_ms, off_ms))
        spans = press_timeline(len(digits), on_samples=on_samples, off_samples=off_samples)
        try:
            tones = [tone(digit, on_samples, level_dbm0=level_dbm0) for digit in digits]
        except ValueError:
            raise MouthpieceError("a key is one of 0-9 * # A-D") from None
        self._queue(lambda: self._presses(spans, tones, off_samples))

    def payload(self) -> bytes:
        """Return the next 160 bytes of mu-law; never waits, never fails."""
        frame = next(self._playing, None)
        while frame is None and self._jobs:
            self._playing = self._jobs.popleft()()
            frame = next(self._playing, None)
        if frame is None:
            frame = self._microphone.listen(FRAME_SAMPLES)
        self._sent_samples += FRAME_SAMPLES
        return mulaw.encode(frame)

    def _queue(self, job: Callable[[], _Frames]) -> None:
        if len(self._jobs) >= MAX_JOBS:
            raise MouthpieceError("too many commands wait")
        self._jobs.append(job)

    def _speech(self, frames: int) -> _Frames:
        for _ in range(frames):
            yield self._microphone.talk(FRAME_SAMPLES)
        self._report(Done(name="spoken"))

    def _presses(
        self, spans: tuple[PressSpan, ...], tones: list[NDArray[np.int16]], off_samples: int
    ) -> _Frames:
        start = self._sent_samples
        total = -(-(spans[-1].end + off_samples) // FRAME_SAMPLES) * FRAME_SAMPLES
        sound = np.zeros(total, np.int16)
        for span, pressed in zip(spans, tones, strict=True):
            sound[span.start : span.end] = pressed
        for frame in sound.reshape(-1, FRAME_SAMPLES):
            yield frame + self._microphone.listen(FRAME_SAMPLES)
        presses = tuple(PressSpan(start=start + s.start, end=start + s.end) for s in spans)
        self._report(Done(name="keyed", presses=presses))
