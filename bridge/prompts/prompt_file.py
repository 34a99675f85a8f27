"""The files that prompts are read from: WAV, PCM, 8000 Hz, mono, 16 bit, a minute at the longest."""

import stat
import wave
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bridge.errors import PromptError

RATE_HZ: Final = 8000

MAX_PROMPT_S: Final = 60
"A minute of talk that the listener cannot answer is long; it bounds what a worker keeps in memory."

_MAX_FILE_BYTES: Final = 2 * MAX_PROMPT_S * RATE_HZ * 2
"Twice the longest sound: whatever else a WAV carries (cover, cue points) is smaller."


def read_prompt(path: Path) -> NDArray[np.int16]:
    """Return the samples of a prompt, int16 `(n,)` at 8000 Hz, n > 0.

    Raise :class:`PromptError`, which says what is wrong with the file and leaves its name to who knows why it is read.
    It blocks on the disk.
    """
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise PromptError("it is no file")
        if found.st_size > _MAX_FILE_BYTES:
            raise PromptError(f"it has more than {_MAX_FILE_BYTES} bytes")
        with path.open("rb") as file, wave.open(file) as wav:
            return _samples(wav)
    except OSError as error:
        raise PromptError(f"it cannot be read: {error.strerror}") from None
    except (
        wave.Error,
        EOFError,
        RuntimeError,
    ) as error:  # the last where a chunk ends beyond the file
        raise PromptError(f"it is no PCM WAV file ({str(error) or 'cut short'})") from None


def _samples(wav: wave.Wave_read) -> NDArray[np.int16]:
    form = (wav.getframerate(), wav.getnchannels(), 8 * wav.getsampwidth())
    if form != (RATE_HZ, 1, 16):
        rate, channels, bits = form
        raise PromptError(
            f"it has {rate} Hz, {channels} channel{'s' * (channels != 1)}, {bits} bit;"
            f" a prompt has {RATE_HZ} Hz, 1 channel, 16 bit"
        )
    if wav.getnframes() > MAX_PROMPT_S * RATE_HZ:
        seconds = wav.getnframes() / RATE_HZ
        raise PromptError(f"it lasts {seconds:.1f} s; a prompt lasts {MAX_PROMPT_S} s at the most")
    data = wav.readframes(wav.getnframes())
    if len(data) < 2:
        raise PromptError("there is no sound in it")
    return np.frombuffer(data[: len(data) // 2 * 2], "<i2").astype(np.int16)
