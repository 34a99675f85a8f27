"""What callers of the media benchmark key is known, and what a relay reads is judged by it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.media_sound import KeyScore, judged, track
from benchmarks.signals import FRAME
from bridge.rtp.g711 import DECODE, MU_LAW
from dtmf import decode

_TRACK = track(40.0, seed=5)
_LENGTH = len(_TRACK.frames)
_KEYS = "".join(press.key for press in _TRACK.presses)

Digits = st.text("0123456789", max_size=12)


def test_the_track_holds_the_presses_that_it_names() -> None:
    pcm = DECODE[MU_LAW][_TRACK.frames].reshape(-1)
    assert "".join(press.key for press in decode(pcm)) == _KEYS
    assert len(_KEYS) == 8


def test_no_frame_occurs_twice() -> None:
    assert len(np.unique(_TRACK.frames, axis=0)) == _LENGTH


def test_whoever_hears_all_of_it_must_read_all() -> None:
    assert _TRACK.keys_of(0, _LENGTH) == (_KEYS, _KEYS)


def test_the_track_goes_round() -> None:
    half = _LENGTH // 2
    assert _TRACK.keys_of(half, _LENGTH) == (_KEYS[4:] + _KEYS[:4],) * 2
    assert _TRACK.keys_of(0, 3 * _LENGTH) == (_KEYS * 3,) * 2


@pytest.mark.parametrize("cut", ["start", "end"])
def test_a_key_that_is_cut_off_may_be_read(cut: str) -> None:
    press = _TRACK.presses[2]
    inside = (press.start + press.end) // 2 // FRAME
    if cut == "start":
        must, may = _TRACK.keys_of(inside, _LENGTH - inside)
        assert (must, may) == (_KEYS[3:], _KEYS[2:])
    else:
        must, may = _TRACK.keys_of(0, inside)
        assert (must, may) == (_KEYS[:2], _KEYS[:3])


@settings(max_examples=100, deadline=None, database=None)
@given(keys=Digits)
def test_what_was_keyed_is_right(keys: str) -> None:
    assert judged(keys, keys, keys) == KeyScore(keyed=len(keys), missed=0, false=0)


@settings(max_examples=100, deadline=None, database=None)
@given(keys=Digits, gone=st.sets(st.integers(0, 11)))
def test_every_key_that_is_gone_is_missed(keys: str, gone: set[int]) -> None:
    told = "".join(key for place, key in enumerate(keys) if place not in gone)
    assert judged(told, keys, keys) == KeyScore(
        keyed=len(keys), missed=len(keys) - len(told), false=0
    )


@settings(max_examples=100, deadline=None, database=None)
@given(keys=Digits, more=st.lists(st.tuples(st.integers(0, 12), st.sampled_from("0123456789"))))
def test_every_key_that_is_added_is_made_up(keys: str, more: list[tuple[int, str]]) -> None:
    told = keys
    for place, key in more:
        told = told[:place] + key + told[place:]
    assert judged(told, keys, keys) == KeyScore(keyed=len(keys), missed=0, false=len(more))


def test_a_key_that_may_be_read_is_neither() -> None:
    for told in ("12", "123"):
        assert judged(told, "12", "123") == KeyScore(keyed=2, missed=0, false=0)


def test_a_wrong_key_is_missed_and_made_up() -> None:
    assert judged("193", "123", "123") == KeyScore(keyed=3, missed=1, false=1)
