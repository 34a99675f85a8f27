"""Stage 2: what a candidate span measures, exactly. Only the few candidates that stage 1 finds come here."""

import cmath
from typing import Final

import numpy as np
import numpy.typing as npt

from dtmf.frames import RATE_HZ, Bools, Floats
from dtmf.limits import DetectorLimits
from dtmf.residual import Residual, fit_tones
from dtmf.rules import LOWEST_COHERENCE, Features
from dtmf.tones import amplitude
from dtmf.tracks import HOP_SAMPLES, Complexes, Span, centre_samples

_LAGS: Final = (2, 4, 8, 12)
"Track points between two phases: the first lag is short enough to be unambiguous, the last gives the precision."

_EDGE_HOPS: Final = 3
"7.5 ms at each end in which the window hears the tone only in part."

_HOPS_HZ: Final = RATE_HZ / HOP_SAMPLES

_FLOOR: Final = 1e-9
"Keeps shares of nothing finite."


def measure(
    samples: Floats,
    phasors: Complexes,
    nominal_hz: tuple[int, int],
    span: Span,
    unknown: Bools,
    limits: DetectorLimits,
) -> Features | None:
    """Return the features of a span, each (1,), or None where a limit already rules a press out.

    `samples` (s,) is the history, `phasors` (hops, 2) its track at the two nominal frequencies,
    `unknown` (hops,) the points that a lost packet touches.
    """
    twist_db = _twist_db(span, limits)
    if twist_db is None:
        return None
    points = slice(span.first, span.last + 1)
    heard = (span.on & ~unknown)[points]
    if np.count_nonzero(heard) < max(_LAGS[0] + 1, 2 * _EDGE_HOPS):
        heard = span.on[points]
    track = phasors[points]
    offset_hz = _offsets_hz(track, heard)
    error = float(np.max(np.abs(offset_hz) / nominal_hz))
    if error > limits.frequency_tolerance:
        return None
    still = _hold_still(track, offset_hz)
    inner = _without_edges(heard)
    coherence, ripple = _steadiness(still, np.stack([heard, inner]))
    if coherence[0] < LOWEST_COHERENCE:
        return None
    whole = _whole(heard)
    start = centre_samples(span.first)
    signal = samples[start : start + len(whole)]
    fit = fit_tones(signal, np.asarray(nominal_hz) + offset_hz, whole)
    return Features(
        frequency_error=_row(error),
        twist_db=_row(twist_db),
        on_hops=_row(int(np.count_nonzero(heard))),
        coherence=coherence[:1],
        ripple=ripple[:1],
        inner_coherence=coherence[1:],
        inner_ripple=ripple[1:],
        inner_hops=_row(int(np.count_nonzero(inner))),
        snr_db=_row(fit.snr_db),
        weaker_db=_row(fit.weaker_db),
        peak_db=_row(fit.peak_db),
        flatness_db=_row(fit.flatness_db),
        jitter=_row(_jitter(still[heard], fit)),
    )


def _row(value: float) -> Floats:
    """Return one span's value as the rules take those of many."""
    return np.array([value], np.float32)


def _twist_db(span: Span, limits: DetectorLimits) -> float | None:
    """Return how much stronger the high tone is, or None where level or twist are out of limits."""
    if min(span.low_level, span.high_level) < amplitude(limits.lowest_level_dbm0):
        return None
    twist_db = float(20 * np.log10(span.high_level / span.low_level))
    allowed = -limits.negative_twist_db <= twist_db <= limits.positive_twist_db
    return twist_db if allowed else None


def _without_edges(heard: Bools) -> Bools:
    """Return the points that are not near either end of the span or of a hole in it, or all if these are too few."""
    inner = heard.copy()
    inner[:_EDGE_HOPS] = inner[-_EDGE_HOPS:] = False
    for shift in range(1, _EDGE_HOPS + 1):
        inner[shift:] &= heard[:-shift]
        inner[:-shift] &= heard[shift:]
    return inner if np.count_nonzero(inner) >= 2 else heard


def _whole(heard: Bools) -> Bools:
    """Return which samples from the first point's middle to the last's are heard in full: not in or beside a hole.

    Their number is a multiple of 20, which a Fourier transform likes.
    """
    points = heard.copy()
    points[1:] &= heard[:-1]
    points[:-1] &= heard[1:]
    half = HOP_SAMPLES // 2
    return np.repeat(points, HOP_SAMPLES)[half:-half]


def _offsets_hz(track: Complexes, heard: Bools) -> npt.NDArray[np.float64]:
    """Return how far each tone is from nominal, from its phase slope over ever longer lags."""
    offsets = []
    for tone in (track * heard[:, None]).T:
        # a plain number and a contiguous row: this is the innermost loop of stage 2
        turn, row = 0.0, np.ascontiguousarray(tone)
        for lag in _LAGS:
            product = complex(np.vdot(row[:-lag], row[lag:]))
            if lag >= len(row) or not product:
                break
            turn += cmath.phase(product * cmath.exp(-1j * turn * lag)) / lag
        offsets.append(turn * _HOPS_HZ / (2 * np.pi))
    return np.array(offsets)


def _hold_still(track: Complexes, offset_hz: npt.NDArray[np.float64]) -> Complexes:
    """Return the track against the measured frequencies: constant for a pure tone."""
    turn = np.outer(np.arange(len(track)), 2 * np.pi * offset_hz / _HOPS_HZ)
    return np.asarray(track * np.exp(-1j * turn), np.complex64)


def _steadiness(still: Complexes, points: Bools) -> tuple[Floats, Floats]:
    """Return coherence and ripple over each set of `points` (sets, hops), the worse of the two tones."""
    lengths = np.abs(still)
    weights = points / np.count_nonzero(points, axis=1)[:, None]
    # one product gives the means of phasor, length and squared length of both tones over every set
    means = weights @ np.concatenate([still, lengths, lengths * lengths], axis=1)
    length = means[:, 2:4].real + _FLOOR
    spread = np.sqrt(np.maximum(means[:, 4:].real - length * length, 0))
    coherence = (np.abs(means[:, :2]) / length).min(axis=1)
    return coherence.astype(np.float32), (spread / length).max(axis=1).astype(np.float32)


def _jitter(still: Complexes, fit: Residual) -> float:
    """Return the variance of the phases times signal over noise, the mean of the two tones."""
    phases = np.angle(still * np.conj(still.sum(axis=0)))
    return float(phases.var(axis=0) @ fit.tone_over_rest) / 2
