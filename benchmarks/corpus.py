"""Recorded speech: the packages asterisk-core-sounds-*-wav and asterisk-moh-opsound-wav (apt), where installed.

The packages link folders to each other; every recording is taken once.
"""

import wave
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from scipy.signal import butter, lfilter, resample_poly, sosfilt

from benchmarks.rows import NotAvailableError
from benchmarks.signals import RATE_HZ, Pcm, Signal, at_level, coded, samples_of_ms

_SOUNDS: Final = Path("/usr/share/asterisk/sounds")
_MUSIC: Final = Path("/usr/share/asterisk/moh")

LANGUAGES: Final = ("en", "es", "fr", "it", "ru")

SPEEDS: Final = (*range(80, 121, 4), 125)
"Per cent: twelve speeds."

ALIGNMENTS: Final = (0, 53, 107)
"Samples by which the frames are moved: thirds of a frame."

GAP_MS: Final = 60
"Silence between recordings."

_PLAIN, _TWO, _TILTED, _LOW_PASSED = "plain", "two talkers", "tilted", "low-passed"
LINES: Final = (_PLAIN, _TWO, _TILTED, _LOW_PASSED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """One prompt."""

    language: str
    "ISO 639 code, from the folder's name (en_US_f_Allison)."

    gender: str
    "`f` or `m`, from the folder's name."

    pcm: Pcm


@cache
def speech() -> tuple[Recording, ...]:
    """Return every recording that is installed, in a constant order; empty where none is."""
    found = []
    for path in sorted({path.resolve() for path in _SOUNDS.rglob("*.wav")}):
        voice = path.relative_to(_SOUNDS).parts[0].split("_")
        gender = voice[2] if len(voice) > 2 else ""
        if voice[0] in LANGUAGES and (pcm := _read(path)) is not None:
            found.append(Recording(language=voice[0], gender=gender, pcm=pcm))
    return tuple(found)


@cache
def music() -> tuple[Pcm, ...]:
    """Return the music on hold that is installed."""
    paths = sorted({path.resolve() for path in _MUSIC.rglob("*.wav")})
    return tuple(pcm for path in paths if (pcm := _read(path)) is not None)


def _read(path: Path) -> Pcm | None:
    with wave.open(str(path)) as file:
        if (file.getframerate(), file.getnchannels(), file.getsampwidth()) != (RATE_HZ, 1, 2):
            return None
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.int16)


def require_speech() -> tuple[Recording, ...]:
    """Return the recordings; raise NotAvailableError where there are none."""
    if not (recordings := speech()):
        raise NotAvailableError("no package asterisk-core-sounds-*-wav is installed")
    return recordings


def joined(recordings: list[Pcm], level_dbm0: float) -> Signal:
    """Return recordings one after the other, each at `level_dbm0`, a gap between."""
    gap = np.zeros(samples_of_ms(GAP_MS))
    parts = [part for pcm in recordings for part in (at_level(pcm, level_dbm0), gap)]
    return np.concatenate([gap, *parts])


def variants(hours: float, level_dbm0: float = -15.0) -> Iterator[Pcm]:
    """Yield about `hours` of the recordings: every speed, line and alignment, each with an even share of them."""
    recordings = [recording.pcm for recording in require_speech()]
    total_h = sum(map(len, recordings)) / RATE_HZ / 3600
    count = len(SPEEDS) * len(LINES) * len(ALIGNMENTS)
    stride = max(1, int(count * total_h / hours))
    for number, percent in enumerate(SPEEDS):
        talk = joined(recordings[number % stride :: stride], level_dbm0)
        paced = resample_poly(talk, 100, percent)
        for line in LINES:
            sound = coded(at_level(_through(line, paced), level_dbm0))
            for shift in ALIGNMENTS:
                yield np.concatenate([np.zeros(shift, np.int16), sound])


def _through(line: str, sound: Signal) -> Signal:
    match line:
        case "two talkers":
            return sound + np.roll(sound, len(sound) // 2)
        case "tilted":  # 6 dB an octave towards the treble
            return np.asarray(lfilter([1.0, -0.95], [1.0], sound), np.float64)
        case "low-passed":
            low_pass = butter(4, 1900, fs=RATE_HZ, output="sos")
            return np.asarray(sosfilt(low_pass, sound), np.float64)
        case _:
            return sound
