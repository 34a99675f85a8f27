"""Finding card numbers in text: what must go, what must stay, and what it may cost."""

import pytest

from ivr.redaction import REMOVED, holds_card_number, redact
from tests.support.canary import CANARY_CARD, CANARY_DASHED, CANARY_SPACED

# The processors' published test numbers, one a brand and length.
CARDS = (
    "4111111111111111",
    "4222222222222",
    "5555555555554444",
    "2223003122003222",
    "378282246310005",
    "6011111111111117",
    "30569309025904",
    "3566002020360505",
    "6200000000000005",
    "6771798021000008",
    CANARY_CARD,
)


@pytest.mark.parametrize("card", [*CARDS, CANARY_SPACED, CANARY_DASHED, " ".join(CANARY_CARD)])
@pytest.mark.parametrize("frame", ["{}", "card={};", "x{}x", '{{"pan":"{}"}}', "two {}, {}"])
def test_card_number_is_removed(card: str, frame: str) -> None:
    cleaned = redact(frame.format(card, card))
    assert cleaned == frame.format(REMOVED, REMOVED)
    assert not holds_card_number(cleaned)


@pytest.mark.parametrize("after", ["1228", "1228123", " 1228 123", "#1228#123"])
def test_what_was_keyed_next_to_the_number_goes_too(after: str) -> None:
    assert CANARY_CARD[:6] not in redact(f"keys {CANARY_CARD}{after}")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "+447700900123",
        "2026-11-20T09:00:00.123456+00:00",
        "2026-11-20 09:00:00,123 took 1,234 ms",
        "4111111111111112",  # fails Luhn
        "1111111111111117",  # no such prefix
        "0123456789",
        "sip:1001@127.0.0.1:50601;branch=z9hG4bK776asdhds",
        "************1111",
        "447700900123 1763633333123 20000",  # neighbours are not read across their border
    ],
)
def test_what_is_no_card_number_stays(text: str) -> None:
    assert redact(text) == text
    assert not holds_card_number(text)


def test_one_wrong_digit_is_what_tells_a_card_number() -> None:
    for at in range(len(CANARY_CARD)):
        wrong = str((int(CANARY_CARD[at]) + 1) % 10)
        assert not holds_card_number(CANARY_CARD[:at] + wrong + CANARY_CARD[at + 1 :])


def test_endless_digits_are_removed_unread() -> None:
    assert redact("a " + "4 " * 100_000 + "b") == f"a {REMOVED} b"
