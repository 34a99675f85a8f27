"""Why a card was declined: one list for all processors, with words that an agent can say."""

from dataclasses import dataclass
from enum import StrEnum


class DeclineCode(StrEnum):
    """The reason of a decline; every processor maps its own codes onto this list."""

    INSUFFICIENT_FUNDS = "insufficient-funds"
    LIMIT_EXCEEDED = "limit-exceeded"
    EXPIRED_CARD = "expired-card"
    INCORRECT_NUMBER = "incorrect-number"
    INCORRECT_SECURITY_CODE = "incorrect-security-code"
    POSTAL_CODE_MISMATCH = "postal-code-mismatch"
    LOST_OR_STOLEN = "lost-or-stolen"
    DO_NOT_HONOUR = "do-not-honour"
    PHONE_PAYMENT_REFUSED = "phone-payment-refused"
    CARD_NOT_SUPPORTED = "card-not-supported"
    NOT_A_TEST_CARD = "not-a-test-card"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclineAdvice:
    """What the agent may say, and what may be kept."""

    words: str

    same_card: bool
    "Whether the same card may be tried again; where not, its number and expiry are wiped too."


_BANK_SAID_NO = "The bank declined the card without a reason. Ask for another card."

DECLINE_ADVICE: dict[DeclineCode, DeclineAdvice] = {
    DeclineCode.INSUFFICIENT_FUNDS: DeclineAdvice(
        words="There is not enough money on the card. Ask for another card.", same_card=True
    ),
    DeclineCode.LIMIT_EXCEEDED: DeclineAdvice(
        words="The amount is above the card's limit. Ask for another card.", same_card=True
    ),
    DeclineCode.EXPIRED_CARD: DeclineAdvice(
        words="The bank says the card has expired. Ask for another card.", same_card=False
    ),
    DeclineCode.INCORRECT_NUMBER: DeclineAdvice(
        words="The bank does not know this card number. Ask for the card number again.",
        same_card=False,
    ),
    DeclineCode.INCORRECT_SECURITY_CODE: DeclineAdvice(
        words="The security code is wrong. Ask for the security code again.", same_card=True
    ),
    DeclineCode.POSTAL_CODE_MISMATCH: DeclineAdvice(
        words="The postal code does not belong to the card. Ask for the postal code again.",
        same_card=True,
    ),
    # A thief must not learn that the card is reported, so the agent cannot say it by mistake.
    DeclineCode.LOST_OR_STOLEN: DeclineAdvice(words=_BANK_SAID_NO, same_card=False),
    DeclineCode.DO_NOT_HONOUR: DeclineAdvice(words=_BANK_SAID_NO, same_card=True),
    DeclineCode.PHONE_PAYMENT_REFUSED: DeclineAdvice(
        words="The bank does not allow this card by phone. Ask for another card.", same_card=False
    ),
    DeclineCode.CARD_NOT_SUPPORTED: DeclineAdvice(
        words="The processor does not take this card. Ask for another card.", same_card=False
    ),
    DeclineCode.NOT_A_TEST_CARD: DeclineAdvice(
        words="This is the test processor: it takes test cards only, and nothing was charged.",
        same_card=False,
    ),
    DeclineCode.OTHER: DeclineAdvice(words=_BANK_SAID_NO, same_card=True),
}
