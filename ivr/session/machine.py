"""Rules of this file: every legal move of a payment session is a row of _MOVES; no I/O, no clock.

`waiting` and `send-failed` belong to payment links and have no rows here.
"""

from enum import Enum, auto

from ivr.session.words import Status


class Trigger(Enum):
    """What can happen to a session."""

    CALL_SECURED = auto()
    "Gate on and recorder paused, both confirmed."
    CALL_NOT_SECURED = auto()
    FIELD_ASKED = auto()
    FIELDS_COMPLETE = auto()
    CALLER_STOPPED = auto()
    "The clear key twice in a row."
    TOO_MANY_FAILURES = auto()
    SUBMITTED = auto()
    NOT_SENT = auto()
    "The charge provably never left; it may be submitted again."
    APPROVED = auto()
    DECLINED = auto()
    REFUSED = auto()
    "Nothing was charged, and the card is not why."
    NO_ANSWER = auto()
    "The outcome is unknown or undecided."
    CANCELLED = auto()
    HUNG_UP = auto()
    MEDIA_LOST = auto()
    TIMED_OUT = auto()
    "The session as a whole took too long."
    FAULT = auto()
    "Our own mistake, or the gateway stops."


class IllegalMoveError(Exception):
    """The table has no row for this status and trigger."""


_OPEN = (Status.CREATED, Status.COLLECTING, Status.COLLECTED)
"Nothing has been sent to a processor."

_EXITS: dict[Trigger, Status] = {
    Trigger.CANCELLED: Status.CANCELLED,
    Trigger.HUNG_UP: Status.FAILED,
    Trigger.MEDIA_LOST: Status.FAILED,
    Trigger.TIMED_OUT: Status.EXPIRED,
    Trigger.FAULT: Status.FAILED,
}

_MOVES: dict[tuple[Status, Trigger], Status] = {
    **{(status, trigger): end for status in _OPEN for trigger, end in _EXITS.items()},
    (Status.CREATED, Trigger.CALL_SECURED): Status.COLLECTING,
    (Status.CREATED, Trigger.CALL_NOT_SECURED): Status.FAILED,
    (Status.COLLECTING, Trigger.FIELD_ASKED): Status.COLLECTING,
    (Status.COLLECTING, Trigger.FIELDS_COMPLETE): Status.COLLECTED,
    (Status.COLLECTING, Trigger.CALLER_STOPPED): Status.CUSTOMER_DECLINED,
    (Status.COLLECTING, Trigger.TOO_MANY_FAILURES): Status.FAILED,
    (Status.COLLECTED, Trigger.FIELD_ASKED): Status.COLLECTING,
    (Status.COLLECTED, Trigger.SUBMITTED): Status.PROCESSING,
    # A charge that is on its way is never called off: what happens to the call waits for the answer.
    (Status.PROCESSING, Trigger.HUNG_UP): Status.PROCESSING,
    (Status.PROCESSING, Trigger.MEDIA_LOST): Status.PROCESSING,
    (Status.PROCESSING, Trigger.TIMED_OUT): Status.PROCESSING,
    (Status.PROCESSING, Trigger.APPROVED): Status.SUCCEEDED,
    (Status.PROCESSING, Trigger.DECLINED): Status.DECLINED,
    (Status.PROCESSING, Trigger.REFUSED): Status.FAILED,
    (Status.PROCESSING, Trigger.NOT_SENT): Status.COLLECTED,
    (Status.PROCESSING, Trigger.NO_ANSWER): Status.REVIEW,
    (Status.PROCESSING, Trigger.FAULT): Status.REVIEW,
    (Status.DECLINED, Trigger.FIELD_ASKED): Status.COLLECTING,
    (Status.DECLINED, Trigger.CANCELLED): Status.CANCELLED,
    (Status.DECLINED, Trigger.HUNG_UP): Status.DECLINED,
    (Status.DECLINED, Trigger.MEDIA_LOST): Status.DECLINED,
    (Status.DECLINED, Trigger.TIMED_OUT): Status.DECLINED,
    (Status.DECLINED, Trigger.FAULT): Status.DECLINED,
    # What a later look-up tells.
    (Status.REVIEW, Trigger.APPROVED): Status.SUCCEEDED,
    (Status.REVIEW, Trigger.DECLINED): Status.DECLINED,
    (Status.REVIEW, Trigger.REFUSED): Status.FAILED,
    (Status.REVIEW, Trigger.NO_ANSWER): Status.REVIEW,
}


def next_status(status: Status, trigger: Trigger) -> Status:
    """Return the status after `trigger`; raise :class:`IllegalMoveError` where the table has no row."""
    try:
        return _MOVES[status, trigger]
    except KeyError:
        raise IllegalMoveError(f"{trigger.name} in {status.name}") from None


def can_move(status: Status, trigger: Trigger) -> bool:
    """Return whether the table has a row."""
    return (status, trigger) in _MOVES
