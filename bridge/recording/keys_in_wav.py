"""Which keys can be read from a WAV file: the check of a recording, for people and for evidence."""

import wave
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

import dtmf

RATE_HZ: Final = 8000


class WavError(ValueError):
    """The file cannot be read as telephone audio; the text names the file and what it is instead."""


def read_channels(path: Path) -> NDArray[np.int16]:
    """Return the samples, int16 `(channels, n)` at 8 kHz; raise :class:`WavError`."""
    try:
        with wave.open(str(path)) as file:
            rate, width, channels = file.getframerate(), file.getsampwidth(), file.getnchannels()
            data = file.readframes(file.getnframes())
    except OSError as error:
        raise WavError(f"{path}: cannot be read: {error.strerror}") from None
    except (wave.Error, EOFError) as error:
        raise WavError(f"{path}: not a PCM WAV file ({error})") from None
    if (rate, width) != (RATE_HZ, 2):
        raise WavError(
            f"{path}: {rate} Hz with {8 * width} bits; only 8000 Hz with 16 bits can be read"
        )
    whole = len(data) // (2 * channels) * 2 * channels
    return np.frombuffer(data[:whole], "<i2").reshape(-1, channels).T.astype(np.int16)


def keys_in_wav(path: Path) -> list[list[dtmf.Press]]:
    """Return the presses of each channel; raise :class:`WavError`."""
    return [keys_in_samples(channel) for channel in read_channels(path)]


def keys_in_samples(samples: NDArray[np.int16]) -> list[dtmf.Press]:
    """Return the presses in one channel at 8 kHz, int16 `(n,)`."""
    return dtmf.decode(np.ascontiguousarray(samples))
