"""A recording that grows, is whole after each write, and goes on after the process that began it is gone."""

import stat
import wave
from pathlib import Path

import pytest

from bridge.recording.wav_file import StereoWavFile

SAMPLES = bytes(range(8))


def frames(path: Path) -> bytes:
    with wave.open(str(path)) as file:
        return bytes(file.readframes(file.getnframes()))


def test_it_is_whole_after_each_write_and_its_owners_alone(tmp_path: Path) -> None:
    file = StereoWavFile.create(tmp_path / "folder" / "call.wav")
    for count in (1, 2):
        file.append(SAMPLES)
        assert frames(tmp_path / "folder" / "call.wav") == count * SAMPLES
    file.close()
    assert stat.S_IMODE((tmp_path / "folder" / "call.wav").stat().st_mode) == 0o600


def test_one_that_exists_is_not_written_over(tmp_path: Path) -> None:
    StereoWavFile.create(tmp_path / "call.wav").close()
    with pytest.raises(FileExistsError):
        StereoWavFile.create(tmp_path / "call.wav")


@pytest.mark.parametrize("half_written", [b"", b"\x01", SAMPLES])
def test_what_another_process_has_begun_goes_on_after_its_last_whole_write(
    tmp_path: Path, half_written: bytes
) -> None:
    path = tmp_path / "call.wav"
    before = StereoWavFile.create(path)
    before.append(SAMPLES)
    before.close()
    with path.open("ab") as killed:
        killed.write(half_written)  # the header does not count it yet
    after = StereoWavFile.reopen(path)
    after.append(SAMPLES[::-1])
    after.close()
    assert frames(path) == SAMPLES + SAMPLES[::-1]


@pytest.mark.parametrize("content", [b"", b"RIFF"])
def test_a_file_without_a_whole_header_begins_anew(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "call.wav"
    path.write_bytes(content)
    file = StereoWavFile.reopen(path)
    file.append(SAMPLES)
    file.close()
    assert frames(path) == SAMPLES


def test_one_that_was_never_begun_is_created(tmp_path: Path) -> None:
    StereoWavFile.reopen(tmp_path / "call.wav").close()
    assert frames(tmp_path / "call.wav") == b""
