"""Which of the candidates tested at once are presses."""

from dataclasses import dataclass

import numpy as np

from dtmf.events import ToneQuality
from dtmf.frames import Floats
from dtmf.limit_table import ToneLimits
from dtmf.rules import is_press
from dtmf.spans import Spans
from dtmf.tones import level_of
from dtmf.verify import Tested, measure


@dataclass(frozen=True, slots=True)
class Accepted:
    """k presses, at most one a slot."""

    spans: Spans

    twist_db: Floats
    frequency_error: Floats
    "As in `Features` (k,)."

    def line(self, press: int) -> ToneQuality:
        """Return how the tones of one of them arrived."""
        levels = self.spans.levels[self.spans.track[press]]
        return ToneQuality(
            level_dbm0=level_of(float(levels.min())),
            twist_db=float(self.twist_db[press]),
            frequency_error=float(self.frequency_error[press]),
        )


def accept(tested: Tested, spans: Spans, limits: ToneLimits) -> Accepted:
    """Return the presses among `spans`: of each slot's the first key that has one, with its oldest span."""
    which, features = measure(tested, spans, limits)
    pressed = np.flatnonzero(is_press(features))
    # spans are in the order of keys and time, and so is what is left of them
    _, first = np.unique(tested.rows[spans.track[which[pressed]]], return_index=True)
    chosen = pressed[first]
    return Accepted(
        spans=spans.take(which[chosen]),
        twist_db=features.twist_db[chosen],
        frequency_error=features.frequency_error[chosen],
    )
