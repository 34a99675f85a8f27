"""The last 120 ms of every slot, for the exact test on the few that need it."""

from typing import Final

import numpy as np

from dtmf.frames import FRAME_SAMPLES, Bools, Floats, Indices, Pcm

HISTORY_FRAMES: Final = 6
"120 ms: a press of 40 ms, decided up to 76 ms after it began, and 20 ms before it, with a frame to spare."

HISTORY_SAMPLES: Final = HISTORY_FRAMES * FRAME_SAMPLES


class History:
    """A ring of frames a slot."""

    def __init__(self, capacity: int) -> None:
        self._frames = np.zeros((capacity, HISTORY_FRAMES, FRAME_SAMPLES), np.int16)
        self._rows = self._frames.reshape(-1, FRAME_SAMPLES)
        self._halves = self._frames.reshape(-1, FRAME_SAMPLES // 2)
        self._unknown = np.zeros((capacity, HISTORY_FRAMES), np.bool_)
        self.count = np.zeros(capacity, np.int64)
        "Frames since the slot's reset."

    def reset(self, slots: Indices) -> None:
        """Start `slots` anew with silence."""
        self._frames[slots] = 0
        self._unknown[slots] = False
        self.count[slots] = 0

    def append(self, frames: Pcm, slots: Indices, lost: Bools) -> None:
        """Add one frame a slot; a lost one as silence that is known to be unknown."""
        count = self.count[slots]
        place = slots * HISTORY_FRAMES + count % HISTORY_FRAMES
        self._rows[place] = frames
        self._unknown.reshape(-1)[place] = lost
        if lost.any():
            self._rows[place[lost]] = 0
        self.count[slots] = count + 1

    def tails(self, slots: Indices) -> Pcm:
        """Return the last 10 ms of the frame before the newest of m slots, (m, 80)."""
        place = slots * HISTORY_FRAMES + (self.count[slots] - 2) % HISTORY_FRAMES
        return np.asarray(np.take(self._halves, 2 * place + 1, axis=0, mode="clip"))

    def last(self, slots: Indices, samples: int) -> Floats:
        """Return the newest `samples` of m slots, oldest sample first, (m, samples)."""
        frames = -(-samples // FRAME_SAMPLES)
        rows = self._frames[slots[:, None], self._places(slots, frames)]
        return rows.reshape(len(slots), -1)[:, -samples:].astype(np.float32)

    def unknown(self, slots: Indices, frames: int = HISTORY_FRAMES) -> Bools:
        """Return which of the newest `frames` of m slots were lost, oldest first, (m, frames)."""
        return self._unknown[slots[:, None], self._places(slots, frames)]

    def _places(self, slots: Indices, frames: int) -> Indices:
        """Return where the newest `frames` of m slots are in the ring, oldest first."""
        return np.asarray(
            (self.count[slots][:, None] + np.arange(-frames, 0)) % HISTORY_FRAMES, np.intp
        )
