"""Recorded speech, of every language whose package asterisk-core-sounds-*-wav is installed, is no key."""

import wave
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import resample_poly

from dtmf.frames import RATE_HZ, Pcm
from tests.dtmf.drive import mask, read

_SOUNDS = Path("/usr/share/asterisk/sounds")
_FILES = 120
_CALLS = 40

pytestmark = [
    pytest.mark.peer("asterisk-core-sounds-en-wav"),
    pytest.mark.skipif(not _SOUNDS.is_dir(), reason="no asterisk-core-sounds installed"),
]


def _speech() -> list[Pcm]:
    """Return an even choice of the recordings of every language, each once though folders link to each other.

    Joined and cut into calls of equal length, so that no call waits for the longest.
    """
    files = sorted({path.resolve() for path in _SOUNDS.rglob("*.wav")})
    recordings = []
    for path in files[:: max(1, len(files) // _FILES)]:
        with wave.open(str(path)) as file:
            if file.getframerate() == RATE_HZ and file.getnchannels() == 1:
                recordings.append(np.frombuffer(file.readframes(file.getnframes()), "<i2"))
    return [call.astype(np.int16) for call in np.array_split(np.concatenate(recordings), _CALLS)]


def _level(sound: NDArray[np.floating] | Pcm, gain: float) -> Pcm:
    return np.asarray(np.clip(np.rint(sound * gain), -32768, 32767), np.int16)


@pytest.mark.parametrize("gain", [0.3, 1.0, 2.0])
def test_speech_is_no_key(gain: float) -> None:
    calls = [_level(sound, gain) for sound in _speech()]
    assert read(calls) == [""] * _CALLS


@pytest.mark.parametrize("percent", [80, 92, 108, 125])
def test_faster_and_slower_speech_is_no_key_wherever_a_frame_begins(percent: int) -> None:
    calls = [
        _level(resample_poly(sound.astype(np.float64), 100, percent), 1.0)[shift:]
        for sound, shift in zip(_speech(), range(0, 4 * _CALLS, 4), strict=True)
    ]
    assert read(calls) == [""] * _CALLS


def test_two_at_once_are_no_key() -> None:
    sounds = _speech()
    length = min(map(len, sounds))
    calls = [
        _level(one[:length].astype(np.float64) + other[:length], 1.0)
        for one, other in pairwise(sounds)
    ]
    assert read(calls) == [""] * len(calls)


def test_speech_passes_the_gate() -> None:
    _, masked = mask(_speech())
    # the first frame of each slot is the hold, not a mask
    assert masked[:, 1:].mean() < 0.01
