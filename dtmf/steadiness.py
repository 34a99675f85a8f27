"""Stage 2, first part: what the tracks of candidate spans measure."""

import math
from typing import Final, NamedTuple

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


class Tested(NamedTuple):
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


class Steadiness(NamedTuple):
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
    which, twist_db = _allowed(
        spans.track,
        spans.levels,
        limits.lowest_amplitude,
        limits.positive_twist_db,
        limits.negative_twist_db,
    )
    spans = spans.take(which)
    heard = _heard(spans.track, spans.first, spans.last, spans.on, tested.unknown)
    offset_hz, still, sums, coherence = _measure(spans.track, spans.first, heard, tested.pairs)
    tones_hz, error = _frequencies(tested.keys, spans.track, offset_hz)
    return Steadiness(
        which=which,
        spans=spans,
        twist_db=twist_db,
        tones_hz=tones_hz,
        error=error,
        heard=heard,
        still=still,
        sums=sums,
        coherence=coherence,
    )


@compiled
def _allowed(
    track: Indices, levels: Floats, lowest: Floats, positive_db: Floats, negative_db: Floats
) -> tuple[Indices, Floats]:
    """Return which spans have levels and twist within limits, and how much stronger their high tone is in dB."""
    which = np.empty(len(track), np.intp)
    twist_db = np.empty(len(track), np.float32)
    count = 0
    for span in range(len(track)):
        low, high = levels[span]
        of = track[span]
        if min(low, high) < lowest[of] or low == 0:
            continue
        twist = 20 * math.log10(high / low)
        if -negative_db[of] <= twist <= positive_db[of]:
            which[count], twist_db[count] = span, twist
            count += 1
    return which[:count].copy(), twist_db[:count].copy()


@compiled
def _frequencies(keys: Indices, track: Indices, offset_hz: Doubles) -> tuple[Doubles, Floats]:
    """Return the frequencies of both tones (k, 2) and the larger of their relative errors (k,)."""
    tones_hz = np.empty(offset_hz.shape)
    error = np.zeros(len(track), np.float32)
    for span in range(len(track)):
        for tone in range(2):
            nominal = _NOMINAL_HZ[keys[track[span]], tone]
            tones_hz[span, tone] = nominal + offset_hz[span, tone]
            error[span] = max(error[span], abs(offset_hz[span, tone]) / nominal)
    return tones_hz, error


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
            back, step = 1 + 0j, _turned(-turn)
            total, sizes = 0j, 0.0
            for hop in range(length):
                if heard[span, hop]:
                    phasor = phasors[hop] * back
                    still[span, tone, hop] = phasor
                    total += phasor
                    sizes += _size(phasor)
                back *= step
            sums[span, tone] = _size(total)
            coherence[span] = min(coherence[span], _size(total) / (sizes + _FLOOR))
    return offset_hz, still, sums, coherence


@compiled
def _turn_a_hop(phasors: Complexes) -> float:
    """Return by how much the phase turns from point to point, from its slope over ever longer lags."""
    turn = 0.0
    for lag in _LAGS:
        product = 0j
        for hop in range(len(phasors) - lag):
            product += phasors[hop].conjugate() * phasors[hop + lag]
        product *= _turned(-turn * lag)
        turn += math.atan2(product.imag, product.real) / lag
    return turn


@compiled
def _turned(angle: float) -> complex:
    return complex(math.cos(angle), math.sin(angle))


@compiled
def _size(phasor: complex) -> float:
    """Return what `abs` does, without its care for numbers near the ends of the range: a third of the time."""
    return math.sqrt(phasor.real * phasor.real + phasor.imag * phasor.imag)


def steady(tested: Tested, spans: Spans, coherence: float, fewest: int) -> Bools:
    """Return which spans have so much coherence, and so many points that were heard."""
    heard = _heard(spans.track, spans.first, spans.last, spans.on, tested.unknown)
    _, _, _, found = _measure(spans.track, spans.first, heard, tested.pairs)
    points = np.add.reduce(heard, axis=1, dtype=np.intp)
    return np.asarray((found > coherence) & (points >= fewest))
