"""Keys as they come over a line: tone pairs, pauses, noise and G.711. All chance is the caller's generator.

Levels are dBm0 of one tone of the pair (ITU-T Q.24 counts them so); signals are float on the int16 scale.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from bridge.rtp.g711 import DECODE, ENCODE, MU_LAW
from dtmf.keys import KEYS, tones_hz
from dtmf.tones import amplitude

RATE_HZ: Final = 8000
FRAME: Final = 160

DIGITS: Final = "0123456789"

Signal = NDArray[np.float64]
Pcm = NDArray[np.int16]
Bools = NDArray[np.bool_]
KeyChoice = Callable[[Generator], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Press:
    """Where one key is in a signal: samples, `end` exclusive."""

    key: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyed:
    """A signal and the presses in it."""

    signal: Signal
    presses: Sequence[Press]

    @property
    def keys(self) -> str:
        """The keys in order."""
        return "".join(press.key for press in self.presses)


def sixteen_keys(rng: Generator) -> str:
    """Return every key once, in any order."""
    return "".join(rng.permutation(list(KEYS)))


def sixteen_digits(rng: Generator) -> str:
    """Return as many digits as a card number has."""
    return "".join(rng.choice(list(DIGITS), 16))


def samples_of_ms(ms: float) -> int:
    """Return `ms` milliseconds in samples."""
    return round(ms * RATE_HZ / 1000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Keying:
    """How somebody keys. Ranges are uniform; a range of no width is a constant."""

    keys: KeyChoice = sixteen_keys
    on_ms: tuple[float, float] = (50, 50)
    off_ms: tuple[float, float] = (50, 50)
    lead_ms: tuple[float, float] = (60, 120)
    "Silence before the first key: a random place in the frame."
    low_dbm0: float = -10.0
    high_dbm0: float = -10.0
    low_error: float = 0.0
    "Relative; 0.015 is +1.5 %."
    high_error: float = 0.0
    random_error: float = 0.0
    "Each tone is off by up to this much more, either way, another for each key."

    def play(self, rng: Generator) -> Keyed:
        """Return one entry, 100 ms of silence after it."""
        parts: list[Signal] = [np.zeros(samples_of_ms(rng.uniform(*self.lead_ms)))]
        presses, place = [], len(parts[0])
        for key in self.keys(rng):
            pair = self._pair(key, samples_of_ms(rng.uniform(*self.on_ms)), rng)
            pause = np.zeros(samples_of_ms(rng.uniform(*self.off_ms)))
            presses.append(Press(key=key, start=place, end=place + len(pair)))
            parts += [pair, pause]
            place += len(pair) + len(pause)
        signal = np.concatenate([*parts, np.zeros(samples_of_ms(100))])
        return Keyed(signal=signal, presses=presses)

    def _pair(self, key: str, samples: int, rng: Generator) -> Signal:
        t = np.arange(samples) * (2 * np.pi / RATE_HZ)
        pair = np.zeros(samples)
        errors = np.array([self.low_error, self.high_error])
        errors += rng.uniform(-self.random_error, self.random_error, 2)
        for hz, level, error in zip(
            tones_hz(key), (self.low_dbm0, self.high_dbm0), errors, strict=True
        ):
            phase = rng.uniform(0, 2 * np.pi)
            pair += amplitude(level) * np.sin(hz * (1 + error) * t + phase)
        return pair


def white_noise(samples: int, level_dbm0: float, rng: Generator) -> Signal:
    """Return white noise with the power of a sine of `level_dbm0`."""
    return rng.normal(0, amplitude(level_dbm0) / np.sqrt(2), samples)


def at_level(sound: NDArray[np.floating] | Pcm, level_dbm0: float) -> Signal:
    """Return `sound` so loud that what is no pause in it has the power of a sine of `level_dbm0`."""
    values = np.asarray(sound, np.float64)
    loud = values[np.abs(values) > 0.003 * np.abs(values).max(initial=0.0)]
    if not len(loud):
        return values
    rms = float(np.sqrt(np.mean(loud**2)))
    return np.asarray(values * (amplitude(level_dbm0) / np.sqrt(2) / rms), np.float64)


def rounded(signal: Signal) -> Pcm:
    """Return `signal` as int16, clipped."""
    return np.asarray(np.clip(np.rint(signal), -32768, 32767), np.int16)


def coded(signal: Signal, *laws: int) -> Pcm:
    """Return what is left of `signal` after G.711 in each of `laws`, one after the other (mu-law if none is named)."""
    pcm = rounded(signal)
    for law in laws or (MU_LAW,):
        pcm = DECODE[law][ENCODE[law][pcm.view(np.uint16)]]
    return pcm
