"""Money: integer minor units and an ISO 4217 code. No floats anywhere."""

import re
from dataclasses import dataclass
from typing import Self

from babel.numbers import format_currency, get_currency_precision

_AMOUNT = re.compile(r"(?P<major>\d{1,12})(?:[.,](?P<minor>\d{1,4}))?", re.ASCII)


class AmountError(ValueError):
    """An amount that cannot be read; the text says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Money:
    """An amount of one currency."""

    minor: int
    "Minor units: 1050 is 10.50 GBP, and 1050 JPY."

    currency: str
    "ISO 4217 code, upper case."

    @classmethod
    def parse(cls, text: str, currency: str) -> Self:
        """Read what a person typed (`10`, `10.5`, `10,50`); raise :class:`AmountError`.

        More decimals than the currency has is an error, never a rounding.
        """
        match = _AMOUNT.fullmatch(text.strip())
        if match is None:
            raise AmountError("Enter the amount as digits, for example 12.50.")
        precision = get_currency_precision(currency)
        decimals = match["minor"] or ""
        if len(decimals) > precision:
            raise AmountError(f"{currency} has {precision} decimal places.")
        return cls(int(match["major"] + decimals.ljust(precision, "0")), currency)

    def decimal_text(self) -> str:
        """Return the amount for machines: `10.50`, and `1050` for JPY."""
        precision = get_currency_precision(self.currency)
        if precision == 0:
            return str(self.minor)
        major, minor = divmod(self.minor, 10**precision)
        return f"{major}.{minor:0{precision}d}"

    def __str__(self) -> str:
        """Return the amount for people: `£10.50`."""
        from decimal import Decimal

        return format_currency(Decimal(self.decimal_text()), self.currency, locale="en_GB")
