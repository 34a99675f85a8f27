"""Speech-like sound for the demo's softphones: made here, the same every time, owned by nobody.

A voice is glottal pulses that ring the formants of a vowel (one damped sine a formant and pulse), gliding from
syllable to syllable, with a breathy consonant between and a pause after each phrase. It carries no words; what
it has of speech is what a DTMF receiver and a mask must cope with: harmonics, formants that move through the
tone bands, onsets and pauses.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

RATE_HZ: Final = 8000

SPEECH_LEVEL_DBM0: Final = -15.0
"Level while talking, the ITU-T P.56 active level of a normal telephone talker."

_FULL_SCALE_DBM0: Final = 3.17
"Level of a full-scale sine (ITU-T G.711, mu-law)."

_FULL_SCALE: Final = 32124.0
"Peak of a full-scale sine after mu-law coding, linear 16-bit."

_VOWELS_HZ: Final = np.array(
    [
        (310.0, 2020.0, 2960.0),  # i
        (460.0, 1890.0, 2670.0),  # e
        (740.0, 1180.0, 2640.0),  # a
        (500.0, 850.0, 2500.0),  # o
        (330.0, 740.0, 2380.0),  # u
        (560.0, 1480.0, 2520.0),  # schwa
    ]
)
"First three formants, shape (vowels, 3)."

_BANDWIDTHS_HZ: Final = np.array([90.0, 120.0, 180.0])

_GAINS: Final = np.array([1.0, 0.5, 0.25])
"Strength of each formant; the fall of the glottal spectrum."

_RING_SAMPLES: Final = 160
"A pulse rings this long; the narrowest formant has died away by then."

_SYLLABLE_S: Final = (0.13, 0.26)
"Shortest and longest syllable: four to six a second, as in talk."

_CONSONANT_SHARE: Final = 0.22
"Part of a syllable that is the breathy onset."

_PHRASE_SYLLABLES: Final = (4, 9)

_PAUSE_S: Final = (0.25, 0.6)

_LOW_EDGE_HZ: Final = 170.0
"6 dB point of the high-pass."

_ROOM_DBM0: Final = -62.0
"Noise of the room, always there: a live microphone is never digital silence."


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """Who speaks."""

    pitch_hz: float

    formant_scale: float
    "Length of the vocal tract against the table's: above 1 for a shorter one."

    seed: int
    "Same seed, same sound."


CALLER_VOICE: Final = Voice(pitch_hz=188.0, formant_scale=1.08, seed=11)

AGENT_VOICE: Final = Voice(pitch_hz=112.0, formant_scale=0.96, seed=29)


def amplitude(level_dbm0: float) -> float:
    """Return the peak of a sine of `level_dbm0`, linear 16-bit."""
    return float(_FULL_SCALE * 10 ** ((level_dbm0 - _FULL_SCALE_DBM0) / 20))


class Microphone:
    """An endless talker: every :meth:`talk` goes on where the last one stopped, so no frame comes twice."""

    def __init__(self, voice: Voice) -> None:
        self._voice = voice
        self._noise = np.random.default_rng(voice.seed + 1)
        self._phrases = _phrases(voice)
        self._rest = np.zeros(0)

    def talk(self, samples: int) -> NDArray[np.int16]:
        """Return the next `samples` of speech, int16 at 8000 Hz, at -15 dBm0 while talking."""
        parts = [self._rest]
        have = len(self._rest)
        while have < samples:
            parts.append(next(self._phrases))
            have += len(parts[-1])
        sound = np.concatenate(parts)
        self._rest = sound[samples:]
        return _to_pcm(sound[:samples] + self._room(samples))

    def listen(self, samples: int) -> NDArray[np.int16]:
        """Return `samples` of the quiet room, int16 at 8000 Hz: nobody talks."""
        return _to_pcm(self._room(samples))

    def _room(self, samples: int) -> NDArray[np.float64]:
        return self._noise.normal(0.0, amplitude(_ROOM_DBM0) / np.sqrt(2), samples)


@dataclass(frozen=True, slots=True, kw_only=True)
class PressSpan:
    """One press on the caller's timeline, in samples; which key it is, nobody says."""

    start: int

    end: int


def press_timeline(
    presses: int, *, on_samples: int, off_samples: int, start: int = 0
) -> tuple[PressSpan, ...]:
    """Return where each of `presses` lies when keys are held `on_samples` and parted by `off_samples`."""
    if on_samples <= 0 or off_samples <= 0:
        raise ValueError("a press and the pause after it last at least one sample")
    period = on_samples + off_samples
    starts = range(start, start + presses * period, period)
    return tuple(PressSpan(start=s, end=s + on_samples) for s in starts)


def _to_pcm(sound: NDArray[np.float64]) -> NDArray[np.int16]:
    return np.clip(np.rint(sound), -_FULL_SCALE, _FULL_SCALE).astype(np.int16)


def _phrases(voice: Voice) -> Iterator[NDArray[np.float64]]:
    """Yield phrases without end, each with the pause after it, at speech level."""
    rng = np.random.default_rng(voice.seed)
    while True:
        syllables = int(rng.integers(*_PHRASE_SYLLABLES, endpoint=True))
        phrase = _phrase(voice, syllables, rng)
        rms = np.sqrt(np.mean(phrase**2))
        phrase *= amplitude(SPEECH_LEVEL_DBM0) / np.sqrt(2) / rms
        pause = np.zeros(int(rng.uniform(*_PAUSE_S) * RATE_HZ))
        yield np.concatenate([phrase, pause])


def _phrase(voice: Voice, syllables: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return one phrase of no particular level; pitch falls from its start to its end, as in a statement."""
    lengths = (rng.uniform(*_SYLLABLE_S, syllables) * RATE_HZ).astype(int)
    bounds = np.concatenate([[0], np.cumsum(lengths)])
    total = int(bounds[-1])
    targets = _VOWELS_HZ[rng.integers(0, len(_VOWELS_HZ), syllables + 1)] * voice.formant_scale
    loudness = _loudness(bounds, rng)
    onsets = _pulse_onsets(voice, total, rng)
    formants = np.stack([np.interp(onsets, bounds, targets[:, k]) for k in range(3)], axis=1)
    voiced = _rung_formants(onsets, formants, loudness[onsets], total)
    voiced_rms = float(np.sqrt(np.mean(voiced**2)))
    return _telephone_band(voiced + 0.12 * voiced_rms * _breath(bounds, rng))


def _telephone_band(sound: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return `sound` without the rumble that no telephone carries (a smooth high-pass)."""
    spectrum = np.fft.rfft(sound)
    hz = np.fft.rfftfreq(len(sound), 1 / RATE_HZ)
    gain = hz**4 / (hz**4 + _LOW_EDGE_HZ**4)
    filtered: NDArray[np.float64] = np.fft.irfft(spectrum * gain, len(sound))
    return filtered


def _pulse_onsets(voice: Voice, total: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return the samples at which the glottis closes: falling pitch, a little vibrato, one per cent of jitter."""
    most = int(total * voice.pitch_hz * 1.3 / RATE_HZ) + 2
    turn = np.linspace(0, 1, most)
    pitch_hz = voice.pitch_hz * (1.12 - 0.27 * turn + 0.03 * np.sin(2 * np.pi * 5 * turn))
    periods = RATE_HZ / pitch_hz * rng.normal(1.0, 0.01, most)
    onsets: NDArray[np.int64] = np.cumsum(periods).astype(np.int64)
    return onsets[onsets < total]


def _rung_formants(
    onsets: NDArray[np.int64],
    formants_hz: NDArray[np.float64],
    loudness: NDArray[np.float64],
    total: int,
) -> NDArray[np.float64]:
    """Sum one damped sine for each pulse and formant; `formants_hz` is (pulses, 3)."""
    t = np.arange(_RING_SAMPLES) / RATE_HZ
    damping = _GAINS[:, None] * np.exp(-np.pi * _BANDWIDTHS_HZ[:, None] * t)
    rings = (np.sin(2 * np.pi * formants_hz[:, :, None] * t) * damping).sum(axis=1)
    sound = np.zeros(total + _RING_SAMPLES)
    where = onsets[:, None] + np.arange(_RING_SAMPLES)
    np.add.at(sound, where, rings * loudness[:, None])
    return sound[:total]


def _loudness(bounds: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Return the loudness of each sample, 0 to 1: each syllable swells after its consonant and fades."""
    parts = []
    for length in np.diff(bounds):
        x = np.linspace(0, 1, length)
        swell = np.clip(x / _CONSONANT_SHARE, 0.08, 1) * np.clip((1 - x) / 0.3, 0.15, 1)
        parts.append(swell * rng.uniform(0.6, 1.0))
    return np.concatenate(parts)


def _breath(bounds: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Return the consonants: bursts of high-passed noise at the start of about half the syllables, unit level."""
    white = rng.normal(0, 1, int(bounds[-1]) + 1)
    hiss = np.diff(white)
    gate = np.zeros(len(hiss))
    for start, end in zip(bounds[:-1], bounds[1:], strict=True):
        if rng.random() < 0.55:
            burst = int((end - start) * _CONSONANT_SHARE)
            gate[start : start + burst] = np.hanning(burst) * 2
    return hiss * gate
