"""What goes to a processor and what comes back."""

from dataclasses import dataclass
from enum import StrEnum

from ivr.money import Money
from ivr.payments.decline import DeclineCode
from ivr.secret import SecretDigits


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is paid for."""

    amount: Money

    payee: str

    description: str = ""
    "Reason as the agent entered it; checked for card numbers before it gets here."


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CardData:
    """What the caller keyed. Every part hides itself and can be wiped."""

    number: SecretDigits

    expiry: SecretDigits
    "`MMYY`."

    security_code: SecretDigits | None = None
    "None where the profile does not ask for it."

    postal_code: SecretDigits | None = None

    def wipe(self) -> None:
        """Overwrite everything."""
        for secret in (self.number, self.expiry, self.security_code, self.postal_code):
            if secret is not None:
                secret.wipe()


@dataclass(frozen=True, slots=True, kw_only=True)
class Approved:
    """The card was charged."""

    reference: str
    "The processor's reference."


@dataclass(frozen=True, slots=True, kw_only=True)
class Declined:
    """The card was not charged, and the card is why."""

    code: DeclineCode

    reference: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """The processor has the charge and has not decided yet; it must be looked up later."""

    reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """Nobody here knows whether the card was charged: look it up, never send it again."""

    never_seen: bool = False
    "The processor answered that it does not know the key; the request may still be on its way."


class RefusalReason(StrEnum):
    """Why a request did not become a charge."""

    NOT_SENT = "not-sent"
    "It provably never left this machine; sending again is safe."

    MISCONFIGURED = "misconfigured"
    "Wrong credentials, or an account that may not do this."

    BAD_REQUEST = "bad-request"
    "The processor could not use the request."


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Nothing was charged, and the card is not why."""

    reason: RefusalReason


Outcome = Approved | Declined | Pending | Unknown | Refused
