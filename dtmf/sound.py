"""The samples of candidate spans, and what they tell without a fit."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from dtmf.compiled import compiled, compiled_sum
from dtmf.frames import Bools, Floats, Indices
from dtmf.tracks import CENTRE_SAMPLES, HOP_SAMPLES

SOUND_SAMPLES: Final = 512
"64 ms: more adds no certainty and costs time."

_SOUND_HOPS: Final = SOUND_SAMPLES // HOP_SAMPLES + 2
"Track points that these samples touch."

_TIMES: Final = np.arange(SOUND_SAMPLES)

_LEAST_REST: Final = 1e-4
"40 dB: a cleaner tone is as good."

_FLOOR: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Sound:
    """The samples of k spans, from the middle of the first point on."""

    samples: Floats
    "Zero where not heard in full (k, 512)."

    whole: Bools
    "Which were heard in full (k, 512): not in or beside a hole."

    lengths: Indices
    "How many samples each span has, up to 512 (k,)."


def sound_of(samples: Floats, first: Indices, last: Indices, heard: Bools) -> Sound:
    """Return the samples of k spans from `first` to `last` (k,) of tracks of `samples` (k, s).

    `heard` (k, hops) are the points of each, from its first on, that were.
    """
    place = (CENTRE_SAMPLES + HOP_SAMPLES * first)[:, None] + _TIMES
    np.minimum(place, samples.shape[1] - 1, out=place)
    part = np.take_along_axis(samples, place, axis=1)
    hops = np.minimum(last - first, _SOUND_HOPS - 1)
    lengths = np.minimum(hops * HOP_SAMPLES, SOUND_SAMPLES)
    whole = _whole(heard, hops, lengths)
    return Sound(part * whole, whole, lengths)


def _whole(heard: Bools, last: Indices, lengths: Indices) -> Bools:
    """Return which samples (k, 512) are heard in full; a span is not beside a hole where it begins and ends."""
    hops = min(heard.shape[1], _SOUND_HOPS)
    padded = np.ones((len(heard), _SOUND_HOPS + 2), np.bool_)
    padded[:, 1 : hops + 1] = heard[:, :hops]
    padded[np.arange(len(heard)), last + 2] = True
    points = padded[:, 1:-1] & padded[:, :-2] & padded[:, 2:]
    half = HOP_SAMPLES // 2
    samples = np.repeat(points, HOP_SAMPLES, axis=1)[:, half : half + SOUND_SAMPLES]
    return np.asarray(samples & (lengths[:, None] > _TIMES))


@compiled
def least_weaker_db(samples: Floats, first: int, last: int, heard: Bools, sums: Floats) -> float:
    """Return how far the weaker tone stands at least over all that is left without both, in dB.

    From the power of a span from `first` to `last` and from its mean phasors, which are a little smaller than the tones
    that a fit finds. `heard` (hops,) and `sums` (2,) as in `Steadiness`.
    """
    power, count = 0.0, 0
    hops, half = last - first, HOP_SAMPLES // 2
    sound = samples[CENTRE_SAMPLES + HOP_SAMPLES * first :]
    length = min(hops * HOP_SAMPLES, SOUND_SAMPLES)
    for hop in range(min(hops + 1, _SOUND_HOPS)):
        # from the middle of the first point on; not beside a hole, but a span may begin and end
        if heard[hop] and heard[max(hop - 1, 0)] and heard[min(hop + 1, hops)]:
            part = sound[max(hop * HOP_SAMPLES - half, 0) : min(hop * HOP_SAMPLES + half, length)]
            power += _power(part)
            count += len(part)
    power /= max(count, 1)
    points = max(heard.sum(), 1)
    low, high = (sums[0] / points) ** 2 / 2, (sums[1] / points) ** 2 / 2
    rest = max(power - low - high, _LEAST_REST * power + _FLOOR)
    return 10 * math.log10(min(low, high) / rest + _FLOOR)


@compiled_sum
def _power(samples: Floats) -> float:
    total = np.float32(0)
    for sample in samples:
        total += sample * sample
    return float(total)
