"""Stage 2, first part: what the tracks of a candidate span measure."""

import math
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from dtmf.compiled import compiled
from dtmf.frames import RATE_HZ, Bools, Complexes, Floats
from dtmf.keys import HIGH_HZ, LOW_HZ
from dtmf.tracks import HOP_SAMPLES

_LAGS: Final = (2, 4, 8, 12)
"Track points between two phases: the first lag is short enough to be unambiguous, the last gives the precision."

_FEWEST_HEARD: Final = 6
"Points; where less is known to have been received, what stands for the rest must do."

_TURN_A_HOP: Final = 2 * np.pi * HOP_SAMPLES / RATE_HZ
"By how much the phase of a tone that is off by 1 Hz turns from point to point."

_FLOOR: Final = 1e-9
"Keeps shares of nothing finite."

_NOMINAL_HZ: Final = np.array([(low, high) for low in LOW_HZ for high in HIGH_HZ], float)
"The two tones of each of `KEYS`."

Doubles = npt.NDArray[np.float64]


class Steadiness(NamedTuple):
    """What the tracks tell of one span."""

    tones_hz: Doubles
    "As measured (2,)."

    error: float
    "The larger relative frequency error of both."

    heard: Bools
    "Which points are on and were received, from the first of the span on (hops,)."

    still: Complexes
    "The tones against the measured frequencies (2, hops): constant for pure ones, zero where not heard."

    sums: Floats
    "Amounts of the sums of these (2,)."

    coherence: float
    "How constant the phases are, 0 to 1; the worse of the two tones."


@compiled
def measure_steadiness(
    key: int, first: int, last: int, on: Bools, unknown: Bools, pairs: Complexes
) -> Steadiness:
    """Return what the tracks `pairs` (2, hops) of `key` tell of a span; `on` and `unknown` (hops,) mark its points."""
    heard = _heard(first, last, on, unknown)
    tones_hz, sums = np.empty(2), np.empty(2, np.float32)
    still = np.zeros(pairs.shape, np.complex64)
    error, coherence = 0.0, 1.0
    for tone in range(2):
        offset_hz = _offset_hz(pairs[tone, first:], heard)
        nominal = _NOMINAL_HZ[key, tone]
        tones_hz[tone] = nominal + offset_hz
        error = max(error, abs(offset_hz) / nominal)
        sums[tone], share = _hold_still(pairs[tone, first:], heard, offset_hz, still[tone])
        coherence = min(coherence, share)
    return Steadiness(tones_hz, error, heard, still, sums, coherence)


@compiled
def _heard(first: int, last: int, on: Bools, unknown: Bools) -> Bools:
    """Return which points of a span, from its first on, are on and were received (hops,)."""
    heard = np.zeros(len(on), np.bool_)
    received = 0
    for hop in range(first, last + 1):
        heard[hop - first] = on[hop] and not unknown[hop]
        received += heard[hop - first]
    if received < _FEWEST_HEARD:
        heard[: last + 1 - first] = on[first : last + 1]
    return heard


@compiled
def _hold_still(
    tone: Complexes, heard: Bools, offset_hz: float, still: Complexes
) -> tuple[float, float]:
    """Turn a tone back by what it is off, to `still`; return the amount of its sum, and its coherence."""
    back, step = 1 + 0j, _turned(-offset_hz * _TURN_A_HOP)
    total, sizes = 0j, 0.0
    for hop in range(len(tone)):
        if heard[hop]:
            phasor = tone[hop] * back
            still[hop] = phasor
            total += phasor
            sizes += _size(phasor)
        back *= step
    return _size(total), _size(total) / (sizes + _FLOOR)


@compiled
def _offset_hz(tone: Complexes, heard: Bools) -> float:
    """Return how far a tone is from nominal, from the slope of its phase over ever longer lags."""
    phasors = np.zeros(len(heard), np.complex64)
    for hop in range(len(tone)):
        if heard[hop]:
            phasors[hop] = tone[hop]
    turn = 0.0
    for lag in _LAGS:
        product = 0j
        for hop in range(len(phasors) - lag):
            product += phasors[hop].conjugate() * phasors[hop + lag]
        product *= _turned(-turn * lag)
        turn += math.atan2(product.imag, product.real) / lag
    return turn / _TURN_A_HOP


@compiled
def _turned(angle: float) -> complex:
    return complex(math.cos(angle), math.sin(angle))


@compiled
def _size(phasor: complex) -> float:
    """Return what `abs` does, without its care for numbers near the ends of the range: a third of the time."""
    return math.sqrt(phasor.real * phasor.real + phasor.imag * phasor.imag)
