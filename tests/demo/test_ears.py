"""The demo's detectors hear keys where there are keys, and say so under their names."""

import ctypes

import pytest

from ivr.demo.ears import detectors
from tests.support.peers import require_library
from tests.support.wav import keyed, speech


def _require(name: str) -> None:
    if name == "spandsp":
        require_library("libspandsp.so.2")


@pytest.mark.peer("spandsp")
@pytest.mark.parametrize("name", ["tonewall", "spandsp"])
def test_a_detector_reads_keys_and_not_speech(name: str) -> None:
    _require(name)
    detector = detectors()[name]
    assert detector(keyed("4019#28*")) == "4019#28*"
    assert detector(speech(2.0)) == ""


def test_without_spandsp_our_own_detector_counts_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> ctypes.CDLL:
        raise OSError(f"{name}: cannot open shared object file")

    monkeypatch.setattr(ctypes, "CDLL", missing)
    assert list(detectors()) == ["tonewall"]
