"""Finding a card number that an agent typed where none belongs (PCI DSS 3.2: what is not stored cannot leak)."""

import re

_RUN = re.compile(r"\d+(?:[ .\-/]\d+)*", re.ASCII)
_SHORTEST = 13
_LONGEST = 19


def holds_card_number(text: str) -> bool:
    """Return whether `text` holds 13 to 19 digits that pass the Luhn check, grouped or not."""
    return any(
        _passes_luhn(digits)
        for run in _RUN.findall(text)
        for digits in _neighbours_joined(re.findall(r"\d+", run, re.ASCII))
    )


def _neighbours_joined(groups: list[str]) -> list[str]:
    """Return each stretch of neighbouring groups that is as long as a card number.

    Windows start and end at a group's edge: a window inside a group would make one invoice number in three a card.
    """
    stretches = []
    for first in range(len(groups)):
        joined = ""
        for group in groups[first:]:
            joined += group
            if len(joined) > _LONGEST:
                break
            if len(joined) >= _SHORTEST:
                stretches.append(joined)
    return stretches


def _passes_luhn(digits: str) -> bool:
    total = 0
    for index, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + index % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0 and total > 0
