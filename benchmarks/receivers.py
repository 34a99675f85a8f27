"""Who reads: our bank, many calls at once, and the peers where they are installed.

spandsp (LGPL) is called through ctypes, multimon-ng (GPL) runs in a process of its own.
"""

import ctypes
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from scipy.signal import resample_poly

from benchmarks.rows import OURS
from benchmarks.signals import FRAME, Bools, Pcm
from dtmf import DetectorBank, DetectorLimits

_SLOTS: Final = 256
"Calls in one batch of the bank."

_TAIL_FRAMES: Final = 6
"Silence after each call, so that a key in its last frames is told."

SPANDSP: Final = "spandsp"
MULTIMON: Final = "multimon-ng"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What a receiver gets of one call."""

    pcm: Pcm

    lost: Bools | None = None
    "By frame: known from the sequence numbers to be lost."


class Receiver(Protocol):
    """Reads calls."""

    name: str

    def read(self, calls: Sequence[Line]) -> list[str]:
        """Return the keys of each call."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A key that the bank told."""

    call: int
    key: str
    start: int
    "First sample of the tone, as the bank has it."
    told: int
    "End of the frame with which it was told, in samples."


class Ours:
    """The detector bank; calls share batches."""

    def __init__(self, limits: DetectorLimits | None = None, name: str = OURS) -> None:
        self.name, self._limits = name, limits

    def read(self, calls: Sequence[Line]) -> list[str]:
        """Return the keys of each call."""
        keys = [""] * len(calls)
        for told in self.listen(calls):
            keys[told.call] += told.key
        return keys

    def listen(self, calls: Sequence[Line]) -> list[Told]:
        """Return every key with its times, in order for each call."""
        told: list[Told] = []
        for first in range(0, len(calls), _SLOTS):
            told += self._listen_to_batch(calls[first : first + _SLOTS], first)
        return told

    def _listen_to_batch(self, calls: Sequence[Line], first: int) -> list[Told]:
        frames, lost = _frames_of(calls)
        bank = DetectorBank(len(calls), self._limits)
        slots = np.arange(len(calls), dtype=np.intp)
        return [
            Told(
                call=first + tone.slot,
                key=tone.key,
                start=tone.start_samples,
                told=(number + 1) * FRAME,
            )
            for number, batch in enumerate(frames)
            for tone in bank.process(batch, slots, lost[number]).started
        ]


def _frames_of(calls: Sequence[Line]) -> tuple[Pcm, Bools]:
    """Return all calls as (frames, calls, 160) and (frames, calls), silence after the shorter ones."""
    count = -(-max(len(call.pcm) for call in calls) // FRAME) + _TAIL_FRAMES
    audio = np.zeros((len(calls), count * FRAME), np.int16)
    lost = np.zeros((count, len(calls)), np.bool_)
    for row, call in enumerate(calls):
        audio[row, : len(call.pcm)] = call.pcm
        if call.lost is not None:
            lost[: len(call.lost), row] = call.lost
    frames = audio.reshape(len(calls), count, FRAME).transpose(1, 0, 2)
    return np.ascontiguousarray(frames), lost


class Spandsp:
    """spandsp's DTMF receiver with its default settings; lost frames are told to it, too."""

    _BUFFER: Final = 128
    "Its own digit buffer (MAX_DTMF_DIGITS)."

    def __init__(self) -> None:
        self.name = SPANDSP
        self._library = library = ctypes.CDLL("libspandsp.so.2")
        library.dtmf_rx_init.restype = ctypes.c_void_p
        library.dtmf_rx_init.argtypes = [ctypes.c_void_p] * 3
        library.dtmf_rx.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int]
        library.dtmf_rx_fillin.argtypes = [ctypes.c_void_p, ctypes.c_int]
        library.dtmf_rx_get.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int]
        library.dtmf_rx_get.restype = ctypes.c_size_t
        library.dtmf_rx_free.argtypes = [ctypes.c_void_p]

    def read(self, calls: Sequence[Line]) -> list[str]:
        """Return the keys of each call."""
        return [self._read_one(call) for call in calls]

    def open(self) -> int:
        """Return a new receiver's address; for who measures its cost. End it with :meth:`close`."""
        return int(self._library.dtmf_rx_init(None, None, None))

    def feed(self, state: int, pcm: Pcm) -> None:
        """Give a receiver contiguous samples."""
        self._library.dtmf_rx(state, pcm.ctypes.data, len(pcm))

    def take(self, state: int) -> str:
        """Return the keys that a receiver has read since last time."""
        digits = ctypes.create_string_buffer(self._BUFFER + 1)
        count = self._library.dtmf_rx_get(state, digits, self._BUFFER)
        return digits.raw[:count].decode("ascii")

    def close(self, state: int) -> None:
        """Free a receiver."""
        self._library.dtmf_rx_free(state)

    def _read_one(self, call: Line) -> str:
        audio = np.concatenate([call.pcm, np.zeros(_TAIL_FRAMES * FRAME, np.int16)])
        state, keys = self.open(), []
        # a second at once where nothing is lost: the same samples, fewer calls
        step = FRAME if call.lost is not None else 50 * FRAME
        for start in range(0, len(audio), step):
            chunk = np.ascontiguousarray(audio[start : start + step])
            number = start // FRAME
            if call.lost is not None and number < len(call.lost) and call.lost[number]:
                self._library.dtmf_rx_fillin(state, len(chunk))
            else:
                self.feed(state, chunk)
            keys.append(self.take(state))
        self.close(state)
        return "".join(keys)


class Multimon:
    """multimon-ng's DTMF demodulator, at the 22,050 Hz that it asks for."""

    _CHUNK: Final = 1 << 22
    "Samples resampled at once: nine minutes."

    def __init__(self) -> None:
        self.name = MULTIMON

    def read(self, calls: Sequence[Line]) -> list[str]:
        """Return the keys of each call."""
        return [self._read_one(call.pcm) for call in calls]

    def _read_one(self, pcm: Pcm) -> str:
        command = ["multimon-ng", "-q", "-a", "DTMF", "-t", "raw", "-"]
        keys = []
        for start in range(0, len(pcm), self._CHUNK):
            chunk = pcm[start : start + self._CHUNK].astype(np.float64)
            faster = np.clip(resample_poly(chunk, 441, 160), -32768, 32767).astype("<i2")
            told = subprocess.run(command, input=faster.tobytes(), capture_output=True, check=True)
            lines = told.stdout.decode("ascii", "replace").splitlines()
            keys += [line[5:].strip() for line in lines if line.startswith("DTMF:")]
        return "".join(keys)


def spandsp() -> Spandsp | None:
    """Return spandsp where it is installed."""
    try:
        return Spandsp()
    except OSError:
        return None


def peers() -> list[Receiver]:
    """Return the peers that are installed."""
    found: list[Receiver] = []
    if (installed := spandsp()) is not None:
        found.append(installed)
    if shutil.which("multimon-ng"):
        found.append(Multimon())
    return found
