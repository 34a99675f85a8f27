"""The samples of candidate spans, and what they tell without a fit."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from dtmf.compiled import compiled
from dtmf.frames import Bools, Floats, Indices
from dtmf.spans import Spans
from dtmf.steadiness import Steadiness, Tested
from dtmf.tracks import HOP_SAMPLES, centre_samples

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

    def take(self, rows: Indices) -> "Sound":
        """Return some of them."""
        return Sound(self.samples[rows], self.whole[rows], self.lengths[rows])


def sound_of(tested: Tested, spans: Spans, heard: Bools) -> Sound:
    """Return the samples of spans, of whose points `heard` (k, hops) were."""
    place = centre_samples(spans.first)[:, None] + _TIMES
    np.minimum(place, tested.samples.shape[1] - 1, out=place)
    samples = tested.samples[tested.rows[spans.track][:, None], place]
    last = np.minimum(spans.last - spans.first, _SOUND_HOPS - 1)
    lengths = np.minimum(last * HOP_SAMPLES, SOUND_SAMPLES)
    whole = _whole(heard, last, lengths)
    return Sound(samples * whole, whole, lengths)


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


def least_weaker_db(tested: Tested, steadiness: Steadiness) -> Floats:
    """Return how far the weaker tone stands at least over all that is left without both (k,), in dB.

    From the power and the mean phasors, which are a little smaller than the tones that a fit finds.
    """
    spans = steadiness.spans
    return _least_weaker_db(
        tested.samples,
        tested.rows[spans.track],
        centre_samples(spans.first),
        spans.last - spans.first,
        steadiness.heard,
        steadiness.sums,
    )


@compiled
def _least_weaker_db(
    samples: Floats, rows: Indices, starts: Indices, last: Indices, heard: Bools, sums: Floats
) -> Floats:
    least_db = np.empty(len(rows), np.float32)
    for span in range(len(rows)):
        power, count = 0.0, 0
        for sample in range(min(last[span] * HOP_SAMPLES, SOUND_SAMPLES)):
            # from the middle of the first point on; not beside a hole, but a span may begin and end
            hop = (sample + HOP_SAMPLES // 2) // HOP_SAMPLES
            before, after = max(hop - 1, 0), min(hop + 1, last[span])
            if heard[span, hop] and heard[span, before] and heard[span, after]:
                value = samples[rows[span], starts[span] + sample]
                power += value * value
                count += 1
        power /= max(count, 1)
        points = max(heard[span].sum(), 1)
        low, high = (sums[span, 0] / points) ** 2 / 2, (sums[span, 1] / points) ** 2 / 2
        rest = max(power - low - high, _LEAST_REST * power + _FLOOR)
        least_db[span] = 10 * math.log10(min(low, high) / rest + _FLOOR)
    return least_db
