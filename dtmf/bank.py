"""The detector of all calls: frames in, tone evidence and key presses out."""

from typing import Final

import numpy as np
import numpy.typing as npt

from dtmf.acceptance import Accepted, accept
from dtmf.batch import check_batch
from dtmf.candidates import Candidates
from dtmf.events import Detection, Suspicion, ToneEnded, ToneStarted
from dtmf.frames import (
    FRAME_SAMPLES,
    Bools,
    Indices,
    KeyIndices,
    Pcm,
    samples_of_ms,
)
from dtmf.held import FOLLOW_SAMPLES, HeldKeys
from dtmf.history import HISTORY_SAMPLES, History
from dtmf.keys import KEYS, NO_KEY
from dtmf.limit_table import LimitTable
from dtmf.limits import DetectorLimits
from dtmf.listening import Listener
from dtmf.spans import find_spans
from dtmf.steadiness import Tested
from dtmf.tracks import (
    HOP_SAMPLES,
    TRACK_WINDOW_SAMPLES,
    centre_samples,
    demodulate,
    hops_of,
)

_DECIDE_SAMPLES: Final = samples_of_ms(56)
"A press is judged with the first frame that ends this long after it began: 56 to 76 ms, whatever its alignment."

_HISTORY_HOPS: Final = hops_of(HISTORY_SAMPLES)

_LAST_DECIDED_HOP: Final = (HISTORY_SAMPLES - _DECIDE_SAMPLES - centre_samples(0)) // HOP_SAMPLES
"What begins at a later track point of the history has not been heard for so long."


class DetectorBank:
    """Detectors of up to `capacity` calls, a slot each; every slot is on its own, whatever shares a batch with it.

    State is bounded by the capacity. Nothing that the audio holds raises.
    """

    def __init__(self, capacity: int, limits: DetectorLimits | None = None) -> None:
        self._capacity = capacity
        self._limits = LimitTable(capacity, limits or DetectorLimits())
        self._history = History(capacity)
        self._candidates = Candidates(capacity)
        self._listener = Listener(capacity, self._history, self._candidates)
        self._held = HeldKeys(capacity)

    def reset(self, slots: Indices, limits: DetectorLimits | None = None) -> None:
        """Start `slots` anew: time 0, nothing heard, no key down and no event about one that was.

        `limits` hold for these slots from now on; None: those of the bank.
        """
        self._limits.set(slots, limits)
        self._history.reset(slots)
        self._listener.reset(slots)
        self._candidates.reset(slots)
        self._held.reset(slots)

    def process(self, frames: Pcm, slots: Indices, lost: Bools) -> Detection:
        """Take one frame each of n slots, int16 (n, 160), and return what they hold.

        `slots` (n,) names each row's slot, each at most once; rows of `lost` (n,) were not received: their
        samples are ignored and count as unknown, not as silence. Raises ValueError where shapes do not fit.
        """
        check_batch(frames, slots, lost, self._capacity)
        score, hinted = self._listener.listen(frames, slots, lost, self._held.key)
        ended = self._follow(slots, hinted)
        started = self._decide(slots, ended)
        suspicion = Suspicion(score=score, key_down=self._held.key[slots] != NO_KEY)
        return Detection(suspicion=suspicion, started=started, ended=ended)

    def _follow(self, slots: Indices, hinted: KeyIndices) -> list[ToneEnded]:
        """Follow the keys that are down and return those let go."""
        rows = np.flatnonzero(self._held.key[slots] != NO_KEY)
        if not len(rows):
            return []
        held = slots[rows]
        keys = self._held.key[held]
        recent = self._history.last(held, FOLLOW_SAMPLES)
        tones = demodulate(recent, np.arange(len(held)), keys.astype(np.intp))
        over = self._held.follow(
            np.abs(tones),
            held,
            self._history.unknown(held, 2),
            (hinted[rows] != NO_KEY) & (hinted[rows] != keys),
            self._history.count[held] * FRAME_SAMPLES,
            self._limits.hops(held),
        )
        return self._ended(held[over], keys[over])

    def _decide(self, slots: Indices, ended: list[ToneEnded]) -> list[ToneStarted]:
        """Test the candidates that are due; return the presses among them, adding to `ended` what they end."""
        rows, keys = self._candidates.due(slots, self._history.count[slots])
        if not len(rows):
            return []
        slots = slots[rows]
        tested = self._tested(slots, keys)
        accepted = self._test(tested, slots)
        return self._press(slots[accepted.spans.track], tested, accepted, ended)

    def _tested(self, slots: Indices, keys: Indices) -> Tested:
        """Return the tracks of c candidates; those of one slot follow each other."""
        new = np.ones(len(slots), np.bool_)
        np.not_equal(slots[1:], slots[:-1], out=new[1:])
        rows = np.cumsum(new) - 1
        samples = self._history.last(slots[new], HISTORY_SAMPLES)
        return Tested(
            rows=rows,
            keys=keys,
            samples=samples,
            pairs=demodulate(samples, rows, keys),
            unknown=_unknown_hops(self._history.unknown(slots[new]))[rows],
        )

    def _test(self, tested: Tested, slots: Indices) -> Accepted:
        """Return the presses, one a candidate at most, and see to the candidates that are none."""
        first = self._held.after(slots, self._since(slots), _HISTORY_HOPS)
        amplitudes = np.abs(tested.pairs)
        spans = find_spans(amplitudes, tested.unknown, first, self._limits.hops(slots))
        young = spans.first > _LAST_DECIDED_HOP
        accepted = accept(tested, spans.take(~young), self._limits.tones(slots))
        self._candidates.tested(slots, tested.keys, spans.track[young], accepted.spans.track)
        return accepted

    def _press(
        self, slots: Indices, tested: Tested, accepted: Accepted, ended: list[ToneEnded]
    ) -> list[ToneStarted]:
        """Hold the keys that were accepted, ending what was down before; end what is over already."""
        if not len(slots):
            return []
        spans = accepted.spans
        keys, before, since = tested.keys[spans.track], self._held.key[slots], self._since(slots)
        down = before != NO_KEY
        ended += self._ended(slots[down], before[down])
        heard = np.arange(_HISTORY_HOPS) <= spans.last[:, None]
        over = self._held.press(
            slots,
            keys,
            start=np.maximum(since + centre_samples(spans.first), 0),
            end=since + centre_samples(spans.last),
            levels=spans.levels,
            hops=_HISTORY_HOPS - 1 - spans.last,
            unknown=np.all(tested.unknown[spans.track] | heard, axis=1),
            limits=self._limits.hops(slots),
        )
        self._candidates.reset(slots)
        ended += self._ended(slots[over], keys[over])
        told = zip(
            slots.tolist(),
            keys.tolist(),
            self._held.start[slots].tolist(),
            accepted.lines(),
            strict=True,
        )
        return [
            ToneStarted(slot=slot, key=KEYS[key], start_samples=start, line=line)
            for slot, key, start, line in told
        ]

    def _since(self, slots: Indices) -> npt.NDArray[np.int64]:
        """Return when the history of `slots` begins, in samples since their reset."""
        return np.asarray(self._history.count[slots] * FRAME_SAMPLES - HISTORY_SAMPLES)

    def _ended(self, slots: Indices, keys: npt.NDArray[np.integer]) -> list[ToneEnded]:
        """Return the events of keys let go."""
        told = zip(
            slots.tolist(),
            keys.tolist(),
            self._held.start[slots].tolist(),
            self._held.end[slots].tolist(),
            strict=True,
        )
        return [
            ToneEnded(slot=slot, key=KEYS[key], start_samples=start, end_samples=end + 1)
            for slot, key, start, end in told
        ]


def _unknown_hops(lost: Bools) -> Bools:
    """Return which track points a lost frame touches: (m, 6) frames to (m, 45) points."""
    if not lost.any():
        return np.zeros((len(lost), _HISTORY_HOPS), np.bool_)
    by_block = np.repeat(lost, FRAME_SAMPLES // HOP_SAMPLES, axis=1)
    unknown = np.zeros((len(lost), _HISTORY_HOPS), np.bool_)
    for block in range(TRACK_WINDOW_SAMPLES // HOP_SAMPLES):
        unknown |= by_block[:, block : block + _HISTORY_HOPS]
    return unknown
