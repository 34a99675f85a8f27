"""Test signals: key sequences, noise, a voice and the line they come over. All from the generator that is passed in."""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.signal import lfilter

from dtmf.frames import FRAME_SAMPLES, RATE_HZ, Pcm
from dtmf.keys import tones_hz
from dtmf.tones import amplitude

Signal = NDArray[np.float64]

_CLIP: Final = 32635
"Largest input of mu-law (ITU-T G.711)."


def ulaw(signal: Signal) -> Pcm:
    """Return what is left of `signal` after mu-law."""
    clipped = np.clip(np.rint(signal), -_CLIP, _CLIP).astype(np.int64)
    biased = np.abs(clipped) + 132
    shift = np.floor(np.log2(biased)).astype(np.int64) - 4
    # keep the leading bit and four more, in the middle of their step
    decoded = ((biased >> shift) << shift) + (1 << (shift - 1)) - 132
    return np.asarray(np.sign(clipped) * decoded, np.int16)


def ms(value: float) -> int:
    """Return `value` milliseconds in samples."""
    return round(value * RATE_HZ / 1000)


def silence(duration_ms: float) -> Signal:
    """Return digital silence."""
    return np.zeros(ms(duration_ms))


def pair(
    key: str,
    duration_ms: float,
    rng: Generator,
    *,
    low_dbm0: float = -10.0,
    high_dbm0: float = -10.0,
    low_error: float = 0.0,
    high_error: float = 0.0,
) -> Signal:
    """Return one key's tones at random phases, levels for each tone; errors are relative."""
    t = np.arange(ms(duration_ms)) * (2 * np.pi / RATE_HZ)
    low_hz, high_hz = tones_hz(key)
    low_phase, high_phase = rng.uniform(0, 2 * np.pi, 2)
    low = amplitude(low_dbm0) * np.sin(low_hz * (1 + low_error) * t + low_phase)
    high = amplitude(high_dbm0) * np.sin(high_hz * (1 + high_error) * t + high_phase)
    return np.asarray(low + high, np.float64)


def keyed(
    keys: str,
    rng: Generator,
    *,
    on_ms: float = 50.0,
    off_ms: float = 50.0,
    low_dbm0: float = -10.0,
    high_dbm0: float = -10.0,
    low_error: float = 0.0,
    high_error: float = 0.0,
) -> Signal:
    """Return `keys` one after the other, at a random place in the frame, silence around them."""
    parts = [silence(rng.uniform(60, 120))]
    for key in keys:
        tones = pair(
            key,
            on_ms,
            rng,
            low_dbm0=low_dbm0,
            high_dbm0=high_dbm0,
            low_error=low_error,
            high_error=high_error,
        )
        parts += [tones, silence(off_ms)]
    return np.concatenate([*parts, silence(100)])


def white_noise(samples: int, level_dbm0: float, rng: Generator) -> Signal:
    """Return white noise with the power of a sine of `level_dbm0`."""
    return rng.normal(0, amplitude(level_dbm0) / np.sqrt(2), samples)


Syllable = Callable[[int, Generator], Signal]


def voice(samples: int, level_dbm0: float, rng: Generator) -> Signal:
    """Return a speech-like sound: syllables of gliding pitch through three formants, hiss between them."""
    return _spoken(_throat, samples, level_dbm0, rng)


def harsh_voice(samples: int, level_dbm0: float, rng: Generator) -> Signal:
    """Return what no throat does: formants as narrow as a tone, at random, without tremor and nearly without breath."""
    return _spoken(_machine, samples, level_dbm0, rng)


def _spoken(syllable: Syllable, samples: int, level_dbm0: float, rng: Generator) -> Signal:
    """Return syllables of 80 to 350 ms with short pauses, `level_dbm0` over all."""
    parts: list[Signal] = []
    length = 0
    while length < samples:
        part = syllable(ms(rng.uniform(80, 350)), rng)
        pause = np.zeros(ms(rng.uniform(0, 120)))
        parts += [part, pause]
        length += len(part) + len(pause)
    sound = np.concatenate(parts)[:samples]
    rms = np.sqrt(np.mean(sound**2))
    return np.asarray(sound * amplitude(level_dbm0) / np.sqrt(2) / rms, np.float64)


def _throat(samples: int, rng: Generator) -> Signal:
    """Return one syllable: three in four voiced, with the glide, tremor and jitter that a throat has."""
    t = np.arange(samples) / RATE_HZ
    if rng.random() < 0.25:
        return _formed(rng.normal(0, 1, samples), [(rng.uniform(2000, 3500), 600.0)])
    glide = rng.uniform(85, 260) * (1 + np.linspace(0, rng.uniform(-0.25, 0.25), samples))
    tremor = 1 + 0.02 * np.sin(2 * np.pi * rng.uniform(4, 7) * t + rng.uniform(0, 6))
    jitter = 1 + 0.02 * np.repeat(rng.normal(0, 1, samples // 40 + 1), 40)[:samples]
    source = _pulses(glide * tremor * jitter) + rng.normal(0, 0.02, samples)
    first, second = rng.uniform(250, 800), rng.uniform(900, 2200)
    return _formed(source, [(first, 80.0), (second, 110.0), (rng.uniform(2300, 3200), 160.0)])


def _machine(samples: int, rng: Generator) -> Signal:
    """Return one syllable of evenly gliding pitch, or of hiss, whose formants may stand on any pair of tones."""
    start_hz, stop_hz = rng.uniform(85, 260) * rng.uniform(0.8, 1.25, 2)
    source = _pulses(np.linspace(start_hz, stop_hz, samples)) + rng.normal(0, 0.02, samples)
    if rng.random() < 0.2:
        source = rng.normal(0, 0.3, samples)
    first, second = rng.uniform(250, 850), rng.uniform(850, 2300)
    return _formed(source, [(first, 70.0), (second, 100.0), (rng.uniform(2200, 3200), 150.0)])


def _pulses(pitch_hz: Signal) -> Signal:
    """Return one pulse each time the phase of `pitch_hz` (n,) comes round."""
    return np.diff(np.floor(np.cumsum(pitch_hz) / RATE_HZ), prepend=0.0)


def _formed(source: Signal, formants_hz: list[tuple[float, float]]) -> Signal:
    """Return `source` through formants, (centre, width) each, swelling and fading, at unit level."""
    for centre_hz, width_hz in formants_hz:
        radius = np.exp(-np.pi * width_hz / RATE_HZ)
        turn = 2 * np.pi * centre_hz / RATE_HZ
        source = lfilter([1.0], [1.0, -2 * radius * np.cos(turn), radius**2], source)
    sound = source * np.hanning(len(source) + 2)[1:-1] ** 0.5
    return np.asarray(sound / np.sqrt(np.mean(sound**2)), np.float64)


def frames_of(calls: list[Pcm]) -> Pcm:
    """Return calls as frames (frames, calls, 160), silence after the shorter ones and 120 ms after the longest."""
    count = -(-max(len(call) for call in calls) // FRAME_SAMPLES) + 6
    audio = np.zeros((len(calls), count * FRAME_SAMPLES), np.int16)
    for row, call in enumerate(calls):
        audio[row, : len(call)] = call
    return np.ascontiguousarray(audio.reshape(len(calls), count, FRAME_SAMPLES).transpose(1, 0, 2))
