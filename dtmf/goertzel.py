"""Stage 1: the eight key tones and their surroundings in two windows a frame, for all calls in two matrix products.

A Goertzel filter is one column of a matrix: the product of all calls' windows with the matrix gives every filter
of every call at once. Results are laid out (window, row, call), so that sums and maxima run along the long axis.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from dtmf.frames import FRAME_SAMPLES, RATE_HZ, Floats, KeyIndices
from dtmf.keys import HIGH_HZ, LOW_HZ

HOP_SAMPLES: Final = 80
"10 ms: a tone of 40 ms fills two windows wherever it starts. Half the hop cost twice as much and found no more."

TAIL_SAMPLES: Final = HOP_SAMPLES
"Samples of the frame before that the first window needs."

_HUM_HZ: Final = (50, 60, 100, 120)
"Mains hum and its first harmonic: removed from the energy, as hum and DC must not hide a key."

_LOW_BAND_HZ: Final = (620, 1020)
_HIGH_BAND_HZ: Final = (1150, 1720)
"What surrounds each group of tones; speech below and above must not hide a key from the gate."

_SAME_DIRECTION: Final = 1e-3
"Hum columns within 20 ms nearly depend on each other; directions weaker than this share of the strongest add nothing."

_ENERGY_FLOOR: Final = 1.0
"Keeps shares finite in digital silence; 160 samples of one quantisation step are far above."


@dataclass(frozen=True, slots=True)
class Windows:
    """Windowed energies of n calls in the two windows of one frame, each (2, n), squares of the int16 scale."""

    low: Floats
    "Strongest row tone."

    high: Floats
    "Strongest column tone."

    key: KeyIndices
    "Index in `KEYS` of the pair that the two make."

    total: Floats
    "Everything but DC and hum."

    low_band: Floats
    "Everything around the row tones."

    high_band: Floats
    "Everything around the column tones."


WINDOW: Final = 0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(FRAME_SAMPLES) + 0.5) / FRAME_SAMPLES)
"Hann over 20 ms: neighbour tones 73 Hz apart stay apart by share, and a voice's harmonics leak little."

ENERGY_OF_UNIT_SINE: Final = float(np.sum(WINDOW**2)) / 2
"Windowed energy of a sine of amplitude 1; an amplitude is the square root of energy over this."


def _sines(frequencies_hz: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return windowed cosines, then sines, of the frequencies: (2 * frequencies, 160)."""
    phase = 2 * np.pi / RATE_HZ * np.outer(np.asarray(frequencies_hz), np.arange(FRAME_SAMPLES))
    return np.asarray(np.concatenate([np.cos(phase), np.sin(phase)]) * WINDOW)


def _hum() -> npt.NDArray[np.float64]:
    """Return an orthonormal basis of DC and hum as the window sees them."""
    rows = np.concatenate([WINDOW[None], _sines(_HUM_HZ)])
    _, strength, basis = np.linalg.svd(rows, full_matrices=False)
    # the total is of windowed samples, so the basis meets windowed samples too
    return np.asarray(basis[strength > _SAME_DIRECTION * strength[0]] * WINDOW)


def _band(edges_hz: tuple[int, int]) -> npt.NDArray[np.float64]:
    """Return the lines of the discrete Fourier transform inside a band, scaled so that squares sum to energy."""
    step = RATE_HZ // FRAME_SAMPLES
    lines = [f for f in range(0, RATE_HZ // 2, step) if edges_hz[0] <= f <= edges_hz[1]]
    return np.asarray(_sines(lines) * np.sqrt(2 / FRAME_SAMPLES))


_TONE_SCALE: Final = float(np.sqrt(2 * np.sum(WINDOW**2)) / np.sum(WINDOW))
"Makes the square of a tone's product the windowed energy of that tone."

_PARTS: Final = (
    _sines(LOW_HZ + HIGH_HZ) * _TONE_SCALE,
    _hum(),
    _band(_LOW_BAND_HZ),
    _band(_HIGH_BAND_HZ),
)
_MATRIX: Final[Floats] = np.ascontiguousarray(np.concatenate(_PARTS), dtype=np.float32)
_ENDS: Final = np.cumsum([len(part) for part in _PARTS])
_SQUARED_WINDOW: Final[Floats] = (WINDOW**2).astype(np.float32)


def analyse(samples: Floats) -> Windows:
    """Return the windows of n calls: `samples` is (n, 240), 10 ms of the frame before and the frame itself."""
    squares = samples * samples
    products = np.empty((2, len(_MATRIX), len(samples)), np.float32)
    total = np.empty((2, len(samples)), np.float32)
    for index, start in enumerate((0, HOP_SAMPLES)):
        stop = start + FRAME_SAMPLES
        np.matmul(_MATRIX, samples[:, start:stop].T, out=products[index])
        np.matmul(squares[:, start:stop], _SQUARED_WINDOW, out=total[index])
    np.multiply(products, products, out=products)
    tones, hum, low_band, high_band = np.split(products, _ENDS[:-1], axis=1)
    tones = tones[:, :8] + tones[:, 8:]
    low, row = _strongest(tones[:, :4])
    high, column = _strongest(tones[:, 4:])
    total -= hum.sum(axis=1)
    return Windows(
        low=low,
        high=high,
        key=row * np.int8(4) + column,
        total=np.maximum(total, _ENERGY_FLOOR),
        low_band=np.maximum(low_band.sum(axis=1), _ENERGY_FLOOR),
        high_band=np.maximum(high_band.sum(axis=1), _ENERGY_FLOOR),
    )


def _strongest(group: Floats) -> tuple[Floats, KeyIndices]:
    """Return energy and index of the strongest of four tones (2, 4, n); cheaper than argmax across the short axis."""
    best = group.max(axis=1)
    index = np.zeros(best.shape, np.int8)
    for tone in (1, 2, 3):
        np.copyto(index, np.int8(tone), where=group[:, tone] == best)
    return best, index
