"""The softphones' speech is speech to a DTMF receiver: loud enough, ever new, never a key."""

import numpy as np
import pytest

from ivr.demo.microphone import AGENT_VOICE, CALLER_VOICE, Microphone, Voice, press_timeline
from tests.support import spandsp

_VOICES = pytest.mark.parametrize("voice", [AGENT_VOICE, CALLER_VOICE], ids=["agent", "caller"])


@_VOICES
@pytest.mark.peer("spandsp")
def test_speech_is_never_read_as_a_key(voice: Voice) -> None:
    read_digits = spandsp.reader()
    assert read_digits(Microphone(voice).talk(8000 * 120)) == ""


@_VOICES
def test_speech_is_at_minus_15_dbm0_while_talking(voice: Voice) -> None:
    frames = Microphone(voice).talk(8000 * 30).reshape(-1, 160).astype(np.float64)
    power = (frames**2).mean(axis=1)
    talking = power[power > power.max() / 1000].mean()
    level_dbm0 = 10 * np.log10(2 * talking / 32124**2) + 3.17
    assert -16.5 < level_dbm0 < -13.5


@_VOICES
def test_the_same_voice_says_the_same_however_it_is_asked(voice: Voice) -> None:
    one, other = Microphone(voice), Microphone(voice)
    in_frames = np.concatenate([one.talk(160) for _ in range(100)])
    assert np.abs(in_frames.astype(int) - other.talk(16000)).max() < 200  # the room differs


def test_the_two_voices_differ() -> None:
    agent, caller = (Microphone(v).talk(8000).astype(float) for v in (AGENT_VOICE, CALLER_VOICE))
    assert abs(np.corrcoef(agent, caller)[0, 1]) < 0.2


def test_speech_pauses_and_no_frame_comes_twice() -> None:
    frames = Microphone(CALLER_VOICE).talk(8000 * 20).reshape(-1, 160)
    assert len(np.unique(frames, axis=0)) == len(frames)
    quiet = (np.abs(frames).max(axis=1) < 200).mean()
    assert 0.05 < quiet < 0.5


def test_presses_lie_one_after_the_other() -> None:
    spans = press_timeline(3, on_samples=640, off_samples=400, start=100)
    assert [(span.start, span.end) for span in spans] == [(100, 740), (1140, 1780), (2180, 2820)]


@pytest.mark.parametrize(("on_samples", "off_samples"), [(0, 400), (400, 0)])
def test_a_press_without_length_is_refused(on_samples: int, off_samples: int) -> None:
    with pytest.raises(ValueError, match="at least one sample"):
        press_timeline(1, on_samples=on_samples, off_samples=off_samples)
