"""A stereo WAV file that grows, and is whole after every write (a crash leaves a readable file)."""

import struct
from pathlib import Path
from typing import BinaryIO, Final, Self

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


def _data_bytes(header: bytes) -> int:
    """Return what a header of ours counts; 0 where it is not whole."""
    return 0 if len(header) < _HEADER.size else int(_HEADER.unpack(header)[-1])


class StereoWavFile:
    """Left and right int16 samples, interleaved."""

    def __init__(self, file: BinaryIO, data_bytes: int) -> None:
        """`data_bytes` of samples are in `file` already, behind its header."""
        self._file, self._data_bytes = file, data_bytes

    @classmethod
    def create(cls, path: Path) -> Self:
        """Create `path`, readable by its owner alone; raise OSError where that cannot be done."""
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("xb")
        path.chmod(0o600)
        file.write(_header(0))
        return cls(file, 0)

    @classmethod
    def reopen(cls, path: Path) -> Self:
        """Go on with what a process that is gone has begun; create `path` where it has not. Raise OSError."""
        if not path.exists():
            return cls.create(path)
        file = path.open("r+b")
        # What the header does not count yet was being written at the end: it may be half a sample.
        whole = min(_data_bytes(file.read(_HEADER.size)), path.stat().st_size - _HEADER.size)
        data_bytes = max(0, whole) // _BYTES_PER_FRAME * _BYTES_PER_FRAME
        file.truncate(_HEADER.size + data_bytes)
        file.seek(0)
        file.write(_header(data_bytes))
        return cls(file, data_bytes)

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
