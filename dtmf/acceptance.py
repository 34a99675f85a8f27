"""Which of the candidates tested at once are presses."""

from typing import Final, NamedTuple

import numpy as np

from dtmf.compiled import compiled
from dtmf.events import ToneQuality
from dtmf.frames import Bools, Floats, Indices
from dtmf.limit_table import ToneLimits
from dtmf.rules import (
    LOWEST_COHERENCE,
    SETTLED_COHERENCE,
    SETTLED_DB,
    Features,
    is_press,
    is_settled_press,
    stands_out,
)
from dtmf.sound import least_weaker_db, sound_of
from dtmf.spans import Spans, levels_within
from dtmf.steadiness import (
    Steadiness,
    Tested,
    measure_steadiness,
    steady,
)
from dtmf.tones import levels_of
from dtmf.verify import measure

_MARGIN_DB: Final = 1.0
"Of what is judged without a fit."

_FIT_GAIN_DB: Final = 3.0
"More a fit does not find in a settled end."

_LONG_HOPS: Final = 25
"62 ms: in a shorter span the settled part is hardly another."

_SETTLED_HOPS: Final = 16
"40 ms: what is left of a tone of 80 ms when a low-rate codec has found it."

_SETTLED_ON_HOPS: Final = 12
"Of these so many points must be on: 28 ms in which a break is short."


class Accepted(NamedTuple):
    """k presses, at most one a slot."""

    spans: Spans

    twist_db: Floats
    "High over low tone (k,)."

    frequency_error: Floats
    "The larger relative error of the two tones (k,)."

    def lines(self) -> list[ToneQuality]:
        """Return how the tones of each arrived."""
        told = zip(
            levels_of(self.spans.levels.min(axis=1)).tolist(),
            self.twist_db.tolist(),
            self.frequency_error.tolist(),
            strict=True,
        )
        return [
            ToneQuality(level_dbm0=level_dbm0, twist_db=twist_db, frequency_error=error)
            for level_dbm0, twist_db, error in told
        ]


def accept(tested: Tested, spans: Spans, limits: ToneLimits) -> Accepted:
    """Return the presses among `spans`: of each slot's the first key that has one, with its oldest span.

    `limits` has a row a candidate.
    """
    steadiness = measure_steadiness(tested, spans, limits)
    pressed = _pressed(tested, steadiness, limits)
    long = steadiness.spans.last - steadiness.spans.first >= _LONG_HOPS - 1
    late = np.flatnonzero(long & ~pressed)
    if len(late):
        pressed[late] = _settled(tested, steadiness.spans.take(late), limits)
    # spans are in the order of slots, keys and time, and so is what is left of them
    chosen = _first_of_each(tested.rows, steadiness.spans.track, pressed)
    return Accepted(
        spans=steadiness.spans.take(chosen),
        twist_db=steadiness.twist_db[chosen],
        frequency_error=steadiness.error[chosen],
    )


@compiled
def _first_of_each(rows: Indices, track: Indices, pressed: Bools) -> Indices:
    """Return the first pressed span of each row (of a slot), given the row of each track and the track of each span."""
    first = np.empty(len(track), np.intp)
    count, last = 0, -1
    for span in range(len(track)):
        if pressed[span] and rows[track[span]] != last:
            last = rows[track[span]]
            first[count] = span
            count += 1
    return first[:count].copy()


def _possible(steadiness: Steadiness, limits: ToneLimits, coherence: float) -> Bools:
    """Return which spans no limit rules out before their sound is looked at."""
    tolerance = limits.frequency_tolerance[steadiness.spans.track]
    return np.asarray((steadiness.error <= tolerance) & (steadiness.coherence > coherence))


def _pressed(tested: Tested, steadiness: Steadiness, limits: ToneLimits) -> Bools:
    """Return which spans are presses, fitting only those that are not plainly so: clean keys are most of all."""
    possible = _possible(steadiness, limits, LOWEST_COHERENCE)
    if not possible.any():
        return possible
    strict = limits.strict[steadiness.spans.track]
    least_db = least_weaker_db(tested, steadiness) - _MARGIN_DB
    pressed = possible & stands_out(steadiness.error, steadiness.coherence, least_db, strict)
    doubtful = np.flatnonzero(possible & ~pressed)
    if len(doubtful):
        pressed[doubtful] = is_press(_features(tested, steadiness.take(doubtful)), strict[doubtful])
    return pressed


def _settled(tested: Tested, spans: Spans, limits: ToneLimits) -> Bools:
    """Return which spans are presses by their last 40 ms."""
    pressed = np.zeros(len(spans.track), np.bool_)
    ends = spans._replace(first=spans.last - (_SETTLED_HOPS - 1))
    some = np.flatnonzero(steady(tested, ends, SETTLED_COHERENCE, _SETTLED_ON_HOPS))
    if len(some):
        tracks, ends = spans.track[some], ends.take(some)
        amplitudes = np.abs(tested.pairs[tracks])
        levels = levels_within(ends.first, ends.last, spans.on[tracks], amplitudes)
        steadiness = measure_steadiness(tested, ends._replace(levels=levels), limits)
        possible = _possible(steadiness, limits, SETTLED_COHERENCE)
        possible &= least_weaker_db(tested, steadiness) > SETTLED_DB - _FIT_GAIN_DB
        steadiness = steadiness.take(np.flatnonzero(possible))
        if len(steadiness.which):
            strict = limits.strict[steadiness.spans.track]
            features = _features(tested, steadiness)
            pressed[some[steadiness.which]] = is_settled_press(features, strict)
    return pressed


def _features(tested: Tested, steadiness: Steadiness) -> Features:
    return measure(steadiness, sound_of(tested, steadiness.spans, steadiness.heard))
