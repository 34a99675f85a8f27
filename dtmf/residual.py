"""What least-squares fits of both tones leave of spans."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from dtmf.compiled import compiled, compiled_sum
from dtmf.frames import RATE_HZ, Bools, Floats, Indices
from dtmf.sound import SOUND_SAMPLES, Sound

_HUM_HZ: Final = (50.0, 60.0)
"Mains hum is fitted with the tones, as are DC and a slope: it says nothing about a key."

_RIDGE: Final = 1e-3
"Hum and slope nearly depend on each other within 40 ms; this keeps their equations solvable and moves no tone."

_TIMES: Final = np.arange(SOUND_SAMPLES)

Doubles = npt.NDArray[np.float64]


def _background() -> npt.NDArray[np.float64]:
    """Return what is fitted beside the tones, (6, 512): hum, DC and a slope."""
    phase = 2 * np.pi / RATE_HZ * np.outer(_HUM_HZ, _TIMES)
    level = np.ones((1, SOUND_SAMPLES))
    return np.concatenate([np.cos(phase), np.sin(phase), level, _TIMES[None] / SOUND_SAMPLES])


_BACKGROUND: Final = _background()
_REGULAR: Final = _RIDGE * np.eye(4 + len(_BACKGROUND))

_LARGEST_DB: Final = 60.0
"A cleaner signal than this is as good."

_FLOOR: Final = 1e-3
"Power below any int16 signal's, so that silence has a logarithm."


@dataclass(frozen=True, slots=True)
class Residual:
    """The rest of k spans without their tones, against them; each (k,)."""

    snr_db: Floats
    weaker_db: Floats
    peak_db: Floats
    flatness_db: Floats

    tone_over_rest: Doubles
    "Squared amplitude of each tone over the variance of the rest (k, 2)."


def fit_tones(sound: Sound, tones_hz: Doubles) -> Residual:
    """Fit both tones (k, 2), DC, a slope and mains hum to k spans, and judge the rest."""
    parts = _parts(sound.whole, tones_hz)
    normal, right = _equations(parts, sound.samples)
    solved = np.linalg.solve(normal + _REGULAR, right[..., None])
    weights = np.asarray(solved[..., 0], np.float64)
    rest = _rest(parts, sound.samples, weights)
    squares = weights[:, :2] ** 2 + weights[:, 2:4] ** 2 + _FLOOR
    heard = np.maximum(np.count_nonzero(sound.whole, axis=1), 1)
    power = np.vecdot(rest, rest) / heard + _FLOOR
    peak, mean = _lines(rest, sound.lengths, heard)
    return Residual(
        snr_db=np.minimum(_db(squares.sum(axis=1) / 2 / power), _LARGEST_DB),
        weaker_db=np.minimum(_db(squares.min(axis=1) / 2 / power), _LARGEST_DB),
        peak_db=np.maximum(_db(peak / np.sqrt(squares.prod(axis=1))), -_LARGEST_DB),
        flatness_db=_db(peak / mean),
        tone_over_rest=squares / power[:, None],
    )


@compiled
def _parts(whole: Bools, tones_hz: Doubles) -> Doubles:
    """Return what is fitted to k spans, zero where they are not whole: cosines, sines of both tones, background."""
    count, length = whole.shape
    parts = np.empty((count, 4 + len(_BACKGROUND), length))
    for span in range(count):
        for tone in range(2):
            angle = 2 * math.pi / RATE_HZ * tones_hz[span, tone]
            phasor, step = 1 + 0j, complex(math.cos(angle), math.sin(angle))
            for time in range(length):
                parts[span, tone, time] = phasor.real * whole[span, time]
                parts[span, 2 + tone, time] = phasor.imag * whole[span, time]
                phasor *= step
        for part in range(len(_BACKGROUND)):
            for time in range(length):
                parts[span, 4 + part, time] = _BACKGROUND[part, time] * whole[span, time]
    return parts


@compiled
def _equations(parts: Doubles, samples: Floats) -> tuple[Doubles, Doubles]:
    """Return the normal equations of fits of `parts` (k, p, 512) to `samples` (k, 512): (k, p, p) and (k, p)."""
    spans, count, _ = parts.shape
    normal, right = np.empty((spans, count, count)), np.empty((spans, count))
    for span in range(spans):
        for one in range(count):
            right[span, one] = _product(parts[span, one], samples[span])
            for other in range(one + 1):
                product = _product(parts[span, one], parts[span, other])
                normal[span, one, other] = normal[span, other, one] = product
    return normal, right


@compiled_sum
def _product(one: Doubles, other: Doubles | Floats) -> float:
    total = 0.0
    for time in range(len(one)):
        total += one[time] * other[time]
    return total


@compiled
def _rest(parts: Doubles, samples: Floats, weights: Doubles) -> Doubles:
    """Return `samples` (k, 512) without their `parts`, each by its weight (k, p)."""
    rest = samples.astype(np.float64)
    for span in range(len(rest)):
        for part in range(parts.shape[1]):
            for time in range(rest.shape[1]):
                rest[span, time] -= weights[span, part] * parts[span, part, time]
    return rest


def _lines(rest: Doubles, lengths: Indices, heard: Indices) -> tuple[Doubles, Doubles]:
    """Return the strongest and the mean line of each rest, scaled so that a sine of amplitude a has a squared."""
    peak, mean = np.empty(len(rest)), np.empty(len(rest))
    for index, length in enumerate(lengths):
        spectrum = np.fft.rfft(rest[index, :length])[1:]
        power = np.square(spectrum.real) + np.square(spectrum.imag)
        peak[index], mean[index] = power.max(), power.mean()
    scale = (2 / heard) ** 2
    return peak * scale + _FLOOR, mean * scale + _FLOOR


def _db(ratio: Doubles) -> Floats:
    return np.asarray(10 * np.log10(ratio), np.float32)
