"""What a least-squares fit of both tones leaves of a span."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from dtmf.frames import RATE_HZ, Bools, Floats

_FIT_SAMPLES: Final = 512
"64 ms: more adds no certainty and costs time."

_HUM_HZ: Final = (50.0, 60.0)
"Mains hum is fitted with the tones, as are DC and a slope: it says nothing about a key."

_RIDGE: Final = 1e-3
"Hum and slope nearly depend on each other within 40 ms; this keeps their equations solvable and moves no tone."

_TIMES: Final = np.arange(_FIT_SAMPLES)


def _background() -> npt.NDArray[np.float64]:
    """Return what is fitted beside the tones, (6, 512): hum, DC and a slope."""
    phase = 2 * np.pi / RATE_HZ * np.outer(_HUM_HZ, _TIMES)
    level = np.ones((1, _FIT_SAMPLES))
    return np.concatenate([np.cos(phase), np.sin(phase), level, _TIMES[None] / _FIT_SAMPLES])


_BACKGROUND: Final = _background()
_REGULAR: Final = _RIDGE * np.eye(4 + len(_BACKGROUND))

_LARGEST_DB: Final = 60.0
"A cleaner signal than this is as good."

_FLOOR: Final = 1e-3
"Power below any int16 signal's, so that silence has a logarithm."


@dataclass(frozen=True, slots=True)
class Residual:
    """The rest of a span without its tones, against them."""

    snr_db: float
    weaker_db: float
    peak_db: float
    flatness_db: float

    tone_over_rest: npt.NDArray[np.float64]
    "Squared amplitude of each tone over the variance of the rest."


def fit_tones(signal: Floats, tones_hz: npt.NDArray[np.float64], whole: Bools) -> Residual:
    """Fit both tones, DC, a slope and mains hum to the `whole` samples (s,) of `signal` (s,), and judge the rest."""
    signal, whole = signal[:_FIT_SAMPLES], whole[:_FIT_SAMPLES]
    count = len(signal)
    phase = np.outer(2 * np.pi / RATE_HZ * tones_hz, _TIMES[:count])
    rows = np.concatenate([np.cos(phase), np.sin(phase), _BACKGROUND[:, :count]])
    rows *= whole
    weights = np.linalg.solve(rows @ rows.T + _REGULAR, rows @ signal)
    rest = signal * whole - weights @ rows
    squares = weights[:2] ** 2 + weights[2:4] ** 2 + _FLOOR
    heard = max(1, int(np.count_nonzero(whole)))
    power = float(rest @ rest) / heard + _FLOOR
    # scaled so that a sine of amplitude a in the rest is a line of a squared
    lines = np.abs(np.fft.rfft(rest))[1:] ** 2 * (2 / heard) ** 2 + _FLOOR
    peak = float(lines.max())
    return Residual(
        snr_db=min(_db(float(squares.sum()) / 2 / power), _LARGEST_DB),
        weaker_db=min(_db(float(squares.min()) / 2 / power), _LARGEST_DB),
        peak_db=max(_db(peak / float(np.sqrt(squares.prod()))), -_LARGEST_DB),
        flatness_db=_db(peak / float(lines.mean())),
        tone_over_rest=squares / power,
    )


def _db(ratio: float) -> float:
    return 10 * float(np.log10(ratio))
