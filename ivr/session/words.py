"""The vocabulary of a payment session.

Field, error and result names are those of Twilio `<Pay>`, which SignalWire and Telnyx use too.
"""

from enum import StrEnum


class Status(StrEnum):
    """Where a session stands; the legal moves are in `ivr.session.machine`."""

    CREATED = "created"
    WAITING = "waiting"
    SEND_FAILED = "send-failed"
    COLLECTING = "collecting"
    COLLECTED = "collected"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    DECLINED = "declined"
    FAILED = "failed"
    REVIEW = "review"
    CANCELLED = "cancelled"
    CUSTOMER_DECLINED = "customer-declined"
    EXPIRED = "expired"


class Method(StrEnum):
    """Who carries the session forward."""

    GUIDED = "guided"
    "An agent stays on the line and asks field by field."
    SELF_SERVICE = "self-service"
    "The caller pays on a link."
    UNATTENDED = "unattended"
    "Spoken prompts ask; no agent is on the line."


class FieldName(StrEnum):
    """What a caller can be asked to key."""

    CARD_NUMBER = "payment-card-number"
    EXPIRATION_DATE = "expiration-date"
    SECURITY_CODE = "security-code"
    POSTAL_CODE = "postal-code"


class FieldState(StrEnum):
    """How far one field is."""

    IDLE = "idle"
    COLLECTING = "collecting"
    VALID = "valid"
    INVALID = "invalid"
    "The last attempt failed; `FieldView.error` says why. Becomes `collecting` with the next key or request."


class ErrorType(StrEnum):
    """Why a field or a command was refused."""

    INPUT_TIMEOUT = "input-timeout"
    INVALID_CARD_NUMBER = "invalid-card-number"
    INVALID_CARD_TYPE = "invalid-card-type"
    INVALID_DATE = "invalid-date"
    INVALID_SECURITY_CODE = "invalid-security-code"
    INVALID_POSTAL_CODE = "invalid-postal-code"
    INPUT_MATCHING_FAILED = "input-matching-failed"
    SESSION_IN_PROGRESS = "session-in-progress"
    CARD_DECLINED = "card-declined"
    INTERNAL_ERROR = "internal-error"


class Result(StrEnum):
    """How a session ended."""

    SUCCESS = "success"
    TOO_MANY_FAILED_ATTEMPTS = "too-many-failed-attempts"
    PAYMENT_CONNECTOR_ERROR = "payment-connector-error"
    CALLER_INTERRUPTED_WITH_STAR = "caller-interrupted-with-star"
    CALLER_HUNG_UP = "caller-hung-up"
    VALIDATION_ERROR = "validation-error"
    INTERNAL_ERROR = "internal-error"


class Action(StrEnum):
    """What an agent may do with a session as it stands."""

    CAPTURE = "capture"
    SUBMIT = "submit"
    CANCEL = "cancel"


class CallerVoice(StrEnum):
    """Whether the agent hears the caller while a field is keyed."""

    PASS = "pass"  # noqa: S105  # no password: it passes
    "What is no key is heard."

    MUTE = "mute"
    "Nothing is heard but beeps."


class RecorderState(StrEnum):
    """What the recorder of a call is doing, as the recorder itself confirmed it."""

    OFF = "off"
    RECORDING = "recording"
    PAUSED = "paused"
    FAILED = "failed"


class Role(StrEnum):
    """What a user may do."""

    AGENT = "agent"
    SUPERVISOR = "supervisor"
    ADMIN = "admin"


class InteractionType(StrEnum):
    """What the payment is for, as the agent chooses it."""

    BILL = "bill"
    ORDER = "order"
    DONATION = "donation"
    ARREARS = "arrears"
    OTHER = "other"
