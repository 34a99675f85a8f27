"""G.711 by table: mu-law and A-law bytes to linear samples and back (ITU-T G.711).

Linear samples are int16 at 16-bit scale. The tables are computed from the formula, not shipped.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

Pcm = NDArray[np.int16]
Coded = NDArray[np.uint8]

MU_LAW: Final = 0
A_LAW: Final = 1
LAW_OF_CODEC: Final = {"PCMU": MU_LAW, "PCMA": A_LAW}
"Row of the tables for each codec name of RFC 3551."


def _decode_mu_law() -> Pcm:
    code = ~np.arange(256) & 0xFF
    magnitude = ((((code & 15) << 3) + 132) << ((code >> 4) & 7)) - 132
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)


def _decode_a_law() -> Pcm:
    code = np.arange(256) ^ 0x55
    exponent, mantissa = (code >> 4) & 7, (code & 15) << 4
    magnitude = np.where(
        exponent == 0, mantissa + 8, (mantissa + 264) << np.maximum(exponent - 1, 0)
    )
    return np.where(code & 0x80, magnitude, -magnitude).astype(np.int16)


def _encode(decode: Pcm) -> Coded:
    """Return the nearest code for each of the 65,536 linear values, indexed by the value as uint16."""
    order = np.argsort(decode, kind="stable")
    levels = decode[order].astype(np.int32)
    middles = (levels[1:] + levels[:-1]) / 2
    values = np.arange(-32768, 32768)
    codes = order[np.searchsorted(middles, values)].astype(np.uint8)
    return np.roll(codes, -32768)


DECODE: Final[Pcm] = np.stack([_decode_mu_law(), _decode_a_law()])
"`DECODE[law, byte]` is the linear sample."

ENCODE: Final[Coded] = np.stack([_encode(DECODE[MU_LAW]), _encode(DECODE[A_LAW])])
"`ENCODE[law, sample as uint16]` is the byte."

TRANSCODE: Final[Coded] = np.stack(
    [[ENCODE[to][DECODE[law].view(np.uint16)] for to in (MU_LAW, A_LAW)] for law in (MU_LAW, A_LAW)]
)
"`TRANSCODE[from law, to law, byte]` is the byte in the other law; the identity where both are the same."
for _law in (MU_LAW, A_LAW):
    # Minus zero would come back as plus zero: what needs no transcoding must pass bit by bit.
    TRANSCODE[_law, _law] = np.arange(256)

SILENCE: Final[Coded] = ENCODE[:, 0]
"`SILENCE[law]` is the byte of a zero sample."


def decode(coded: bytes, codec: str) -> Pcm:
    """Return the linear samples of `coded` (one a byte)."""
    pcm: Pcm = DECODE[LAW_OF_CODEC[codec]][np.frombuffer(coded, np.uint8)]
    return pcm


def encode(pcm: Pcm, codec: str) -> bytes:
    """Return `pcm` (int16) as G.711 bytes (one a sample)."""
    coded: Coded = ENCODE[LAW_OF_CODEC[codec]][pcm.view(np.uint16)]
    return coded.tobytes()
