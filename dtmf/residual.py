"""What least-squares fits of both tones leave of spans."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from dtmf.frames import RATE_HZ, Floats, Indices
from dtmf.sound import SOUND_SAMPLES, Sound

_HUM_HZ: Final = (50.0, 60.0)
"Mains hum is fitted with the tones, as are DC and a slope: it says nothing about a key."

_RIDGE: Final = 1e-3
"Hum and slope nearly depend on each other within 40 ms; this keeps their equations solvable and moves no tone."

_TIMES: Final = np.arange(SOUND_SAMPLES)

_TABLE_STEP: Final = 32

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
    samples, whole = sound.samples, sound.whole
    rows = np.concatenate(
        [_tones(tones_hz), np.broadcast_to(_BACKGROUND, (len(samples), *_BACKGROUND.shape))], axis=1
    )
    rows *= whole[:, None]
    weights = np.linalg.solve(rows @ rows.transpose(0, 2, 1) + _REGULAR, rows @ samples[..., None])
    rest = samples - (weights.transpose(0, 2, 1) @ rows)[:, 0]
    squares = weights[:, :2, 0] ** 2 + weights[:, 2:4, 0] ** 2 + _FLOOR
    heard = np.maximum(np.count_nonzero(whole, axis=1), 1)
    power = np.vecdot(rest, rest) / heard + _FLOOR
    peak, mean = _lines(rest, sound.lengths, heard)
    return Residual(
        snr_db=np.minimum(_db(squares.sum(axis=1) / 2 / power), _LARGEST_DB),
        weaker_db=np.minimum(_db(squares.min(axis=1) / 2 / power), _LARGEST_DB),
        peak_db=np.maximum(_db(peak / np.sqrt(squares.prod(axis=1))), -_LARGEST_DB),
        flatness_db=_db(peak / mean),
        tone_over_rest=squares / power[:, None],
    )


def _tones(tones_hz: Doubles) -> Doubles:
    """Return cosines, then sines, of both tones of k spans: (k, 4, 512).

    As products of two short tables: a thousand sines a span would cost more than the rest of the fit.
    """
    turn = 2j * np.pi / RATE_HZ * tones_hz[..., None]
    coarse = np.exp(turn * _TIMES[::_TABLE_STEP])
    fine = np.exp(turn * _TIMES[:_TABLE_STEP])
    phasors = (coarse[..., None] * fine[:, :, None]).reshape(*tones_hz.shape, SOUND_SAMPLES)
    return np.concatenate([phasors.real, phasors.imag], axis=1)


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
