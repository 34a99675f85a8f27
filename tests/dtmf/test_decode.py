"""decode: a whole recording at once."""

import numpy as np
import pytest

from dtmf import decode
from dtmf.keys import KEYS
from tests.dtmf.signals import keyed, ms, pair, ulaw


def test_reads_every_key_in_order_with_its_place() -> None:
    rng = np.random.default_rng(0)
    presses = decode(ulaw(keyed(KEYS, rng, on_ms=60, off_ms=40)))
    assert "".join(press.key for press in presses) == KEYS
    for press, after in zip(presses, presses[1:], strict=False):
        assert press.end - press.start == pytest.approx(ms(60), abs=ms(5))
        assert after.start - press.start == pytest.approx(ms(100), abs=ms(5))


@pytest.mark.parametrize("trim", range(0, 160, 37))
def test_a_tone_that_ends_with_the_recording_is_read(trim: int) -> None:
    tones = ulaw(pair("9", 80, np.random.default_rng(0)))
    assert [press.key for press in decode(tones[trim:])] == ["9"]


@pytest.mark.parametrize("samples", [0, 1, 159, 160, 161])
def test_next_to_nothing_holds_no_key(samples: int) -> None:
    assert decode(np.zeros(samples, np.int16)) == []


def test_another_rate_is_refused() -> None:
    with pytest.raises(ValueError, match="8000"):
        decode(np.zeros(160, np.int16), rate=16000)


def test_stereo_is_refused() -> None:
    with pytest.raises(ValueError, match="one channel"):
        decode(np.zeros((160, 2), np.int16))


def test_a_press_does_not_show_its_key() -> None:
    (press,) = decode(ulaw(pair("7", 80, np.random.default_rng(0))))
    assert "key" not in repr(press)
