"""Reading through noise, and hearing no key where there is none."""

import numpy as np
import pytest
from numpy.random import Generator

from dtmf.frames import FRAME_SAMPLES, Pcm
from ivr.demo.microphone import AGENT_VOICE, CALLER_VOICE, Microphone, Voice
from tests.dtmf.drive import mask, read
from tests.dtmf.signals import harsh_voice, keyed, ms, ulaw, voice, white_noise

_ENTRIES = 8
_TONE_DBM0 = -13.0


def _noisy(keys: str, on_ms: float, snr_db: float, rng: Generator) -> Pcm:
    tones = keyed(keys, rng, on_ms=on_ms, off_ms=on_ms, low_dbm0=_TONE_DBM0, high_dbm0=_TONE_DBM0)
    return ulaw(tones + white_noise(len(tones), _TONE_DBM0 - snr_db, rng))


def _digits(rng: Generator) -> str:
    return "".join(rng.choice(list("0123456789"), 16))


@pytest.mark.parametrize("on_ms", [40, 50, 70, 100])
@pytest.mark.parametrize("snr_db", [3, 6, 12, 20])
def test_every_digit_is_read_from_3_db_on(on_ms: int, snr_db: int) -> None:
    rng = np.random.default_rng([on_ms, snr_db])
    keys = [_digits(rng) for _ in range(_ENTRIES)]
    assert read([_noisy(entry, on_ms, snr_db, rng) for entry in keys]) == keys


@pytest.mark.parametrize("on_ms", [50, 100])
def test_nearly_every_digit_is_read_at_0_db(on_ms: int) -> None:
    rng = np.random.default_rng(on_ms)
    keys = [_digits(rng) for _ in range(20)]
    got = read([_noisy(entry, on_ms, 0, rng) for entry in keys])
    assert sum(a == b for a, b in zip(got, keys, strict=True)) >= 18


def test_digits_are_read_over_a_voice_12_db_below() -> None:
    rng = np.random.default_rng(12)
    keys = [_digits(rng) for _ in range(_ENTRIES)]
    calls = []
    for entry in keys:
        tones = keyed(entry, rng, on_ms=80, off_ms=100)
        calls.append(ulaw(tones + voice(len(tones), -22, rng)))
    assert read(calls) == keys


def test_white_noise_is_no_key() -> None:
    rng = np.random.default_rng(1)
    calls = [ulaw(white_noise(ms(10_000), level, rng)) for level in (-40, -20, -10) * 10]
    assert read(calls) == [""] * len(calls)


def test_a_voice_is_no_key() -> None:
    rng = np.random.default_rng(2)
    calls = [ulaw(voice(ms(10_000), level, rng)) for level in (-22, -15, -10) * 20]
    assert read(calls) == [""] * len(calls)


def test_a_harsh_voice_is_no_key() -> None:
    rng = np.random.default_rng(4)
    calls = [ulaw(harsh_voice(ms(10_000), level, rng)) for level in (-22, -15, -10) * 20]
    assert read(calls) == [""] * len(calls)


@pytest.mark.parametrize("talker", [CALLER_VOICE, AGENT_VOICE], ids=["caller", "agent"])
def test_the_demo_s_voices_are_no_key_wherever_a_frame_begins(talker: Voice) -> None:
    sound = ulaw(Microphone(talker).talk(ms(150_000)).astype(np.float64))
    pieces = np.array_split(sound, 10)
    calls = [piece[shift:] for piece in pieces for shift in range(0, FRAME_SAMPLES, 20)]
    assert read(calls) == [""] * len(calls)


def test_a_voice_passes_the_gate() -> None:
    rng = np.random.default_rng(3)
    calls = [ulaw(voice(ms(10_000), level, rng)) for level in (-22, -15, -10) * 10]
    _, masked = mask(calls)
    # a made voice has sharper formants than a throat; recorded speech is in test_talk_off
    assert masked[:, 1:].mean() < 0.04
