"""The check digit, against an independent reading of the rule, and card numbers in text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.luhn import contains_card_number, luhn_valid
from tests.ivr.keys import values


def _check_digit(payload: str) -> str:
    """Return the check digit as ISO/IEC 7812-1 annex B words it: from the right, every other digit doubled."""
    total = 0
    for index, char in enumerate(reversed(payload)):
        total += sum(map(int, str(int(char) * (2 if index % 2 == 0 else 1))))
    return str(-total % 10)


@given(st.text("0123456789", min_size=1, max_size=18))
def test_exactly_one_check_digit_is_right(payload: str) -> None:
    right = [digit for digit in "0123456789" if luhn_valid(values(payload + digit))]
    assert right == [_check_digit(payload)]


@given(st.text("0123456789", min_size=12, max_size=18), st.data())
def test_one_wrong_digit_is_always_found(payload: str, data: st.DataObject) -> None:
    number = payload + _check_digit(payload)
    at = data.draw(st.integers(0, len(number) - 1))
    other = data.draw(st.sampled_from([d for d in "0123456789" if d != number[at]]))
    assert not luhn_valid(values(number[:at] + other + number[at + 1 :]))


def test_nothing_is_no_number() -> None:
    assert not luhn_valid([])


@pytest.mark.parametrize(
    "text",
    [
        "4111111111111111",
        "4111 1111 1111 1111",
        "pay with 4111-1111-1111-1111 please",
        "ref 12 4111 1111 1111 1111 end",
        "3782 822463 10005",
        "4.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1",
        "4222222222222",
        "4000000000000000006",
    ],
)
def test_card_numbers_in_text_are_found(text: str) -> None:
    assert contains_card_number(text)


@pytest.mark.parametrize(
    "text",
    ["", "Invoice 4711", "2026-11-20 12:30", "+44 7911 123456", "4111111111111112", "4111 1111"],
)
def test_other_numbers_are_left_alone(text: str) -> None:
    assert not contains_card_number(text)
