"""What the panel says, as tables. Field labels and errors are fallbacks where the session gives no words itself."""

from typing import Final

from ivr.session.words import ErrorType, FieldName, InteractionType, Result, Status

FIELD_LABELS: Final[dict[FieldName, str]] = {
    FieldName.CARD_NUMBER: "Card number",
    FieldName.EXPIRATION_DATE: "Expiry date",
    FieldName.SECURITY_CODE: "Security code",
    FieldName.POSTAL_CODE: "Postal code",
}

INTERACTION_LABELS: Final[dict[InteractionType, str]] = {
    InteractionType.BILL: "Bill",
    InteractionType.ORDER: "Order",
    InteractionType.DONATION: "Donation",
    InteractionType.ARREARS: "Arrears",
    InteractionType.OTHER: "Other",
}

_BRAND_LABELS: Final[dict[str, str]] = {
    "amex": "American Express",
    "diners-club": "Diners Club",
    "discover": "Discover",
    "jcb": "JCB",
    "maestro": "Maestro",
    "mastercard": "Mastercard",
    "unionpay": "UnionPay",
    "visa": "Visa",
}

ERROR_SENTENCES: Final[dict[ErrorType, str]] = {
    ErrorType.INPUT_TIMEOUT: "No key for too long. Ask the caller to try again.",
    ErrorType.INVALID_CARD_NUMBER: "That is not a valid card number. A digit may be wrong.",
    ErrorType.INVALID_CARD_TYPE: "This kind of card is not accepted here.",
    ErrorType.INVALID_DATE: "That date has passed or does not exist. Month and year, two digits each.",
    ErrorType.INVALID_SECURITY_CODE: "The security code has the wrong length for this card.",
    ErrorType.INVALID_POSTAL_CODE: "That postal code is not complete.",
    ErrorType.INPUT_MATCHING_FAILED: "The two entries differ. Ask for it once more.",
    ErrorType.SESSION_IN_PROGRESS: "A payment is already running on this call.",
    ErrorType.CARD_DECLINED: "The bank declined this card.",
    ErrorType.INTERNAL_ERROR: "Something went wrong on our side.",
}

HEADLINES: Final[dict[Status, str]] = {
    Status.CREATED: "Securing the line",
    Status.WAITING: "Waiting for customer",
    Status.SEND_FAILED: "Try again",
    Status.COLLECTING: "The caller is keying the card",
    Status.COLLECTED: "All fields are in",
    Status.PROCESSING: "Asking the bank",
    Status.SUCCEEDED: "Payment approved",
    Status.DECLINED: "Payment declined",
    Status.FAILED: "Payment failed",
    Status.REVIEW: "Outcome not known yet",
    Status.CANCELLED: "Payment cancelled",
    Status.CUSTOMER_DECLINED: "Customer declined payment",
    Status.EXPIRED: "Request expired",
}

_AGAIN = "You can start a new payment on this call."

_GUIDANCE: Final[dict[Status, str]] = {
    Status.CREATED: "Wait with the card until the line is secure.",
    Status.WAITING: "The customer has the request and has not answered yet.",
    Status.SEND_FAILED: "The request could not be sent.",
    Status.COLLECTING: "Stay on the line and talk as usual. You hear a short beep for each key.",
    Status.COLLECTED: "Read the amount back to the caller first.",
    Status.PROCESSING: "This takes a few seconds. Stay on the line.",
    Status.SUCCEEDED: "Read the confirmation out to the caller.",
    Status.DECLINED: "Ask for what is missing and submit again, or cancel the payment.",
    Status.FAILED: _AGAIN,
    Status.REVIEW: "Tell the caller that the result follows.",
    Status.CANCELLED: _AGAIN,
    Status.CUSTOMER_DECLINED: _AGAIN,
    Status.EXPIRED: _AGAIN,
}
"What the agent does next."

RESULT_SENTENCES: Final[dict[Result, str]] = {
    Result.SUCCESS: "",
    Result.TOO_MANY_FAILED_ATTEMPTS: "Too many failed attempts.",
    Result.PAYMENT_CONNECTOR_ERROR: "The payment provider could not be reached.",
    Result.CALLER_INTERRUPTED_WITH_STAR: "The caller stopped the payment with the star key.",
    Result.CALLER_HUNG_UP: "The caller hung up.",
    Result.VALIDATION_ERROR: "The payment details were not accepted.",
    Result.INTERNAL_ERROR: "Something went wrong on our side.",
}
"Why a session ended, where the session has no words of its own."


def guidance(status: Status, *, ended: bool) -> str:
    """Return what the agent does next; a decline that allows no further try is `ended`."""
    return _AGAIN if ended and status is Status.DECLINED else _GUIDANCE[status]


def brand_label(brand: str) -> str:
    """Return the brand as people write it; an unknown one as it came, capitalised."""
    return _BRAND_LABELS.get(brand, brand.replace("-", " ").title())
