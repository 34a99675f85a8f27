"""Stage 2, first part: what the tracks of candidate spans measure."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from dtmf.compiled import compiled
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

_FLOOR: Final = 1e-9
"Keeps shares of nothing finite."

_NOMINAL_HZ: Final = np.array([(low, high) for low in LOW_HZ for high in HIGH_HZ], float)
"The two tones of each of `KEYS`."

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
    heard = _heard(spans.track, spans.first, spans.last, spans.on, tested.unknown)
    nominal_hz = _NOMINAL_HZ[tested.keys[spans.track]]
    offset_hz, still, sums, coherence = _measure(spans.track, spans.first, heard, tested.pairs)
    return Steadiness(
        which=which,
        spans=spans,
        twist_db=twist_db[which],
        tones_hz=nominal_hz + offset_hz,
        error=np.maximum.reduce(np.abs(offset_hz / nominal_hz), axis=1).astype(np.float32),
        heard=heard,
        still=still,
        sums=sums,
        coherence=coherence,
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


@compiled
def _heard(track: Indices, first: Indices, last: Indices, on: Bools, unknown: Bools) -> Bools:
    """Return which points of each span, from its first on, are on and were received (k, hops)."""
    heard = np.zeros((len(track), on.shape[1]), np.bool_)
    for span in range(len(track)):
        points = slice(first[span], last[span] + 1)
        part = on[track[span], points]
        received = part & ~unknown[track[span], points]
        heard[span, : len(part)] = received if received.sum() >= _FEWEST_HEARD else part
    return heard


@compiled
def _measure(
    track: Indices, first: Indices, heard: Bools, pairs: Complexes
) -> tuple[Doubles, Complexes, Floats, Floats]:
    """Return how far the tones are from nominal in Hz, and still, sums and coherence as in `Steadiness`."""
    count, hops = heard.shape
    offset_hz = np.empty((count, 2))
    still = np.zeros((count, 2, hops), np.complex64)
    sums = np.empty((count, 2), np.float32)
    coherence = np.ones(count, np.float32)
    for span in range(count):
        for tone in range(2):
            phasors = np.zeros(hops, np.complex64)
            length = hops - first[span]
            phasors[:length] = pairs[track[span], tone, first[span] :] * heard[span, :length]
            turn = _turn_a_hop(phasors)
            offset_hz[span, tone] = turn / _TURN_A_HOP
            total, sizes = 0j, 0.0
            for hop in range(hops):
                if heard[span, hop]:
                    phasor = phasors[hop] * complex(math.cos(turn * hop), -math.sin(turn * hop))
                    still[span, tone, hop] = phasor
                    total += phasor
                    sizes += abs(phasor)
            sums[span, tone] = abs(total)
            coherence[span] = min(coherence[span], abs(total) / (sizes + _FLOOR))
    return offset_hz, still, sums, coherence


@compiled
def _turn_a_hop(phasors: Complexes) -> float:
    """Return by how much the phase turns from point to point, from its slope over ever longer lags."""
    turn = 0.0
    for lag in _LAGS:
        product = 0j
        for hop in range(len(phasors) - lag):
            product += phasors[hop].conjugate() * phasors[hop + lag]
        product *= complex(math.cos(turn * lag), -math.sin(turn * lag))
        turn += math.atan2(product.imag, product.real) / lag
    return turn


def steady(tested: Tested, spans: Spans, coherence: float, fewest: int) -> Bools:
    """Return which spans have so much coherence, and so many points that were heard."""
    heard = _heard(spans.track, spans.first, spans.last, spans.on, tested.unknown)
    _, _, _, found = _measure(spans.track, spans.first, heard, tested.pairs)
    points = np.add.reduce(heard, axis=1, dtype=np.intp)
    return np.asarray((found > coherence) & (points >= fewest))
