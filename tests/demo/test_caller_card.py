"""The caller keys a field when it is asked and nothing is keyed yet, and hides the card from whoever prints it."""

from dataclasses import replace
from datetime import date

import pytest

from ivr.demo.caller_card import CallerCard, asked_field
from ivr.session.view import FieldView
from ivr.session.words import ErrorType, FieldName, FieldState
from tests.demo.views import COLLECTING


def test_the_field_that_is_asked_is_keyed() -> None:
    assert asked_field(COLLECTING) is FieldName.CARD_NUMBER


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"mask": "*"}, id="it is being keyed"),
        pytest.param(
            {"state": FieldState.INVALID, "error": ErrorType.INPUT_TIMEOUT},
            id="it was refused, and the agent has not asked again",
        ),
    ],
)
def test_a_field_is_not_keyed(changes: dict[str, object]) -> None:
    first, *others = COLLECTING.fields
    changed = replace(first, **changes)  # type: ignore[arg-type]  # the fields of a FieldView
    assert asked_field(replace(COLLECTING, fields=(changed, *others))) is None


def test_nothing_is_keyed_when_no_field_is_asked() -> None:
    assert asked_field(replace(COLLECTING, collecting=None)) is None


def test_the_second_field_is_keyed_once_it_is_asked() -> None:
    first, *others = COLLECTING.fields
    expiry = FieldView(name=FieldName.EXPIRATION_DATE, state=FieldState.COLLECTING, mask="")
    view = replace(COLLECTING, fields=(first, expiry), collecting=FieldName.EXPIRATION_DATE)
    assert asked_field(view) is FieldName.EXPIRATION_DATE


def test_the_card_is_valid_for_years_and_ends_what_does_not_end_itself() -> None:
    card = CallerCard.for_tests(date(2098, 5, 1))
    assert card.keys_for(FieldName.EXPIRATION_DATE) == "1201"
    ended = [name for name in FieldName if card.keys_for(name).endswith("#")]
    assert ended == [FieldName.CARD_NUMBER, FieldName.POSTAL_CODE]


def test_the_card_hides_itself() -> None:
    assert repr(CallerCard.for_tests(date(2026, 5, 1))) == "CallerCard()"
