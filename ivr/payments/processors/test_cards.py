"""The cards of the built-in test processor. docs/test-cards.md lists the same; a test compares the two."""

from dataclasses import dataclass
from enum import StrEnum

from ivr.payments.decline import DeclineCode


class Behaviour(StrEnum):
    """What the test processor does with a card that it does not simply decline."""

    APPROVED = "approved"
    TIMEOUT = "timeout"
    "No answer, and nothing was charged: the processor has never seen the request."
    ANSWER_LOST = "answer-lost"
    "Charged, but the answer does not arrive; a look-up tells."
    DECLINE_LOST = "decline-lost"
    "Declined (do not honour), but the answer does not arrive; a look-up tells."
    SILENT = "silent"
    "Neither the charge nor any look-up is answered: the outcome stays unknown."
    PENDING = "pending"
    "The processor has not decided; look-ups say the same."
    REFUSED = "refused"
    "The processor turns the request down; the card is not why."
    UNREACHABLE = "unreachable"
    "The connection is refused: nothing leaves, sending again is safe."


@dataclass(frozen=True, slots=True, kw_only=True)
class TestCard:
    """One test card and what becomes of it."""

    __test__ = False  # the name is the trade's word; pytest must not collect it

    number: str

    brand: str

    does: Behaviour | DeclineCode


def _card(number: str, brand: str, does: Behaviour | DeclineCode) -> TestCard:
    return TestCard(number=number, brand=brand, does=does)


TEST_CARDS: tuple[TestCard, ...] = (
    _card("4111111111111111", "visa", Behaviour.APPROVED),
    _card("4242424242424242", "visa", Behaviour.APPROVED),
    _card("4000001234567899", "visa", Behaviour.APPROVED),
    _card("4222222222222", "visa", Behaviour.APPROVED),
    _card("4000000000000000006", "visa", Behaviour.APPROVED),
    _card("5555555555554444", "mastercard", Behaviour.APPROVED),
    _card("2223003122003222", "mastercard", Behaviour.APPROVED),
    _card("378282246310005", "amex", Behaviour.APPROVED),
    _card("6011111111111117", "discover", Behaviour.APPROVED),
    _card("3566002020360505", "jcb", Behaviour.APPROVED),
    _card("30569309025904", "diners-club", Behaviour.APPROVED),
    _card("36227206271667", "diners-club", Behaviour.APPROVED),
    _card("6200000000000005", "unionpay", Behaviour.APPROVED),
    _card("6771798021000008", "maestro", Behaviour.APPROVED),
    _card("4000000000000002", "visa", DeclineCode.DO_NOT_HONOUR),
    _card("4000000000009995", "visa", DeclineCode.INSUFFICIENT_FUNDS),
    _card("4000000000000069", "visa", DeclineCode.EXPIRED_CARD),
    _card("4000000000000127", "visa", DeclineCode.INCORRECT_SECURITY_CODE),
    _card("4000000000009987", "visa", DeclineCode.LOST_OR_STOLEN),
    _card("4000000000009979", "visa", DeclineCode.LOST_OR_STOLEN),
    _card("4000000000000036", "visa", DeclineCode.POSTAL_CODE_MISMATCH),
    _card("4000000000005001", "visa", Behaviour.TIMEOUT),
    _card("4000000000005019", "visa", Behaviour.ANSWER_LOST),
    _card("4000000000005027", "visa", Behaviour.DECLINE_LOST),
    _card("4000000000005035", "visa", Behaviour.SILENT),
    _card("4000000000005043", "visa", Behaviour.PENDING),
    _card("4000000000005050", "visa", Behaviour.REFUSED),
    _card("4000000000005068", "visa", Behaviour.UNREACHABLE),
)
"Published test numbers where there are any; `40000000000050..` are ours. Any other number is declined."

BEHAVIOURS = {card.number: card.does for card in TEST_CARDS}
"""What happens to a number."""
