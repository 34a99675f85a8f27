"""The detector of all calls: frames in, tone evidence and key presses out."""

import numpy as np

from dtmf.batch import check_batch
from dtmf.candidates import Candidates
from dtmf.events import Detection, Suspicion
from dtmf.frames import FRAME_SAMPLES, Bools, Floats, Indices, KeyIndices, Pcm
from dtmf.goertzel import Pairs, ToneFilters, surroundings
from dtmf.held import HeldKeys
from dtmf.history import History
from dtmf.keys import NO_KEY
from dtmf.limit_table import LimitTable
from dtmf.limits import DetectorLimits
from dtmf.presses import Presses
from dtmf.repeats import RepeatFinder
from dtmf.suspicion import log_odds


class DetectorBank:
    """Detectors of up to `capacity` calls, a slot each; every slot is on its own, whatever shares a batch with it.

    State is bounded by the capacity. Nothing that the audio holds raises.
    """

    def __init__(self, capacity: int, limits: DetectorLimits | None = None) -> None:
        self._capacity = capacity
        self._limits = LimitTable(capacity, limits or DetectorLimits())
        self._history = History(capacity)
        self._filters = ToneFilters(capacity)
        self._repeats = RepeatFinder(capacity)
        self._candidates = Candidates(capacity)
        self._held = HeldKeys(capacity)
        self._presses = Presses(self._history, self._candidates, self._held, self._limits)

    def reset(self, slots: Indices, limits: DetectorLimits | None = None) -> None:
        """Start `slots` anew: time 0, nothing heard, no key down and no event about one that was.

        `limits` hold for these slots from now on; None: those of the bank.
        """
        self._limits.set(slots, limits)
        self._history.reset(slots)
        self._filters.reset(slots)
        self._repeats.reset(slots)
        self._candidates.reset(slots)
        self._held.reset(slots)

    def process(self, frames: Pcm, slots: Indices, lost: Bools) -> Detection:
        """Take one frame each of n slots, int16 (n, 160), and return what they hold.

        `slots` (n,) names each row's slot, each at most once; rows of `lost` (n,) were not received: their
        samples are ignored and count as unknown, not as silence. Raises ValueError where shapes do not fit.
        """
        check_batch(frames, slots, lost, self._capacity)
        score, hinted = self._listen(frames, slots, lost)
        ended = self._presses.follow(slots, hinted)
        started = self._presses.decide(slots, ended)
        suspicion = Suspicion(score=score, key_down=self._held.key[slots] != NO_KEY)
        return Detection(suspicion=suspicion, started=started, ended=ended)

    def _listen(self, frames: Pcm, slots: Indices, lost: Bools) -> tuple[Floats, KeyIndices]:
        """Run stage 1; return the score of each frame and the key that it hints at, if any, each (n,)."""
        score = np.full(len(slots), -np.inf, np.float32)
        hinted = np.full(len(slots), NO_KEY, np.int8)
        loud, pairs = self._filter(frames, slots, lost)
        self._history.append(frames, slots, lost)
        rows = np.flatnonzero(loud)
        repeats = self._repeats.find(pairs, slots[rows])
        if not len(repeats.rows):
            return score, hinted
        rows = rows[repeats.rows]
        recent = self._history.last(slots[rows], 2 * FRAME_SAMPLES)
        around = surroundings(recent, 1, 2)
        score[rows] = log_odds(repeats, around, recent)
        slots = slots[rows]
        frames_heard = self._history.count[slots]
        hinted[rows] = self._candidates.hint(repeats, around, slots, frames_heard, self._held.key)
        return score, hinted

    def _filter(self, frames: Pcm, slots: Indices, lost: Bools) -> tuple[Bools, Pairs]:
        """Return which frames are neither lost nor silent (n,), and the pairs of these."""
        if lost.any():
            heard = np.flatnonzero(~lost)
            self._filters.reset(slots[lost])
            loud = np.zeros(len(slots), np.bool_)
            loud[heard], pairs = self._filters.strongest_pairs(frames[heard], slots[heard])
        else:
            loud, pairs = self._filters.strongest_pairs(frames, slots)
        self._repeats.reset(slots[~loud])
        return loud, pairs
