"""Everything a session says, in words that an agent can say to the caller."""

from ivr.payments.card import BRAND_RULES, Brand
from ivr.session.words import ErrorType, FieldName

_FIELD_NAMES: dict[FieldName, str] = {
    FieldName.CARD_NUMBER: "card number",
    FieldName.EXPIRATION_DATE: "expiry date",
    FieldName.SECURITY_CODE: "security code",
    FieldName.POSTAL_CODE: "postal code",
}

_FIELD_ERRORS: dict[ErrorType, str] = {
    ErrorType.INVALID_CARD_NUMBER: "That card number is not right. Please key it again.",
    ErrorType.INVALID_DATE: (
        "That expiry date is not right, or has passed. Please key the month and the year, two digits each."
    ),
    ErrorType.INVALID_POSTAL_CODE: "That postal code is too short. Please key it again.",
}


def field_label(name: FieldName) -> str:
    """Return the field's name for people."""
    return _FIELD_NAMES[name]


def field_message(
    name: FieldName, error: ErrorType, *, brands: tuple[str, ...], code_lengths: frozenset[int]
) -> str:
    """Return the error of a field in words; brands and lengths are those of the profile and the card."""
    match error:
        case ErrorType.INPUT_TIMEOUT:
            return f"The {field_label(name)} was not keyed in time. Please key it again."
        case ErrorType.INVALID_CARD_TYPE:
            return f"We cannot take that kind of card. We take {_brand_list(brands)}."
        case ErrorType.INVALID_SECURITY_CODE:
            digits = " or ".join(_NUMBERS[length] for length in sorted(code_lengths))
            return f"The security code of this card has {digits} digits. Please key it again."
    return _FIELD_ERRORS.get(error, f"Please key the {field_label(name)} again.")


_NUMBERS = {3: "three", 4: "four"}


def _brand_list(brands: tuple[str, ...]) -> str:
    labels = [BRAND_RULES[Brand(brand)].label for brand in brands]
    return labels[0] if len(labels) == 1 else f"{', '.join(labels[:-1])} and {labels[-1]}"


LINE_NOT_SECURED = "The line could not be made secure, so nothing was asked. You can try again."
CALLER_NOT_MUTED = "The caller could not be muted, so nothing was asked. You can try again."
RECORDER_FAILED = (
    "The recording of this call has failed, so the line cannot be made secure and nothing was asked. "
    "Take the payment on another call, and tell whoever runs the gateway."
)
CALLER_STOPPED = "The caller stopped the payment on the keypad. Nothing was charged."
CALLER_HUNG_UP = "The caller hung up before the payment was made. Nothing was charged."
CALLER_HUNG_UP_DECLINED = "The card was declined, and the caller hung up. Nothing was charged."
MEDIA_LOST = "The call's audio was lost, so the payment was stopped. Nothing was charged."
MEDIA_INTERRUPTED = "The sound was interrupted for a moment. Ask the caller to key this field again, from its start."
TIMED_OUT = "The payment took too long and was stopped. Nothing was charged."
FAULT = "The payment was stopped by a fault of ours. Nothing was charged."
CANCELLED = "You cancelled the payment. Nothing was charged."
COLLECTED = "All fields are complete. Submit when the caller agrees."
PROCESSING = "The payment is being made."
NOT_SENT = "The processor could not be reached. Nothing was charged; you can submit again."
NEVER_SENT = "The payment could not be sent to the processor. Nothing was charged."
NOT_STORED = "The payment could not be stored, so it was not sent. Nothing was charged; you can submit again."
REFUSED = "The processor turned the payment down; the card is not the reason. Nothing was charged."
REVIEW = "The outcome is not known yet. Do not take this payment again: it is being looked up."
PENDING = (
    "The processor has not decided yet. Do not take this payment again: it is being looked up."
)
SETTLED_UNCHARGED = "The payment never reached the processor. Nothing was charged."
INTERRUPTED = "The gateway stopped during the payment. Nothing was charged."
NO_MORE_CHARGES = "The card cannot be submitted again in this payment."


def approved(amount: str) -> str:
    """Return what the agent says when the payment was made."""
    return f"Payment of {amount} accepted."


def approved_but_not_stored(amount: str, reference: str) -> str:
    """Return what the agent must know when the store failed after the charge."""
    return (
        f"Payment of {amount} accepted, but it could not be stored. Note the reference {reference}."
    )


def too_many_attempts(name: FieldName) -> str:
    """Return why the session ended at a field."""
    return f"The {field_label(name)} was wrong too many times. Nothing was charged."
