"""What the call's recording says for itself: which file it is, and that no key can be read from it."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bridge.recording.keys_in_wav import RATE_HZ, keys_in_samples, read_channels

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


def search_recording(path: Path) -> tuple[RecordingFindings, NDArray[np.int16]] | None:
    """Return what was found and the samples, int16 `(2, n)`; None where there is no such file.

    Raise WavError where the file is no recording of ours.
    """
    if not path.exists():
        return None
    channels = read_channels(path)
    keys = (len(keys_in_samples(channel)) for channel in channels)
    findings = RecordingFindings(
        file=path.name,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        duration_ms=channels.shape[1] * 1000 // RATE_HZ,
        keys_found=dict(zip(_CHANNELS, keys, strict=False)),
    )
    return findings, channels
