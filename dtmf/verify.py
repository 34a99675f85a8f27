"""Stage 2, second part: spans that are not plain are presses by what is left of them without their tones."""

import numpy as np
import numpy.typing as npt

from dtmf.acceptance import SETTLED_HOPS
from dtmf.compiled import compiled
from dtmf.constancy import constancy, without_edges
from dtmf.found import DOUBTFUL, FIRST, HIGH, KEY, KIND, LAST, LONG, LOW, PRESS, SLOT, Found
from dtmf.frames import Bools, Complexes, Floats, Pcm
from dtmf.history import HISTORY_HOPS, HISTORY_SAMPLES, Counts, History, newest, unknown_points
from dtmf.residual import Residual, fit_tones
from dtmf.rules import Features, is_press, is_settled_press
from dtmf.sound import sound_of
from dtmf.spans import points_on
from dtmf.steadiness import Doubles, measure_steadiness
from dtmf.tracks import amplitudes_of, demodulate


def verify(found: Found, history: History, strict: Bools) -> Bools:
    """Return which of k spans are presses (k,); `strict` by slot."""
    kind = found.spans[:, KIND]
    pressed = kind == PRESS
    doubtful = np.flatnonzero(kind & DOUBTFUL)
    if len(doubtful):
        spans, figures = found.spans[doubtful], found.figures[doubtful]
        pressed[doubtful] = is_press(features(spans, figures, history), strict[spans[:, SLOT]])
    late = np.flatnonzero(((kind & LONG) > 0) & ~pressed)
    if len(late):
        spans, figures = found.spans[late], found.figures[late]
        spans[:, FIRST] = spans[:, LAST] - (SETTLED_HOPS - 1)
        settled = features(spans, figures, history)
        pressed[late] = is_settled_press(settled, strict[spans[:, SLOT]])
    return np.asarray(pressed)


def features(spans: npt.NDArray[np.int64], figures: Floats, history: History) -> Features:
    """Return all that spans (rows as in `Found`) tell: by their tracks, and by what is left without their tones."""
    samples, tones_hz, error, heard, still = _measured(spans, figures, *history.ring)
    sound = sound_of(samples, spans[:, FIRST], spans[:, LAST], heard)
    fit = fit_tones(sound, tones_hz)
    whole = constancy(still, heard)
    inner = constancy(still, without_edges(heard))
    return Features(
        frequency_error=error,
        coherence=whole.coherence,
        ripple=whole.ripple,
        inner_coherence=inner.coherence,
        inner_ripple=inner.ripple,
        inner_hops=inner.points,
        snr_db=fit.snr_db,
        weaker_db=fit.weaker_db,
        peak_db=fit.peak_db,
        flatness_db=fit.flatness_db,
        jitter=_jitter(still, heard, fit),
    )


@compiled
def _measured(
    spans: npt.NDArray[np.int64], figures: Floats, counts: Counts, history: Pcm, unknown: Bools
) -> tuple[Floats, Doubles, Floats, Bools, Complexes]:
    """Return the history of each span (k, s), and tones, error, heard and still of its `Steadiness`."""
    samples = np.empty((len(spans), HISTORY_SAMPLES), np.float32)
    tones_hz, error = np.empty((len(spans), 2)), np.empty(len(spans), np.float32)
    heard = np.empty((len(spans), HISTORY_HOPS), np.bool_)
    still = np.empty((len(spans), 2, HISTORY_HOPS), np.complex64)
    for row in range(len(spans)):
        slot, key = spans[row, SLOT], spans[row, KEY]
        samples[row] = newest(slot, HISTORY_SAMPLES, counts, history)
        pairs = demodulate(samples[row], key, HISTORY_HOPS)
        on = points_on(amplitudes_of(pairs), figures[row, LOW : HIGH + 1])
        lost = unknown_points(slot, counts, unknown)
        told = measure_steadiness(key, spans[row, FIRST], spans[row, LAST], on, lost, pairs)
        tones_hz[row], error[row] = told.tones_hz, told.error
        heard[row], still[row] = told.heard, told.still
    return samples, tones_hz, error, heard, still


def _jitter(still: Complexes, heard: Bools, fit: Residual) -> Floats:
    """Return the variance of the phases times signal over noise, the mean of the two tones."""
    mean = np.add.reduce(still, axis=2, keepdims=True)
    turned = still * mean.conj()
    phases = np.arctan2(turned.imag, turned.real)
    weights = heard.astype(np.float32)[:, None]
    count = np.maximum(np.add.reduce(weights, axis=2), 1)
    average = np.add.reduce(weights * phases, axis=2) / count
    variance = np.add.reduce(weights * phases * phases, axis=2) / count - average * average
    return np.asarray(np.add.reduce(variance * fit.tone_over_rest, axis=1) / 2, np.float32)
