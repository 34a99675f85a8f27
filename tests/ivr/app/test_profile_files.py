"""Payment profiles from files: a complaint names the file, the profile, the key and what was probably meant."""

from pathlib import Path

import pytest

from ivr.app.profile_files import configured_profiles, read_profile_file
from ivr.config import Config
from ivr.session.profile_toml import ProfileError

GOOD = """\
[profiles.bills]
label = "Bills"
currency = "GBP"
minimum = "1.00"
maximum = "10.00"
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "profiles.toml"
    path.write_text(text, "utf-8")
    return path


def test_without_a_file_the_built_in_profiles_are_offered() -> None:
    assert [profile.name for profile in configured_profiles(Config())] == ["bills", "orders"]


def test_the_configured_file_is_read(tmp_path: Path) -> None:
    config = Config(profiles=written(tmp_path, GOOD))
    assert [profile.label for profile in configured_profiles(config)] == ["Bills"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            GOOD + 'minimun = "2.00"',
            "profile 'bills': unknown key 'minimun', did you mean 'minimum'?",
        ),
        (
            GOOD + 'processor = "stripe"',
            "profile 'bills': processor: 'stripe' is not configured; known: test",
        ),
        (GOOD.replace("10.00", "0.50"), "profile 'bills': maximum: must not be below minimum"),
        (GOOD.replace('"Bills"', "["), "not valid TOML: "),
        ("", "no [profiles.NAME] table"),
    ],
)
def test_a_complaint_names_the_file_first(tmp_path: Path, text: str, said: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ProfileError) as caught:
        read_profile_file(path)
    assert str(caught.value).startswith(f"{path}: {said}")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    path = tmp_path / "missing.toml"
    with pytest.raises(ProfileError) as caught:
        read_profile_file(path)
    assert str(caught.value) == f"{path}: cannot be read: No such file or directory"


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    path = tmp_path / "profiles.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ProfileError, match="not valid TOML") as caught:
        read_profile_file(path)
    assert str(path) in str(caught.value)
