"""The detectors that count what the recordings give away: our own, and spandsp where it is installed."""

import ctypes
from contextlib import suppress
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bridge.recording.keys_in_wav import keys_in_samples
from ivr.demo.evidence import Detector

_SPANDSP: Final = "libspandsp.so.2"

_FRAME_SAMPLES: Final = 160

_MAX_KEYS: Final = 128
"Capacity of spandsp's own digit buffer (MAX_DTMF_DIGITS)."

_TAIL_SAMPLES: Final = 800
"Silence fed after the audio, so that a tone that ends with it is read too."


def detectors() -> dict[str, Detector]:
    """Return the detectors of this machine by name: `tonewall`, and `spandsp` where its library is installed."""
    found: dict[str, Detector] = {"tonewall": _tonewall}
    with suppress(OSError):  # not installed: one detector less
        found["spandsp"] = _Spandsp(ctypes.CDLL(_SPANDSP))
    return found


def _tonewall(audio: NDArray[np.int16]) -> str:
    return "".join(press.key for press in keys_in_samples(audio))


class _Spandsp:
    """spandsp's DTMF receiver, loaded from the system."""

    def __init__(self, library: ctypes.CDLL) -> None:
        library.dtmf_rx_init.restype = ctypes.c_void_p
        library.dtmf_rx_init.argtypes = [ctypes.c_void_p] * 3
        library.dtmf_rx.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int]
        library.dtmf_rx_get.restype = ctypes.c_size_t
        library.dtmf_rx_get.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int]
        library.dtmf_rx_free.argtypes = [ctypes.c_void_p]
        self._library = library

    def __call__(self, audio: NDArray[np.int16]) -> str:
        """Return the keys in mono audio at 8000 Hz."""
        padded = np.concatenate([audio, np.zeros(_TAIL_SAMPLES, np.int16)])
        receiver = self._library.dtmf_rx_init(None, None, None)
        found = ctypes.create_string_buffer(_MAX_KEYS + 1)
        keys = []
        try:
            for start in range(0, len(padded), _FRAME_SAMPLES):
                frame = np.ascontiguousarray(padded[start : start + _FRAME_SAMPLES])
                self._library.dtmf_rx(receiver, frame.ctypes.data, len(frame))
                length = self._library.dtmf_rx_get(receiver, found, _MAX_KEYS)
                keys.append(found.raw[:length].decode("ascii"))
        finally:
            self._library.dtmf_rx_free(receiver)
        return "".join(keys)
