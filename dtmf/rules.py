"""When the features of a span are those of a key press.

What is left when both tones are taken away tells more than their level: behind a key press lies silence, noise or
a weaker voice; behind a voice that sounds like one lies the rest of the voice.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from dtmf.frames import Bools, Floats

SETTLED_COHERENCE: Final = 0.97
"Of the settled end of a tone."

LOWEST_COHERENCE: Final = 0.9
"What a line with a codec of full rate leaves of any tone that is read."


class _Steps:
    """A value for each range of the frequency error."""

    def __init__(self, *steps: tuple[float, float]) -> None:
        below, values = zip(*steps, strict=True)
        self.below = np.array(below[:-1], np.float32)
        self.values = np.array(values, np.float32)


_NEEDED_DB: Final = _Steps(
    (0.001, -3.0), (0.002, -1.0), (0.004, 1.0), (0.008, 2.0), (0.016, 4.0), (1.0, 6.0)
)
"""Frequency error up to which the weaker tone must stand this far over everything else. A telephone is right on its
frequencies, or as far off as its crystal; a voice meets a pair anywhere in the tolerance: of what looked like a pair
in recorded speech one in 160 was within 0.2 % of both tones, and what stood highest stayed 2 dB and more below."""

_STEADY_DB: Final = _Steps((0.006, -3.0), (0.016, 0.0), (1.0, np.inf))
"The same for tones as constant as only a machine's: nothing is, and is farther off."

SETTLED_DB: Final = 6.0
"What the settled end of a tone stands over all else. Coherent ends of spans in recorded speech stayed below 2 dB."

_STRICT_DB: Final = 3.0
"What `strict` asks more of each."


@dataclass(frozen=True, slots=True, kw_only=True)
class _NoiseLimits:
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
    flatness_db=11,
    flatness_strong_db=11.8,
    jitter=0.082,
    jitter_on_frequency=0.12,
    peak_db=-9.5,
    weaker_db=-4,
    coherence=0.96,
    ripple=0.28,
    frequency_error=0.019,
)
"Tones of 40 ms at 0 dB keep 1 to 2 dB from these; of recorded speech nothing came within a quarter of that."

_STRICT_NOISE: Final = _NoiseLimits(
    flatness_db=10.5,
    flatness_strong_db=11,
    jitter=0.075,
    jitter_on_frequency=0.09,
    peak_db=-10.5,
    weaker_db=-2,
    coherence=0.97,
    ripple=0.26,
    frequency_error=0.008,
)
"Costs one key in 200 of 40 ms at 0 dB, and in noise all keys of telephones that are off by more than 0.8 %."

_STEADY_HOPS: Final = 9
"22 ms without the edges, which a tone of 40 ms has: steadiness over less is chance."


@dataclass(frozen=True, slots=True)
class Features:
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


def is_press(f: Features, strict: Bools | bool) -> Bools:
    """Return which of the features (n,) are those of a key press: any of three kinds.

    `strict` ((n,), or one for all) names the spans of calls on which no voice may be taken for a key, whatever
    that costs in noise.
    """
    in_noise = np.where(strict, _in_noise(f, _STRICT_NOISE), _in_noise(f, _NOISE))
    loud = stands_out(f.frequency_error, f.coherence, f.weaker_db, strict)
    return np.asarray(in_noise | loud | _steady(f, strict))


def is_settled_press(f: Features, strict: Bools | bool) -> Bools:
    """Return which of the features (n,), each of the settled part of a span, are those of a key press.

    Low-rate codecs (GSM 06.10) take up to 40 ms to find a tone and shake all that is measured on the whole of it;
    once found it stands far over what they add.
    """
    needed_db = np.where(strict, SETTLED_DB + _STRICT_DB, SETTLED_DB)
    return np.asarray((f.weaker_db > needed_db) & (f.coherence > SETTLED_COHERENCE))


def _in_noise(f: Features, limits: _NoiseLimits) -> Bools:
    """What is left is white and explains the jitter, so the level of the tone hardly matters.

    White noise alone gives a jitter of 0.0375 on average, and on 40 ms up to three times that; a tone right on
    its frequency is allowed all of it.
    """
    strong = (f.snr_db > 4) | ((f.snr_db > 2) & (f.coherence > 0.984))
    on_frequency = f.frequency_error < 0.005
    return np.asarray(
        (f.flatness_db < np.where(strong, limits.flatness_strong_db, limits.flatness_db))
        & (f.jitter < np.where(on_frequency, limits.jitter_on_frequency, limits.jitter))
        & (f.peak_db < limits.peak_db)
        & (f.weaker_db > limits.weaker_db)
        & (f.coherence > limits.coherence)
        & (f.ripple < limits.ripple)
        & (f.frequency_error < limits.frequency_error)
    )


def stands_out(
    frequency_error: Floats, coherence: Floats, weaker_db: Floats, strict: Bools | bool
) -> Bools:
    """Return where either tone stands over all else (n,); the further off frequency, the more it must."""
    needed_db = _by_error(frequency_error, _NEEDED_DB) + np.where(strict, _STRICT_DB, 0)
    return np.asarray((weaker_db > needed_db) & (coherence > LOWEST_COHERENCE))


def _steady(f: Features, strict: Bools | bool) -> Bools:
    """As constant as only a machine's tone, even beside a voice as loud."""
    needed_db = _by_error(f.frequency_error, _STEADY_DB) + np.where(strict, _STRICT_DB, 0)
    return np.asarray(
        (f.weaker_db > needed_db)
        & (f.coherence > 0.93)
        & (f.inner_ripple < 0.13)
        & (f.inner_coherence > 0.99)
        & (f.inner_hops >= _STEADY_HOPS)
    )


def _by_error(frequency_error: Floats, steps: _Steps) -> Floats:
    """Return the value of the first step that each frequency error is below."""
    return np.asarray(steps.values[np.searchsorted(steps.below, frequency_error, side="right")])
