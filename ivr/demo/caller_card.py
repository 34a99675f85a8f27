"""The card that the demo's caller keys, and when: each time a field is asked.

This is the caller's own side, what a person holds in their hand; the gateway learns it from the tones alone.
"""

from dataclasses import dataclass, field
from datetime import date
from typing import Self

from ivr.session.view import AgentView
from ivr.session.words import FieldName, FieldState


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerCard:
    """What the caller keys for each field, `#` included where it ends one."""

    card_number: str = field(repr=False)

    expiration_date: str = field(repr=False)

    security_code: str = field(repr=False)

    postal_code: str = field(repr=False)

    @classmethod
    def for_tests(cls, today: date) -> Self:
        """Return a card of docs/test-cards.md that the built-in processor approves, valid for years from `today`."""
        return cls(
            card_number="4111111111111111#",
            expiration_date=f"12{(today.year + 3) % 100:02}",
            security_code="123",
            postal_code="90210#",
        )

    def keys_for(self, name: FieldName) -> str:
        """Return the keys to press for one field."""
        match name:
            case FieldName.CARD_NUMBER:
                return self.card_number
            case FieldName.EXPIRATION_DATE:
                return self.expiration_date
            case FieldName.SECURITY_CODE:
                return self.security_code
            case FieldName.POSTAL_CODE:
                return self.postal_code


def asked_field(view: AgentView) -> FieldName | None:
    """Return the field that the caller is asked for and has not begun to key; None where there is none."""
    for entry in view.fields:
        if entry.name is view.collecting and entry.state is FieldState.COLLECTING:
            return None if entry.mask else entry.name
    return None
