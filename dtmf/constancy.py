"""How constant the tones of a span are over some of its points: what only doubtful spans are asked."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from dtmf.frames import Bools, Complexes, Floats

_EDGE_HOPS: Final = 3
"7.5 ms at each end in which the window hears the tone only in part."

_FLOOR: Final = np.float32(1e-9)
"Keeps shares of nothing finite."


@dataclass(frozen=True, slots=True)
class Constancy:
    """Of a set of points of k spans, each (k,); of the two tones the worse."""

    points: Floats
    "Size of the set."

    coherence: Floats
    "How constant the phase is, 0 to 1."

    ripple: Floats
    "Deviation over mean of the amplitude."


def constancy(still: Complexes, points: Bools) -> Constancy:
    """Return how constant the phasors `still` (k, 2, hops) are over `points` (k, hops)."""
    lengths = np.abs(still)
    chosen = points.astype(np.float32)[..., None]
    count = np.add.reduce(chosen, axis=1)
    # one product gives the sums of phasors, lengths and squared lengths of both tones
    parts = np.concatenate([still.real, still.imag, lengths, lengths * lengths], axis=1)
    means = (parts @ chosen)[..., 0] / np.maximum(count, 1)
    length = means[:, 4:6] + _FLOOR
    coherence = np.hypot(means[:, :2], means[:, 2:4]) / length
    ripple = np.sqrt(np.maximum(means[:, 6:] - length * length, 0)) / length
    return Constancy(
        points=count[:, 0],
        coherence=np.minimum(coherence[:, 0], coherence[:, 1]),
        ripple=np.maximum(ripple[:, 0], ripple[:, 1]),
    )


def without_edges(heard: Bools) -> Bools:
    """Return the points that are not near either end of the span or of a hole in it, or all if these are too few."""
    count, hops = heard.shape
    around = 2 * _EDGE_HOPS + 1
    padded = np.zeros((count, hops + around), np.int8)
    padded[:, _EDGE_HOPS + 1 : _EDGE_HOPS + 1 + hops] = heard
    sums = np.add.accumulate(padded, axis=1)
    inner = sums[:, around:] - sums[:, :-around] == around
    few = np.add.reduce(inner, axis=1, dtype=np.intp) < 2
    np.copyto(inner, heard, where=few[:, None])
    return np.asarray(inner)
