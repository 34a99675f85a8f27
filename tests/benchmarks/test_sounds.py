"""Sounds without keys, and the loads of the cost rows, are what their rows say."""

import numpy as np
import pytest

from benchmarks import corpus, timing
from benchmarks.corpus import Recording
from benchmarks.rows import Limit
from benchmarks.signals import FRAME, RATE_HZ
from benchmarks.voice import MAN, talk
from dtmf.tones import amplitude

_TALK = talk(RATE_HZ * 4, -20, MAN, np.random.default_rng(1)).astype(np.int16)


def test_varied_speech_lasts_about_as_long_as_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    recordings = tuple(Recording(language="en", gender="f", pcm=_TALK) for _ in range(8))
    count = len(corpus.SPEEDS) * len(corpus.LINES) * len(corpus.ALIGNMENTS)
    assert count == 144
    all_h = count * len(recordings) * len(_TALK) / RATE_HZ / 3600
    monkeypatch.setattr(corpus, "speech", lambda: recordings)
    sounds = list(corpus.variants(all_h / 2))
    assert len(sounds) == count
    assert sum(map(len, sounds)) / RATE_HZ / 3600 < 0.7 * all_h


def test_no_two_variants_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    recordings = (Recording(language="en", gender="f", pcm=_TALK),)
    monkeypatch.setattr(corpus, "speech", lambda: recordings)
    sounds = [sound.tobytes() for sound in corpus.variants(1000.0)]
    assert len(set(sounds)) == len(sounds)


def test_a_mixed_load_has_one_batch_a_frame() -> None:
    load = timing.Load(name="", talking=0, keying=10, noisy=10, limit=Limit(text="none"))
    frames = timing.frames_of(load, 1, np.random.default_rng(1))
    assert frames.shape == (50, timing.CALLS, FRAME)
    power = np.sqrt(np.mean(frames.astype(np.float64) ** 2, axis=(0, 2)))
    assert np.count_nonzero(power > amplitude(-40)) == 20
