"""Prompts towards single legs, frame by frame: what a leg hears instead of the other side.

Rules of this file: no I/O, no clock. Whoever has a place for a frame asks for the next one; a prompt ends with the
frame that was asked for last. Rows are legs, as in the leg table; the leg is the one that hears.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bridge.media.leg_table import FRAME, Legs
from bridge.media.messages import PromptEnd

FADE_SAMPLES: Final = 40
"5 ms: short enough to leave a word whole, long enough that its beginning or end is no click."

_RISE: Final = np.arange(FADE_SAMPLES) / FADE_SAMPLES
"From 0, which is what was before, to the first sample that is as loud as it was."

Frames = NDArray[np.int16]
"Shape `(n, 160)`."

Ended = Callable[[int, int, PromptEnd], None]
"Called with leg, number of the prompt, and why it ended."


def prompt_frames(pcm: NDArray[np.int16]) -> Frames:
    """Return `pcm`, int16 `(n,)` at 8000 Hz, as frames `(ceil(n / 160), 160)`.

    Its first and last 5 ms are faded in and out; the last frame is filled up with silence.
    """
    sound = np.zeros(-(-len(pcm) // FRAME) * FRAME, np.int16)
    sound[: len(pcm)] = pcm
    ramp = _RISE[: len(pcm)]
    sound[: len(ramp)] = np.rint(sound[: len(ramp)] * ramp)
    end = sound[len(pcm) - len(ramp) : len(pcm)]
    end[:] = np.rint(end * ramp[::-1])
    frames = sound.reshape(-1, FRAME)
    frames.flags.writeable = False  # all calls that play it share it
    return frames


@dataclass(slots=True)
class _Prompt:
    number: int
    frames: Frames
    at: int = 0
    "The frame that comes next."
    stopping: bool = False
    "It fades out in that frame."


class Prompter:
    """What `rows` legs are prompted with; true while there is any prompt. `ended` is called once for each."""

    def __init__(self, rows: int, ended: Ended) -> None:
        self._ended = ended
        self.playing: NDArray[np.bool_] = np.zeros(rows, np.bool_)
        "Legs that hear a prompt, and nothing else."
        self._prompts: dict[int, _Prompt] = {}
        "Those that play."
        self._waiting: dict[int, _Prompt] = {}
        "Those that are to begin."

    def __bool__(self) -> bool:
        return bool(self._prompts or self._waiting)

    def play(self, leg: int, number: int, frames: Frames) -> None:
        """Let a leg hear `frames` from the next :meth:`begin` on; what plays there is stopped for it."""
        self._stop(leg)
        self._waiting[leg] = _Prompt(number, frames)

    def stop(self, leg: int, number: int) -> None:
        """Stop one prompt: where it plays it ends with one more frame, in which it fades out."""
        for prompt in (self._prompts.get(leg), self._waiting.get(leg)):
            if prompt is not None and prompt.number == number:
                self._stop(leg)

    def close(self, leg: int) -> None:
        """End at once what the leg hears, or is to hear: it is being closed."""
        self.playing[leg] = False
        for prompts in (self._prompts, self._waiting):
            if (prompt := prompts.pop(leg, None)) is not None:
                self._ended(leg, prompt.number, PromptEnd.CALL_CLOSED)

    def begin(self, is_busy: Callable[[int], bool]) -> None:
        """Begin what waits, but for legs that still hear another prompt or are busy otherwise."""
        for leg in [leg for leg in self._waiting if not (self.playing[leg] or is_busy(leg))]:
            self._prompts[leg] = self._waiting.pop(leg)
            self.playing[leg] = True

    def legs(self) -> Legs:
        """Return the legs that hear a prompt."""
        return np.flatnonzero(self.playing)

    def next_frames(self, legs: Legs) -> Frames:
        """Return the next frame for each of `legs`, all of which hear a prompt; one that has no more has ended."""
        audio = np.empty((len(legs), FRAME), np.int16)
        for row, leg in enumerate(legs.tolist()):
            prompt = self._prompts[leg]
            audio[row] = prompt.frames[prompt.at]
            prompt.at += 1
            if prompt.at == len(prompt.frames):
                self._end(leg, PromptEnd.FINISHED)
            elif prompt.stopping:
                _fade_out(audio[row])
                self._end(leg, PromptEnd.STOPPED)
        return audio

    def _stop(self, leg: int) -> None:
        """Let what plays fade out; what has not begun is over."""
        if (playing := self._prompts.get(leg)) is not None:
            playing.stopping = True
        if (waiting := self._waiting.pop(leg, None)) is not None:
            self._ended(leg, waiting.number, PromptEnd.STOPPED)

    def _end(self, leg: int, why: PromptEnd) -> None:
        self.playing[leg] = False
        self._ended(leg, self._prompts.pop(leg).number, why)


def _fade_out(frame: NDArray[np.int16]) -> None:
    frame[:FADE_SAMPLES] = np.rint(frame[:FADE_SAMPLES] * _RISE[::-1])
    frame[FADE_SAMPLES:] = 0
