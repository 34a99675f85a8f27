"""The check digit of card numbers (ISO/IEC 7812-1 annex B), and finding card numbers in text."""

import re
from collections.abc import Sequence

SHORTEST_CARD_NUMBER = 13
"Shortest number that is looked for in text; shorter runs of digits are phone numbers and dates."

LONGEST_CARD_NUMBER = 19
"ISO/IEC 7812-1: a card number has at most 19 digits."

_DIGIT_RUN = re.compile(r"\d(?:[\s\-./_,]{0,2}\d){12,}")
"Thirteen digits or more, with what people put between them."


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
    """Return whether some 13 to 19 digits of `text`, in one run, would pass as a card number."""
    return any(
        _run_contains_card_number([int(char) for char in run if char.isdecimal()])
        for run in _DIGIT_RUN.findall(text)
    )


def _run_contains_card_number(digits: list[int]) -> bool:
    for start in range(len(digits) - SHORTEST_CARD_NUMBER + 1):
        longest = min(LONGEST_CARD_NUMBER, len(digits) - start)
        for length in range(SHORTEST_CARD_NUMBER, longest + 1):
            if digits[start] != 0 and luhn_valid(digits[start : start + length]):
                return True
    return False
