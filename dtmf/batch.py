"""What detector and gate ask of every batch of frames."""

import numpy as np

from dtmf.compiled import compiled
from dtmf.frames import FRAME_SAMPLES, Bools, Indices, Pcm


def check_batch(frames: Pcm, slots: Indices, lost: Bools, capacity: int) -> None:
    """Raise ValueError unless frames (n, 160), slots (n,) and lost (n,) fit each other and `capacity` slots."""
    rows = len(slots)
    if frames.dtype != np.int16 or frames.shape != (rows, FRAME_SAMPLES) or lost.shape != (rows,):
        raise ValueError("a batch is int16 frames (n, 160), slots (n,) and lost (n,)")
    outside, twice = _odd_slots(slots, capacity)
    if outside:
        raise ValueError(f"slots must be from 0 to {capacity - 1}")
    if twice:
        raise ValueError("a slot may have one frame in a batch")


@compiled
def _odd_slots(slots: Indices, capacity: int) -> tuple[bool, bool]:
    """Return whether a slot is out of range, and whether one is there twice."""
    seen = np.zeros(capacity, np.bool_)
    twice = False
    for slot in slots:
        if not 0 <= slot < capacity:
            return True, twice
        twice |= seen[slot]
        seen[slot] = True
    return False, twice
