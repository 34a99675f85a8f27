"""Brands, lengths, codes, expiry dates and masks."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.luhn import luhn_valid
from ivr.payments.card import (
    BRAND_RULES,
    Brand,
    brand_of,
    code_lengths,
    expiry_valid,
    length_fits,
    longest_number,
    mask,
    masked_number,
)
from ivr.payments.processors.test_cards import TEST_CARDS, TestCard
from tests.ivr.keys import values

TODAY = date(2026, 11, 20)


class TestBrand:
    @pytest.mark.parametrize("card", TEST_CARDS, ids=lambda card: str(card.number))
    def test_of_every_test_card_is_known_and_its_number_valid(self, card: TestCard) -> None:
        number, brand = card.number, card.brand
        assert luhn_valid(values(number))
        assert brand_of(values(number)) == brand
        assert length_fits(len(number), Brand(brand))

    @pytest.mark.parametrize(
        ("prefix", "brand"),
        [
            ("", None),
            ("4", Brand.VISA),
            ("5", None),
            ("51", Brand.MASTERCARD),
            ("55", Brand.MASTERCARD),
            ("2220", None),
            ("2221", Brand.MASTERCARD),
            ("2720", Brand.MASTERCARD),
            ("2721", None),
            ("34", Brand.AMEX),
            ("35", None),
            ("3527", None),
            ("3528", Brand.JCB),
            ("3589", Brand.JCB),
            ("3590", None),
            ("36", Brand.DINERS),
            ("305", Brand.DINERS),
            ("309", None),
            ("3095", Brand.DINERS),
            ("37", Brand.AMEX),
            ("38", Brand.DINERS),
            ("50", Brand.MAESTRO),
            ("56", Brand.MAESTRO),
            ("59", None),
            ("6", None),
            ("60", None),
            ("601", None),
            ("6011", Brand.DISCOVER),
            ("6012", Brand.MAESTRO),
            ("62", Brand.UNIONPAY),
            ("63", Brand.MAESTRO),
            ("64", None),
            ("643", Brand.MAESTRO),
            ("644", Brand.DISCOVER),
            ("65", Brand.DISCOVER),
            ("67", Brand.MAESTRO),
            ("81", Brand.UNIONPAY),
            ("9", None),
            ("0", None),
        ],
    )
    def test_is_told_as_soon_as_the_prefix_leaves_one(
        self, prefix: str, brand: Brand | None
    ) -> None:
        assert brand_of(values(prefix)) is brand

    @given(st.text("0123456789", max_size=19), st.text("0123456789", max_size=6))
    def test_never_changes_once_it_is_told(self, number: str, more: str) -> None:
        brand = brand_of(values(number))
        if brand is not None:
            assert brand_of(values(number + more)) is brand

    def test_knows_four_digit_codes_of_amex_only(self) -> None:
        assert {b for b in Brand if code_lengths(b) == {4}} == {Brand.AMEX}
        assert code_lengths(None) == {3, 4}

    def test_tells_the_longest_number(self) -> None:
        assert (longest_number(Brand.AMEX), longest_number(Brand.VISA)) == (15, 19)
        assert longest_number(None) == 19

    def test_has_a_rule_for_every_word(self) -> None:
        assert set(BRAND_RULES) == set(Brand)


class TestExpiry:
    @pytest.mark.parametrize("digits", ["1126", "1226", "0127", "1146"])
    def test_of_this_month_and_later_is_valid(self, digits: str) -> None:
        assert expiry_valid(values(digits), TODAY)

    @pytest.mark.parametrize(
        "digits", ["1026", "1225", "0026", "1326", "9999", "1299", "112", "", "11260"]
    )
    def test_in_the_past_or_no_month_or_too_far_is_not(self, digits: str) -> None:
        assert not expiry_valid(values(digits), TODAY)

    def test_has_a_day_of_grace_for_those_whose_month_has_not_ended(self) -> None:
        assert expiry_valid(values("1026"), date(2026, 11, 1))
        assert not expiry_valid(values("1026"), date(2026, 11, 2))

    def test_grace_crosses_the_year(self) -> None:
        assert expiry_valid(values("1226"), date(2027, 1, 1))
        assert not expiry_valid(values("1226"), date(2027, 1, 2))


def test_masks_show_at_most_four_digits() -> None:
    assert mask(5) == "*****"
    assert masked_number(16, "1111") == "************1111"
