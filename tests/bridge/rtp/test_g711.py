"""ITU-T G.711."""

import numpy as np
import pytest

from bridge.rtp.g711 import DECODE, ENCODE, LAW_OF_CODEC, SILENCE, TRANSCODE, decode, encode


@pytest.mark.parametrize("codec", ["PCMU", "PCMA"])
def test_every_byte_survives_decoding_and_encoding(codec: str) -> None:
    codes = bytes(range(256))
    again = encode(decode(codes, codec), codec)
    np.testing.assert_array_equal(decode(again, codec), decode(codes, codec))


@pytest.mark.parametrize("codec", ["PCMU", "PCMA"])
def test_encoding_picks_the_nearest_level(codec: str) -> None:
    levels = np.sort(DECODE[LAW_OF_CODEC[codec]].astype(np.int32))
    samples = np.arange(-32768, 32768, 7).astype(np.int16)
    error = np.abs(decode(encode(samples, codec), codec).astype(np.int32) - samples)
    nearest = np.abs(levels[None, :] - samples[:, None].astype(np.int32)).min(axis=1)
    np.testing.assert_array_equal(error, nearest)


def test_known_codes_of_table_2a_and_2b() -> None:
    assert decode(b"\x80\x00\xff\x7f", "PCMU").tolist() == [32124, -32124, 0, 0]
    assert decode(b"\xaa\x2a\xd5\x55", "PCMA").tolist() == [32256, -32256, 8, -8]


def test_silence_decodes_to_almost_nothing() -> None:
    assert [abs(int(DECODE[law, SILENCE[law]])) for law in (0, 1)] == [0, 8]


def test_transcoding_equals_decoding_and_encoding() -> None:
    codes = np.arange(256, dtype=np.uint8)
    expected = ENCODE[1][DECODE[0, codes].view(np.uint16)]
    np.testing.assert_array_equal(TRANSCODE[0, 1, codes], expected)


@pytest.mark.parametrize("law", [0, 1])
def test_the_same_law_passes_bit_by_bit(law: int) -> None:
    codes = np.arange(256, dtype=np.uint8)
    np.testing.assert_array_equal(TRANSCODE[law, law, codes], codes)
