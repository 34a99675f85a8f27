"""Keys: their tones, and the type that hides one."""

import copy
import pickle

import pytest

from dtmf.keys import EVENT_KEYS, KEYS, HiddenKey, tones_hz


def test_each_key_has_a_pair_of_its_own() -> None:
    assert len({tones_hz(key) for key in KEYS}) == 16
    assert tones_hz("1") == (697, 1209)
    assert tones_hz("0") == (941, 1336)
    assert tones_hz("D") == (941, 1633)


def test_event_codes_name_the_same_keys() -> None:
    assert sorted(EVENT_KEYS) == sorted(KEYS)


@pytest.mark.parametrize("text", ["", "E", "12", " "])
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        HiddenKey(text)


def test_a_hidden_key_shows_itself_to_reveal_only() -> None:
    key = HiddenKey("7")
    assert key.reveal() == "7"
    for shown in (
        repr(key),
        str(key),
        f"{key}",
        f"{key:>3}",
        repr(copy.deepcopy(key)),
        repr([key]),
    ):
        assert "7" not in shown
    with pytest.raises(TypeError):
        pickle.dumps(key)
