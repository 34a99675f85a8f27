"""Somebody on the agent's leg who knows when each key was pressed, and guesses which it was.

For each digit it takes the best share that the digit's two tones have of any 5 to 25 ms near the press, weighed
by loudness, and guesses the digit that explains most. Among ten digits chance is 10 %.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.random import Generator
from numpy.typing import NDArray

from dtmf.frames import RATE_HZ, Pcm
from dtmf.keys import tones_hz
from tests.dtmf.signals import ms

DIGITS: Final = "0123456789"

_WIDTHS_MS: Final = (5, 8, 13, 20, 25)
_HOP: Final = 8

_BEFORE_MS: Final = 50
_AFTER_MS: Final = 150
"Listens around the press, as the audio comes late by an unknown time."

_HEARABLE: Final = 25.0
"Mean square below this is the rounding of the codec."


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownPress:
    """A press as the attacker knows it, and the digit that it does not."""

    digit: str
    start: int
    end: int


_TONES_HZ: Final = tuple(sorted({hz for digit in DIGITS for hz in tones_hz(digit)}))

_OF_DIGIT: Final = [[_TONES_HZ.index(hz) for hz in tones_hz(digit)] for digit in DIGITS]
"Indices in `_TONES_HZ` of each digit's tones."


def _tone_bases(width: int) -> NDArray[np.float64]:
    """Return orthonormal bases of every tone, (width, 2 * tones): cosine and sine of one beside each other."""
    t = np.arange(width) * (2 * np.pi / RATE_HZ)
    pairs = [np.stack([np.cos(hz * t), np.sin(hz * t)], axis=1) for hz in _TONES_HZ]
    return np.concatenate([np.linalg.qr(pair)[0] for pair in pairs], axis=1)


_BASES: Final = {ms(width): _tone_bases(ms(width)) for width in _WIDTHS_MS}


def guess(audio: Pcm, rng: Generator) -> str:
    """Return the digit that `audio` gives away most, or any if it gives away nothing."""
    evidence = np.zeros(len(DIGITS))
    for width, bases in _BASES.items():
        windows = sliding_window_view(audio.astype(np.float64), width)[::_HOP]
        power = np.mean(windows**2, axis=1)
        heard = windows[power > _HEARABLE]
        if not len(heard):
            continue
        power = power[power > _HEARABLE]
        energy = ((heard @ bases) ** 2).reshape(len(heard), len(_TONES_HZ), 2).sum(axis=2)
        shares = energy / (width * power[:, None])
        for index, (low, high) in enumerate(_OF_DIGIT):
            weighed = np.minimum(shares[:, low], shares[:, high]) * np.log10(power + 1)
            evidence[index] = max(evidence[index], float(weighed.max()))
    return DIGITS[int(rng.choice(np.flatnonzero(evidence == evidence.max())))]


def share_right(audio: Pcm, presses: list[list[KnownPress]], delay: int, rng: Generator) -> float:
    """Return the share of presses guessed right; `audio` is (calls, samples), `delay` what the gate adds."""
    right = total = 0
    for call, known in zip(audio, presses, strict=True):
        for press in known:
            start = max(0, press.start + delay - ms(_BEFORE_MS))
            stop = press.end + delay + ms(_AFTER_MS)
            right += guess(call[start:stop], rng) == press.digit
            total += 1
    return right / total
