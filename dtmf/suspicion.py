"""How much one window looks like part of a tone pair: the evidence that masks.

A logistic score, because no box of thresholds keeps a tone under loud speech from the agent without also cutting
speech: it was fitted on tones with random twist (+-8 dB) and frequency error (+-1.8 %), clean, in noise at 6 dB and
under speech at -3, 0 and 6 dB, against speech alone. Level is left out on purpose: a score that knows
the levels it was fitted on misses all others.
"""

from typing import Final

import numpy as np

from dtmf.frames import Floats
from dtmf.goertzel import Surroundings
from dtmf.repeats import Repeats

_LOWEST_SHARE: Final = 0.35
"Below this share of its own band the weaker tone is no evidence, whatever else holds."

_LARGEST_TWIST_DB: Final = 13.0
"Q.24's 8 dB and what a telephone adds."

_LARGE_TWIST_DB: Final = 9.0
_LARGEST_TOTAL_SHARE: Final = 1.2
"Shares above 1 come from tones between lines; more is noise of the estimate."

_WEIGHTS: Final = np.array(
    [
        -10.72,  # weaker in-band share
        6.605,  # stronger in-band share
        2.673,  # weaker in-band share of the window before
        0.838,  # logarithm of the share of all energy
        1.855,  # share of all energy
        -1.884,  # twist in 10 dB
        -1.157,  # twist above 9 dB
        1.006,  # windows in a row before this one with the same pair, halved
        5.056,  # weaker share, now and before
        0.171,  # weaker share and logarithm of the share of all
        11.064,  # weaker share, squared
        -0.561,  # logarithm of the share of all, squared
        3.834,  # share of all energy of the window before
    ],
    np.float32,
)
_BIAS: Final = np.float32(-6.983)


def log_odds(repeats: Repeats, around: Surroundings) -> Floats:
    """Return the score of r rows (r,), the higher of their two windows; -inf where neither may be evidence."""
    low_share, high_share = repeats.low / around.low_band, repeats.high / around.high_band
    weaker = np.minimum(low_share, high_share)
    stronger = np.maximum(low_share, high_share)[1:]
    share = np.minimum((repeats.low + repeats.high) / around.total, _LARGEST_TOTAL_SHARE)
    before, share_before, weaker, share = weaker[:-1], share[:-1], weaker[1:], share[1:]
    twist_db = np.abs(10 * np.log10(repeats.low[1:] / np.maximum(repeats.high[1:], 1e-9)))
    log_share = np.log(share + np.float32(0.02))
    features = np.stack(
        [
            weaker,
            stronger,
            before,
            log_share,
            share,
            twist_db / 10,
            twist_db > _LARGE_TWIST_DB,
            repeats.run / np.float32(2),
            weaker * before,
            weaker * log_share,
            weaker * weaker,
            log_share * log_share,
            share_before,
        ],
        axis=-1,
        dtype=np.float32,
        casting="unsafe",
    )
    possible = repeats.found & (weaker > _LOWEST_SHARE) & (twist_db < _LARGEST_TWIST_DB)
    odds = np.where(possible, features @ _WEIGHTS + _BIAS, np.float32(-np.inf))
    return np.asarray(odds.max(axis=0), np.float32)
