"""Card rules: brands by prefix and length, security codes, expiry dates, masks.

All take digits as values 0 to 9 (what `SecretDigits.inspect` hands over) and answer with a word or a bool.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from ivr.luhn import LONGEST_CARD_NUMBER

EXPIRY_LENGTH = 4
"Month and year, `MMYY`."

_FURTHEST_EXPIRY_YEARS = 20
"No issuer dates a card further ahead; a later year is a slip of the finger."


class Brand(StrEnum):
    """Card brands, as Twilio `<Pay>` spells them."""

    VISA = "visa"
    MASTERCARD = "mastercard"
    AMEX = "amex"
    DISCOVER = "discover"
    JCB = "jcb"
    DINERS = "diners-club"
    UNIONPAY = "unionpay"
    MAESTRO = "maestro"


@dataclass(frozen=True, slots=True, kw_only=True)
class BrandRule:
    """How numbers of one brand look."""

    label: str
    "The brand's name for people."

    prefixes: tuple[tuple[str, str], ...]
    "First and last prefix of each range; both have the same length."

    lengths: frozenset[int]
    "Digits of a complete number."

    code_length: int = 3
    "Digits of the security code."


def _lengths(first: int, last: int) -> frozenset[int]:
    return frozenset(range(first, last + 1))


BRAND_RULES: dict[Brand, BrandRule] = {
    Brand.VISA: BrandRule(label="Visa", prefixes=(("4", "4"),), lengths=frozenset({13, 16, 19})),
    Brand.MASTERCARD: BrandRule(
        label="Mastercard", prefixes=(("51", "55"), ("2221", "2720")), lengths=frozenset({16})
    ),
    Brand.AMEX: BrandRule(
        label="American Express",
        prefixes=(("34", "34"), ("37", "37")),
        lengths=frozenset({15}),
        code_length=4,
    ),
    Brand.DISCOVER: BrandRule(
        label="Discover",
        prefixes=(("6011", "6011"), ("644", "649"), ("65", "65")),
        lengths=_lengths(16, 19),
    ),
    Brand.JCB: BrandRule(label="JCB", prefixes=(("3528", "3589"),), lengths=_lengths(16, 19)),
    Brand.DINERS: BrandRule(
        label="Diners Club",
        prefixes=(("300", "305"), ("3095", "3095"), ("36", "36"), ("38", "39")),
        lengths=_lengths(14, 19),
    ),
    Brand.UNIONPAY: BrandRule(
        label="UnionPay", prefixes=(("62", "62"), ("81", "81")), lengths=_lengths(16, 19)
    ),
    Brand.MAESTRO: BrandRule(
        label="Maestro", prefixes=(("50", "50"), ("56", "58"), ("6", "6")), lengths=_lengths(12, 19)
    ),
}
"The longest matching prefix wins: `6` is Maestro, `6011` is Discover."


def brand_of(digits: Sequence[int]) -> Brand | None:
    """Return the brand as soon as the digits keyed so far leave only one; None before that, or for none."""
    best: Brand | None = None
    best_length = 0
    for brand, rule in BRAND_RULES.items():
        for first, last in rule.prefixes:
            if len(first) > best_length and _matches(digits, first, last):
                best, best_length = brand, len(first)
    undecided = any(
        _could_match(digits, first, last)
        for brand, rule in BRAND_RULES.items()
        if brand is not best
        for first, last in rule.prefixes
    )
    return None if undecided else best


def _matches(digits: Sequence[int], first: str, last: str) -> bool:
    if len(digits) < len(first):
        return False
    return int(first) <= _number(digits[: len(first)]) <= int(last)


def _could_match(digits: Sequence[int], first: str, last: str) -> bool:
    """Return whether more digits could still bring the number into a longer range."""
    keyed = len(digits)
    if keyed == 0 or keyed >= len(first):
        return False
    return int(first[:keyed]) <= _number(digits) <= int(last[:keyed])


def _number(digits: Sequence[int]) -> int:
    value = 0
    for digit in digits:
        value = value * 10 + digit
    return value


def longest_number(brand: Brand | None) -> int:
    """Return how many digits a number of `brand` has at most."""
    return LONGEST_CARD_NUMBER if brand is None else max(BRAND_RULES[brand].lengths)


def length_fits(length: int, brand: Brand) -> bool:
    """Return whether a number of `brand` may have `length` digits."""
    return length in BRAND_RULES[brand].lengths


def code_lengths(brand: Brand | None) -> frozenset[int]:
    """Return how many digits a security code may have; without a brand, three or four."""
    if brand is None:
        return frozenset(rule.code_length for rule in BRAND_RULES.values())
    return frozenset({BRAND_RULES[brand].code_length})


def expiry_valid(digits: Sequence[int], today: date) -> bool:
    """Return whether `MMYY` is a month in which a card can still be used.

    A card is good through the last day of its month; one day of grace, since `today` is UTC and that
    day has not ended everywhere.
    """
    if len(digits) != EXPIRY_LENGTH:
        return False
    month, year = _number(digits[:2]), 2000 + _number(digits[2:])
    if not 1 <= month <= 12:
        return False
    yesterday = today - timedelta(days=1)
    return (yesterday.year, yesterday.month) <= (year, month) and (
        year <= today.year + _FURTHEST_EXPIRY_YEARS
    )


def mask(length: int) -> str:
    """Return one asterisk a digit."""
    return "*" * length


def masked_number(length: int, last_four: str) -> str:
    """Return a card number of `length` digits with all but its last four hidden."""
    return mask(length - len(last_four)) + last_four
