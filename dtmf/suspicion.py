"""How much the last 40 ms look like part of a tone pair: the evidence that masks.

A logistic score, because no box of thresholds keeps a tone under loud speech from the agent without also cutting
speech. It looks at three windows of 20 ms, 10 ms apart, of rows in which a pair repeats: how much of its band and of
all energy each tone has, and what a harmonic of a voice does not keep up for 40 ms: frequency, phase and level.

Fitted by logistic regression, terms chosen one by one for the most likelihood out of all products of two features, on
one half of the recordings of `benchmarks.corpus` against tones with random twist (+-8 dB) and frequency error (+-1.8 %)
under the same voices at -3, 0 and 6 dB and in noise at 6 dB; the other half chose the threshold. Level is left out on
purpose: a score that knows the levels it was fitted on misses all others.
"""

import math
from typing import Final

import numpy as np

from dtmf.compiled import compiled
from dtmf.frames import RATE_HZ, Bools, Complexes, Floats
from dtmf.goertzel import HOP_SAMPLES
from dtmf.keys import LOW_HZ

_LOWEST_SHARE: Final = 0.25
"Below this share of its own band the weaker tone is no evidence, whatever else holds."

_LOWEST_PRODUCT: Final = 0.095
"""Nor is it below this: that share and the pair's share of all energy, multiplied. White noise leaves one row of 5,000
calls above it, and three in a thousand of those that are evidence under a voice 3 dB over the tones are below."""

_LOW_RADIANS: Final = 2 * np.pi * HOP_SAMPLES / RATE_HZ * np.array(LOW_HZ)
"What each row tone turns from window to window."

_BIAS: Final = -2.576


@compiled
def judged_window(found: Bools, energy: Floats, total: Floats, bands: Floats) -> int:
    """Return which window of a frame is judged, 1 or 2, or 0 where there is no evidence.

    It is the one, of these two, whose weaker tone has more of its band. `found` (2,) and `energy` (2, 2) are those of
    the two windows (see `repeats.find_repeats`); `total` (3,) and `bands` (3, 2) are what is around them, from 1 on.
    """
    judged, most, likely = 0, 0.0, False
    for window in range(1, 3):
        if not found[window - 1]:
            continue
        low, high = energy[window - 1]
        weaker = min(low / bands[window, 0], high / bands[window, 1])
        likely |= bool(weaker * (low + high) > _LOWEST_PRODUCT * total[window])
        if weaker > most:
            most, judged = weaker, window
    return judged if most > _LOWEST_SHARE and likely else 0


@compiled
def log_odds(
    phasors: Complexes, row: int, column: int, now: int, total: Floats, bands: Floats
) -> float:
    """Return the score of one pair: `row` and `column` are the places of its tones among the eight.

    `phasors` (3, 8), `total` (3,) and `bands` (3, 2) are of the window before the frame's first and of its two, of
    which `now` is judged.
    """
    low_40, turn, _ = _over_40_ms(phasors[:, row])
    high_40, _, steadiness = _over_40_ms(phasors[:, column])
    low_now, high_now = _power(phasors[now, row]), _power(phasors[now, column])
    before = now - 1
    low_before, high_before = _power(phasors[before, row]), _power(phasors[before, column])
    other = 0.0
    for tone in range(4, 8):
        if tone != column:
            other = max(other, _power(phasors[now, tone]))

    low, high = _logit(low_now / bands[now, 0]), _logit(high_now / bands[now, 1])
    low_long, high_long = (
        _logit(3 * low_40 / bands[:, 0].sum()),
        _logit(3 * high_40 / bands[:, 1].sum()),
    )
    share = _log_share((low_now + high_now) / total[now])
    share_before = _log_share((low_before + high_before) / total[before])
    share_40 = _log_share(3 * (low_40 + high_40) / total.sum())
    steady = -math.log(1.02 - min(steadiness, 1.0))
    step = math.sqrt(min(abs(_bels(high_now, high_before)), 1.0))
    lead = max(-2.0, min(_bels(high_now, other), 2.0))
    tilt = _bels(low_now, high_now)
    # in steps of 2 %, of which four count at most
    off = min(abs(turn) / (0.02 * _LOW_RADIANS[row]), 4.0)
    return float(
        _BIAS
        + 2.609 * share_40
        - 1.256 * _above_knee(share_40)
        + 2.573 * _above_knee(share)
        + 0.569 * share_before * min(low_long, high_long)
        + 0.383 * low * low
        + 2.12 * max(min(low, high), 0.0)
        - 1.264 * low_long * step
        - 0.527 * high * high_long
        + steady * (0.718 * high_long + 0.154 * steady + 0.403 * lead - 0.258 * tilt)
        - lead * (1.122 * off + 1.245 * abs(tilt))
    )


@compiled
def _over_40_ms(tone: Complexes) -> tuple[float, float, float]:
    """Return what three windows (3,) have in common.

    That is the power at the frequency that fits them best, the radians by which that turns against the nominal one from
    window to window, and how steadily it does so: 1 is a sine, whatever its frequency.
    """
    turns = tone[1] * tone[0].conjugate() + tone[2] * tone[1].conjugate()
    length = abs(turns)
    steadiness = length / (abs(tone[1]) * (abs(tone[0]) + abs(tone[2])) + 1e-9)
    back = turns.conjugate() / max(length, 1e-9)
    together = tone[0] + (tone[1] + tone[2] * back) * back
    return _power(together) / 9, math.atan2(turns.imag, turns.real), steadiness


@compiled
def _power(phasor: complex) -> float:
    return phasor.real * phasor.real + phasor.imag * phasor.imag


@compiled
def _bels(one: float, other: float) -> float:
    """Return the decimal logarithm of a ratio of energies; finite for silence."""
    return math.log10((one + 1) / (other + 1))


@compiled
def _logit(share: float) -> float:
    """Return about the logarithm of tone over rest; finite for all and for more than all, which comes between lines."""
    bounded = min(share, 1.02)
    return math.log((bounded + 0.02) / (1.06 - bounded))


@compiled
def _log_share(share: float) -> float:
    return math.log(share + 0.02)


@compiled
def _above_knee(log_share: float) -> float:
    """Return what of a logarithm is above that of a share of 0.12: from there on another weight holds."""
    return max(log_share + 2.0, 0.0)
