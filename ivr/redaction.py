"""The last net under card numbers: finds them in text by prefix, length and Luhn digit, and removes them.

Nothing may rely on it: card data never gets as far as a text. Its own prefix table and Luhn check are
meant: a net must not share a mistake with what it is stretched under.
"""

import re
from typing import Final

REMOVED: Final = "[card number removed]"

_RUN: Final = re.compile(r"\d(?:[ \-._\u00a0]?\d){12,}", re.ASCII)
"Thirteen digits or more, each at most one separator from the next."

_LONGEST_READ: Final = 64
"""Characters of a run that is searched; a longer one is removed unread. Searching is quadratic, and whoever
sends us text must not be able to keep the event loop busy with it."""

_GROUP: Final = re.compile(r"\d+", re.ASCII)

_CARD: Final = re.compile(
    r"""4\d{12}(?:\d{3}(?:\d{3})?)?          # Visa: 13, 16, 19
      | 5[1-5]\d{14}                         # Mastercard
      | 2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}
      | 3[47]\d{13}                          # American Express
      | 3(?:0[0-5]|[689]\d)\d{11}            # Diners Club
      | 35\d{14,17}                          # JCB
      | (?:6\d|50|5[6-8])\d{14,17}           # Discover, UnionPay, Maestro
    """,
    re.VERBOSE | re.ASCII,
)
"""Prefixes and lengths of ISO/IEC 7812 card numbers. Maestro numbers under 16 digits are left out: they
look like telephone numbers."""

_LENGTHS: Final = range(13, 20)


def holds_card_number(text: str) -> bool:
    """Return whether `text` holds a run of digits with a plausible card number in it."""
    return any(_is_card(run[0]) for run in _RUN.finditer(text))


def redact(text: str) -> str:
    """Return `text` with every run of digits that holds a plausible card number replaced by :data:`REMOVED`.

    The whole run goes, neighbours included: what stands next to a card number is its expiry or its code.
    """
    return _RUN.sub(lambda run: REMOVED if _is_card(run[0]) else run[0], text)


def _is_card(run: str) -> bool:
    """Return whether a card number is in `run`: anywhere in one group of digits, or made of whole groups.

    Keys are strung together (number, expiry, code), so a long group is searched at every place; but
    two numbers that merely stand side by side are not read across their border.
    """
    if len(run) > _LONGEST_READ:
        return True
    groups = _GROUP.findall(run)
    whole = (
        "".join(groups[first:last])
        for first in range(len(groups))
        for last in range(first + 2, min(len(groups), first + _LENGTHS[-1]) + 1)
    )
    return any(_may_be_card(digits) for digits in whole) or any(
        _may_be_card(group[at : at + length])
        for group in groups
        for at in range(len(group) - _LENGTHS[0] + 1)
        for length in _LENGTHS
    )


def _may_be_card(digits: str) -> bool:
    return _CARD.fullmatch(digits) is not None and _passes_luhn(digits)


def _passes_luhn(digits: str) -> bool:
    """Return whether the last digit is the Luhn check digit of the others (ISO/IEC 7812-1 annex B)."""
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (sum(doubled) + sum(map(int, digits[-1::-2]))) % 10 == 0
