"""multimon-ng's DTMF receiver: a second opinion, in a process of its own."""

import subprocess
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample_poly

from tests.support.peers import require_program

_UP, _DOWN = 441, 160
"8000 Hz to the 22,050 Hz that multimon-ng expects of raw input."

_LIMIT_S: Final = 60.0
"Longest a run may take; it reads an hour of audio in seconds."


def read_digits(pcm: NDArray[np.int16], tmp_path: Path) -> str:
    """Return the keys multimon-ng reads in `pcm` (8000 Hz, mono); skip the test where it is not installed."""
    program = require_program("multimon-ng")
    raw = tmp_path / "multimon.raw"
    resampled = resample_poly(pcm.astype(np.float64), _UP, _DOWN)
    np.clip(np.rint(resampled), -32768, 32767).astype("<i2").tofile(raw)
    command = [str(program), "-q", "-a", "DTMF", "-t", "raw", str(raw)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_LIMIT_S, check=True)
    lines = (line for line in done.stdout.splitlines() if line.startswith("DTMF:"))
    return "".join(line.partition(":")[2].strip() for line in lines)
