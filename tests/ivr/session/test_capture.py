"""Which field the keys go to, and what belongs together."""

from datetime import date

from ivr.session.capture import Capture, Progress
from ivr.session.words import ErrorType, FieldName, FieldState
from tests.ivr.keys import pressed
from tests.ivr.session.fakes import VISA, profile

NUMBER, EXPIRY, CODE, POSTAL = (
    FieldName.CARD_NUMBER,
    FieldName.EXPIRATION_DATE,
    FieldName.SECURITY_CODE,
    FieldName.POSTAL_CODE,
)
AMEX = "378282246310005"


def capture(*fields: FieldName, **changes: object) -> Capture:
    if fields:
        changes["fields"] = [str(name) for name in fields]
    made = Capture(profile(**changes), today=date(2026, 11, 20))
    made.ask_next(0.0)
    return made


def press(made: Capture, keys: str, now: float = 1.0) -> Progress:
    progress = Progress.IGNORED
    for key in pressed(keys):
        progress = made.receive_key(key, now)
    return progress


def states(made: Capture) -> list[FieldState]:
    return [view.state for view in made.views()]


def test_fields_are_asked_in_the_profiles_order() -> None:
    made = capture(EXPIRY, NUMBER, POSTAL)
    asked = [made.collecting]
    for keys in ("1228", f"{VISA}#"):
        press(made, keys)
        asked.append(made.collecting)
    assert asked == [EXPIRY, NUMBER, POSTAL]
    assert press(made, "12345#") is Progress.COMPLETE
    assert (made.collecting, made.missing) == (None, ())


def test_keys_without_an_asked_field_are_dropped() -> None:
    made = capture()
    press(made, f"{VISA}#1228123")
    assert press(made, "999#**") is Progress.IGNORED
    assert states(made) == [FieldState.VALID] * 3


def test_agent_may_ask_any_field_again() -> None:
    made = capture()
    press(made, f"{VISA}#1228123")
    made.ask(EXPIRY, 5.0)
    assert states(made) == [FieldState.VALID, FieldState.COLLECTING, FieldState.VALID]
    assert press(made, "0129") is Progress.COMPLETE


def test_field_left_half_keyed_is_wiped_and_asked_again_in_its_turn() -> None:
    made = capture()
    press(made, "4111")
    made.ask(EXPIRY, 5.0)
    assert made.views()[0].mask == ""
    press(made, "1228")
    assert made.collecting is NUMBER


def test_failed_field_keeps_its_error_while_another_is_asked() -> None:
    made = capture()
    press(made, "42#")
    made.ask(EXPIRY, 5.0)
    assert made.views()[0].error is ErrorType.INVALID_CARD_NUMBER


def test_another_card_number_takes_expiry_and_code_with_it() -> None:
    made = capture(NUMBER, EXPIRY, CODE, POSTAL)
    press(made, f"{VISA}#122812312345#")
    made.ask(NUMBER, 5.0)
    assert states(made) == [
        FieldState.COLLECTING,
        FieldState.IDLE,
        FieldState.IDLE,
        FieldState.VALID,
    ]


def test_code_that_does_not_fit_the_brand_is_asked_again() -> None:
    made = capture(CODE, NUMBER, EXPIRY)
    press(made, f"123#{AMEX}")
    code = made.views()[0]
    assert made.collecting is CODE
    assert code.state is FieldState.COLLECTING
    press(made, "1234")
    assert press(made, "1228") is Progress.COMPLETE


def test_code_that_fits_the_brand_stays() -> None:
    made = capture(CODE, NUMBER, EXPIRY)
    press(made, f"123#{VISA}#")
    assert made.collecting is EXPIRY


def test_exhausted_field_ends_the_capture() -> None:
    made = capture(attempts=1)
    assert press(made, "42#") is Progress.EXHAUSTED


def test_timer_is_that_of_the_asked_field() -> None:
    made = capture()
    assert made.next_timer() == 20.0
    press(made, "4", now=3.0)
    assert made.next_timer() == 8.0
    assert made.handle_timer(8.0) is Progress.CHANGED
    assert made.next_timer() is None


def test_wiping_keeps_masks_of_valid_fields_and_no_digit() -> None:
    made = capture()
    press(made, f"{VISA}#12")
    card = made.card()
    made.wipe()
    assert (len(card.number), len(card.expiry)) == (0, 0)
    number, expiry, _ = made.views()
    assert (number.mask, number.brand, number.state) == (
        "************1111",
        "visa",
        FieldState.VALID,
    )
    assert (expiry.mask, expiry.state) == ("", FieldState.IDLE)


def test_forgetting_the_code_asks_for_it_and_nothing_else() -> None:
    made = capture()
    press(made, f"{VISA}#1228123")
    made.forget_security_code()
    assert made.missing == (CODE,)


def test_errors_are_said_in_words() -> None:
    made = capture(brands=["visa", "mastercard"])
    press(made, AMEX)
    assert (
        made.views()[0].message == "We cannot take that kind of card. We take Visa and Mastercard."
    )
    press(made, f"#{VISA}#1228")
    press(made, "1#")
    assert made.views()[2].message == (
        "The security code of this card has three digits. Please key it again."
    )


def test_card_without_code_and_postal_code_has_none() -> None:
    made = capture(NUMBER, EXPIRY)
    card = made.card()
    assert (card.security_code, card.postal_code) == (None, None)
