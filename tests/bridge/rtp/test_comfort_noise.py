"""Comfort noise, RFC 3389."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.rtp.comfort_noise import LOUDEST_DBOV, ComfortNoiseError, level_of, noise


class TestPayload:
    """Section 3."""

    def test_the_first_byte_is_the_level_and_the_spectrum_is_left(self) -> None:
        assert level_of(bytes([50, 130, 99])) == 50

    def test_the_first_bit_says_nothing(self) -> None:
        assert level_of(b"\xb2") == 50

    def test_an_empty_one_is_refused(self) -> None:
        with pytest.raises(ComfortNoiseError):
            level_of(b"")

    @given(st.binary(min_size=1))
    def test_any_other_bytes_have_a_level(self, payload: bytes) -> None:
        assert 0 <= level_of(payload) <= 127


class TestNoise:
    """Section 3.1: the level is that of a square wave of full scale, less as many dB."""

    def test_it_is_as_loud_as_it_says(self) -> None:
        levels = np.repeat([30, 40, 50, 60], 50)
        sound = noise(levels, np.tile(np.arange(50), 4)).reshape(4, -1).astype(float)
        heard = -20 * np.log10(np.sqrt((sound**2).mean(axis=1)) / 32768)
        assert heard == pytest.approx([30, 40, 50, 60], abs=0.3)

    def test_no_packet_makes_it_louder_than_a_street(self) -> None:
        frames = np.arange(3)
        assert np.array_equal(
            noise(np.zeros(3, np.int64), frames), noise(np.full(3, LOUDEST_DBOV), frames)
        )

    def test_the_lowest_is_silence(self) -> None:
        assert not noise(np.array([127]), np.array([0])).any()

    def test_frames_differ(self) -> None:
        one, two = noise(np.array([40, 40]), np.array([7, 8]))
        assert abs(np.corrcoef(one, two)[0, 1]) < 0.3
