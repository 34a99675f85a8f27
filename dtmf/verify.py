"""Stage 2: what candidate spans measure, exactly, all of them at once. Only the few that stage 1 finds come here."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from dtmf.frames import RATE_HZ, Bools, Floats, Indices
from dtmf.keys import HIGH_HZ, LOW_HZ
from dtmf.limit_table import ToneLimits
from dtmf.residual import FIT_SAMPLES, Residual, fit_tones
from dtmf.rules import LOWEST_COHERENCE, Features
from dtmf.spans import Spans
from dtmf.tracks import HOP_SAMPLES, Complexes, centre_samples

_LAGS: Final = (2, 4, 8, 12)
"Track points between two phases: the first lag is short enough to be unambiguous, the last gives the precision."

_EDGE_HOPS: Final = 3
"7.5 ms at each end in which the window hears the tone only in part."

_FEWEST_HEARD: Final = 2 * _EDGE_HOPS
"Points; where less is known to have been received, what stands for the rest must do."

_HOPS_HZ: Final = RATE_HZ / HOP_SAMPLES

_FLOOR: Final = np.float32(1e-9)
"Keeps shares of nothing finite."

_FIT_HOPS: Final = FIT_SAMPLES // HOP_SAMPLES + 2
"Track points that the fitted samples touch."

_FIT_TIMES: Final = np.arange(FIT_SAMPLES)

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
    "The two tones of each candidate's key (c, hops, 2)."

    unknown: Bools
    "Which track points of each candidate a lost packet touches (c, hops)."


@dataclass(frozen=True, slots=True)
class _Aligned:
    """k spans side by side, each from its first point on: (k, hops)."""

    track: Complexes
    inside: Bools
    heard: Bools
    "On, and received."


def measure(tested: Tested, spans: Spans, limits: ToneLimits) -> tuple[Indices, Features]:
    """Return which spans no limit already rules out, and their features.

    `limits` has a row a candidate.
    """
    twist_db, allowed = _twist_db(spans, limits)
    which = np.flatnonzero(allowed)
    aligned = _align(tested, spans.take(which))
    nominal_hz = _nominal_hz(tested.keys[spans.track[which]])
    offset_hz = _offsets_hz(aligned.track * aligned.heard[..., None])
    error = (np.abs(offset_hz) / nominal_hz).max(axis=1)
    still = _hold_still(aligned.track, offset_hz)
    inner = _without_edges(aligned.heard)
    coherence, ripple = _steadiness(still, np.stack([aligned.heard, inner], axis=1))
    good = error <= limits.frequency_tolerance[spans.track[which]]
    good &= coherence[:, 0] >= LOWEST_COHERENCE
    kept = np.flatnonzero(good)
    which = which[kept]
    heard = aligned.heard[kept]
    fit = _fit(tested, spans.take(which), heard, (nominal_hz + offset_hz)[kept])
    return which, Features(
        frequency_error=error[kept].astype(np.float32),
        twist_db=twist_db[which],
        on_hops=_counts(heard),
        coherence=coherence[kept, 0],
        ripple=ripple[kept, 0],
        inner_coherence=coherence[kept, 1],
        inner_ripple=ripple[kept, 1],
        inner_hops=_counts(inner[kept]),
        snr_db=fit.snr_db,
        weaker_db=fit.weaker_db,
        peak_db=fit.peak_db,
        flatness_db=fit.flatness_db,
        jitter=_jitter(still[kept], aligned.inside[kept], heard, fit),
    )


def _twist_db(spans: Spans, limits: ToneLimits) -> tuple[Floats, Bools]:
    """Return how much stronger the high tone of each span is, and whether level and twist are within limits."""
    of = spans.track
    levels = spans.levels[of]
    twist_db = 20 * np.log10(levels[:, 1] / levels[:, 0])
    allowed = levels.min(axis=1) >= limits.lowest_amplitude[of]
    allowed &= twist_db <= limits.positive_twist_db[of]
    allowed &= twist_db >= -limits.negative_twist_db[of]
    return np.asarray(twist_db, np.float32), allowed


def _nominal_hz(keys: Indices) -> Doubles:
    return np.stack(
        [np.array(LOW_HZ, float)[keys // 4], np.array(HIGH_HZ, float)[keys % 4]], axis=1
    )


def _counts(points: Bools) -> Floats:
    return np.asarray(np.count_nonzero(points, axis=1), np.float32)


def _align(tested: Tested, spans: Spans) -> _Aligned:
    """Cut the spans out of their tracks."""
    longest = int((spans.last - spans.first).max(initial=0)) + 1
    hop = np.arange(longest)
    inside = hop <= (spans.last - spans.first)[:, None]
    place = spans.track[:, None], np.minimum(spans.first[:, None] + hop, spans.last[:, None])
    on = spans.on[place] & inside
    heard = on & ~tested.unknown[place]
    few = np.count_nonzero(heard, axis=1) < _FEWEST_HEARD
    heard[few] = on[few]
    return _Aligned(track=tested.pairs[place], inside=inside, heard=heard)


def _without_edges(heard: Bools) -> Bools:
    """Return the points that are not near either end of the span or of a hole in it, or all if these are too few."""
    inner = heard.copy()
    inner[:, :_EDGE_HOPS] = inner[:, -_EDGE_HOPS:] = False
    for shift in range(1, _EDGE_HOPS + 1):
        inner[:, shift:] &= heard[:, :-shift]
        inner[:, :-shift] &= heard[:, shift:]
    few = np.count_nonzero(inner, axis=1) < 2
    inner[few] = heard[few]
    return inner


def _offsets_hz(track: Complexes) -> Doubles:
    """Return how far each tone is from nominal (k, 2), from its phase slope over ever longer lags.

    `track` (k, hops, 2) is zero where nothing was heard.
    """
    turn = np.zeros((len(track), 2))
    mirrored = track.conj()
    for lag in _LAGS:
        product = (mirrored[:, :-lag] * track[:, lag:]).sum(axis=1)
        turn += np.angle(product * np.exp(-1j * lag * turn)) / lag
    return turn * _HOPS_HZ / (2 * np.pi)


def _hold_still(track: Complexes, offset_hz: Doubles) -> Complexes:
    """Return the track against the measured frequencies: constant for a pure tone."""
    turn = (-2 * np.pi / _HOPS_HZ) * offset_hz[:, None] * np.arange(track.shape[1])[:, None]
    return np.asarray(track * np.exp(1j * turn.astype(np.float32)))


def _steadiness(still: Complexes, points: Bools) -> tuple[Floats, Floats]:
    """Return coherence and ripple over each set of `points` (k, sets, hops), the worse of the two tones: (k, sets)."""
    lengths = np.abs(still)
    weights = points / np.maximum(np.count_nonzero(points, axis=2)[..., None], 1)
    # one product gives the means of phasor, length and squared length of both tones over every set
    parts = np.concatenate([still.real, still.imag, lengths, lengths * lengths], axis=2)
    real, imaginary, length, square = np.split(weights.astype(np.float32) @ parts, 4, axis=2)
    length += _FLOOR
    coherence = (np.hypot(real, imaginary) / length).min(axis=2)
    ripple = (np.sqrt(np.maximum(square - length * length, 0)) / length).max(axis=2)
    return coherence, ripple


def _fit(tested: Tested, spans: Spans, heard: Bools, tones_hz: Doubles) -> Residual:
    """Fit the tones to the samples of each span that were heard in full."""
    rows = tested.rows[spans.track]
    place = centre_samples(0) + spans.first[:, None] * HOP_SAMPLES + _FIT_TIMES
    samples = tested.samples[rows[:, None], np.minimum(place, tested.samples.shape[1] - 1)]
    lengths = np.minimum((spans.last - spans.first) * HOP_SAMPLES, FIT_SAMPLES)
    return fit_tones(samples, tones_hz, _whole(heard, lengths), lengths)


def _whole(heard: Bools, lengths: Indices) -> Bools:
    """Return which samples (k, 512) from the first point's middle on are heard in full: not in or beside a hole."""
    points = np.zeros((len(heard), _FIT_HOPS), np.bool_)
    hops = min(heard.shape[1], _FIT_HOPS)
    points[:, :hops] = heard[:, :hops]
    points[:, 1:hops] &= heard[:, : hops - 1]
    beside_hole = np.zeros_like(points)
    following = min(heard.shape[1] - 1, _FIT_HOPS)
    beside_hole[:, :following] = ~heard[:, 1 : following + 1]
    points &= ~beside_hole | (np.arange(_FIT_HOPS) >= lengths[:, None] // HOP_SAMPLES)
    half = HOP_SAMPLES // 2
    samples = np.repeat(points, HOP_SAMPLES, axis=1)[:, half : half + FIT_SAMPLES]
    return np.asarray(samples & (lengths[:, None] > _FIT_TIMES))


def _jitter(still: Complexes, inside: Bools, heard: Bools, fit: Residual) -> Floats:
    """Return the variance of the phases times signal over noise, the mean of the two tones."""
    mean = (still * inside[..., None]).sum(axis=1, keepdims=True)
    phases = np.angle(still * mean.conj())
    weights = (heard / np.maximum(np.count_nonzero(heard, axis=1)[:, None], 1))[..., None]
    average = (weights * phases).sum(axis=1, keepdims=True)
    variance = (weights * (phases - average) ** 2).sum(axis=1)
    return np.asarray((variance * fit.tone_over_rest).sum(axis=1) / 2, np.float32)
