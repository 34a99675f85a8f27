"""What a prompt is cut into, and how it begins and ends."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.media.messages import PromptEnd
from bridge.prompts.prompter import FADE_SAMPLES, Prompter, prompt_frames
from tests.bridge.media.call_rig import FRAME, Pcm

LEG, OTHER = 3, 4
LOUD = np.full(4 * FRAME + 7, 20_000, np.int16)

Told = list[tuple[int, int, PromptEnd]]


@pytest.fixture
def told() -> Told:
    return []


@pytest.fixture
def prompter(told: Told) -> Prompter:
    return Prompter(8, lambda leg, number, why: told.append((leg, number, why)))


def play(prompter: Prompter, number: int = 1, pcm: Pcm = LOUD, leg: int = LEG) -> None:
    prompter.play(leg, number, prompt_frames(pcm))
    prompter.begin(lambda leg: False)


def heard(prompter: Prompter, frames: int, leg: int = LEG) -> Pcm:
    """Return the next frames of a leg, as far as it hears a prompt."""
    sound = np.zeros(0, np.int16)
    for _ in range(frames):
        if prompter.playing[leg]:
            sound = np.append(sound, prompter.next_frames(np.array([leg])))
    return sound


@given(st.integers(1, 5 * FRAME), st.integers(0, 2**16))
def test_a_prompt_is_its_samples_but_for_the_fades_and_the_silence_that_fills_its_last_frame(
    size: int, seed: int
) -> None:
    pcm = np.random.default_rng(seed).integers(-32768, 32768, size).astype(np.int16)
    frames = prompt_frames(pcm)
    assert frames.shape == (-(-size // FRAME), FRAME)
    sound = frames.reshape(-1)
    assert not sound[size:].any()
    whole = slice(FADE_SAMPLES, max(FADE_SAMPLES, size - FADE_SAMPLES))
    assert (sound[whole] == pcm[whole]).all()
    assert (np.abs(sound[:size].astype(int)) <= np.abs(pcm.astype(int))).all()
    assert (sound[0], sound[size - 1]) == (0, 0)


def test_beginning_and_end_are_no_click() -> None:
    """No step is larger than the fade's own, 1/40 of the loudest sample."""
    sound = prompt_frames(LOUD).reshape(-1).astype(int)
    assert np.abs(np.diff(sound, prepend=0)).max() <= 20_000 / FADE_SAMPLES + 1


def test_a_prompt_ends_with_its_last_frame(prompter: Prompter, told: Told) -> None:
    play(prompter)
    assert len(heard(prompter, 4)) == 4 * FRAME
    assert (bool(prompter), told) == (True, [])
    heard(prompter, 1)
    assert (bool(prompter), told) == (False, [(LEG, 1, PromptEnd.FINISHED)])
    assert not prompter.playing.any()


def test_one_that_is_stopped_fades_out_in_its_next_frame(prompter: Prompter, told: Told) -> None:
    play(prompter)
    heard(prompter, 2)
    prompter.stop(LEG, 1)
    assert told == []
    last = heard(prompter, 3)
    assert len(last) == FRAME
    assert np.abs(np.diff(last.astype(int), prepend=20_000)).max() <= 20_000 / FADE_SAMPLES + 1
    assert not last[FADE_SAMPLES - 1 :].any()
    assert told == [(LEG, 1, PromptEnd.STOPPED)]


def test_the_file_that_others_play_too_does_not_change_when_one_is_stopped(
    prompter: Prompter,
) -> None:
    frames = prompt_frames(LOUD)
    prompter.play(LEG, 1, frames)
    prompter.play(OTHER, 2, frames)
    prompter.begin(lambda leg: False)
    prompter.stop(LEG, 1)
    heard(prompter, 1)
    assert (heard(prompter, 5, OTHER) == prompt_frames(LOUD).reshape(-1)).all()


def test_another_one_begins_when_the_first_has_faded_out(prompter: Prompter, told: Told) -> None:
    play(prompter, 1)
    heard(prompter, 1)
    play(prompter, 2)
    heard(prompter, 1)
    assert told == [(LEG, 1, PromptEnd.STOPPED)]
    prompter.begin(lambda leg: False)
    assert (heard(prompter, 9) == prompt_frames(LOUD).reshape(-1)).all()
    assert told[1:] == [(LEG, 2, PromptEnd.FINISHED)]


def test_one_that_has_not_begun_is_stopped_without_a_sound(prompter: Prompter, told: Told) -> None:
    prompter.play(LEG, 1, prompt_frames(LOUD))
    prompter.begin(lambda leg: True)
    assert not prompter.playing.any()
    prompter.stop(LEG, 1)
    assert (bool(prompter), told) == (False, [(LEG, 1, PromptEnd.STOPPED)])


def test_an_older_ones_stop_does_not_reach_the_one_that_plays(
    prompter: Prompter, told: Told
) -> None:
    play(prompter, 2)
    prompter.stop(LEG, 1)
    heard(prompter, 9)
    assert told == [(LEG, 2, PromptEnd.FINISHED)]


def test_a_leg_that_closes_ends_what_plays_and_what_waits(prompter: Prompter, told: Told) -> None:
    play(prompter, 1)
    play(prompter, 2)
    prompter.close(LEG)
    prompter.close(OTHER)
    assert told == [(LEG, 1, PromptEnd.CALL_CLOSED), (LEG, 2, PromptEnd.CALL_CLOSED)]
    assert not prompter
    assert not prompter.playing.any()
