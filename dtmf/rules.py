"""When the features of a span are those of a key press.

What is left when both tones are taken away tells more than their level: behind a key press lies silence, noise or
a weaker voice; behind a voice that sounds like one lies the rest of the voice.
"""

from typing import Final, NamedTuple

import numpy as np

from dtmf.compiled import compiled
from dtmf.frames import Bools, Floats

SETTLED_COHERENCE: Final = 0.97
"Of the settled end of a tone."

LOWEST_COHERENCE: Final = 0.9
"What a line with a codec of full rate leaves of any tone that is read."


class _Steps(NamedTuple):
    """A value for each range of the frequency error."""

    below: Floats
    values: Floats


def _steps(*steps: tuple[float, float]) -> _Steps:
    below, values = zip(*steps, strict=True)
    return _Steps(np.array(below[:-1], np.float32), np.array(values, np.float32))


_NEEDED_DB: Final = _steps(
    (0.001, -3.0), (0.002, -1.0), (0.004, 1.0), (0.008, 2.0), (0.016, 4.0), (1.0, 6.0)
)
"""Frequency error up to which the weaker tone must stand this far over everything else. A telephone is right on its
frequencies, or as far off as its crystal; a voice meets a pair anywhere in the tolerance: of what looked like a pair
in recorded speech one in 160 was within 0.2 % of both tones, and what stood highest stayed 2 dB and more below."""

_STEADY_DB: Final = _steps((0.006, -3.0), (0.016, 0.0), (1.0, np.inf))
"The same for tones as constant as only a machine's: nothing is, and is farther off."

SETTLED_DB: Final = 6.0
"What the settled end of a tone stands over all else. Coherent ends of spans in recorded speech stayed below 2 dB."

_STRICT_DB: Final = 3.0
"What `strict` asks more of each."


class _NoiseLimits(NamedTuple):
    """What makes the rest of a span noise and nothing else, in the terms of :class:`Features`."""

    flatness_db: float
    flatness_strong_db: float
    "The same where the tones are strong: then their own distortion peaks."

    jitter: float
    jitter_on_frequency: float

    peak_db: float
    weaker_db: float
    coherence: float
    ripple: float
    frequency_error: float


_NOISE: Final = _NoiseLimits(
    flatness_db=11.0,
    flatness_strong_db=11.8,
    jitter=0.082,
    jitter_on_frequency=0.12,
    peak_db=-9.5,
    weaker_db=-4.0,
    coherence=0.96,
    ripple=0.28,
    frequency_error=0.019,
)
"Tones of 40 ms at 0 dB keep 1 to 2 dB from these; of recorded speech nothing came within a quarter of that."

_STRICT_NOISE: Final = _NoiseLimits(
    flatness_db=10.5,
    flatness_strong_db=11.0,
    jitter=0.075,
    jitter_on_frequency=0.09,
    peak_db=-10.5,
    weaker_db=-2.0,
    coherence=0.97,
    ripple=0.26,
    frequency_error=0.008,
)
"Costs one key in 200 of 40 ms at 0 dB, and in noise all keys of telephones that are off by more than 0.8 %."

_STEADY_HOPS: Final = 9
"22 ms without the edges, which a tone of 40 ms has: steadiness over less is chance."


class Features(NamedTuple):
    """What stage 2 measures on n spans, each (n,) float32."""

    frequency_error: Floats
    "The larger relative error of the two tones."

    coherence: Floats
    "How constant the phases are at the measured frequencies, 0 to 1; the worse of the two tones."

    ripple: Floats
    "Deviation over mean of the amplitude, the worse of the two tones."

    inner_coherence: Floats
    inner_ripple: Floats
    "The same without the edges."

    inner_hops: Floats
    "Track points the inner values rest on."

    snr_db: Floats
    "Both tones over all that is left without them."

    weaker_db: Floats
    """The weaker tone alone over all that is left. Telephones press two tones of about one level; in a voice that meets
    a pair the second formant is the weaker one, and both together say little about it."""

    peak_db: Floats
    "Strongest line left over the geometric mean of the tones."

    flatness_db: Floats
    "Strongest line left over the mean line: about 8 for white noise, more for a voice."

    jitter: Floats
    "Variance of the phases times signal over noise: 0.0375 where white noise explains it all."


def is_press(features: Features, strict: Bools | bool) -> Bools:
    """Return which of the features (n,) are those of a key press: any of three kinds.

    `strict` ((n,), or one for all) names the spans of calls on which no voice may be taken for a key, whatever
    that costs in noise.
    """
    return _presses(features, np.full(len(features.coherence), strict))


def is_settled_press(features: Features, strict: Bools | bool) -> Bools:
    """Return which of the features (n,), each of the settled part of a span, are those of a key press.

    Low-rate codecs (GSM 06.10) take up to 40 ms to find a tone and shake all that is measured on the whole of it;
    once found it stands far over what they add.
    """
    needed_db = np.where(strict, SETTLED_DB + _STRICT_DB, SETTLED_DB)
    stands = features.weaker_db > needed_db
    return np.asarray(stands & (features.coherence > SETTLED_COHERENCE))


@compiled
def stands_out(frequency_error: float, coherence: float, weaker_db: float, strict: bool) -> bool:
    """Return whether either tone of a span stands over all else; the further off frequency, the more it must."""
    needed_db = _needed_db(frequency_error, _NEEDED_DB, strict)
    return bool(weaker_db > needed_db and coherence > LOWEST_COHERENCE)


@compiled
def _presses(features: Features, strict: Bools) -> Bools:
    pressed = np.empty(len(strict), np.bool_)
    for row in range(len(strict)):
        error, coherence = features.frequency_error[row], features.coherence[row]
        pressed[row] = (
            stands_out(error, coherence, features.weaker_db[row], strict[row])
            or _steady(features, row, strict[row])
            or _in_noise(features, row, _STRICT_NOISE if strict[row] else _NOISE)
        )
    return pressed


@compiled
def _in_noise(f: Features, row: int, limits: _NoiseLimits) -> bool:
    """What is left is white and explains the jitter, so the level of the tone hardly matters.

    White noise alone gives a jitter of 0.0375 on average, and on 40 ms up to three times that; a tone right on
    its frequency is allowed all of it.
    """
    snr_db, error = f.snr_db[row], f.frequency_error[row]
    strong = snr_db > 4 or (snr_db > 2 and f.coherence[row] > 0.984)
    return bool(
        f.flatness_db[row] < (limits.flatness_strong_db if strong else limits.flatness_db)
        and f.jitter[row] < (limits.jitter_on_frequency if error < 0.005 else limits.jitter)
        and f.peak_db[row] < limits.peak_db
        and f.weaker_db[row] > limits.weaker_db
        and f.coherence[row] > limits.coherence
        and f.ripple[row] < limits.ripple
        and error < limits.frequency_error
    )


@compiled
def _steady(f: Features, row: int, strict: bool) -> bool:
    """As constant as only a machine's tone, even beside a voice as loud."""
    needed_db = _needed_db(f.frequency_error[row], _STEADY_DB, strict)
    return bool(
        f.weaker_db[row] > needed_db
        and f.coherence[row] > 0.93
        and f.inner_ripple[row] < 0.13
        and f.inner_coherence[row] > 0.99
        and f.inner_hops[row] >= _STEADY_HOPS
    )


@compiled
def _needed_db(frequency_error: float, steps: _Steps, strict: bool) -> float:
    """Return the value of the first step that the frequency error is below, and more of a strict call."""
    step = np.searchsorted(steps.below, frequency_error, side="right")
    return float(steps.values[step]) + _STRICT_DB * strict
