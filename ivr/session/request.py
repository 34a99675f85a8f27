"""Checking what the agent typed to start a payment. Nothing here repeats the input in its complaint."""

import unicodedata

from ivr.luhn import contains_card_number
from ivr.money import AmountError, Money
from ivr.payments.model import Order
from ivr.session.ports import SessionError
from ivr.session.profile import PaymentProfile
from ivr.session.view import StartPayment

MAX_PAYEE = 80
"Characters; longer than any processor's statement text."

MAX_REASON = 200
"Characters; room for a sentence and a reference."


def checked_order(request: StartPayment, profile: PaymentProfile) -> Order:
    """Return what is to be paid for; raise :class:`SessionError` that names the input and its limits."""
    payee = _checked_text("payee", request.payee, longest=MAX_PAYEE)
    if not payee:
        raise SessionError("invalid-payee", "Enter who is paid.", field="payee")
    return Order(
        amount=_checked_amount(request.amount, profile),
        payee=payee,
        description=_checked_text("reason", request.reason, longest=MAX_REASON),
    )


def _checked_amount(text: str, profile: PaymentProfile) -> Money:
    try:
        amount = Money.parse(text, profile.currency)
    except AmountError as error:
        raise SessionError("invalid-amount", str(error), field="amount") from None
    if not profile.minimum.minor <= amount.minor <= profile.maximum.minor:
        message = f"The amount must be from {profile.minimum} to {profile.maximum}."
        raise SessionError("invalid-amount", message, field="amount")
    return amount


def _checked_text(field: str, text: str, *, longest: int) -> str:
    # Measured before normalising too: one compatibility character can grow to eighteen.
    if len(text) <= longest:
        text = unicodedata.normalize("NFKC", text).strip()
    if len(text) > longest:
        message = f"The {field} can have {longest} characters at most."
        raise SessionError(f"invalid-{field}", message, field=field)
    if any(unicodedata.category(char) in ("Cc", "Cf") for char in text):
        message = f"The {field} must be one line of plain text."
        raise SessionError(f"invalid-{field}", message, field=field)
    if contains_card_number(text):
        message = (
            f"The {field} looks like a card number. Never type card numbers: the caller keys them."
        )
        raise SessionError(f"invalid-{field}", message, field=field)
    return text
