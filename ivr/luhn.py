"""The check digit of card numbers (ISO/IEC 7812-1 annex B), and finding card numbers in text."""

import re
from collections.abc import Sequence

SHORTEST_CARD_NUMBER = 13
"Shortest number that is looked for in text; shorter runs of digits are phone numbers and dates."

LONGEST_CARD_NUMBER = 19
"ISO/IEC 7812-1: a card number has at most 19 digits."

_DIGIT_RUN = re.compile(r"\d(?:[\s\-./_,]{0,2}\d){12,}")
"Thirteen digits or more, with what people put between them."

_GROUP = re.compile(r"\d+")


def luhn_valid(digits: Sequence[int]) -> bool:
    """Return whether the last of `digits` (values 0 to 9) is the right check digit; False when empty."""
    total = 0
    for position in range(len(digits)):
        digit = digits[len(digits) - 1 - position]
        if position % 2:
            digit = digit * 2 - 9 if digit > 4 else digit * 2
        total += digit
    return len(digits) > 0 and total % 10 == 0


def contains_card_number(text: str) -> bool:
    """Return whether 13 to 19 digits of `text`, written together or in groups, pass as a card number.

    Groups are taken whole, or every second long reference would hold a card number somewhere.
    """
    return any(
        _run_contains_card_number([_values(group) for group in _GROUP.findall(run)])
        for run in _DIGIT_RUN.findall(text)
    )


def _values(group: str) -> list[int]:
    return [int(char) for char in group]


def _run_contains_card_number(groups: list[list[int]]) -> bool:
    for start in range(len(groups)):
        digits: list[int] = []
        for group in groups[start:]:
            digits += group
            if len(digits) > LONGEST_CARD_NUMBER:
                break
            if len(digits) >= SHORTEST_CARD_NUMBER and luhn_valid(digits):
                return True
    return False
