"""Who reads: each receiver reads a clean entry, so that a row that it fails is the row's doing."""

import numpy as np
import pytest

from benchmarks.receivers import Line, Multimon, Ours, Receiver, Spandsp
from benchmarks.signals import FRAME, Keying, coded
from tests.support.peers import require_library, require_program

_ENTRIES = [Keying(on_ms=(80, 80), off_ms=(80, 80)).play(np.random.default_rng(n)) for n in (1, 2)]
_CALLS = [Line(pcm=coded(keyed.signal)) for keyed in _ENTRIES]
_KEYS = [keyed.keys for keyed in _ENTRIES]


def test_our_detector_reads_all_sixteen_keys_of_each_call() -> None:
    assert Ours().read(_CALLS) == _KEYS


@pytest.mark.peer("libspandsp2")
def test_spandsp_reads_all_sixteen_keys_of_each_call() -> None:
    require_library("libspandsp.so.2")
    assert Spandsp().read(_CALLS) == _KEYS


@pytest.mark.peer("multimon-ng")
def test_multimon_reads_all_sixteen_keys_of_each_call() -> None:
    require_program("multimon-ng")
    assert Multimon().read(_CALLS) == _KEYS


def test_our_detector_is_told_what_was_lost() -> None:
    lost = np.ones(len(_CALLS[0].pcm) // FRAME, np.bool_)
    assert Ours().read([Line(pcm=_CALLS[0].pcm, lost=lost)]) == [""]


@pytest.mark.peer("libspandsp2")
def test_spandsp_is_told_what_was_lost() -> None:
    require_library("libspandsp.so.2")
    lost = np.ones(len(_CALLS[0].pcm) // FRAME, np.bool_)
    assert Spandsp().read([Line(pcm=_CALLS[0].pcm, lost=lost)]) == [""]


def test_keys_are_told_with_their_times() -> None:
    receiver = Ours()
    for told in receiver.listen(_CALLS):
        starts = [press.start for press in _ENTRIES[told.call].presses]
        assert min(abs(start - told.start) for start in starts) < 40
        assert 0 < told.told - told.start < 640


def test_receivers_have_names() -> None:
    receivers: list[Receiver] = [Ours(), Ours(name="other")]
    assert [receiver.name for receiver in receivers] == ["Tonewall", "other"]
