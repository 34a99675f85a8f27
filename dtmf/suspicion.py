"""How much one window looks like part of a tone pair: the evidence that masks.

A logistic score, because no box of thresholds keeps a tone under loud speech from the agent without also cutting
speech: it was fitted on tones with random twist (+-8 dB) and frequency error (+-1.8 %), clean, in noise at 6 dB and
under speech at -3, 0 and 6 dB, against speech alone. Level is left out on purpose: a score that knows
the levels it was fitted on misses all others.
"""

from typing import Final

import numpy as np

from dtmf.frames import Floats, Indices, KeyIndices
from dtmf.goertzel import ENERGY_OF_UNIT_SINE, Windows
from dtmf.keys import NO_KEY

_LOWEST_SHARE: Final = 0.35
"Below this share of its own band the weaker tone is no evidence, whatever else holds."

_LARGEST_TWIST: Final = 10**1.3
"13 dB, as an energy ratio: Q.24's 8 dB and what a telephone adds."

_LOWEST_ENERGY: Final = 40.0**2 * ENERGY_OF_UNIT_SINE
"Amplitude 40 is -55 dBm0, which ITU-T Q.24 calls no signal."

_LARGE_TWIST_DB: Final = 9.0
_LONGEST_RUN: Final = 2
"More windows in a row add no evidence."

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


class SuspicionState:
    """What the score remembers of each slot: its last window."""

    def __init__(self, capacity: int) -> None:
        self._key = np.full(capacity, NO_KEY, np.int8)
        self._run = np.zeros(capacity, np.int8)
        self._weaker = np.zeros(capacity, np.float32)
        self._share = np.zeros(capacity, np.float32)

    def reset(self, slots: Indices) -> None:
        """Forget what was heard on `slots`."""
        self._key[slots] = NO_KEY
        self._run[slots] = 0
        self._weaker[slots] = 0
        self._share[slots] = 0

    def judge(self, windows: Windows, slots: Indices) -> tuple[Floats, KeyIndices]:
        """Return log odds (n,), the higher of the two windows, and how many windows in a row had the same pair (2, n).

        Odds are -inf without the same pair in two windows in a row.
        """
        low_share, high_share = windows.low / windows.low_band, windows.high / windows.high_band
        weaker = np.minimum(low_share, high_share)
        stronger = np.maximum(low_share, high_share)
        share = np.minimum((windows.low + windows.high) / windows.total, _LARGEST_TOTAL_SHARE)
        twist = windows.low / np.maximum(windows.high, 1e-9)
        possible = (
            (weaker > _LOWEST_SHARE) & (twist < _LARGEST_TWIST) & (twist > 1 / _LARGEST_TWIST)
        )
        possible &= np.minimum(windows.low, windows.high) > _LOWEST_ENERGY
        odds = np.full(weaker.shape, -np.inf, np.float32)
        runs = np.zeros(weaker.shape, np.int8)
        key, run = self._key[slots], self._run[slots]
        before, share_before = self._weaker[slots], self._share[slots]
        for index in (0, 1):
            same = windows.key[index] == key
            run = np.minimum(run + np.int8(1), np.int8(_LONGEST_RUN)) * same
            rows = np.flatnonzero(possible[index] & same)
            if len(rows):
                odds[index, rows] = _log_odds(
                    weaker[index, rows],
                    stronger[index, rows],
                    share[index, rows],
                    twist[index, rows],
                    run[rows],
                    before[rows],
                    share_before[rows],
                )
            runs[index] = run
            key, before, share_before = windows.key[index], weaker[index], share[index]
        self._key[slots], self._run[slots] = key, run
        self._weaker[slots], self._share[slots] = before, share_before
        return odds.max(axis=0), runs


def _log_odds(
    weaker: Floats,
    stronger: Floats,
    share: Floats,
    twist: Floats,
    run: KeyIndices,
    weaker_before: Floats,
    share_before: Floats,
) -> Floats:
    """Return the score of m windows whose pair is that of the window before; twist is a ratio of energies."""
    log_share = np.log(share + np.float32(0.02))
    twist_db = np.abs(10 * np.log10(twist))
    features = np.stack(
        [
            weaker,
            stronger,
            weaker_before,
            log_share,
            share,
            twist_db / 10,
            (twist_db > _LARGE_TWIST_DB).astype(np.float32),
            run.astype(np.float32) / 2,
            weaker * weaker_before,
            weaker * log_share,
            weaker * weaker,
            log_share * log_share,
            share_before,
        ]
    )
    return np.asarray(_WEIGHTS @ features + _BIAS, np.float32)
