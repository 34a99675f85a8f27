"""Money is whole minor units of one currency, read strictly."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.money import AmountError, Money


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("10", "GBP", 1000),
        ("10.5", "GBP", 1050),
        ("10,50", "EUR", 1050),
        (" 0.01 ", "GBP", 1),
        ("1050", "JPY", 1050),
        ("1.234", "KWD", 1234),
        ("999999999999.99", "USD", 99999999999999),
    ],
)
def test_what_a_person_types_is_read(text: str, currency: str, minor: int) -> None:
    assert Money.parse(text, currency) == Money(minor, currency)


@pytest.mark.parametrize(
    "text",
    ["", "ten", "-1", "+1", "1.", ".5", "1e3", "1 000", "1,000.00", "£5", "0x10", "١٠", "1.2.3"],
)
def test_anything_else_is_an_error(text: str) -> None:
    with pytest.raises(AmountError, match="for example"):
        Money.parse(text, "GBP")


@pytest.mark.parametrize(
    ("text", "currency"), [("1.001", "GBP"), ("1.5", "JPY"), ("1.2345", "KWD")]
)
def test_too_many_decimals_are_never_rounded(text: str, currency: str) -> None:
    with pytest.raises(AmountError, match="decimal places"):
        Money.parse(text, currency)


def test_a_card_number_typed_as_amount_is_refused_and_not_repeated() -> None:
    with pytest.raises(AmountError) as refused:
        Money.parse("4111111111111111", "GBP")
    assert "4111" not in str(refused.value)


@given(st.integers(0, 10**14 - 1), st.sampled_from(["GBP", "JPY", "KWD", "EUR"]))
def test_decimal_text_reads_back(minor: int, currency: str) -> None:
    money = Money(minor, currency)
    text = money.decimal_text()
    if len(text.partition(".")[0]) <= 12:
        assert Money.parse(text, currency) == money


@pytest.mark.parametrize(
    ("money", "shown"),
    [(Money(1050, "GBP"), "£10.50"), (Money(1050, "JPY"), "JP¥1,050"), (Money(5, "GBP"), "£0.05")],
)
def test_people_read_it_with_its_currency(money: Money, shown: str) -> None:
    assert str(money) == shown
