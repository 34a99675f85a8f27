"""The shape of audio everywhere in this package: mono linear PCM, int16, 8000 Hz, frames of 20 ms."""

from typing import Final

import numpy as np
import numpy.typing as npt

RATE_HZ: Final = 8000
"Sampling rate of G.711."

FRAME_SAMPLES: Final = 160
"One frame: 20 ms, the packet time that every telephone speaks."

Pcm = npt.NDArray[np.int16]
Floats = npt.NDArray[np.float32]
Complexes = npt.NDArray[np.complex64]
Bools = npt.NDArray[np.bool_]
Indices = npt.NDArray[np.intp]
KeyIndices = npt.NDArray[np.int8]
"Indices in `dtmf.keys.KEYS`, or NO_KEY."


def samples_of_ms(ms: float) -> int:
    """Return how many samples last `ms` milliseconds, rounded to the nearest."""
    return round(ms * RATE_HZ / 1000)
