"""What makes each field complete and valid. Digits are values 0 to 9; answers are words or bools."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from ivr.luhn import LONGEST_CARD_NUMBER, luhn_valid
from ivr.payments.card import (
    BRAND_RULES,
    EXPIRY_LENGTH,
    Brand,
    brand_of,
    code_lengths,
    expiry_valid,
    length_fits,
    longest_number,
)
from ivr.session.profile import PaymentProfile
from ivr.session.words import ErrorType, FieldName


class FieldRules(Protocol):
    """The rules of one field as it is asked now."""

    @property
    def capacity(self) -> int:
        """Return the most digits that the field can have."""
        ...

    def complete(self, digits: Sequence[int]) -> bool:
        """Return whether no further digit can follow, so that the field ends by itself."""
        ...

    def unfinished(self, digits: Sequence[int]) -> bool:
        """Return whether there are too few digits for any valid value."""
        ...

    def problem(self, digits: Sequence[int]) -> ErrorType | None:
        """Return what is wrong with the field as it stands, or None."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CardNumberRules:
    """`payment-card-number`: prefix and length of a brand that is taken, and the check digit."""

    brands: frozenset[str]

    capacity: int = LONGEST_CARD_NUMBER

    def complete(self, digits: Sequence[int]) -> bool:
        """Return whether the number is as long as its brand's numbers get."""
        return len(digits) >= longest_number(brand_of(digits))

    def unfinished(self, digits: Sequence[int]) -> bool:
        """Return whether the number is shorter than its brand's shortest."""
        brand = brand_of(digits)
        rules = BRAND_RULES.values() if brand is None else (BRAND_RULES[brand],)
        return len(digits) < min(min(rule.lengths) for rule in rules)

    def problem(self, digits: Sequence[int]) -> ErrorType | None:
        """Return `invalid-card-number` or `invalid-card-type`."""
        brand = brand_of(digits)
        if not luhn_valid(digits) or self.unfinished(digits):
            return ErrorType.INVALID_CARD_NUMBER
        if brand is None or brand not in self.brands:
            return ErrorType.INVALID_CARD_TYPE
        return None if length_fits(len(digits), brand) else ErrorType.INVALID_CARD_NUMBER


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpiryRules:
    """`expiration-date`: four digits, `MMYY`, not in the past."""

    today: date

    capacity: int = EXPIRY_LENGTH

    def complete(self, digits: Sequence[int]) -> bool:
        """Return whether all four digits are there."""
        return len(digits) >= EXPIRY_LENGTH

    def unfinished(self, digits: Sequence[int]) -> bool:
        """Return whether a digit is missing."""
        return len(digits) < EXPIRY_LENGTH

    def problem(self, digits: Sequence[int]) -> ErrorType | None:
        """Return `invalid-date` or None."""
        return None if expiry_valid(digits, self.today) else ErrorType.INVALID_DATE


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityCodeRules:
    """`security-code`: as long as the brand's codes; three or four digits while the brand is unknown."""

    brand: Brand | None

    @property
    def capacity(self) -> int:
        """Return the length of the longest code."""
        return max(code_lengths(self.brand))

    def complete(self, digits: Sequence[int]) -> bool:
        """Return whether the code is as long as codes of this brand get."""
        return len(digits) >= self.capacity

    def unfinished(self, digits: Sequence[int]) -> bool:
        """Return whether a digit is missing."""
        return len(digits) < min(code_lengths(self.brand))

    def problem(self, digits: Sequence[int]) -> ErrorType | None:
        """Return `invalid-security-code` or None."""
        fits = len(digits) in code_lengths(self.brand)
        return None if fits else ErrorType.INVALID_SECURITY_CODE


@dataclass(frozen=True, slots=True, kw_only=True)
class PostalCodeRules:
    """`postal-code`: digits only, since that is what a telephone has."""

    shortest: int

    capacity: int

    def complete(self, digits: Sequence[int]) -> bool:
        """Return whether the code has the greatest length."""
        return len(digits) >= self.capacity

    def unfinished(self, digits: Sequence[int]) -> bool:
        """Return whether a digit is missing."""
        return len(digits) < self.shortest

    def problem(self, digits: Sequence[int]) -> ErrorType | None:
        """Return `invalid-postal-code` or None."""
        return ErrorType.INVALID_POSTAL_CODE if self.unfinished(digits) else None


def rules_for(
    name: FieldName, profile: PaymentProfile, *, brand: Brand | None, today: date
) -> FieldRules:
    """Return the rules of a field; `brand` is that of the card number, None while it is not known."""
    match name:
        case FieldName.CARD_NUMBER:
            return CardNumberRules(brands=frozenset(profile.brands))
        case FieldName.EXPIRATION_DATE:
            return ExpiryRules(today=today)
        case FieldName.SECURITY_CODE:
            return SecurityCodeRules(brand=brand)
        case FieldName.POSTAL_CODE:
            return PostalCodeRules(
                shortest=profile.postal_code_min_length, capacity=profile.postal_code_max_length
            )
