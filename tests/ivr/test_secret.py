"""What was keyed shows itself nowhere and is overwritten."""

import copy
import json
import pickle
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields

import pytest

from ivr.luhn import luhn_valid
from ivr.secret import (
    SecretBytes,
    SecretDigits,
    SecretError,
    is_control_key,
    is_digit_key,
)
from tests.ivr.keys import PressedKey, pressed, secret, values

VISA = "4111111111111111"


@dataclass(frozen=True)
class _Holder:
    digits: SecretDigits | SecretBytes


SECRETS: list[Callable[[], SecretDigits | SecretBytes]] = [
    lambda: secret(VISA),
    lambda: SecretBytes(VISA.encode()),
]


@pytest.mark.parametrize("make", SECRETS)
class TestHiding:
    def test_no_text_of_it_holds_digits(
        self, make: Callable[[], SecretDigits | SecretBytes]
    ) -> None:
        hidden = make()
        holder = _Holder(hidden)
        texts = [
            repr(hidden),
            str(hidden),
            f"{hidden}",
            f"{hidden:>40}",
            f"{hidden!r}",
            "%s" % hidden,  # noqa: UP031 - the way a logger formats
            repr(holder),
            repr(asdict(holder)),
            json.dumps({"digits": hidden}, default=str),
            repr([hidden]),
        ]
        assert all("1" not in text for text in texts)
        assert all("hidden" in text for text in texts)

    def test_it_cannot_be_pickled(self, make: Callable[[], SecretDigits | SecretBytes]) -> None:
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            with pytest.raises(TypeError, match="cannot be pickled"):
                pickle.dumps(make(), protocol)
        with pytest.raises(TypeError):
            make().__getstate__()

    def test_a_copy_is_the_thing_itself_and_is_wiped_with_it(
        self, make: Callable[[], SecretDigits | SecretBytes]
    ) -> None:
        hidden = make()
        twins = [copy.copy(hidden), copy.deepcopy(hidden), asdict(_Holder(hidden))["digits"]]
        assert all(twin is hidden for twin in twins)

    def test_it_has_no_dictionary_and_gives_no_bytes(
        self, make: Callable[[], SecretDigits | SecretBytes]
    ) -> None:
        hidden = make()
        with pytest.raises(TypeError):
            vars(hidden)
        with pytest.raises(TypeError):
            bytes(hidden)  # type: ignore[call-overload]  # that it is impossible is the point
        with pytest.raises(TypeError):
            iter(hidden)  # type: ignore[call-overload]  # as above

    def test_wiping_overwrites_the_buffer(
        self, make: Callable[[], SecretDigits | SecretBytes]
    ) -> None:
        hidden = make()
        buffer = hidden._buffer
        hidden.wipe()
        assert len(hidden) == 0
        assert not any(buffer)

    def test_forgetting_the_last_reference_overwrites_the_buffer(
        self, make: Callable[[], SecretDigits | SecretBytes]
    ) -> None:
        hidden = make()
        buffer = hidden._buffer
        assert any(buffer)
        del hidden
        assert not any(buffer)


class TestDigits:
    def test_are_counted_and_revealed_in_order(self) -> None:
        digits = secret("0123456789")
        assert (len(digits), digits.reveal()) == (10, "0123456789")

    def test_are_bounded(self) -> None:
        digits = secret("1234", capacity=4)
        with pytest.raises(SecretError, match="no room"):
            digits.append(PressedKey("5"))
        assert digits.reveal() == "1234"

    def test_buffer_never_moves(self) -> None:
        digits = SecretDigits()
        buffer = digits._buffer
        size = len(buffer)
        for key in pressed(VISA):
            digits.append(key)
        assert digits._buffer is buffer
        assert len(buffer) == size

    @pytest.mark.parametrize("key", ["*", "#", "A", "D", "", "12", "٣", "x"])
    def test_take_digits_only_and_do_not_repeat_what_was_wrong(self, key: str) -> None:
        digits = SecretDigits()
        with pytest.raises(SecretError) as refused:
            digits.append(PressedKey(key))
        assert str(refused.value) == "not a digit"
        assert len(digits) == 0

    def test_are_empty_after_wiping_and_can_be_filled_again(self) -> None:
        digits = secret(VISA)
        digits.wipe()
        assert not digits
        digits.append(PressedKey("7"))
        assert digits.reveal() == "7"


class TestInspecting:
    def test_answers_with_a_bool(self) -> None:
        assert secret(VISA).inspect(luhn_valid)
        assert not secret("4111111111111112").inspect(luhn_valid)

    @pytest.mark.parametrize(
        "question",
        [
            lambda digits: bytes(digits),
            lambda digits: digits,
            lambda digits: list(digits),
            lambda digits: "".join(map(str, digits)),
            lambda digits: int("".join(map(str, digits))),
        ],
    )
    def test_lets_nothing_out_that_could_hold_digits(
        self, question: Callable[[memoryview], bool]
    ) -> None:
        with pytest.raises(SecretError) as refused:
            secret(VISA).inspect(question)
        assert VISA not in repr(refused.value)

    def test_a_kept_view_is_dead_and_read_only(self) -> None:
        kept: list[memoryview] = []

        def keep(digits: memoryview) -> bool:
            kept.append(digits)
            with pytest.raises(TypeError):
                digits[0] = 0
            return True

        secret(VISA).inspect(keep)
        with pytest.raises(ValueError, match="released"):
            bytes(kept[0])

    def test_failure_quotes_nothing_and_chains_nothing(self) -> None:
        def broken(digits: memoryview) -> bool:
            raise ValueError(f"cannot read {bytes(digits)!r} {VISA}")

        with pytest.raises(SecretError) as refused:
            secret(VISA).inspect(broken)
        assert refused.value.__cause__ is refused.value.__context__ is None


class TestLastFour:
    def test_is_told_of_a_complete_valid_number(self) -> None:
        assert secret(VISA).last_four() == "1111"

    @pytest.mark.parametrize("digits", ["", "1111", "411111", "4111111111111112", "00000000018"])
    def test_is_refused_for_anything_else(self, digits: str) -> None:
        with pytest.raises(SecretError):
            secret(digits).last_four()


class TestKeys:
    def test_control_keys_are_told_apart(self) -> None:
        assert is_control_key(PressedKey("*"), "*")
        assert not is_control_key(PressedKey("#"), "*")
        assert not is_control_key(PressedKey("5"), "#")

    def test_digits_cannot_be_guessed_by_comparing(self) -> None:
        for symbol in values("0123456789"):
            with pytest.raises(SecretError):
                is_control_key(PressedKey("5"), str(symbol))

    def test_digit_keys_are_told_without_telling_which(self) -> None:
        assert all(is_digit_key(key) for key in pressed("0123456789"))
        assert not any(is_digit_key(key) for key in pressed("*#ABCD"))


def test_holder_dataclass_is_a_fair_test() -> None:
    assert [f.repr for f in fields(_Holder)] == [True]
