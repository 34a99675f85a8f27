"""When the features of a span are those of a key press.

What is left when both tones are taken away tells more than their level: behind a key press lies silence, noise or
a weaker voice; behind a voice that sounds like one lies the rest of the voice.
"""

from dataclasses import dataclass
from typing import Final

LOWEST_COHERENCE: Final = 0.85
"Below this neither tone is one."

_COHERENT: Final = 0.9
"What a line with a codec of full rate leaves of any tone that is read."

_NEEDED_DB: Final = ((0.008, 2.0), (0.016, 4.0), (1.0, 6.0))
"""Frequency error up to which the weaker tone must stand this far over everything else. Clean tones at the 1.5 % of
ITU-T Q.24 stand 6 dB and more over anything; those in noise are accepted by what is left of it."""

_CRYSTAL_ERROR: Final = 0.006
"A telephone that keys under a voice is this near its frequencies; a voice may meet a pair anywhere in the tolerance."

_STEADY_HOPS: Final = 9
"22 ms without the edges, which a tone of 40 ms has: steadiness over less is chance."


@dataclass(frozen=True, slots=True)
class Features:
    """What stage 2 measures on one span."""

    frequency_error: float
    "The larger relative error of the two tones."

    twist_db: float
    "High over low tone."

    on_hops: int
    "Track points (2.5 ms) in which both tones are on and were received."

    coherence: float
    "How constant the phases are at the measured frequencies, 0 to 1; the worse of the two tones."

    ripple: float
    "Deviation over mean of the amplitude, the worse of the two tones."

    inner_coherence: float
    inner_ripple: float
    "The same without the edges."

    inner_hops: int
    "Track points the inner values rest on."

    snr_db: float
    "Both tones over all that is left without them."

    weaker_db: float
    """The weaker tone alone over all that is left. Telephones press two tones of about one level; in a voice that meets
    a pair the second formant is the weaker one, and both together say little about it."""

    peak_db: float
    "Strongest line left over the geometric mean of the tones."

    flatness_db: float
    "Strongest line left over the mean line: about 8 for white noise, more for a voice."

    jitter: float
    "Variance of the phases times signal over noise: 0.0375 where white noise explains it all."


def is_press(f: Features) -> bool:
    """Return whether the features are those of a key press: any of five kinds."""
    return _in_noise(f) or _louder_than_all(f) or _steady(f) or _under_voice(f) or _lasting(f)


def _in_noise(f: Features) -> bool:
    """What is left is white and explains the jitter, so the level of the tone hardly matters.

    White noise alone gives a jitter of 0.0375 on average, and on 40 ms up to three times that; a tone right on
    its frequency is allowed all of it.
    """
    flat_enough = f.flatness_db < 11 or (
        f.flatness_db < 11.8 and (f.snr_db > 4 or (f.snr_db > 2 and f.coherence > 0.984))
    )
    return (
        flat_enough
        and f.peak_db < -7
        and f.jitter < (0.12 if f.frequency_error < 0.005 else 0.082)
        and f.coherence > 0.945
        and f.ripple < 0.31
        and f.frequency_error < 0.019
        and f.snr_db > -2.5
    )


def _louder_than_all(f: Features) -> bool:
    """Either tone stands over all else; the further off frequency, the more, as telephones are rarely far off."""
    needed_db = next(db for error, db in _NEEDED_DB if f.frequency_error < error)
    return f.weaker_db > needed_db and f.coherence > _COHERENT


def _steady(f: Features) -> bool:
    """As constant as only a machine's tone."""
    return (
        f.weaker_db > 0
        and f.coherence > 0.97
        and f.inner_ripple < 0.13
        and f.inner_coherence > 0.99
        and f.inner_hops >= _STEADY_HOPS
        and f.frequency_error < _CRYSTAL_ERROR
    )


def _under_voice(f: Features) -> bool:
    """Nearly as loud a voice beside it, but perfectly constant for a while."""
    return (
        f.weaker_db > -1
        and f.inner_ripple < 0.08
        and f.inner_coherence > 0.996
        and f.inner_hops >= _STEADY_HOPS
        and f.frequency_error < _CRYSTAL_ERROR
    )


def _lasting(f: Features) -> bool:
    """Shaken by a low-rate codec, but on frequency for 67 ms, longer than a gliding voice meets both tones."""
    return f.on_hops >= 27 and f.frequency_error < 0.003 and f.weaker_db > 0 and f.peak_db < -4
