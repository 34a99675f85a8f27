"""G.711 mu-law by table, computed from the formula of ITU-T G.711; the softphone shares no codec with the gateway."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

_BIAS: Final = 132

_PEAK: Final = 32635
"Largest magnitude the law can code after the bias is added."

_CODE: Final = ~np.arange(256) & 0xFF

_DECODED: Final[NDArray[np.int16]] = (
    np.where(_CODE & 0x80, -1, 1) * (((((_CODE & 15) << 3) + _BIAS) << ((_CODE >> 4) & 7)) - _BIAS)
).astype(np.int16)

SILENCE: Final = 0xFF
"The byte of a zero sample."

_MINUS_ZERO: Final = 0x7F


def decode(payload: bytes) -> NDArray[np.int16]:
    """Return the linear samples of `payload`, one a byte."""
    return _DECODED[np.frombuffer(payload, np.uint8)]


def encode(pcm: NDArray[np.int16]) -> bytes:
    """Return `pcm` as mu-law, one byte a sample; what is louder than the law can code is clipped.

    There is no minus zero in what it returns, so that decoding and encoding again gives the same bytes.
    """
    linear = np.clip(pcm.astype(np.int64), -_PEAK, _PEAK)
    biased = np.abs(linear) + _BIAS
    exponent = np.floor(np.log2(biased)).astype(np.int64) - 7
    mantissa = (biased >> (exponent + 3)) & 15
    code = np.where(linear < 0, 0x80, 0) | (exponent << 4) | mantissa
    coded = ~code & 0xFF
    coded[coded == _MINUS_ZERO] = SILENCE
    return bytes(coded.astype(np.uint8))
