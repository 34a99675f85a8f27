"""Spans that are presses, or may be: what the compiled part of stage 2 hands on, a row each."""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from dtmf.frames import Floats

# Columns of `Found.spans`.
SLOT: Final = 0
KEY: Final = 1
"An index in `KEYS`."
FIRST: Final = 2
LAST: Final = 3
"Track points of the history, both inclusive."
KIND: Final = 4
COLUMNS: Final = 5

# Kinds of spans.
NO_PRESS: Final = 0
PRESS: Final = 1
DOUBTFUL: Final = 2
"A press if what is left without its tones says so."
LONG: Final = 4
"A press if its settled end is one; such a span may be doubtful, too."

# Columns of `Found.figures`.
LOW: Final = 0
HIGH: Final = 1
"Amplitudes of the two tones."
TWIST_DB: Final = 2
"High over low tone."
ERROR: Final = 3
"The larger relative frequency error of the two tones."
FIGURES: Final = 4


class Found(NamedTuple):
    """k spans in the order of slots, keys and time."""

    spans: npt.NDArray[np.int64]
    "(k, COLUMNS)."

    figures: Floats
    "(k, FIGURES)."
