"""The filters of stage 1: the eight key tones, and what surrounds them, in windows of 20 ms that start every 10.

A Goertzel filter is one column of a matrix: the product of all calls' samples with the matrix gives every filter
of every call at once. Each half frame is the end of one window and the start of the next, and is multiplied once for
both. What only a few calls need is multiplied by a loop of our own, for which nobody has to leave the compiled code.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

from dtmf.compiled import compiled, compiled_sum
from dtmf.frames import FRAME_SAMPLES, RATE_HZ, Bools, Complexes, Floats, KeyIndices, Pcm
from dtmf.keys import HIGH_HZ, LOW_HZ

HOP_SAMPLES: Final = 80
"10 ms: a tone of 40 ms fills two windows wherever it starts. Half the hop cost twice as much and found no more."

_HUM_HZ: Final = (50, 60, 100, 120)
"Mains hum and its first harmonic: removed from the energy, as hum and DC must not hide a key."

_LOW_BAND_HZ: Final = (620, 1020)
_HIGH_BAND_HZ: Final = (1150, 1720)
"What surrounds each group of tones; speech below and above must not hide a key from the gate."

_SAME_DIRECTION: Final = 1e-3
"Hum columns within 20 ms nearly depend on each other; directions weaker than this share of the strongest add nothing."

_ENERGY_FLOOR: Final = np.float32(1.0)
"Keeps shares finite in digital silence; 160 samples of one quantisation step are far above."


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


def _columns(*parts: npt.NDArray[np.float64]) -> Floats:
    """Return filters as the columns of one matrix, (160, filters): calls times columns is the quicker way round."""
    return np.ascontiguousarray(np.concatenate(parts).T, dtype=np.float32)


_TONE_SCALE: Final = float(np.sqrt(2 * np.sum(WINDOW**2)) / np.sum(WINDOW))
"Makes the square of a tone's product the windowed energy of that tone."

_TONES: Final = _columns(_sines(LOW_HZ + HIGH_HZ) * _TONE_SCALE)

FILTERS: Final = 16
"A cosine and a sine for each of the eight tones."

HALVES: Final = np.concatenate([_TONES[:HOP_SAMPLES], _TONES[HOP_SAMPLES:]], axis=1)
"What a half frame adds to the window that it starts, then to the one that it ends: (80, 2 * 16)."

LOWEST_ENERGY: Final = 40.0**2 * ENERGY_OF_UNIT_SINE
"Amplitude 40 is -55 dBm0, which ITU-T Q.24 calls no signal."

QUIET_POWER: Final = 1.8 * LOWEST_ENERGY
"30 ms with less can not hold two tones of LOWEST_ENERGY each; half of all calls are silent."

_CLEAR_SHARE: Final = 0.45
"""A tone alone has 0.93 or more of its group's energy. Of what turns out to be evidence one window in
a thousand is below, at the edges of a tone; of noise itself half are."""

_CYCLES_A_HOP: Final = np.array(LOW_HZ + HIGH_HZ) * HOP_SAMPLES / RATE_HZ
_TURNS: Final[Complexes] = np.exp(2j * np.pi * np.outer(np.arange(3), _CYCLES_A_HOP)).astype(
    np.complex64
)
"Takes from the phase what a tone turns on its nominal frequency from one window to the next."

_SURROUNDINGS: Final = (_hum(), _band(_LOW_BAND_HZ), _band(_HIGH_BAND_HZ))
_SURROUNDING_COLUMNS: Final = _columns(*_SURROUNDINGS)
SURROUNDING_FILTERS: Final = _SURROUNDING_COLUMNS.shape[1]
_LOW_COLUMN: Final = len(_SURROUNDINGS[0])
_HIGH_COLUMN: Final = _LOW_COLUMN + len(_SURROUNDINGS[1])
"Where the filters of the bands begin; before them are those of the hum."

_SQUARED_WINDOW: Final[Floats] = (WINDOW**2).astype(np.float32)


Product = Callable[[Floats, int, Floats], None]
"Called with samples, where a window of 160 begins in them, and where the products go, one a column."


def _product_with(columns: Floats) -> Product:
    """Return the compiled product of a window with `columns` (160, filters), which become constants of its code."""
    count = columns.shape[1]

    @compiled_sum
    def product(samples: Floats, start: int, products: Floats) -> None:
        products[:count] = 0
        # Eight samples at a time: what is added up in memory is fetched and written an eighth as often.
        for at in range(0, FRAME_SAMPLES, 8):
            a, b, c, d = (
                samples[start + at],
                samples[start + at + 1],
                samples[start + at + 2],
                samples[start + at + 3],
            )
            e, f, g, h = (
                samples[start + at + 4],
                samples[start + at + 5],
                samples[start + at + 6],
                samples[start + at + 7],
            )
            for column in range(count):
                products[column] += (
                    (a * columns[at, column] + b * columns[at + 1, column])
                    + (c * columns[at + 2, column] + d * columns[at + 3, column])
                ) + (
                    (e * columns[at + 4, column] + f * columns[at + 5, column])
                    + (g * columns[at + 6, column] + h * columns[at + 7, column])
                )

    return product


_surround: Final = _product_with(_SURROUNDING_COLUMNS)
_turn_tones: Final = _product_with(_TONES)


@compiled_sum
def half_powers(frame: Pcm) -> tuple[np.float32, np.float32]:
    """Return the sums of the squares of both halves of a frame (160,)."""
    first = second = np.float32(0)
    for sample in range(HOP_SAMPLES):
        value, other = np.float32(frame[sample]), np.float32(frame[HOP_SAMPLES + sample])
        first += value * value
        second += other * other
    return first, second


@compiled
def strongest_pairs(
    products: Floats, half: Floats, energy: Floats, key: KeyIndices, clear: Bools
) -> None:
    """Find the strongest tone of each group in the two windows of a frame.

    `products` (2, 2, 16) are what each half frame adds to the window that it starts, and to that which it ends;
    `half` (16,) is what the half frame before has begun, and is taken on. Written are: `energy` (2, 2) of row and
    column tone, windowed, squares of the int16 scale; `key` (2,) that the two make, an index in `KEYS`; `clear` (2,),
    whether both stand out from the other three of their group.
    """
    for window in range(2):
        ended = products[window, 1]
        number, stands_out = 0, True
        for group in range(2):
            best, tone, total = np.float32(0), 0, np.float32(0)
            for at in range(4 * group, 4 * group + 4):
                started, started_sine = (
                    (half[at], half[8 + at])
                    if window == 0
                    else (products[0, 0, at], products[0, 0, 8 + at])
                )
                cosine, sine = started + ended[at], started_sine + ended[8 + at]
                size = cosine * cosine + sine * sine
                total += size
                if size > best:
                    best, tone = size, at - 4 * group
            energy[window, group] = best
            number = 4 * number + tone
            stands_out &= bool(best > _CLEAR_SHARE * total)
        key[window] = number
        clear[window] = stands_out
    half[:] = products[1, 0]


@compiled
def tone_phasors(samples: Floats, products: Floats, phasors: Complexes) -> None:
    """Write amplitude and phase of the eight tones in three windows (3, 8): the squares are windowed energies.

    `samples` (320,) are the frame before and the frame itself; `products` has room for 16. The phase of a tone on its
    nominal frequency is the same in all windows.
    """
    for window in range(3):
        _turn_tones(samples, window * HOP_SAMPLES, products)
        for tone in range(8):
            phasor = complex(products[tone], products[8 + tone])
            phasors[window, tone] = phasor * _TURNS[window, tone]


@compiled_sum
def surroundings(
    samples: Floats, window: int, products: Floats, total: Floats, bands: Floats
) -> None:
    """Write what is around the pairs of one window: 1 and 2 are the frame's, 0 is the one before.

    `samples` (320,) are the frame before and the frame itself; `products` has room for :data:`SURROUNDING_FILTERS`.
    At `window`, `total` (3,) gets the windowed energy of everything but DC and hum, and `bands` (3, 2) that around the
    row tones and around the column tones.
    """
    start = window * HOP_SAMPLES
    _surround(samples, start, products)
    part, energy = samples[start : start + FRAME_SAMPLES], np.float32(0)
    for sample in range(FRAME_SAMPLES):
        energy += part[sample] * part[sample] * _SQUARED_WINDOW[sample]
    hum = _power(products[:_LOW_COLUMN])
    low = _power(products[_LOW_COLUMN:_HIGH_COLUMN])
    high = _power(products[_HIGH_COLUMN:SURROUNDING_FILTERS])
    total[window] = max(energy - hum, _ENERGY_FLOOR)
    bands[window, 0] = max(low, _ENERGY_FLOOR)
    bands[window, 1] = max(high, _ENERGY_FLOOR)


@compiled_sum
def _power(values: Floats) -> np.float32:
    total = np.float32(0)
    for value in values:
        total += value * value
    return total
