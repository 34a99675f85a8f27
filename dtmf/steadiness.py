"""Stage 2, first part: what the tracks of candidate spans measure, all of them at once.

A handful of spans a batch: what it costs is the number of NumPy calls, so that tones lie in rows, (k, 2, hops), sums
are products, and what is as cheap for all spans is not spared to some.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from dtmf.frames import RATE_HZ, Bools, Complexes, Floats, Indices
from dtmf.keys import HIGH_HZ, LOW_HZ
from dtmf.limit_table import ToneLimits
from dtmf.spans import Spans
from dtmf.tracks import HOP_SAMPLES

_LAGS: Final = (2, 4, 8, 12)
"Track points between two phases: the first lag is short enough to be unambiguous, the last gives the precision."

_FEWEST_HEARD: Final = 6
"Points; where less is known to have been received, what stands for the rest must do."

_TURN_A_HOP: Final = 2 * np.pi * HOP_SAMPLES / RATE_HZ
"By how much the phase of a tone that is off by 1 Hz turns from point to point."

_FLOOR: Final = np.float32(1e-9)
"Keeps shares of nothing finite."

_NOMINAL_HZ: Final = np.array([(low, high) for low in LOW_HZ for high in HIGH_HZ], float)
"The two tones of each of `KEYS`."

_BOTH: Final = np.array([[[0], [1]]])
_HOPS: Final = np.arange(64, dtype=np.float32)

Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Tested:
    """c candidates: where stage 2 looks for each key."""

    rows: Indices
    "Row of `samples` of each (c,)."

    keys: Indices
    "Key of each (c,), an index in `KEYS`."

    samples: Floats
    "The history of m slots (m, s)."

    pairs: Complexes
    "The two tones of each candidate's key (c, 2, hops)."

    unknown: Bools
    "Which track points of each candidate a lost packet touches (c, hops)."


@dataclass(frozen=True, slots=True)
class Steadiness:
    """What the tracks of k spans tell."""

    which: Indices
    "Which of the spans given they are (k,), ascending."

    spans: Spans

    twist_db: Floats
    "High over low tone (k,)."

    tones_hz: Doubles
    "As measured (k, 2)."

    error: Floats
    "The larger relative frequency error (k,)."

    heard: Bools
    "Which points are on and were received, from the first of each span on (k, hops)."

    still: Complexes
    "The tones against the measured frequencies (k, 2, hops): constant for pure ones, zero where not heard."

    sums: Floats
    "Size of the sum of each tone's still phasors (k, 2)."

    coherence: Floats
    "That over the sum of their sizes: 1 for a sine. The worse of the two tones (k,)."

    def take(self, rows: Indices) -> "Steadiness":
        """Return some of them."""
        return Steadiness(
            which=self.which[rows],
            spans=self.spans.take(rows),
            twist_db=self.twist_db[rows],
            tones_hz=self.tones_hz[rows],
            error=self.error[rows],
            heard=self.heard[rows],
            still=self.still[rows],
            sums=self.sums[rows],
            coherence=self.coherence[rows],
        )


def measure_steadiness(tested: Tested, spans: Spans, limits: ToneLimits) -> Steadiness:
    """Return what the tracks tell of those spans whose level and twist are within limits, a row a candidate."""
    twist_db, allowed = _twist_db(spans, limits)
    which = np.flatnonzero(allowed)
    spans = spans.take(which)
    tones, heard = _align(tested, spans)
    nominal_hz = _NOMINAL_HZ[tested.keys[spans.track]]
    offset_hz = _offsets_hz(tones)
    still = _hold_still(tones, offset_hz)
    sums = np.abs(np.add.reduce(still, axis=2))
    coherence = sums / (np.add.reduce(np.abs(tones), axis=2) + _FLOOR)
    return Steadiness(
        which=which,
        spans=spans,
        twist_db=twist_db[which],
        tones_hz=nominal_hz + offset_hz,
        error=np.maximum.reduce(np.abs(offset_hz / nominal_hz), axis=1).astype(np.float32),
        heard=heard,
        still=still,
        sums=sums,
        coherence=np.minimum(coherence[:, 0], coherence[:, 1]),
    )


def _twist_db(spans: Spans, limits: ToneLimits) -> tuple[Floats, Bools]:
    """Return how much stronger the high tone of each span is, and whether level and twist are within limits."""
    low, high = spans.levels[:, 0], spans.levels[:, 1]
    twist_db = 20 * np.log10(high / low)
    lowest = limits.lowest_amplitude[spans.track]
    allowed = (low >= lowest) & (high >= lowest)
    allowed &= twist_db <= limits.positive_twist_db[spans.track]
    allowed &= twist_db >= -limits.negative_twist_db[spans.track]
    return np.asarray(twist_db, np.float32), allowed


def _align(tested: Tested, spans: Spans) -> tuple[Complexes, Bools]:
    """Cut the spans out of their tracks: the tones (k, 2, hops), zero where not heard, and what was (k, hops)."""
    lengths = spans.last - spans.first
    hop = np.arange(int(lengths.max(initial=0)) + 1)
    inside = hop <= lengths[:, None]
    track, place = spans.track[:, None], np.minimum(spans.first[:, None] + hop, spans.last[:, None])
    on = spans.on[track, place] & inside
    heard = on & ~tested.unknown[track, place]
    few = np.add.reduce(heard, axis=1, dtype=np.intp) < _FEWEST_HEARD
    np.copyto(heard, on, where=few[:, None])
    return tested.pairs[track[..., None], _BOTH, place[:, None]] * heard[:, None], heard


def _offsets_hz(tones: Complexes) -> Doubles:
    """Return how far each tone is from nominal (k, 2), from its phase slope over ever longer lags."""
    turn = np.zeros(tones.shape[:2])
    for lag in _LAGS:
        if lag >= tones.shape[2]:
            break
        product = np.vecdot(tones[..., :-lag], tones[..., lag:]) * np.exp(-1j * lag * turn)
        turn += np.arctan2(product.imag, product.real) / lag
    return turn / _TURN_A_HOP


def _hold_still(tones: Complexes, offset_hz: Doubles) -> Complexes:
    """Return the tones against the measured frequencies."""
    turn = (-1j * _TURN_A_HOP * offset_hz).astype(np.complex64)
    return np.asarray(tones * np.exp(turn[..., None] * _HOPS[: tones.shape[2]]))
