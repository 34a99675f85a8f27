"""Which files can be played, and what is said of the others.

Invariant of the fuzz test: any bytes are samples, or a `PromptError`.
"""

import contextlib
import os
import wave
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.errors import PromptError
from bridge.prompts.prompt_file import MAX_PROMPT_S, read_prompt
from tests.support.wav import silence, speech, write_wav


def wav(path: Path, *, rate: int = 8000, channels: int = 1, width: int = 2) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setframerate(rate)
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.writeframes(bytes(800 * channels * width))
    return path


def test_its_samples_are_returned(tmp_path: Path) -> None:
    pcm = speech(0.5)
    assert (read_prompt(write_wav(tmp_path / "a.wav", pcm)) == pcm).all()


@pytest.mark.parametrize(
    ("form", "found"),
    [
        ({"rate": 16000}, "16000 Hz, 1 channel, 16 bit"),
        ({"channels": 2}, "8000 Hz, 2 channels, 16 bit"),
        ({"width": 1}, "8000 Hz, 1 channel, 8 bit"),
    ],
)
def test_another_form_is_named_with_the_right_one(
    tmp_path: Path, form: dict[str, int], found: str
) -> None:
    path = wav(tmp_path / "a.wav", **form)
    with pytest.raises(PromptError, match=f"it has {found}; a prompt has 8000 Hz, 1 channel, 16 b"):
        read_prompt(path)


def test_a_minute_is_the_most(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    assert len(read_prompt(write_wav(path, silence(MAX_PROMPT_S)))) == MAX_PROMPT_S * 8000
    with pytest.raises(PromptError, match=r"it lasts 60\.1 s; a prompt lasts 60 s at the most"):
        read_prompt(write_wav(path, silence(MAX_PROMPT_S + 0.1)))


def test_what_is_no_sound_is_named(tmp_path: Path) -> None:
    text, empty, huge, pipe = (tmp_path / name for name in ("text", "empty.wav", "huge", "pipe"))
    text.write_text("Key your card number, please.")
    write_wav(empty, silence(0))
    with huge.open("wb") as file:
        file.truncate(3 * MAX_PROMPT_S * 16_000)
    os.mkfifo(pipe)
    for path, reason in (
        (text, "no PCM WAV file"),
        (empty, "no sound in it"),
        (huge, "more than"),
        (pipe, "it is no file"),
        (tmp_path, "it is no file"),
        (tmp_path / "missing.wav", "cannot be read: No such file"),
    ):
        with pytest.raises(PromptError, match=reason):
            read_prompt(path)


def test_a_file_that_was_cut_short_is_played_as_far_as_it_goes(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "a.wav", speech(0.5))
    os.truncate(path, 44 + 2 * 100 + 1)
    assert (read_prompt(path) == speech(0.5)[:100]).all()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.binary(max_size=60),
    st.lists(st.tuples(st.integers(0, 63), st.integers(0, 255)), max_size=6),
)
def test_any_bytes_are_samples_or_an_error(
    tmp_path: Path, tail: bytes, changes: list[tuple[int, int]]
) -> None:
    path = write_wav(tmp_path / "a.wav", np.arange(10, dtype=np.int16))
    data = bytearray(path.read_bytes() + tail)
    for at, value in changes:
        data[at] = value
    path.write_bytes(data)
    with contextlib.suppress(PromptError):
        assert read_prompt(path).dtype == np.int16
