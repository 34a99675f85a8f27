"""A stereo WAV file that grows, and is whole after every write (a crash leaves a readable file)."""

import struct
from pathlib import Path
from typing import BinaryIO, Final

RATE_HZ: Final = 8000
CHANNELS: Final = 2
_BYTES_PER_FRAME: Final = 2 * CHANNELS
_HEADER: Final = struct.Struct("<4sI4s4sIHHIIHH4sI")


def _header(data_bytes: int) -> bytes:
    """Return the 44 bytes before the samples (RIFF WAVE, PCM, 16 bit)."""
    return _HEADER.pack(
        b"RIFF", 36 + data_bytes, b"WAVE", b"fmt ", 16, 1, CHANNELS, RATE_HZ,
        RATE_HZ * _BYTES_PER_FRAME, _BYTES_PER_FRAME, 16, b"data", data_bytes,
    )  # fmt: skip


class StereoWavFile:
    """Left and right int16 samples, interleaved."""

    def __init__(self, path: Path) -> None:
        """Create `path`, readable by its owner alone; raise OSError where that cannot be done."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file: BinaryIO = path.open("xb")
        path.chmod(0o600)
        self._data_bytes = 0
        self._file.write(_header(0))

    def append(self, interleaved: bytes) -> None:
        """Add samples and bring the header up to date."""
        self._file.seek(0, 2)
        self._file.write(interleaved)
        self._data_bytes += len(interleaved)
        self._file.seek(0)
        self._file.write(_header(self._data_bytes))
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()
