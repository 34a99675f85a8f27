"""The detector of all calls: frames in, tone evidence and key presses out."""

from typing import Final

import numpy as np

from dtmf.candidates import Candidates, hints
from dtmf.events import Detection, Suspicion, ToneEnded, ToneStarted
from dtmf.frames import (
    FRAME_SAMPLES,
    RATE_HZ,
    Bools,
    Floats,
    Indices,
    KeyIndices,
    Pcm,
    check_batch,
    samples_of_ms,
)
from dtmf.goertzel import TAIL_SAMPLES, analyse
from dtmf.held import FOLLOW_SAMPLES, HeldKeys
from dtmf.history import HISTORY_SAMPLES, History
from dtmf.keys import HIGH_HZ, KEYS, LOW_HZ, NO_KEY
from dtmf.limits import DetectorLimits
from dtmf.rules import is_press
from dtmf.suspicion import SuspicionState
from dtmf.tracks import (
    HOP_SAMPLES,
    TRACK_WINDOW_SAMPLES,
    Complexes,
    Span,
    SpanLimits,
    centre_samples,
    demodulate,
    find_spans,
    hops_of,
)
from dtmf.verify import measure

_DECIDE_SAMPLES: Final = samples_of_ms(56)
"A press is judged with the first frame that ends this long after it began: 56 to 76 ms, whatever its alignment."

_HISTORY_HOPS: Final = hops_of(HISTORY_SAMPLES)


def _span_limits(limits: DetectorLimits) -> SpanLimits:
    """Return the limits in track points."""
    hop_ms = 1000 * HOP_SAMPLES / RATE_HZ
    return SpanLimits(
        break_hops=int(np.ceil(limits.longest_break_ms / hop_ms)) - 1,
        # every point whose window touches a hole is unknown, so a hole counts a window longer than it is
        loss_hops=int(limits.longest_loss_ms / hop_ms) + TRACK_WINDOW_SAMPLES // HOP_SAMPLES,
        shortest_hops=int(np.ceil(limits.shortest_tone_ms / hop_ms)),
    )


class DetectorBank:
    """Detectors of up to `capacity` calls, a slot each; every slot is on its own, whatever shares a batch with it.

    State is bounded by the capacity. Nothing that the audio holds raises.
    """

    def __init__(self, capacity: int, limits: DetectorLimits | None = None) -> None:
        self._limits = limits or DetectorLimits()
        self._spans = _span_limits(self._limits)
        self._capacity = capacity
        self._tail = np.zeros((capacity, TAIL_SAMPLES), np.float32)
        self._history = History(capacity)
        self._suspicion = SuspicionState(capacity)
        self._candidates = Candidates(capacity)
        self._held = HeldKeys(capacity, self._spans)

    def reset(self, slots: Indices) -> None:
        """Start `slots` anew: time 0, nothing heard, no key down and no event about one that was."""
        self._tail[slots] = 0
        self._history.reset(slots)
        self._suspicion.reset(slots)
        self._candidates.reset(slots)
        self._held.reset(slots)

    def process(self, frames: Pcm, slots: Indices, lost: Bools) -> Detection:
        """Take one frame each of n slots, int16 (n, 160), and return what they hold.

        `slots` (n,) names each row's slot, each at most once; rows of `lost` (n,) were not received: their
        samples are ignored and count as unknown, not as silence. Raises ValueError where shapes do not fit.
        """
        check_batch(frames, slots, lost, self._capacity)
        score = np.full(len(slots), -np.inf, np.float32)
        hinted = np.full(len(slots), NO_KEY, np.int8)
        self._history.append(frames, slots, lost)
        if lost.any():
            self._tail[slots[lost]] = 0
            rows = np.flatnonzero(~lost)
            if len(rows):
                score[rows], hinted[rows] = self._listen(frames[rows], slots[rows])
        elif len(slots):
            score, hinted = self._listen(frames, slots)
        ended = self._follow(slots, hinted)
        started = self._decide(slots, ended)
        suspicion = Suspicion(score=score, key_down=self._held.key[slots] != NO_KEY)
        return Detection(suspicion=suspicion, started=started, ended=ended)

    def _listen(self, frames: Pcm, slots: Indices) -> tuple[Floats, KeyIndices]:
        """Run stage 1 on frames that were received; return scores and the keys that it hints at, each (n,)."""
        samples = np.empty((len(slots), TAIL_SAMPLES + FRAME_SAMPLES), np.float32)
        samples[:, :TAIL_SAMPLES] = self._tail[slots]
        samples[:, TAIL_SAMPLES:] = frames
        self._tail[slots] = samples[:, -TAIL_SAMPLES:]
        windows = analyse(samples)
        score, runs = self._suspicion.judge(windows, slots)
        found = hints(windows, runs)
        hinted = np.full(len(slots), NO_KEY, np.int8)
        for row in np.flatnonzero(found.any(axis=0)):
            slot = int(slots[row])
            window = 1 if found[1, row] else 0
            hinted[row] = windows.key[window, row]
            for index in np.flatnonzero(found[:, row]):
                key = int(windows.key[index, row])
                if key != self._held.key[slot]:
                    frame = int(self._history.count[slot])
                    self._candidates.hint(slot, key, frame, early=index == 0)
        return score, hinted

    def _follow(self, slots: Indices, hinted: KeyIndices) -> list[ToneEnded]:
        """Follow the keys that are down and return those let go."""
        rows = np.flatnonzero(self._held.key[slots] != NO_KEY)
        if not len(rows):
            return []
        held = slots[rows]
        keys = self._held.key[held]
        phasors = demodulate(self._history.last(held, FOLLOW_SAMPLES))
        over = self._held.follow(
            np.abs(_pairs(phasors, keys)),
            held,
            self._history.unknown(held, 2),
            (hinted[rows] != NO_KEY) & (hinted[rows] != keys),
            self._history.count[held] * FRAME_SAMPLES,
        )
        return [self._ended(int(held[i]), int(keys[i])) for i in np.flatnonzero(over)]

    def _decide(self, slots: Indices, ended: list[ToneEnded]) -> list[ToneStarted]:
        """Test the candidates that are due; return the presses among them, adding to `ended` what they end."""
        due = [
            (int(slots[row]), keys)
            for row in self._candidates.rows(slots)
            if (keys := self._candidates.due(int(slots[row]), int(self._history.count[slots[row]])))
        ]
        if not due:
            return []
        tested = np.array([slot for slot, _ in due], np.intp)
        samples = self._history.last(tested, HISTORY_SAMPLES)
        phasors = demodulate(samples)
        unknown = _unknown_hops(self._history.unknown(tested))
        started: list[ToneStarted] = []
        for row, (slot, keys) in enumerate(due):
            for key in keys:
                span = self._test(slot, key, samples[row], phasors[row], unknown[row])
                if span is not None:
                    started.append(self._press(slot, key, span, unknown[row], ended))
                    self._candidates.drop(slot)
                    break
        return started

    def _test(
        self, slot: int, key: int, samples: Floats, phasors: Complexes, unknown: Bools
    ) -> Span | None:
        """Return the span in which `key` was pressed, or None and when to test again."""
        pair = phasors[:, [key // 4, 4 + key % 4]]
        since = int(self._history.count[slot]) * FRAME_SAMPLES - HISTORY_SAMPLES
        first = max(0, (int(self._held.end[slot]) - since - centre_samples(0)) // HOP_SAMPLES + 1)
        nominal = LOW_HZ[key // 4], HIGH_HZ[key % 4]
        for span in find_spans(np.abs(pair), unknown, min(first, _HISTORY_HOPS), self._spans):
            if HISTORY_SAMPLES - centre_samples(span.first) < _DECIDE_SAMPLES:
                self._candidates.postpone(slot, key)
                return None
            features = measure(samples, pair, nominal, span, unknown, self._limits)
            if features is not None and is_press(features).all():
                return span
        self._candidates.fail(slot, key)
        return None

    def _press(
        self, slot: int, key: int, span: Span, unknown: Bools, ended: list[ToneEnded]
    ) -> ToneStarted:
        """Take a span for a press: end what was down before it, hold it, and end it too if it is already over."""
        if (before := int(self._held.key[slot])) != NO_KEY:
            self._held.release(slot)
            ended.append(self._ended(slot, before))
        since = int(self._history.count[slot]) * FRAME_SAMPLES - HISTORY_SAMPLES
        start = max(0, since + centre_samples(span.first))
        rest = unknown[span.last + 1 :]
        self._held.press(
            slot,
            key,
            start=start,
            end=since + centre_samples(span.last),
            levels=(span.low_level, span.high_level),
            unknown=bool(len(rest)) and bool(rest.all()),
        )
        if self._held.age(slot, len(rest)):
            self._held.release(slot)
            ended.append(self._ended(slot, key))
        return ToneStarted(slot=slot, key=KEYS[key], start_samples=start)

    def _ended(self, slot: int, key: int) -> ToneEnded:
        start, end = int(self._held.start[slot]), int(self._held.end[slot]) + 1
        return ToneEnded(slot=slot, key=KEYS[key], start_samples=start, end_samples=end)


def _pairs(phasors: Complexes, keys: KeyIndices) -> Complexes:
    """Return the two tones of each row's key, (m, hops, 2), from all eight (m, hops, 8)."""
    columns = np.stack([keys // 4, 4 + keys % 4], axis=1).astype(np.intp)
    return np.asarray(np.take_along_axis(phasors, columns[:, None, :], axis=2))


def _unknown_hops(lost: Bools) -> Bools:
    """Return which track points a lost frame touches: (m, 6) frames to (m, 45) points."""
    by_block = np.repeat(lost, FRAME_SAMPLES // HOP_SAMPLES, axis=1)
    unknown = np.zeros((len(lost), _HISTORY_HOPS), np.bool_)
    for block in range(TRACK_WINDOW_SAMPLES // HOP_SAMPLES):
        unknown |= by_block[:, block : block + _HISTORY_HOPS]
    return unknown
