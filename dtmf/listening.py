"""Stage 1 of all slots: how suspect each frame is, and which key it hints at.

Two compiled passes around one matrix product, however many calls there are: a call of NumPy costs a microsecond and
more, and a media worker listens two hundred times a second.
"""

import numpy as np

from dtmf.candidates import Candidates, Frames, hint
from dtmf.compiled import compiled
from dtmf.frames import FRAME_SAMPLES, Bools, Floats, Indices, KeyIndices, Pcm
from dtmf.goertzel import (
    FILTERS,
    HALVES,
    HOP_SAMPLES,
    QUIET_POWER,
    SURROUNDING_FILTERS,
    half_powers,
    strongest_pairs,
    surroundings,
    tone_phasors,
)
from dtmf.history import History, newest, put_frame
from dtmf.keys import NO_KEY
from dtmf.repeats import find_repeats
from dtmf.suspicion import judged_window, log_odds


class Listener:
    """What stage 1 remembers of up to `capacity` slots: their last windows."""

    def __init__(self, capacity: int, history: History, candidates: Candidates) -> None:
        """`history` gets every frame, `candidates` gets every hint."""
        self._history, self._candidates = history, candidates
        self._half = np.zeros((capacity, FILTERS), np.float32)
        "What the last half frame has begun of each filter's next window."
        self._half_power = np.zeros(capacity, np.float32)
        "Sum of the squares of the last half frame."
        self._key = np.full(capacity, NO_KEY, np.int8)
        "The pair of the last window, NO_KEY for none."
        # fresh memory for each batch would cost as much as the filters: the kernel clears every page of it
        self._samples = np.zeros((2 * capacity, HOP_SAMPLES), np.float32)
        self._products = np.zeros((2 * capacity, 2 * FILTERS), np.float32)
        self._power = np.zeros((capacity, 2), np.float32)
        self._rows = np.zeros(capacity, np.intp)

    def reset(self, slots: Indices) -> None:
        """Forget what was heard on `slots`: the next window repeats nothing."""
        self._half[slots] = 0
        self._half_power[slots] = 0
        self._key[slots] = NO_KEY

    def listen(
        self, frames: Pcm, slots: Indices, lost: Bools, held: KeyIndices
    ) -> tuple[Floats, KeyIndices]:
        """Take a batch (see `DetectorBank.process`); return score and key hinted at, or NO_KEY, of each frame (n,).

        `held` (capacity,) are the keys known to be down. The score is -inf where there is no evidence.
        """
        history, candidates = self._history, self._candidates
        score, hinted = np.empty(len(slots), np.float32), np.empty(len(slots), np.int8)
        loud = _load(
            frames,
            slots,
            lost,
            *history.ring,
            self._half,
            self._half_power,
            self._key,
            self._rows,
            self._samples,
            self._power,
            score,
            hinted,
        )
        if loud:
            counts, heard, _ = history.ring
            products = self._products[: 2 * loud]
            np.matmul(self._samples[: 2 * loud], HALVES, out=products)
            _judge(
                loud,
                products,
                self._power,
                self._rows,
                slots,
                counts,
                heard,
                held,
                self._half,
                self._key,
                *candidates.state,
                score,
                hinted,
            )
        return score, hinted


@compiled
def _load(
    frames: Pcm,
    slots: Indices,
    lost: Bools,
    counts: Frames,
    history: Pcm,
    unknown: Bools,
    half: Floats,
    half_power: Floats,
    last_key: KeyIndices,
    rows: Indices,
    samples: Floats,
    power: Floats,
    score: Floats,
    hinted: KeyIndices,
) -> int:
    """Take the frames into the history, and those loud enough to hold a pair to `rows` and `samples`; return how many.

    `power` gets that of both windows of each; `score` and `hinted` are what holds where nothing is heard.
    """
    loud = 0
    for row in range(len(slots)):
        slot = slots[row]
        put_frame(frames[row], slot, lost[row], counts, history, unknown)
        score[row], hinted[row] = -np.inf, NO_KEY
        if lost[row]:
            half_power[slot] = 0
            quiet = True
        else:
            first, second = half_powers(frames[row])
            power[loud, 0], power[loud, 1] = half_power[slot] + first, first + second
            quiet = half_power[slot] + first + second <= QUIET_POWER
            half_power[slot] = second
        if quiet:
            half[slot] = 0
            last_key[slot] = NO_KEY
            continue
        rows[loud] = row
        for sample in range(HOP_SAMPLES):
            samples[2 * loud, sample] = frames[row, sample]
            samples[2 * loud + 1, sample] = frames[row, HOP_SAMPLES + sample]
        loud += 1
    return loud


@compiled
def _judge(
    loud: int,
    products: Floats,
    power: Floats,
    rows: Indices,
    slots: Indices,
    counts: Frames,
    history: Pcm,
    held: KeyIndices,
    half: Floats,
    last_key: KeyIndices,
    candidates: Bools,
    active: Bools,
    due: Frames,
    hinted_at: Frames,
    failed: Bools,
    score: Floats,
    hinted: KeyIndices,
) -> None:
    """Look for repeated pairs in the `loud` frames of `rows`, and write score and hint of those that have any."""
    energy, key = np.empty((2, 2), np.float32), np.empty(2, np.int8)
    clear, found = np.empty(2, np.bool_), np.empty(2, np.bool_)
    around = np.empty(SURROUNDING_FILTERS, np.float32)
    total, bands = np.empty(3, np.float32), np.empty((3, 2), np.float32)
    tones, phasors = np.empty(FILTERS, np.float32), np.empty((3, 8), np.complex64)
    halves = products.reshape(-1, 2, 2, FILTERS)
    for index in range(loud):
        row = rows[index]
        slot = slots[row]
        strongest_pairs(halves[index], half[slot], energy, key, clear)
        repeats = find_repeats(last_key[slot], key, clear, energy, power[index], found)
        last_key[slot] = key[1]
        if not repeats:
            continue
        samples = newest(slot, 2 * FRAME_SAMPLES, counts, history)
        surroundings(samples, 1, around, total, bands)
        surroundings(samples, 2, around, total, bands)
        window = judged_window(found, energy, total, bands)
        if window:
            surroundings(samples, 0, around, total, bands)
            tone_phasors(samples, tones, phasors)
            judged = key[window - 1]
            score[row] = log_odds(phasors, judged // 4, 4 + judged % 4, window, total, bands)
        hinted[row] = hint(
            slot,
            counts[slot],
            held[slot],
            found,
            key,
            energy,
            total,
            candidates,
            active,
            due,
            hinted_at,
            failed,
        )
