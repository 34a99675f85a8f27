"""Stage 2, second part: everything that a span tells, for those that are not plain."""

import numpy as np

from dtmf.constancy import constancy, without_edges
from dtmf.frames import Bools, Complexes, Floats
from dtmf.residual import Residual, fit_tones
from dtmf.rules import Features
from dtmf.sound import Sound
from dtmf.steadiness import Steadiness


def measure(steadiness: Steadiness, sound: Sound) -> Features:
    """Return all features of spans: what their tracks tell, and what is left of their samples without the tones."""
    fit = fit_tones(sound, steadiness.tones_hz)
    whole = constancy(steadiness.still, steadiness.heard)
    inner = constancy(steadiness.still, without_edges(steadiness.heard))
    return Features(
        frequency_error=steadiness.error,
        coherence=whole.coherence,
        ripple=whole.ripple,
        inner_coherence=inner.coherence,
        inner_ripple=inner.ripple,
        inner_hops=inner.points,
        snr_db=fit.snr_db,
        weaker_db=fit.weaker_db,
        peak_db=fit.peak_db,
        flatness_db=fit.flatness_db,
        jitter=_jitter(steadiness.still, steadiness.heard, fit),
    )


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
