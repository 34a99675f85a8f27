"""One field as it is keyed: keys, timers to the moment, attempts, clearing and stopping."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.payments.card import Brand
from ivr.session.entry import FieldEntry, Step
from ivr.session.fields import FieldRules, rules_for
from ivr.session.words import ErrorType, FieldName, FieldState
from tests.ivr.keys import PressedKey
from tests.ivr.session.fakes import VISA, profile

TODAY = date(2026, 11, 20)


class Keyed:
    """A field that is asked, its clock, and what each key did."""

    def __init__(
        self, name: FieldName, *, brand: Brand | None = Brand.VISA, **changes: object
    ) -> None:
        self.profile = profile(**changes)
        self.rules: FieldRules = rules_for(name, self.profile, brand=brand, today=TODAY)
        self.field = FieldEntry(name, self.profile)
        self.now = 100.0
        self.ask()

    def ask(self) -> None:
        self.field.ask(self.rules, self.now)

    def press(self, keys: str, gap_s: float = 0.2) -> Step:
        step = Step.IGNORED
        for key in keys:
            self.now += gap_s
            step = self.field.receive_key(PressedKey(key), self.now)
        return step

    def ring(self) -> Step:
        """Let the running timeout run out."""
        due = self.field.next_timer()
        assert due is not None
        self.now = due
        return self.field.handle_timer(due)


def number(**changes: object) -> Keyed:
    return Keyed(FieldName.CARD_NUMBER, brand=None, **changes)


class TestEnding:
    def test_end_key_takes_a_valid_number(self) -> None:
        keyed = number()
        assert keyed.press(VISA) is Step.CHANGED
        assert keyed.press("#") is Step.VALID
        assert keyed.field.mask == "************1111"
        assert keyed.field.next_timer() is None

    @pytest.mark.parametrize(
        ("digits", "brand"),
        [
            ("378282246310005", "amex"),
            ("5555555555554444", "mastercard"),
            ("4000000000000000006", "visa"),
            ("6011000000000000001", None),
        ],
    )
    def test_number_ends_by_itself_at_its_brands_greatest_length(
        self, digits: str, brand: str | None
    ) -> None:
        keyed = number()
        assert keyed.press(digits[:-1]) is Step.CHANGED
        assert keyed.press(digits[-1]) in (Step.VALID, Step.FAILED)
        if brand is not None:
            assert keyed.field.state is FieldState.VALID
            assert keyed.field.brand == brand

    def test_visa_of_sixteen_digits_waits_because_nineteen_exist(self) -> None:
        keyed = number()
        assert keyed.press(VISA) is Step.CHANGED
        assert keyed.ring() is Step.VALID

    @pytest.mark.parametrize(("brand", "code"), [(Brand.VISA, "123"), (Brand.AMEX, "1234")])
    def test_security_code_ends_at_its_brands_length(self, brand: Brand, code: str) -> None:
        keyed = Keyed(FieldName.SECURITY_CODE, brand=brand)
        assert keyed.press(code[:-1]) is Step.CHANGED
        assert keyed.press(code[-1]) is Step.VALID

    def test_security_code_without_a_brand_takes_three_or_four(self) -> None:
        three = Keyed(FieldName.SECURITY_CODE, brand=None)
        assert three.press("123") is Step.CHANGED
        assert three.press("#") is Step.VALID
        assert Keyed(FieldName.SECURITY_CODE, brand=None).press("1234") is Step.VALID

    def test_expiry_ends_at_four_digits(self) -> None:
        assert Keyed(FieldName.EXPIRATION_DATE).press("1228") is Step.VALID

    def test_postal_code_ends_with_the_key_or_at_its_greatest_length(self) -> None:
        changes: dict[str, Any] = {"postal_code_min_length": 4, "postal_code_max_length": 6}
        assert Keyed(FieldName.POSTAL_CODE, **changes).press("1234#") is Step.VALID
        assert Keyed(FieldName.POSTAL_CODE, **changes).press("123456") is Step.VALID
        assert Keyed(FieldName.POSTAL_CODE, **changes).press("123#") is Step.FAILED

    def test_end_key_in_an_empty_field_does_nothing(self) -> None:
        keyed = number()
        due = keyed.field.next_timer()
        assert keyed.press("#") is Step.IGNORED
        assert (keyed.field.attempt, keyed.field.next_timer()) == (1, due)

    def test_end_key_can_be_the_star(self) -> None:
        keyed = number(clear_key="#", end_key="*")
        keyed.press("99")
        keyed.press("#")
        assert keyed.press(f"{VISA}*") is Step.VALID

    def test_letters_mean_nothing(self) -> None:
        keyed = number()
        assert keyed.press("4ABCD") is Step.IGNORED
        assert keyed.field.mask == "*"


class TestErrors:
    @pytest.mark.parametrize(
        ("digits", "error"),
        [
            ("4111111111111112", ErrorType.INVALID_CARD_NUMBER),
            ("4", ErrorType.INVALID_CARD_NUMBER),
            ("42", ErrorType.INVALID_CARD_NUMBER),
            ("41111111111116", ErrorType.INVALID_CARD_NUMBER),
            ("9999999999999995", ErrorType.INVALID_CARD_TYPE),
        ],
    )
    def test_of_a_number_are_named(self, digits: str, error: ErrorType) -> None:
        keyed = number()
        assert keyed.press(f"{digits}#") is Step.FAILED
        assert (keyed.field.state, keyed.field.error) == (FieldState.INVALID, error)

    def test_brand_that_is_not_taken_is_named_as_such(self) -> None:
        keyed = number(brands=["visa"])
        assert keyed.press("5555555555554444") is Step.FAILED
        assert keyed.field.error is ErrorType.INVALID_CARD_TYPE

    @pytest.mark.parametrize("digits", ["1326", "1026", "0028"])
    def test_of_an_expiry_date_are_named(self, digits: str) -> None:
        keyed = Keyed(FieldName.EXPIRATION_DATE)
        assert keyed.press(digits) is Step.FAILED
        assert keyed.field.error is ErrorType.INVALID_DATE

    def test_of_a_short_code_is_named(self) -> None:
        keyed = Keyed(FieldName.SECURITY_CODE)
        assert keyed.press("12#") is Step.FAILED
        assert keyed.field.error is ErrorType.INVALID_SECURITY_CODE

    def test_wipes_what_was_keyed(self) -> None:
        keyed = number()
        keyed.press("4111111111111112#")
        assert (len(keyed.field.digits), keyed.field.mask) == (0, "")

    def test_next_key_begins_the_next_attempt(self) -> None:
        keyed = number()
        keyed.press("42#")
        assert keyed.field.attempt == 1
        keyed.press("4")
        assert (keyed.field.state, keyed.field.attempt) == (FieldState.COLLECTING, 2)
        assert keyed.field.error is None

    def test_last_attempt_exhausts_the_field(self) -> None:
        keyed = number(attempts=2)
        keyed.press("42#")
        assert not keyed.field.exhausted
        keyed.press("42#")
        assert keyed.field.exhausted

    def test_asking_again_costs_no_attempt_unless_one_failed(self) -> None:
        keyed = number()
        for _ in range(5):
            keyed.press("41")
            keyed.ask()
        assert keyed.field.attempt == 1
        keyed.press("42#")
        keyed.ask()
        assert keyed.field.attempt == 2


class TestKeysAfterAFieldEndedByItself:
    def test_are_dropped_while_they_follow_fast(self) -> None:
        keyed = number()
        keyed.press("5555555555555444")  # a digit doubled: sixteen are there before the last
        assert keyed.press("4#") is Step.IGNORED
        assert (keyed.field.attempt, keyed.field.state) == (1, FieldState.INVALID)

    def test_count_again_after_a_pause(self) -> None:
        keyed = number()
        keyed.press("5555555555555444")
        keyed.press("4")
        assert keyed.press("5", gap_s=1.6) is Step.CHANGED
        assert keyed.field.attempt == 2

    def test_count_again_after_the_end_key(self) -> None:
        keyed = number()
        keyed.press("5555555555555444#")
        assert keyed.press("5555555555554444") is Step.VALID


class TestClearing:
    def test_star_empties_the_field_and_keeps_the_attempt(self) -> None:
        keyed = number()
        keyed.press("4999")
        assert keyed.press("*") is Step.CHANGED
        assert (keyed.field.mask, keyed.field.attempt) == ("", 1)
        assert keyed.press(f"{VISA}#") is Step.VALID

    def test_star_twice_in_a_row_stops(self) -> None:
        keyed = number()
        assert keyed.press("4111**") is Step.STOPPED
        assert len(keyed.field.digits) == 0

    def test_star_twice_in_an_empty_field_stops(self) -> None:
        assert number().press("**") is Step.STOPPED

    def test_star_twice_after_an_error_stops(self) -> None:
        assert number().press("42#**") is Step.STOPPED

    @pytest.mark.parametrize("between", ["4", "#"])
    def test_stars_with_a_key_between_do_not_stop(self, between: str) -> None:
        assert number().press(f"4*{between}*") is not Step.STOPPED

    def test_star_gives_the_first_key_time_again(self) -> None:
        keyed = number()
        keyed.press("4*")
        assert keyed.field.next_timer() == keyed.now + 20


class TestTimeouts:
    def test_first_key_has_its_own(self) -> None:
        keyed = number()
        assert keyed.field.next_timer() == 120.0
        assert keyed.field.handle_timer(119.999) is Step.IGNORED
        assert keyed.field.handle_timer(120.0) is Step.FAILED
        assert keyed.field.error is ErrorType.INPUT_TIMEOUT

    def test_each_key_starts_the_inter_key_timeout(self) -> None:
        keyed = number()
        keyed.press("41")
        assert keyed.field.next_timer() == keyed.now + 5

    def test_half_a_number_times_out(self) -> None:
        keyed = number()
        keyed.press("41111")
        assert keyed.ring() is Step.FAILED
        assert keyed.field.error is ErrorType.INPUT_TIMEOUT

    def test_wrong_number_of_full_length_is_wrong_and_not_late(self) -> None:
        keyed = number()
        keyed.press("4111111111111112")
        assert keyed.ring() is Step.FAILED
        assert keyed.field.error is ErrorType.INVALID_CARD_NUMBER

    def test_none_runs_after_a_failure_until_the_next_key(self) -> None:
        keyed = number()
        keyed.ring()
        assert keyed.field.next_timer() is None
        keyed.press("4")
        assert keyed.field.next_timer() == keyed.now + 5

    def test_are_those_of_the_profile(self) -> None:
        keyed = number(first_key_timeout_s=7, inter_key_timeout_s=2)
        assert keyed.field.next_timer() == 107.0
        keyed.press("4")
        assert keyed.field.next_timer() == keyed.now + 2


@given(st.lists(st.sampled_from("0123456789*#ABCDT"), max_size=60), st.sampled_from(FieldName))
def test_any_keys_and_timeouts_leave_a_bounded_field_in_order(
    keys: list[str], name: FieldName
) -> None:
    keyed = Keyed(name, attempts=10)
    for key in keys:
        if key != "T":
            step = keyed.press(key)
        elif keyed.field.next_timer() is not None:
            step = keyed.ring()
        else:
            continue
        if step is Step.VALID or step is Step.STOPPED:
            break
        assert len(keyed.field.digits) <= keyed.rules.capacity
        assert keyed.field.mask == "*" * len(keyed.field.digits)
        assert (keyed.field.error is not None) == (keyed.field.state is FieldState.INVALID)
