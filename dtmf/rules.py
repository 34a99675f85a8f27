"""When the features of a span are those of a key press.

What is left when both tones are taken away tells more than their level: behind a key press lies silence, noise or
a weaker voice; behind a voice that sounds like one lies the rest of the voice.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from dtmf.frames import Bools, Floats

LOWEST_COHERENCE: Final = 0.85
"Below this neither tone is one."

_COHERENT: Final = 0.9
"What a line with a codec of full rate leaves of any tone that is read."

_NEEDED_DB: Final = ((0.008, 2.0), (0.016, 4.0))
_NEEDED_FAR_OFF_DB: Final = 6.0
"""Frequency error up to which the weaker tone must stand this far over everything else. Clean tones at the 1.5 % of
ITU-T Q.24 stand 6 dB and more over anything; those in noise are accepted by what is left of it."""

_CRYSTAL_ERROR: Final = 0.006
"A telephone that keys under a voice is this near its frequencies; a voice may meet a pair anywhere in the tolerance."

_STEADY_HOPS: Final = 9
"22 ms without the edges, which a tone of 40 ms has: steadiness over less is chance."


@dataclass(frozen=True, slots=True)
class Features:
    """What stage 2 measures on n spans, each (n,) float32."""

    frequency_error: Floats
    "The larger relative error of the two tones."

    twist_db: Floats
    "High over low tone."

    on_hops: Floats
    "Track points (2.5 ms) in which both tones are on and were received."

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


def is_press(f: Features) -> Bools:
    """Return which of the features (n,) are those of a key press: any of five kinds."""
    return _in_noise(f) | _louder_than_all(f) | _steady(f) | _under_voice(f) | _lasting(f)


def _in_noise(f: Features) -> Bools:
    """What is left is white and explains the jitter, so the level of the tone hardly matters.

    White noise alone gives a jitter of 0.0375 on average, and on 40 ms up to three times that; a tone right on
    its frequency is allowed all of it.
    """
    strong = (f.snr_db > 4) | ((f.snr_db > 2) & (f.coherence > 0.984))
    return np.asarray(
        (f.flatness_db < np.where(strong, 11.8, 11))
        & (f.peak_db < -7)
        & (f.jitter < np.where(f.frequency_error < 0.005, 0.12, 0.082))
        & (f.coherence > 0.945)
        & (f.ripple < 0.31)
        & (f.frequency_error < 0.019)
        & (f.snr_db > -2.5)
    )


def _louder_than_all(f: Features) -> Bools:
    """Either tone stands over all else; the further off frequency, the more, as telephones are rarely far off."""
    needed_db = np.select(
        [f.frequency_error < error for error, _ in _NEEDED_DB],
        [db for _, db in _NEEDED_DB],
        _NEEDED_FAR_OFF_DB,
    )
    return np.asarray((f.weaker_db > needed_db) & (f.coherence > _COHERENT))


def _steady(f: Features) -> Bools:
    """As constant as only a machine's tone."""
    return np.asarray(
        (f.weaker_db > 0)
        & (f.coherence > 0.97)
        & (f.inner_ripple < 0.13)
        & (f.inner_coherence > 0.99)
        & (f.inner_hops >= _STEADY_HOPS)
        & (f.frequency_error < _CRYSTAL_ERROR)
    )


def _under_voice(f: Features) -> Bools:
    """Nearly as loud a voice beside it, but perfectly constant for a while."""
    return np.asarray(
        (f.weaker_db > -1)
        & (f.inner_ripple < 0.08)
        & (f.inner_coherence > 0.996)
        & (f.inner_hops >= _STEADY_HOPS)
        & (f.frequency_error < _CRYSTAL_ERROR)
    )


def _lasting(f: Features) -> Bools:
    """Shaken by a low-rate codec, but on frequency for 67 ms, longer than a gliding voice meets both tones."""
    return np.asarray(
        (f.on_hops >= 27) & (f.frequency_error < 0.003) & (f.weaker_db > 0) & (f.peak_db < -4)
    )
