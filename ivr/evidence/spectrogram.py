"""A spectrogram as PNG, drawn with NumPy and zlib alone: the page needs no plotting library, and no script."""

import struct
import zlib
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bridge.recording.keys_in_wav import RATE_HZ

TOP_HZ: Final = 2000
"Highest frequency drawn; the highest key tone is 1633 Hz."

_WINDOW: Final = 256
"32 ms: narrow enough in frequency to part the tones, short enough to part the presses."

_COLUMNS: Final = 900
"Most columns drawn; a long call shows the loudest of the windows that share a column."

_QUIETEST_DB, _LOUDEST_DB = -75.0, -10.0

_RAMP: Final = np.array(
    [(255, 255, 255), (206, 232, 229), (92, 172, 166), (11, 107, 102), (8, 40, 46)], np.float64
)
"Paper to ink: prints without a black page."


def spectrogram_png(samples: NDArray[np.int16]) -> bytes:
    """Return the picture of one channel at 8 kHz, int16 `(n,)`; time to the right, 0 to 2000 Hz upwards."""
    levels = _levels_db(samples)
    shade = np.clip((levels - _QUIETEST_DB) / (_LOUDEST_DB - _QUIETEST_DB), 0, 1)
    places = np.linspace(0, 1, len(_RAMP))
    colours = [np.interp(shade, places, _RAMP[:, channel]) for channel in range(3)]
    return _png(np.stack(colours, axis=-1).astype(np.uint8)[::-1])


def _levels_db(samples: NDArray[np.int16]) -> NDArray[np.float64]:
    """Return dB of full scale, `(bins, columns)`; every sample is in some column, however long the call."""
    padded = np.pad(samples, (0, max(0, _WINDOW - len(samples))))
    windows = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[:: _WINDOW // 2]
    shared = -(-len(windows) // _COLUMNS)
    columns = [_loudest(windows[at : at + shared]) for at in range(0, len(windows), shared)]
    full_scale = 32768 * _WINDOW / 4
    return np.asarray(20 * np.log10(np.stack(columns, axis=1) / full_scale + 1e-9))


def _loudest(windows: NDArray[np.int16]) -> NDArray[np.float64]:
    """Return the highest magnitude of each bin over windows `(n, 256)`."""
    spectra = np.abs(np.fft.rfft(windows * np.hanning(_WINDOW), axis=1))
    return np.asarray(spectra.max(axis=0)[: TOP_HZ * _WINDOW // RATE_HZ])


def _png(pixels: NDArray[np.uint8]) -> bytes:
    """Return RGB `pixels` (height, width, 3) as PNG (ISO/IEC 15948)."""
    height, width, _ = pixels.shape
    rows = np.hstack([np.zeros((height, 1), np.uint8), pixels.reshape(height, -1)])
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes(), 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
