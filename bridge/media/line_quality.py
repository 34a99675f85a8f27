"""How good the callers' lines are: extremes of what the detector measured, over a whole call, and nothing finer.

Rules of this file: a telephone has its own frequency error at each tone and a line its own level at each, so the
figures of presses in their order are as good as the keys. Of a press nothing is kept but what it adds to four extremes;
these are told once, when the call is over, in coarse steps, and only where many presses are behind them.
`tests/bridge/media/test_line_quality.py` attacks what is told.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dtmf.events import ToneQuality
from dtmf.limits import DetectorLimits

MIN_PRESSES: Final = 20
"""A card number, its expiry date and security code are more. Of few presses the extremes would tell which keys were
not among them."""

STEP_DB: Final = 3
STEP_PERCENT: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class LineQuality:
    """One caller's line, over all presses that were read from tones while the call was secure."""

    lowest_level_dbm0: int
    "Level of the weakest tone, to 3 dB."

    lowest_twist_db: int
    highest_twist_db: int
    "High over low tone, to 3 dB; negative where the high one is weaker."

    frequency_error_percent: float
    "The largest of any tone, without its sign, to 0.5."

    near_limits: str
    """Names of the `DetectorLimits` that the line comes within a step of, with commas; empty where of none.
    What is beyond a limit is not read, so it is not measured either."""


class LineMeter:
    """Extremes of up to `calls` call slots."""

    def __init__(self, calls: int) -> None:
        self._presses: NDArray[np.int64] = np.zeros(calls, np.int64)
        self._level, self._low_twist, self._high_twist, self._error = np.zeros((4, calls))

    def start(self, call: int) -> None:
        """Forget the call that had this slot before."""
        self._presses[call] = 0
        self._level[call] = self._low_twist[call] = np.inf
        self._high_twist[call] = self._error[call] = -np.inf

    def add(self, call: int, press: ToneQuality) -> None:
        """Take one press that was read from its tones."""
        self._presses[call] += 1
        self._level[call] = min(self._level[call], press.level_dbm0)
        self._low_twist[call] = min(self._low_twist[call], press.twist_db)
        self._high_twist[call] = max(self._high_twist[call], press.twist_db)
        self._error[call] = max(self._error[call], press.frequency_error)

    def quality(self, call: int, limits: DetectorLimits) -> LineQuality | None:
        """Return what may be told of the call, which was read by `limits`; None where it had too few presses."""
        if self._presses[call] < MIN_PRESSES:
            return None
        level, low_twist, high_twist = (
            STEP_DB * round(float(extreme[call]) / STEP_DB)
            for extreme in (self._level, self._low_twist, self._high_twist)
        )
        percent = STEP_PERCENT * round(float(self._error[call]) * 100 / STEP_PERCENT)
        # From what is told, not from what was measured: it must not tell more.
        near = {
            "lowest_level_dbm0": level - limits.lowest_level_dbm0 <= STEP_DB,
            "negative_twist_db": low_twist + limits.negative_twist_db <= STEP_DB,
            "positive_twist_db": limits.positive_twist_db - high_twist <= STEP_DB,
            "frequency_tolerance": limits.frequency_tolerance * 100 - percent <= STEP_PERCENT,
        }
        return LineQuality(
            lowest_level_dbm0=level,
            lowest_twist_db=low_twist,
            highest_twist_db=high_twist,
            frequency_error_percent=percent,
            near_limits=",".join(name for name, is_near in near.items() if is_near),
        )
