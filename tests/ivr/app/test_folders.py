"""Folders of the gateway: private, writable, and held by one gateway at a time."""

from pathlib import Path

import pytest

from ivr.app.folders import held_by_one_gateway, prepare_folder


def test_a_folder_is_made_for_this_user_alone(tmp_path: Path) -> None:
    folder = tmp_path / "var"
    prepare_folder(folder, what="data folder", key="data")
    assert folder.stat().st_mode & 0o777 == 0o700


def test_an_existing_folder_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("x")
    mode = tmp_path.stat().st_mode
    prepare_folder(tmp_path, what="data folder", key="data")
    assert (tmp_path.stat().st_mode, (tmp_path / "kept").read_text()) == (mode, "x")


def test_a_file_in_its_place_is_named_with_the_key_to_set(tmp_path: Path) -> None:
    path = tmp_path / "var"
    path.write_text("not a folder")
    with pytest.raises(OSError, match="it is not a folder") as caught:
        prepare_folder(path, what="recordings folder", key="recording.folder")
    assert str(caught.value).startswith(f"recordings folder {path}: ")
    assert str(caught.value).endswith("or set recording.folder")


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    path = tmp_path / "file" / "var"
    with pytest.raises(OSError, match="it cannot be made: Not a directory"):
        prepare_folder(path, what="data folder", key="data")


def test_a_folder_that_may_not_be_written_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.access", lambda path, mode: False)  # root may write anywhere
    with pytest.raises(OSError, match="this user may not write to it"):
        prepare_folder(tmp_path, what="data folder", key="data")


def test_a_second_gateway_of_the_same_name_is_refused_until_the_first_has_ended(
    tmp_path: Path,
) -> None:
    with held_by_one_gateway(tmp_path, "node-1"):
        with (
            pytest.raises(OSError, match="'node-1' runs on it already"),
            held_by_one_gateway(tmp_path, "node-1"),
        ):
            pass
        with held_by_one_gateway(tmp_path, "node-2"):
            pass
    with held_by_one_gateway(tmp_path, "node-1"):
        pass
