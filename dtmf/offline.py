"""Reading a whole recording: the same bank as on calls, with one slot."""

import numpy as np

from dtmf.bank import DetectorBank
from dtmf.events import Press
from dtmf.frames import FRAME_SAMPLES, RATE_HZ, Pcm
from dtmf.limits import DetectorLimits

_FLUSH_FRAMES = 6
"Silence after the end, so that a press in the last frames is decided and ended."


def decode(pcm: Pcm, rate: int = RATE_HZ, limits: DetectorLimits | None = None) -> list[Press]:
    """Return the key presses in `pcm`, int16 (n,) at 8000 Hz, in order.

    Raises ValueError for another rate (resample first: nothing above 4000 Hz belongs to a key), type or shape.
    """
    if rate != RATE_HZ:
        raise ValueError(f"decode reads {RATE_HZ} Hz, not {rate}")
    if pcm.dtype != np.int16 or pcm.ndim != 1:
        raise ValueError("decode reads one channel of int16 samples")
    count = -(-len(pcm) // FRAME_SAMPLES) + _FLUSH_FRAMES
    frames = np.zeros((count, FRAME_SAMPLES), np.int16)
    frames.ravel()[: len(pcm)] = pcm
    bank = DetectorBank(1, limits)
    slot, heard = np.zeros(1, np.intp), np.zeros(1, np.bool_)
    presses: list[Press] = []
    for row in range(count):
        ended = bank.process(frames[row : row + 1], slot, heard).ended
        presses += [Press(key=t.key, start=t.start_samples, end=t.end_samples) for t in ended]
    return presses
