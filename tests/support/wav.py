"""Telephone audio for tests: WAV files, silence around them, digits within speech."""

import wave
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dtmf.tones import tone
from ivr.demo.microphone import CALLER_VOICE, Microphone, Voice, press_timeline

RATE_HZ: Final = 8000

Pcm = NDArray[np.int16]


def read_wav(path: Path) -> Pcm:
    """Return the samples of a 16-bit, 8000 Hz WAV: (n,) if it is mono, (n, channels) if not."""
    with wave.open(str(path), "rb") as wav:
        if (wav.getframerate(), wav.getsampwidth()) != (RATE_HZ, 2):
            raise ValueError(f"{path.name} is not 16-bit audio at {RATE_HZ} Hz")
        channels = wav.getnchannels()
        pcm: Pcm = np.frombuffer(wav.readframes(wav.getnframes()), "<i2").astype(np.int16)
    return pcm if channels == 1 else pcm.reshape(-1, channels)


def write_wav(path: Path, pcm: Pcm) -> Path:
    """Write `pcm`, (n,) or (n, channels), and return `path`."""
    with wave.open(str(path), "wb") as wav:
        wav.setnchannels(1 if pcm.ndim == 1 else pcm.shape[1])
        wav.setsampwidth(2)
        wav.setframerate(RATE_HZ)
        wav.writeframes(pcm.astype("<i2").tobytes())
    return path


def silence(seconds: float) -> Pcm:
    """Return digital silence."""
    return np.zeros(round(seconds * RATE_HZ), np.int16)


def pad(pcm: Pcm, *, before_s: float = 0.0, after_s: float = 0.0) -> Pcm:
    """Return `pcm` with silence around it."""
    return np.concatenate([silence(before_s), pcm, silence(after_s)])


def mix(one: Pcm, other: Pcm) -> Pcm:
    """Return both at once, as long as the longer one, clipped to 16 bits."""
    total = np.zeros(max(len(one), len(other)), np.int32)
    total[: len(one)] += one
    total[: len(other)] += other
    return np.clip(total, -32768, 32767).astype(np.int16)


def speech(seconds: float, voice: Voice = CALLER_VOICE) -> Pcm:
    """Return speech-like sound at -15 dBm0, the same every time."""
    return Microphone(voice).talk(round(seconds * RATE_HZ))


def keyed(keys: str, *, on_ms: float = 80, off_ms: float = 80, level_dbm0: float = -10) -> Pcm:
    """Return `keys` pressed one after the other, `level_dbm0` a tone."""
    on_samples, off_samples = (round(ms * RATE_HZ / 1000) for ms in (on_ms, off_ms))
    spans = press_timeline(len(keys), on_samples=on_samples, off_samples=off_samples)
    sound = np.zeros(len(keys) * (on_samples + off_samples), np.int16)
    for key, span in zip(keys, spans, strict=True):
        sound[span.start : span.end] = tone(key, on_samples, level_dbm0=level_dbm0)
    return sound


def caller_audio(keys: str, *, before_s: float = 1.5, after_s: float = 1.0) -> Pcm:
    """Return a caller who talks, pauses, keys `keys` in-band and talks on."""
    microphone = Microphone(CALLER_VOICE)
    return np.concatenate(
        [
            microphone.talk(round(before_s * RATE_HZ)),
            silence(0.2),
            keyed(keys),
            silence(0.2),
            microphone.talk(round(after_s * RATE_HZ)),
        ]
    )
