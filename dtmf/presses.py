"""Stage 2 of all calls: which candidates are presses, and when what was pressed is let go."""

from typing import Final

from dtmf.candidates import Candidates, any_waiting
from dtmf.events import ToneEnded, ToneQuality, ToneStarted
from dtmf.found import KIND, PRESS, Found
from dtmf.frames import Indices, KeyIndices
from dtmf.held import HeldKeys, LetGo, any_down, follow, press
from dtmf.history import History
from dtmf.keys import KEYS
from dtmf.limit_table import LimitTable
from dtmf.sift import sift
from dtmf.tones import level_of
from dtmf.verify import verify


class Presses:
    """What is pressed and let go, from the history and the candidates of stage 1.

    Each step is one compiled call that takes whole arrays: what a call costs by itself is more than what it does for
    the one candidate or key of most batches. Only what is doubtful, one candidate in a hundred, takes more.
    """

    def __init__(
        self, history: History, candidates: Candidates, held: HeldKeys, limits: LimitTable
    ) -> None:
        self._history = history
        self._strict = limits.strict
        self._held = held
        self._candidates = candidates
        # put together once: to look up a dozen arrays takes as long as a quiet batch
        self._to_follow: Final = (limits.hops, *history.ring, *held.state)
        self._to_sift: Final = (
            limits.hops,
            limits.tones,
            limits.strict,
            *history.ring,
            held.end,
            *candidates.state,
        )
        self._to_press: Final = (*self._to_follow, *candidates.droppable)

    def follow(self, slots: Indices, hinted: KeyIndices) -> list[ToneEnded]:
        """Follow the keys that are down on `slots` (n,) and return those let go; `hinted` (n,): what stage 1 hears."""
        if not any_down(slots, self._held.key):
            return []
        return _ended(follow(slots, hinted, *self._to_follow))

    def decide(self, slots: Indices, ended: list[ToneEnded]) -> list[ToneStarted]:
        """Test the candidates that are due; return the presses among them, adding to `ended` what they end."""
        if not any_waiting(slots, self._candidates.any):
            return []
        found = Found(*sift(slots, *self._to_sift))
        if not len(found.spans):
            return []
        pressed = found.spans[:, KIND] == PRESS
        if not pressed.all():
            pressed = verify(found, self._history, self._strict)
        let_go, down = press(found.spans, found.figures, pressed, *self._to_press)
        ended += _ended(let_go)
        figures = found.figures.tolist()
        return [
            ToneStarted(slot=slot, key=KEYS[key], start_samples=start, line=_line(*figures[row]))
            for slot, key, start, row in down.tolist()
        ]


def _ended(let_go: LetGo) -> list[ToneEnded]:
    return [
        ToneEnded(slot=slot, key=KEYS[key], start_samples=first, end_samples=last + 1)
        for slot, key, first, last in let_go.tolist()
    ]


def _line(low: float, high: float, twist_db: float, error: float) -> ToneQuality:
    """Return how the tones of one press arrived, from its `Found.figures`."""
    return ToneQuality(
        level_dbm0=level_of(min(low, high)), twist_db=twist_db, frequency_error=error
    )
