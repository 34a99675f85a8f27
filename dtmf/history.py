"""The last 120 ms of every slot, for the exact test on the few that need it."""

from typing import Final

import numpy as np
import numpy.typing as npt

from dtmf.compiled import compiled
from dtmf.frames import FRAME_SAMPLES, Bools, Floats, Indices, Pcm

HISTORY_FRAMES: Final = 6
"120 ms: a press of 40 ms, decided up to 76 ms after it began, and 20 ms before it, with a frame to spare."

HISTORY_SAMPLES: Final = HISTORY_FRAMES * FRAME_SAMPLES

Counts = npt.NDArray[np.int64]


class History:
    """A ring of frames a slot."""

    def __init__(self, capacity: int) -> None:
        self.frames = np.zeros((capacity * HISTORY_FRAMES, FRAME_SAMPLES), np.int16)
        self.lost = np.zeros(capacity * HISTORY_FRAMES, np.bool_)
        self.count = np.zeros(capacity, np.int64)
        "Frames since the slot's reset."

    def reset(self, slots: Indices) -> None:
        """Start `slots` anew with silence."""
        rows = (slots[:, None] * HISTORY_FRAMES + np.arange(HISTORY_FRAMES)).ravel()
        self.frames[rows] = 0
        self.lost[rows] = False
        self.count[slots] = 0

    def last(self, slots: Indices, samples: int) -> Floats:
        """Return the newest `samples` of m slots, oldest sample first, (m, samples)."""
        return _last(slots, samples, self.count, self.frames)

    def unknown(self, slots: Indices, frames: int = HISTORY_FRAMES) -> Bools:
        """Return which of the newest `frames` of m slots were lost, oldest first, (m, frames)."""
        if not self.lost.any():
            return np.zeros((len(slots), frames), np.bool_)
        return self.lost[self._rows(slots, frames)]

    def _rows(self, slots: Indices, frames: int) -> Indices:
        """Return where the newest `frames` of m slots are, oldest first (m, frames)."""
        places = (self.count[slots][:, None] + np.arange(-frames, 0)) % HISTORY_FRAMES
        return np.asarray(slots[:, None] * HISTORY_FRAMES + places, np.intp)


@compiled
def put_frame(
    frame: Pcm, slot: int, lost: bool, counts: Counts, history: Pcm, unknown: Bools
) -> None:
    """Add a frame (160,) of one slot; one that is `lost` as silence that is not known."""
    place = slot * HISTORY_FRAMES + counts[slot] % HISTORY_FRAMES
    for sample in range(FRAME_SAMPLES):
        history[place, sample] = 0 if lost else frame[sample]
    unknown[place] = lost
    counts[slot] += 1


@compiled
def samples_of(slot: int, counts: Counts, history: Pcm, samples: Floats) -> None:
    """Write the newest samples of one slot, whole frames of them, oldest first."""
    frames = len(samples) // FRAME_SAMPLES
    for frame in range(frames):
        place = slot * HISTORY_FRAMES + (counts[slot] - frames + frame) % HISTORY_FRAMES
        for sample in range(FRAME_SAMPLES):
            samples[frame * FRAME_SAMPLES + sample] = history[place, sample]


@compiled
def _last(slots: Indices, samples: int, counts: Counts, history: Pcm) -> Floats:
    frames = -(-samples // FRAME_SAMPLES)
    audio = np.empty((len(slots), frames * FRAME_SAMPLES), np.float32)
    for row in range(len(slots)):
        slot = slots[row]
        for frame in range(frames):
            place = slot * HISTORY_FRAMES + (counts[slot] - frames + frame) % HISTORY_FRAMES
            for sample in range(FRAME_SAMPLES):
                audio[row, frame * FRAME_SAMPLES + sample] = history[place, sample]
    return audio[:, frames * FRAME_SAMPLES - samples :]
