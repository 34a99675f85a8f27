"""What the call's recording says for itself: which file it is, and that no key can be read from it."""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bridge.recording.keys_in_wav import RATE_HZ, WavError, keys_in_samples, read_channels

_CHANNELS: Final = ("caller", "agent")
"Left is the caller behind the gate, right the agent."


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingFindings:
    """One recording, searched."""

    file: str
    "Name of the file, without its folder."

    sha256: str
    duration_ms: int

    keys_found: dict[str, int]
    "How many keys the detector reads from each channel; never which."

    problem: str = ""
    "Why it could not be searched: a worker that was killed may leave a file that is none yet."


def search_recording(path: Path) -> tuple[RecordingFindings, NDArray[np.int16] | None] | None:
    """Return what was found and the samples, int16 `(2, n)`; None where there is no such file.

    A file that is no recording has a `problem` and no samples. Raise OSError where it cannot be read at all.
    """
    if not path.exists():
        return None
    found = RecordingFindings(
        file=path.name,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        duration_ms=0,
        keys_found={},
    )
    try:
        channels = read_channels(path)
    except WavError:
        return replace(found, problem="it is no whole recording"), None
    keys = (len(keys_in_samples(channel)) for channel in channels)
    duration_ms = channels.shape[1] * 1000 // RATE_HZ
    by_channel = dict(zip(_CHANNELS, keys, strict=False))
    return replace(found, duration_ms=duration_ms, keys_found=by_channel), channels
