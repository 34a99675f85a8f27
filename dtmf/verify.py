"""Stage 2: is this span a key press? An exact test on the few candidates that stage 1 finds.

What is left when both tones are taken away tells more than their level: behind a key press lies silence, noise or
a weaker voice; behind a voice that sounds like one lies the rest of the voice.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from dtmf.frames import RATE_HZ, Bools, Floats
from dtmf.limits import DetectorLimits
from dtmf.tones import amplitude
from dtmf.tracks import HOP_SAMPLES, Complexes, Span, centre_samples

_LAGS: Final = (2, 4, 8, 12)
"Track points between two phases: the first lag is short enough to be unambiguous, the last gives the precision."

_LOWEST_COHERENCE: Final = 0.9
"Below this neither tone is one; most speech ends here, before the costly part."

_EDGE_HOPS: Final = 3
"7.5 ms at each end in which the window hears the tone only in part."

_FIT_SAMPLES: Final = 512
"64 ms: more adds no certainty and costs time."

_HOPS_HZ: Final = RATE_HZ / HOP_SAMPLES

_LARGEST_DB: Final = 60.0
"A cleaner signal than this is as good."


@dataclass(frozen=True, slots=True)
class Features:
    """What stage 2 measures on one span."""

    frequency_error: float
    "The larger relative error of the two tones."

    twist_db: float
    "High over low tone."

    coherence: float
    "How constant the phases are at the measured frequencies, 0 to 1; the worse of the two tones."

    ripple: float
    "Deviation over mean of the amplitude, the worse of the two tones."

    inner_coherence: float
    inner_ripple: float
    "The same without the edges."

    inner_hops: int
    "Track points the inner values rest on."

    snr_db: float
    "Both tones over all that is left without them."

    peak_db: float
    "Strongest line left over the geometric mean of the tones."

    flatness_db: float
    "Strongest line left over the mean line: about 8 for white noise, more for a voice."

    jitter: float
    "Variance of the phases times signal over noise: 0.0375 where white noise explains it all."


def is_press(f: Features) -> bool:
    """Return whether the features are those of a key press: any of four kinds."""
    return _in_noise(f) or _louder_than_all(f) or _steady(f) or _under_voice(f)


def _in_noise(f: Features) -> bool:
    """What is left is white and explains the jitter, so the level of the tone hardly matters."""
    flat_enough = f.flatness_db < 11 or (
        f.flatness_db < 11.8 and (f.snr_db > 4 or (f.snr_db > 2 and f.coherence > 0.984))
    )
    return (
        flat_enough
        and f.peak_db < -7
        and f.jitter < 0.082
        and f.coherence > 0.945
        and f.ripple < 0.31
        and f.frequency_error < 0.019
        and f.snr_db > -2.5
    )


def _louder_than_all(f: Features) -> bool:
    """Stands over everything else; the further off frequency, the more it must."""
    needed_db = 5.0 if f.frequency_error < 0.016 else 6.5 if f.frequency_error < 0.02 else 9.0
    return (f.snr_db > needed_db and f.coherence > 0.955) or (f.snr_db > 9 and f.coherence > 0.9)


def _steady(f: Features) -> bool:
    """As constant as only a machine's tone."""
    return (
        f.snr_db > 3
        and f.coherence > 0.97
        and f.inner_ripple < 0.13
        and f.inner_coherence > 0.99
        and f.frequency_error < 0.012
        and f.twist_db > -9
    )


def _under_voice(f: Features) -> bool:
    """Nearly as loud a voice beside it, but perfectly constant for a while."""
    return (
        f.snr_db > -1
        and f.inner_ripple < 0.08
        and f.inner_coherence > 0.996
        and f.inner_hops >= 9
        and f.frequency_error < 0.017
    )


def measure(
    samples: Floats,
    phasors: Complexes,
    nominal_hz: tuple[int, int],
    span: Span,
    unknown: Bools,
    limits: DetectorLimits,
) -> Features | None:
    """Return the features of a span, or None where a limit already rules a press out.

    `samples` (s,) is the history, `phasors` (hops, 2) its track at the two nominal frequencies,
    `unknown` (hops,) the points that a lost packet touches.
    """
    lowest = amplitude(limits.lowest_level_dbm0)
    if min(span.low_level, span.high_level) < lowest:
        return None
    twist_db = float(20 * np.log10(span.high_level / span.low_level))
    if not -limits.negative_twist_db <= twist_db <= limits.positive_twist_db:
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
    coherence = _coherence(still[heard])
    if coherence.min() < _LOWEST_COHERENCE:
        return None
    inner = heard.copy()
    inner[:_EDGE_HOPS] = inner[-_EDGE_HOPS:] = False
    if np.count_nonzero(inner) < 2:
        inner = heard
    fit = _fit(samples, np.asarray(nominal_hz) + offset_hz, span)
    return Features(
        frequency_error=error,
        twist_db=twist_db,
        coherence=float(coherence.min()),
        ripple=_ripple(still[heard]),
        inner_coherence=float(_coherence(still[inner]).min()),
        inner_ripple=_ripple(still[inner]),
        inner_hops=int(np.count_nonzero(inner)),
        snr_db=fit.snr_db,
        peak_db=fit.peak_db,
        flatness_db=fit.flatness_db,
        jitter=_jitter(still[heard], fit),
    )


def _offsets_hz(track: Complexes, heard: Bools) -> npt.NDArray[np.float64]:
    """Return how far each tone is from nominal, from its phase slope over ever longer lags."""
    track = track * heard[:, None]
    turn = np.zeros(2)
    for lag in _LAGS:
        if lag >= len(track):
            break
        product = (track[lag:] * np.conj(track[:-lag])).sum(axis=0)
        if not np.abs(product).min():
            break
        turn += np.angle(product * np.exp(-1j * turn * lag)) / lag
    return turn * _HOPS_HZ / (2 * np.pi)


def _hold_still(track: Complexes, offset_hz: npt.NDArray[np.float64]) -> Complexes:
    """Return the track against the measured frequencies: constant for a pure tone."""
    turn = np.outer(np.arange(len(track)), 2 * np.pi * offset_hz / _HOPS_HZ)
    return np.asarray(track * np.exp(-1j * turn), np.complex64)


def _coherence(still: Complexes) -> npt.NDArray[np.float64]:
    """Return the length of the sum over the sum of lengths, for each tone."""
    return np.asarray(np.abs(still.sum(axis=0)) / np.maximum(np.abs(still).sum(axis=0), 1e-9))


def _ripple(still: Complexes) -> float:
    """Return deviation over mean of the amplitude, the worse of the two tones."""
    lengths = np.abs(still)
    return float(np.max(lengths.std(axis=0) / np.maximum(lengths.mean(axis=0), 1e-9)))


def _jitter(still: Complexes, fit: "_Fit") -> float:
    """Return the variance of the phases times signal over noise, the mean of the two tones."""
    phases = np.angle(still * np.conj(still.sum(axis=0)))
    return float(np.mean(phases.var(axis=0) * fit.tone_over_rest))


@dataclass(frozen=True, slots=True)
class _Fit:
    """What the least-squares fit of both tones leaves."""

    snr_db: float
    peak_db: float
    flatness_db: float

    tone_over_rest: npt.NDArray[np.float64]
    "Squared amplitude of each tone over the variance of the rest."


def _fit(samples: Floats, tones_hz: npt.NDArray[np.float64], span: Span) -> _Fit:
    """Fit both tones, DC, a slope and mains hum to the on part of the span, and judge the rest."""
    start, stop = centre_samples(span.first), centre_samples(span.last) + 1
    signal = samples[start : min(stop, start + _FIT_SAMPLES)].astype(np.float64)
    t = np.arange(len(signal))
    phase = 2 * np.pi / RATE_HZ * np.outer((*tones_hz, 50.0, 60.0), t)
    rows = np.concatenate([np.cos(phase), np.sin(phase), np.ones((1, len(t))), t[None] / len(t)])
    # hum and slope nearly depend on each other within 40 ms, so the equations need a small ridge
    gram = rows @ rows.T + 1e-3 * np.eye(len(rows))
    weights = np.linalg.solve(gram, rows @ signal)
    rest = signal - weights @ rows
    squares = weights[:2] ** 2 + weights[4:6] ** 2
    power = float(np.mean(rest**2)) + 1e-3
    lines = np.abs(np.fft.rfft(rest))[1:] ** 2
    # a line of a sine of amplitude a is (a * length / 2) squared
    line_power = lines * (2 / len(t)) ** 2
    peak = float(line_power.max()) + 1e-6
    tone_power = float(squares.sum()) / 2
    geometric = float(np.sqrt(squares.prod())) + 1e-6
    return _Fit(
        snr_db=min(10 * float(np.log10(tone_power / power + 1e-9)), _LARGEST_DB),
        peak_db=max(10 * float(np.log10(peak / geometric)), -_LARGEST_DB),
        flatness_db=10 * float(np.log10(peak / (line_power.mean() + 1e-6))),
        tone_over_rest=squares / power,
    )
