"""Comfort noise (RFC 3389): what a pause sounds like, told once instead of sent as sound.

Only the level is followed; the spectrum is white whatever the packet says, which section 4 leaves to the receiver.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from bridge.errors import RemoteProtocolError

PAYLOAD_TYPE: Final = 13
"For a clock of 8000 Hz (section 4)."

LOUDEST_DBOV: Final = 30
"In -dBov. A packet may ask for noise of full scale; a noisy street has about this much, and no ear should get more."

_FRAME: Final = 160
_FRAMES: Final = 256
"5.1 s before the same noise comes again: short loops are heard as a rhythm."

_WHITE: Final[NDArray[np.float32]] = np.random.default_rng(3389).standard_normal(
    (_FRAMES, _FRAME), np.float32
)
"Of RMS 1."


class ComfortNoiseError(RemoteProtocolError):
    """Bytes from outside that are no comfort noise."""


def level_of(payload: bytes) -> int:
    """Return the noise level of a packet in -dBov, 0-127 (section 3.1); raise :class:`ComfortNoiseError`."""
    if not payload:
        raise ComfortNoiseError("comfort noise without a level")
    return payload[0] & 0x7F


def noise(levels: NDArray[np.int64], frames: NDArray[np.int64]) -> NDArray[np.int16]:
    """Return 20 ms of noise a row, shape `(n, 160)`.

    `levels` (n,) are in -dBov: 0 is a square wave of full scale. `frames` (n,) count the frames of each row's pause.
    """
    rms = 32768 * 10 ** (-np.maximum(levels, LOUDEST_DBOV) / 20)
    sound = _WHITE[frames % _FRAMES] * rms[:, None].astype(np.float32)
    return np.clip(np.rint(sound), -32768, 32767).astype(np.int16)
