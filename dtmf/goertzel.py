"""Stage 1: the eight key tones in two windows a frame, for all calls in one matrix product.

A Goertzel filter is one column of a matrix: the product of all calls' samples with the matrix gives every filter
of every call at once. Windows are 20 ms and start every 10: each half frame is the end of one and the start of the
next, and is multiplied once for both.
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from dtmf.compiled import compiled, compiled_sum
from dtmf.frames import (
    FRAME_SAMPLES,
    RATE_HZ,
    Bools,
    Complexes,
    Floats,
    Indices,
    KeyIndices,
    Pcm,
)
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


class Pairs(NamedTuple):
    """The strongest tone of each group in the two windows of one frame of n calls."""

    energy: Floats
    "Of the row and the column tone (n, 2, 2): by window and tone, windowed, squares of the int16 scale."

    key: KeyIndices
    "Index in `KEYS` of the pair that the two make (n, 2)."

    clear: Bools
    "Whether both tones stand out from the other three of their group (n, 2)."

    power: Floats
    "Sum of the squares of all samples of the window, without weights (n, 2)."


class Surroundings(NamedTuple):
    """What the pairs stand in: windowed energies of w windows of n calls."""

    total: Floats
    "Everything but DC and hum (n, w)."

    bands: Floats
    "Everything around the row tones, and around the column tones (n, w, 2)."


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

_PHASORS: Final = np.ascontiguousarray(_TONES.reshape(-1, 2, 8).transpose(0, 2, 1).reshape(-1, 16))
"The same filters with cosine and sine of each tone side by side, as complex numbers lie."

_FILTERS: Final = 16
_HALVES: Final = np.concatenate([_TONES[:HOP_SAMPLES], _TONES[HOP_SAMPLES:]], axis=1)
"What a half frame adds to the window that it starts, then to the one that it ends: (80, 2 * 16)."

LOWEST_ENERGY: Final = 40.0**2 * ENERGY_OF_UNIT_SINE
"Amplitude 40 is -55 dBm0, which ITU-T Q.24 calls no signal."

_QUIET_POWER: Final = 1.8 * LOWEST_ENERGY
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
_LOW_COLUMN: Final = len(_SURROUNDINGS[0])
_HIGH_COLUMN: Final = _LOW_COLUMN + len(_SURROUNDINGS[1])
"Where the filters of the bands begin; before them are those of the hum."

_SQUARED_WINDOW: Final[Floats] = (WINDOW**2).astype(np.float32)


class ToneFilters:
    """The tone filters of up to `capacity` slots; what they hold of each is the half of its next window."""

    def __init__(self, capacity: int) -> None:
        self._half = np.zeros((capacity, _FILTERS), np.float32)
        self._power = np.zeros(capacity, np.float32)
        # fresh memory for each batch would cost as much as the filters: the kernel clears every page of it
        self._samples = np.zeros((capacity, FRAME_SAMPLES), np.float32)
        self._products = np.zeros((2 * capacity, 2 * _FILTERS), np.float32)

    def reset(self, slots: Indices) -> None:
        """Forget what was heard on `slots`."""
        self._half[slots] = 0
        self._power[slots] = 0

    def strongest_pairs(self, frames: Pcm, slots: Indices) -> tuple[Bools, Pairs]:
        """Take the next frame (n, 160) of n slots; return which are not silent, and the pairs of these."""
        loud, power = _load(frames, slots, self._power, self._samples)
        rows = np.flatnonzero(loud)
        if len(rows) < len(slots):
            self._half[slots[~loud]] = 0
            power, slots = power[rows], slots[rows]
        blocks = self._samples.reshape(-1, HOP_SAMPLES)[: 2 * len(rows)]
        products = self._products[: 2 * len(rows)]
        np.matmul(blocks, _HALVES, out=products)
        energy, key, clear = _strongest(products.reshape(-1, 2, 2, _FILTERS), self._half, slots)
        return loud, Pairs(energy=energy, key=key, clear=clear, power=power)


@compiled_sum
def _load(frames: Pcm, slots: Indices, last_power: Floats, samples: Floats) -> tuple[Bools, Floats]:
    """Return which frames (n,) are loud enough to hold a pair, and the power of both windows (n, 2).

    `last_power` (capacity,) is that of the half frame before, and is taken on; the loud frames go to `samples`, one
    after the other.
    """
    loud = np.empty(len(slots), np.bool_)
    power = np.empty((len(slots), 2), np.float32)
    count = 0
    for row in range(len(slots)):
        first = second = np.float32(0)
        for sample in range(HOP_SAMPLES):
            value, other = (
                np.float32(frames[row, sample]),
                np.float32(frames[row, HOP_SAMPLES + sample]),
            )
            first += value * value
            second += other * other
        before = last_power[slots[row]]
        last_power[slots[row]] = second
        power[row, 0], power[row, 1] = before + first, first + second
        loud[row] = before + first + second > _QUIET_POWER
        if loud[row]:
            for sample in range(FRAME_SAMPLES):
                samples[count, sample] = frames[row, sample]
            count += 1
    return loud, power


@compiled
def _strongest(products: Floats, half: Floats, slots: Indices) -> tuple[Floats, KeyIndices, Bools]:
    """Return energy, key and clearness of the pairs, as in `Pairs`.

    `products` (n, 2, 2, 16) are what each half frame adds to the window that it starts, and to that which it ends;
    `half` (capacity, 16) is what the half frame before has begun, and is taken on.
    """
    count = len(slots)
    energy = np.empty((count, 2, 2), np.float32)
    key = np.empty((count, 2), np.int8)
    clear = np.empty((count, 2), np.bool_)
    for row in range(count):
        for window in range(2):
            started = half[slots[row]] if window == 0 else products[row, 0, 0]
            ended = products[row, window, 1]
            number, stands_out = 0, True
            for group in range(2):
                best, tone, total = np.float32(0), 0, np.float32(0)
                for at in range(4 * group, 4 * group + 4):
                    cosine, sine = started[at] + ended[at], started[8 + at] + ended[8 + at]
                    size = cosine * cosine + sine * sine
                    total += size
                    if size > best:
                        best, tone = size, at - 4 * group
                energy[row, window, group] = best
                number = 4 * number + tone
                stands_out &= bool(best > _CLEAR_SHARE * total)
            key[row, window] = number
            clear[row, window] = stands_out
        half[slots[row]] = products[row, 1, 0]
    return energy, key, clear


def tone_phasors(samples: Floats) -> Complexes:
    """Return amplitude and phase of the eight tones in three windows, (3, n, 8): the squares are windowed energies.

    `samples` as in :func:`surroundings`. The phase of a tone on its nominal frequency is the same in all windows.
    """
    found = np.empty((3, len(samples), 8), np.complex64)
    for index, turn in enumerate(_TURNS):
        start = index * HOP_SAMPLES
        parts = samples[:, start : start + FRAME_SAMPLES] @ _PHASORS
        np.multiply(parts.view(np.complex64), turn, out=found[index])
    return found


def surroundings(samples: Floats, *windows: int) -> Surroundings:
    """Return what is around the pairs of n calls in w `windows`: 1 and 2 are the frame's, 0 is the one before.

    `samples` is (n, 320), the frame before and the frame itself.
    """
    total = np.empty((len(samples), len(windows)), np.float32)
    bands = np.empty((len(samples), len(windows), 2), np.float32)
    for index, window in enumerate(windows):
        start = window * HOP_SAMPLES
        products = samples[:, start : start + FRAME_SAMPLES] @ _SURROUNDING_COLUMNS
        _surround(samples, start, products, index, total, bands)
    return Surroundings(total=total, bands=bands)


@compiled_sum
def _surround(
    samples: Floats, start: int, products: Floats, index: int, total: Floats, bands: Floats
) -> None:
    """Write total (n, w) and bands (n, w, 2) of the window that begins at `start`, from its products (n, columns)."""
    for row in range(len(samples)):
        part, energy = samples[row, start : start + FRAME_SAMPLES], np.float32(0)
        for sample in range(FRAME_SAMPLES):
            energy += part[sample] * part[sample] * _SQUARED_WINDOW[sample]
        hum = _power(products[row, :_LOW_COLUMN])
        low = _power(products[row, _LOW_COLUMN:_HIGH_COLUMN])
        high = _power(products[row, _HIGH_COLUMN:])
        total[row, index] = max(energy - hum, _ENERGY_FLOOR)
        bands[row, index, 0] = max(low, _ENERGY_FLOOR)
        bands[row, index, 1] = max(high, _ENERGY_FLOOR)


@compiled_sum
def _power(values: Floats) -> np.float32:
    total = np.float32(0)
    for value in values:
        total += value * value
    return total
