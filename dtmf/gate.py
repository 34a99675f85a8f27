"""The gate: what the agent and the recorder hear of the caller. It passes a frame only when it knows the next one.

Held back by one frame (20 ms), because a tone that starts late in a frame shows only in the next. Fails closed:
a frame that was lost, or whose look-ahead was lost, is silence.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from dtmf.events import Suspicion
from dtmf.frames import FRAME_SAMPLES, Bools, Indices, Pcm, check_batch

_LONGEST_CLOSE: Final = 1 << 30
"Frames; months. Only keeps the counter from wrapping."


@dataclass(frozen=True, slots=True, kw_only=True)
class GateSettings:
    """How readily the gate closes."""

    threshold: float = -0.3
    """Log odds of tone evidence above which a frame is masked. From 0.3 to -0.6, recorded speech of the language that
    suffers most loses 0.31 to 0.47 % of its frames, and under a voice 3 dB over the tones 4 to 3 % of the presses keep
    3 ms of tone; without such a voice next to none do."""

    hang_over_frames: int = 1
    "Frames masked after the last evidence: the end of a tone may fill too little of a frame to be evidence."

    def __post_init__(self) -> None:
        if not 1 <= self.hang_over_frames <= 50:
            raise ValueError("hang_over_frames must be from 1 to 50")


@dataclass(frozen=True, slots=True, kw_only=True)
class Gated:
    """What a batch of gates lets out."""

    audio: Pcm
    "int16 (n, 160): each slot's frame before the one given, or silence."

    masked: Bools
    "True (n,) where it is silence in place of a frame."


class GateBank:
    """Gates of up to `capacity` calls, a slot each."""

    def __init__(self, capacity: int, settings: GateSettings | None = None) -> None:
        self._settings = settings or GateSettings()
        self._capacity = capacity
        self._held = np.zeros((capacity, FRAME_SAMPLES), np.int16)
        self._shut = np.ones(capacity, np.bool_)
        self._hang_over = np.zeros(capacity, np.int32)
        self._closed = np.zeros(capacity, np.int32)

    def reset(self, slots: Indices) -> None:
        """Forget the held frames of `slots`: the next that comes out is silence, masked."""
        self._held[slots] = 0
        self._shut[slots] = True
        self._hang_over[slots] = 0
        self._closed[slots] = 0

    def close(self, slots: Indices, frames: int) -> None:
        """Mask the held frame and the next `frames` of `slots`, whatever they hold; a longer closing stays."""
        if frames < 0:
            raise ValueError("frames must be at least 0")
        self._shut[slots] = True
        self._closed[slots] = np.maximum(self._closed[slots], min(frames, _LONGEST_CLOSE))

    def process(self, frames: Pcm, slots: Indices, lost: Bools, suspicion: Suspicion) -> Gated:
        """Take one frame each of n slots and its evidence, and return each slot's frame before it, or silence.

        Shapes and errors as in `DetectorBank.process`; `suspicion` is that of the same batch. A lost frame is
        evidence: what nobody heard may have been a tone.
        """
        check_batch(frames, slots, lost, self._capacity)
        # "not below" is closed for a score that is no number
        evidence = ~(suspicion.score <= self._settings.threshold) | suspicion.key_down | lost
        masked = self._shut[slots] | evidence
        audio = np.where(masked[:, None], np.int16(0), self._held[slots])
        hang_over, closed = self._hang_over[slots], self._closed[slots]
        self._shut[slots] = evidence | (hang_over > 0) | (closed > 0)
        self._hang_over[slots] = np.where(
            evidence, self._settings.hang_over_frames, np.maximum(hang_over - 1, 0)
        )
        self._closed[slots] = np.maximum(closed - 1, 0)
        self._held[slots] = np.where(lost[:, None], np.int16(0), frames)
        return Gated(audio=audio, masked=masked)
