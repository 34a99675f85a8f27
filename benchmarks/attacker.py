"""Somebody at the agent's ear who knows when each key was pressed, and guesses which it was.

For each of the ten digits it takes the largest share that both of the digit's tones have of what is heard in any 5
to 25 ms from 50 ms before the press to 150 ms after it, every millisecond tried, weighed by loudness; it leaves out
what belongs to the keys before and after. It guesses the digit that explains most. Whoever knows nothing is right in
10 %.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.random import Generator
from numpy.typing import NDArray

from benchmarks.rows import Figure, share
from benchmarks.signals import DIGITS, RATE_HZ, Pcm, Press, samples_of_ms
from dtmf.keys import LOW_HZ, tones_hz

_WINDOWS_MS: Final = (5, 8, 13, 20, 25)

_STEP: Final = 8
"Samples from window to window: 1 ms."

_BEFORE_MS: Final = 50
_AFTER_MS: Final = 150

_AUDIBLE: Final = 25.0
"Mean square below which there is only the rounding of G.711."

_HIGH_HZ: Final = (1209, 1336, 1477)
"Columns of the ten digits."

_ROWS: Final = np.array([LOW_HZ.index(tones_hz(digit)[0]) for digit in DIGITS])
_COLUMNS: Final = np.array([_HIGH_HZ.index(tones_hz(digit)[1]) for digit in DIGITS])


def _tones(width: int) -> NDArray[np.float64]:
    """Return an orthonormal sine and cosine of each of the seven tones, (width, 14)."""
    t = np.arange(width) * (2 * np.pi / RATE_HZ)
    bases = [
        np.linalg.qr(np.stack([np.cos(hz * t), np.sin(hz * t)], axis=1))[0]
        for hz in (*LOW_HZ, *_HIGH_HZ)
    ]
    return np.concatenate(bases, axis=1)


_TONES: Final = {samples_of_ms(width): _tones(samples_of_ms(width)) for width in _WINDOWS_MS}


def evidence(audio: Pcm) -> NDArray[np.float64]:
    """Return how strongly `audio` speaks for each of the ten digits, (10,); all 0 where it is silent."""
    best = np.zeros(len(DIGITS))
    sound = audio.astype(np.float64)
    for width, tones in _TONES.items():
        if len(sound) < width:
            continue
        windows = sliding_window_view(sound, width)[::_STEP]
        power = np.mean(windows**2, axis=1)
        heard = power > _AUDIBLE
        if not heard.any():
            continue
        windows, power = windows[heard], power[heard]
        products = (windows @ tones) ** 2
        shares = (products[:, 0::2] + products[:, 1::2]) / (width * power)[:, None]
        both = np.minimum(shares[:, _ROWS], shares[:, len(LOW_HZ) + _COLUMNS])
        best = np.maximum(best, (both * np.log10(power + 1)[:, None]).max(axis=0))
    return best


def guess(audio: Pcm, rng: Generator) -> str:
    """Return the digit that `audio` speaks for most, any of those that it speaks for equally."""
    scores = evidence(audio)
    return DIGITS[int(rng.choice(np.flatnonzero(scores == scores.max())))]


def attack(
    calls: Sequence[Pcm], presses: Sequence[Sequence[Press]], delay: int, rng: Generator
) -> Figure:
    """Return the share of presses guessed right in `calls`, heard `delay` samples after they were pressed."""
    right = total = 0
    for audio, known in zip(calls, presses, strict=True):
        for press, (start, end) in zip(known, spans(known, len(audio)), strict=True):
            right += guess(audio[start + delay : end + delay], rng) == press.key
            total += 1
    return share(right, total)


def spans(presses: Sequence[Press], length: int) -> list[tuple[int, int]]:
    """Return where to listen for each press: around it, up to its neighbours."""
    before, after = samples_of_ms(_BEFORE_MS), samples_of_ms(_AFTER_MS)
    ends = [0, *(press.end for press in presses[:-1])]
    starts = [*(press.start for press in presses[1:]), length]
    return [
        (max(press.start - before, end_before), min(press.end + after, next_start))
        for press, end_before, next_start in zip(presses, ends, starts, strict=True)
    ]
