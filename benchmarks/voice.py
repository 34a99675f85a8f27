"""Sounds that are no key, made here so that a benchmark needs no recordings: a talker, and music.

The talker is a source-filter model: a pitch that glides and trembles, three formants that move within a syllable,
fricatives between. It is no substitute for recordings, which `benchmarks.corpus` finds where they are installed.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.random import Generator
from scipy.signal import butter, lfilter, sosfilt

from benchmarks.signals import RATE_HZ, Signal, at_level, samples_of_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Talker:
    """A throat."""

    pitch_hz: tuple[float, float]
    formant_scale: float
    "1 is a man's; a shorter tract has higher formants."


MAN: Final = Talker(pitch_hz=(85, 160), formant_scale=1.0)
WOMAN: Final = Talker(pitch_hz=(160, 280), formant_scale=1.17)

_BLOCK: Final = 80
"Formants stand still for 10 ms."

_VOWELS_HZ: Final = (
    (280, 2250, 2900), (400, 1950, 2550), (600, 1700, 2450), (730, 1090, 2440),
    (570, 840, 2410), (440, 1020, 2240), (300, 870, 2240), (490, 1350, 1690),
)  # fmt: skip
"Formants of eight vowels of a man."

_FORMANT_WIDTHS_HZ: Final = (70, 100, 150)


def talk(samples: int, level_dbm0: float, talker: Talker, rng: Generator) -> Signal:
    """Return `samples` of a talker at `level_dbm0`: syllables of 80 to 300 ms, short pauses, band 200-3600 Hz."""
    parts: list[Signal] = []
    length = 0
    while length < samples:
        size = samples_of_ms(rng.uniform(80, 300))
        sound = _fricative(size, rng) if rng.random() < 0.2 else _vowel(size, talker, rng)
        pause = np.zeros(samples_of_ms(rng.uniform(0, 90) if rng.random() < 0.9 else 300))
        parts += [sound, pause]
        length += len(sound) + len(pause)
    band = butter(2, [200, 3600], "bandpass", fs=RATE_HZ, output="sos")
    return at_level(sosfilt(band, np.concatenate(parts)[:samples]), level_dbm0)


def _vowel(samples: int, talker: Talker, rng: Generator) -> Signal:
    time_s = np.arange(samples) / RATE_HZ
    glide = np.linspace(1, rng.uniform(0.8, 1.25), samples)
    tremor = 1 + 0.01 * np.sin(2 * np.pi * rng.uniform(4, 7) * time_s + rng.uniform(0, 6))
    jitter = 1 + 0.01 * np.repeat(rng.normal(0, 1, samples // _BLOCK + 1), _BLOCK)[:samples]
    turns = np.cumsum(rng.uniform(*talker.pitch_hz) * glide * tremor * jitter) / RATE_HZ
    pulses = np.diff(np.floor(turns), prepend=0.0)
    source = lfilter([1.0], [1.0, -0.95], pulses) + rng.normal(0, 0.01, samples)
    first, last = rng.choice(np.array(_VOWELS_HZ, float), 2) * talker.formant_scale
    for number, width_hz in enumerate(_FORMANT_WIDTHS_HZ):
        source = _moving_resonance(source, first[number], last[number], width_hz)
    return _shaped(source)


def _moving_resonance(source: Signal, first_hz: float, last_hz: float, width_hz: float) -> Signal:
    """Return `source` through a resonance that moves from one frequency to another."""
    radius = np.exp(-np.pi * width_hz / RATE_HZ)
    out, state = np.empty_like(source), np.zeros(2)
    blocks = range(0, len(source), _BLOCK)
    for at, hz in zip(blocks, np.linspace(first_hz, last_hz, len(blocks)), strict=True):
        poles = [1.0, -2 * radius * np.cos(2 * np.pi * hz / RATE_HZ), radius**2]
        out[at : at + _BLOCK], state = lfilter([1.0], poles, source[at : at + _BLOCK], zi=state)
    return out


def _fricative(samples: int, rng: Generator) -> Signal:
    low_hz = rng.uniform(1500, 2800)
    band = butter(2, [low_hz, 3800], "bandpass", fs=RATE_HZ, output="sos")
    return 0.3 * _shaped(sosfilt(band, rng.normal(0, 1, samples)))


def _shaped(sound: Signal) -> Signal:
    """Return `sound` at unit power, faded in and out."""
    power = np.sqrt(np.mean(sound**2)) + 1e-12
    return np.asarray(sound * np.hanning(len(sound) + 2)[1:-1] ** 0.5 / power, np.float64)


def music(samples: int, level_dbm0: float, rng: Generator) -> Signal:
    """Return `samples` of chords and a melody over them: plucked and held notes with harmonics, equal temperament."""
    out = np.zeros(samples + 2 * RATE_HZ)
    beat = samples_of_ms(rng.uniform(180, 420))
    for number, at in enumerate(range(0, samples, beat)):
        if number % 4 == 0:
            root = rng.integers(45, 57)
            chord = root + np.array([0, rng.choice([3, 4]), 7, 12])
            for note in chord:
                _add_note(out, at, 4 * beat, int(note), decay_s=1.5, rng=rng)
        melody = int(rng.choice(chord)) + 12 * int(rng.integers(1, 3))
        _add_note(out, at, int(rng.integers(1, 3)) * beat, melody, decay_s=0.4, rng=rng)
    return at_level(out[:samples], level_dbm0)


def _add_note(
    out: Signal, at: int, length: int, note: int, *, decay_s: float, rng: Generator
) -> None:
    """Add one note (MIDI number) with harmonics up to 3600 Hz."""
    time_s = np.arange(min(length, len(out) - at)) / RATE_HZ
    hz = 440 * 2 ** ((note - 69) / 12)
    envelope = np.exp(-time_s / decay_s) * np.minimum(time_s * 200, 1)
    for harmonic in range(1, min(8, int(3600 / hz)) + 1):
        phase = rng.uniform(0, 2 * np.pi)
        tone = np.sin(2 * np.pi * hz * harmonic * time_s + phase)
        out[at : at + len(time_s)] += envelope * tone * harmonic ** -rng.uniform(0.6, 1.8)
