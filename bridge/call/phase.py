"""How far a call is: every legal move is a row of MOVES, a missing row is an error."""

from enum import StrEnum
from typing import Final


class Phase(StrEnum):
    """Where a call stands."""

    OPENING = "opening"
    CALLING = "calling"
    TALKING = "talking"
    ENDED = "ended"


class Trigger(StrEnum):
    """What moves it."""

    MEDIA_OPENED = "media opened"
    ANSWERED = "answered"
    ENDED = "ended"


MOVES: Final[dict[tuple[Phase, Trigger], Phase]] = {
    (Phase.OPENING, Trigger.MEDIA_OPENED): Phase.CALLING,
    (Phase.CALLING, Trigger.ANSWERED): Phase.TALKING,
    (Phase.OPENING, Trigger.ENDED): Phase.ENDED,
    (Phase.CALLING, Trigger.ENDED): Phase.ENDED,
    (Phase.TALKING, Trigger.ENDED): Phase.ENDED,
}
