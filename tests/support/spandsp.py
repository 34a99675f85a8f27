"""spandsp's DTMF receiver through ctypes: the ear that decides what a recording gives away."""

import ctypes
from collections.abc import Callable
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tests.support.peers import require_library

_FRAME_SAMPLES: Final = 160

_MAX_KEYS_PER_FRAME: Final = 128
"Capacity of the receiver's own digit buffer (spandsp: MAX_DTMF_DIGITS)."

_TAIL_SAMPLES: Final = 800
"Silence fed after the audio, so that a tone that ends with it is read too."


@cache
def _library() -> ctypes.CDLL:
    library = require_library("libspandsp.so.2")
    library.dtmf_rx_init.restype = ctypes.c_void_p
    library.dtmf_rx_init.argtypes = [ctypes.c_void_p] * 3
    library.dtmf_rx.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int]
    library.dtmf_rx_get.restype = ctypes.c_size_t
    library.dtmf_rx_get.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int]
    library.dtmf_rx_free.argtypes = [ctypes.c_void_p]
    return library


def read_digits(pcm: NDArray[np.int16]) -> str:
    """Return the keys spandsp reads in `pcm` (8000 Hz, mono, int16); skip the test where spandsp is missing."""
    library = _library()
    audio = np.concatenate([pcm.astype(np.int16), np.zeros(_TAIL_SAMPLES, np.int16)])
    state = library.dtmf_rx_init(None, None, None)
    digits = ctypes.create_string_buffer(_MAX_KEYS_PER_FRAME + 1)
    keys: list[str] = []
    try:
        for start in range(0, len(audio), _FRAME_SAMPLES):
            frame = np.ascontiguousarray(audio[start : start + _FRAME_SAMPLES])
            library.dtmf_rx(state, frame.ctypes.data, len(frame))
            count = library.dtmf_rx_get(state, digits, _MAX_KEYS_PER_FRAME)
            keys.append(digits.raw[:count].decode("ascii"))
    finally:
        library.dtmf_rx_free(state)
    return "".join(keys)


def reader() -> Callable[[NDArray[np.int16]], str]:
    """Return :func:`read_digits` after checking that spandsp is there (skips at once where it is not)."""
    _library()
    return read_digits
