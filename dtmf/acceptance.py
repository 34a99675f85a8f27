"""Whether a span is a press, as far as its level, its steadiness and its power tell."""

import math
from typing import Final

from dtmf.compiled import compiled
from dtmf.found import DOUBTFUL, LONG, NO_PRESS, PRESS
from dtmf.frames import Bools, Complexes, Floats
from dtmf.limit_table import LOWEST_AMPLITUDE, NEGATIVE_TWIST_DB, POSITIVE_TWIST_DB, TOLERANCE
from dtmf.rules import LOWEST_COHERENCE, SETTLED_COHERENCE, SETTLED_DB, stands_out
from dtmf.sound import least_weaker_db
from dtmf.spans import middles
from dtmf.steadiness import Steadiness, measure_steadiness
from dtmf.tracks import amplitudes_of

_MARGIN_DB: Final = 1.0
"Of what is judged without a fit."

_FIT_GAIN_DB: Final = 3.0
"More a fit does not find in a settled end."

_LONG_HOPS: Final = 25
"62 ms: in a shorter span the settled part is hardly another."

SETTLED_HOPS: Final = 16
"40 ms: what is left of a tone of 80 ms when a low-rate codec has found it."

_SETTLED_ON_HOPS: Final = 12
"Of these so many points must be on: 28 ms in which a break is short."


@compiled
def judge(
    key: int,
    first: int,
    last: int,
    levels: Floats,
    on: Bools,
    unknown: Bools,
    pairs: Complexes,
    samples: Floats,
    limits: Floats,
    strict: bool,
) -> tuple[int, float, float]:
    """Return the kind of a span, how much stronger its high tone is in dB, and its frequency error.

    `on` and `unknown` (hops,) mark points of its track, `pairs` (2, hops) are the two tones there, `samples` (s,) the
    history; `limits` (4,) as in `LimitTable.tones`.
    """
    twist_db = _twist_db(levels)
    if not _allowed(levels, twist_db, limits):
        return NO_PRESS, twist_db, 0.0
    steadiness = measure_steadiness(key, first, last, on, unknown, pairs)
    kind = _kind(steadiness, first, last, samples, limits, strict)
    if (
        kind != PRESS
        and last - first >= _LONG_HOPS - 1
        and _may_be_settled(key, last, on, unknown, pairs, samples, limits)
    ):
        kind |= LONG
    return kind, twist_db, steadiness.error


@compiled
def _twist_db(levels: Floats) -> float:
    low, high = levels
    return 20 * math.log10(high / low) if low > 0 else math.inf


@compiled
def _allowed(levels: Floats, twist_db: float, limits: Floats) -> bool:
    """Return whether levels (2,) and twist are within limits (4,)."""
    strong = min(levels[0], levels[1]) >= limits[LOWEST_AMPLITUDE]
    return bool(strong and -limits[NEGATIVE_TWIST_DB] <= twist_db <= limits[POSITIVE_TWIST_DB])


@compiled
def _kind(
    steadiness: Steadiness, first: int, last: int, samples: Floats, limits: Floats, strict: bool
) -> int:
    """Return what a span is by the whole of it; only what is not plainly a press needs a fit, and clean keys are."""
    error, coherence = steadiness.error, steadiness.coherence
    if error > limits[TOLERANCE] or coherence <= LOWEST_COHERENCE:
        return NO_PRESS
    least_db = least_weaker_db(samples, first, last, steadiness.heard, steadiness.sums)
    return PRESS if stands_out(error, coherence, least_db - _MARGIN_DB, strict) else DOUBTFUL


@compiled
def _may_be_settled(
    key: int,
    last: int,
    on: Bools,
    unknown: Bools,
    pairs: Complexes,
    samples: Floats,
    limits: Floats,
) -> bool:
    """Return whether the last 40 ms of a span may be a press, of which a fit is to tell."""
    first = last - (SETTLED_HOPS - 1)
    steadiness = measure_steadiness(key, first, last, on, unknown, pairs)
    if steadiness.coherence <= SETTLED_COHERENCE or steadiness.heard.sum() < _SETTLED_ON_HOPS:
        return False
    end = slice(first, last + 1)
    levels = middles(amplitudes_of(pairs[:, end]), on[end])
    if not _allowed(levels, _twist_db(levels), limits) or steadiness.error > limits[TOLERANCE]:
        return False
    least_db = least_weaker_db(samples, first, last, steadiness.heard, steadiness.sums)
    return bool(least_db > SETTLED_DB - _FIT_GAIN_DB)
