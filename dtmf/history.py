"""The last 120 ms of every slot, for the exact test on the few that need it."""

from typing import Final

import numpy as np
import numpy.typing as npt

from dtmf.compiled import compiled
from dtmf.frames import FRAME_SAMPLES, Bools, Floats, Indices, Pcm
from dtmf.tracks import HOP_SAMPLES, TRACK_WINDOW_SAMPLES, hops_of

HISTORY_FRAMES: Final = 6
"120 ms: a press of 40 ms, decided up to 76 ms after it began, and 20 ms before it, with a frame to spare."

HISTORY_SAMPLES: Final = HISTORY_FRAMES * FRAME_SAMPLES

HISTORY_HOPS: Final = hops_of(HISTORY_SAMPLES)
"Track points of it."

Counts = npt.NDArray[np.int64]


class History:
    """A ring of frames a slot."""

    def __init__(self, capacity: int) -> None:
        self._frames = np.zeros((capacity * HISTORY_FRAMES, FRAME_SAMPLES), np.int16)
        self._unknown = np.zeros(capacity * HISTORY_FRAMES, np.bool_)
        self.count = np.zeros(capacity, np.int64)
        "Frames since the slot's reset."
        self.ring: Final = (self.count, self._frames, self._unknown)
        "All of it, as compiled loops take it."

    def reset(self, slots: Indices) -> None:
        """Start `slots` anew with silence."""
        rows = (slots[:, None] * HISTORY_FRAMES + np.arange(HISTORY_FRAMES)).ravel()
        self._frames[rows] = 0
        self._unknown[rows] = False
        self.count[slots] = 0


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
def newest(slot: int, samples: int, counts: Counts, history: Pcm) -> Floats:
    """Return the newest `samples` of one slot, oldest first, (samples,)."""
    frames = -(-samples // FRAME_SAMPLES)
    audio = np.empty(frames * FRAME_SAMPLES, np.float32)
    for frame in range(frames):
        place = slot * HISTORY_FRAMES + (counts[slot] - frames + frame) % HISTORY_FRAMES
        for sample in range(FRAME_SAMPLES):
            audio[frame * FRAME_SAMPLES + sample] = history[place, sample]
    return audio[len(audio) - samples :]


@compiled
def was_lost(slot: int, frame: int, counts: Counts, unknown: Bools) -> bool:
    """Return whether a frame of one slot was lost: 0 is the oldest of the history, HISTORY_FRAMES - 1 the newest."""
    return bool(unknown[slot * HISTORY_FRAMES + (counts[slot] + frame) % HISTORY_FRAMES])


@compiled
def unknown_points(slot: int, counts: Counts, unknown: Bools) -> Bools:
    """Return which track points of the history of one slot a lost frame touches (45,)."""
    points = np.zeros(HISTORY_HOPS, np.bool_)
    for hop in range(HISTORY_HOPS):
        first, end = hop * HOP_SAMPLES, hop * HOP_SAMPLES + TRACK_WINDOW_SAMPLES
        points[hop] = was_lost(slot, first // FRAME_SAMPLES, counts, unknown) or was_lost(
            slot, (end - 1) // FRAME_SAMPLES, counts, unknown
        )
    return points
