"""Reading payment profiles from TOML: every complaint names file, profile and key.

[profiles.bills]
label = "Household bills"
currency = "GBP"
minimum = "1.00"
maximum = "5000.00"
"""

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import fields
from difflib import get_close_matches
from enum import StrEnum
from typing import Final, TypeVar

from babel.numbers import is_currency

from ivr.money import AmountError, Money
from ivr.payments.card import Brand
from ivr.secret import CONTROL_KEYS
from ivr.session.profile import DEFAULT_FIELDS, PaymentProfile
from ivr.session.words import CallerVoice, FieldName

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,39}", re.ASCII)
_KEYS: Final = ("currency", *(key.name for key in fields(PaymentProfile) if key.name != "name"))
_MAX_LABEL: Final = 80
_MAX_TIMEOUT_S: Final = 600.0
"Twilio `<Pay>` allows as much; more would leave a line secured for nobody."
_MAX_SESSION_S: Final = 3600.0
_MAX_ATTEMPTS: Final = 10
_MAX_POSTAL_CODE: Final = 12
_HOLD_FRAMES: Final = (1, 2)
_NEEDED: Final = (FieldName.CARD_NUMBER, FieldName.EXPIRATION_DATE)

Word = TypeVar("Word", bound=StrEnum)


class ProfileError(ValueError):
    """A profile cannot be used; the text names the file, the profile and the key."""


def read_profiles(text: str, *, source: str) -> list[PaymentProfile]:
    """Return the profiles of a TOML document in its order; raise :class:`ProfileError`.

    `source` is the file's name, for the complaint.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ProfileError(f"{source}: not valid TOML: {error}") from None
    tables = document.pop("profiles", {})
    for key in document:
        raise ProfileError(f"{source}: unknown key {key!r}{_hint(key, ('profiles',))}")
    if not isinstance(tables, dict) or not tables:
        raise ProfileError(f"{source}: no [profiles.NAME] table")
    profiles = []
    for name, table in tables.items():
        if not isinstance(table, dict):
            raise ProfileError(f"{source}: profile {name!r}: must be a table")
        profiles.append(read_profile(name, table, source=source))
    return profiles


def read_profile(name: str, table: Mapping[str, object], *, source: str) -> PaymentProfile:
    """Return the profile of one table; raise :class:`ProfileError`."""
    where = f"{source}: profile {name!r}"
    if not _NAME.fullmatch(name):
        raise ProfileError(f"{where}: the name must be lower-case letters, digits and hyphens")
    for key in table:
        if key not in _KEYS:
            raise ProfileError(f"{where}: unknown key {key!r}{_hint(key, _KEYS)}")
    values = _Values(table, where)
    currency = values.currency()
    minimum, maximum = values.money("minimum", currency), values.money("maximum", currency)
    if not 0 < minimum.minor <= maximum.minor:
        raise values.wrong("maximum", "must not be below minimum, and minimum must be above zero")
    shortest = values.whole("postal_code_min_length", 3, 1, _MAX_POSTAL_CODE)
    return PaymentProfile(
        name=name,
        label=values.text("label", longest=_MAX_LABEL),
        minimum=minimum,
        maximum=maximum,
        brands=tuple(str(brand) for brand in values.words("brands", Brand, tuple(Brand))),
        processor=values.text("processor", longest=_MAX_LABEL, default="test"),
        fields=_asked(values),
        clear_key=values.control_key("clear_key", "*"),
        end_key=values.control_key("end_key", "#", other="clear_key", other_default="*"),
        first_key_timeout_s=values.seconds("first_key_timeout_s", 20.0, _MAX_TIMEOUT_S),
        inter_key_timeout_s=values.seconds("inter_key_timeout_s", 5.0, _MAX_TIMEOUT_S),
        attempts=values.whole("attempts", 3, 1, _MAX_ATTEMPTS),
        charges=values.whole("charges", 3, 1, _MAX_ATTEMPTS),
        session_timeout_s=values.seconds("session_timeout_s", 900.0, _MAX_SESSION_S),
        postal_code_min_length=shortest,
        postal_code_max_length=values.whole(
            "postal_code_max_length", max(10, shortest), shortest, _MAX_POSTAL_CODE
        ),
        caller_voice=values.word("caller_voice", CallerVoice, CallerVoice.PASS),
        hold_frames=values.whole("hold_frames", 1, *_HOLD_FRAMES),
        even_beeps=_even_beeps(values),
    )


def _asked(values: "_Values") -> tuple[FieldName, ...]:
    names = values.words("fields", FieldName, DEFAULT_FIELDS)
    for needed in _NEEDED:
        if needed not in names:
            raise values.wrong("fields", f"must contain {needed.value!r}")
    return names


def _even_beeps(values: "_Values") -> bool:
    even = values.flag("even_beeps", default=False)
    if even and values.word("caller_voice", CallerVoice, CallerVoice.PASS) is CallerVoice.PASS:
        why = "gaps in the caller's voice would tell the rhythm"
        raise values.wrong("even_beeps", f'needs caller_voice = "mute": {why}')
    return even


def _hint(word: str, known: tuple[str, ...]) -> str:
    close = get_close_matches(word, known, n=1)
    return f", did you mean {close[0]!r}?" if close else f"; known: {', '.join(sorted(known))}"


class _Values:
    """Typed access to one table; each method raises ProfileError naming the key."""

    def __init__(self, table: Mapping[str, object], where: str) -> None:
        self._table = table
        self._where = where

    def wrong(self, key: str, what: str) -> ProfileError:
        return ProfileError(f"{self._where}: {key}: {what}")

    def text(self, key: str, *, longest: int, default: str | None = None) -> str:
        value = self._table.get(key, default)
        if value is None:
            raise self.wrong(key, "is missing")
        if not isinstance(value, str) or not 0 < len(value.strip()) <= longest:
            raise self.wrong(key, f"must be a text of 1 to {longest} characters")
        return value.strip()

    def currency(self) -> str:
        value = self.text("currency", longest=3)
        if not is_currency(value, locale="en"):
            raise self.wrong("currency", f"{value!r} is not an ISO 4217 code such as 'GBP'")
        return value

    def money(self, key: str, currency: str) -> Money:
        value = self._table.get(key)
        if value is None:
            raise self.wrong(key, "is missing")
        if not isinstance(value, str):
            raise self.wrong(key, 'must be an amount in quotes, for example "12.50"')
        try:
            return Money.parse(value, currency)
        except AmountError as error:
            raise self.wrong(key, str(error)) from None

    def whole(self, key: str, default: int, lowest: int, highest: int) -> int:
        value = self._table.get(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or not lowest <= value <= highest:
            raise self.wrong(key, f"must be a whole number from {lowest} to {highest}")
        return value

    def seconds(self, key: str, default: float, highest: float) -> float:
        value = self._table.get(key, default)
        if (
            not isinstance(value, int | float)
            or isinstance(value, bool)
            or not 0 < value <= highest
        ):
            raise self.wrong(key, f"must be seconds, above 0 and at most {highest:g}")
        return float(value)

    def control_key(
        self, key: str, default: str, *, other: str = "", other_default: str = ""
    ) -> str:
        value = self._table.get(key, default)
        if value not in CONTROL_KEYS:
            raise self.wrong(key, "must be '*' or '#'")
        if other and value == self._table.get(other, other_default):
            raise self.wrong(key, f"must differ from {other}")
        return str(value)

    def flag(self, key: str, *, default: bool) -> bool:
        value = self._table.get(key, default)
        if not isinstance(value, bool):
            raise self.wrong(key, "must be true or false")
        return value

    def word(self, key: str, kind: type[Word], default: Word) -> Word:
        value, known = self._table.get(key, default.value), tuple(word.value for word in kind)
        if value not in known:
            raise self.wrong(key, f"unknown word {value!r}{_hint(str(value), known)}")
        return kind(value)

    def words(self, key: str, kind: type[Word], default: tuple[Word, ...]) -> tuple[Word, ...]:
        value = self._table.get(key, list(default))
        if not isinstance(value, list) or not value:
            raise self.wrong(key, "must be a list with at least one word")
        known = tuple(word.value for word in kind)
        found: Callable[[str], Word] = kind
        words = []
        for word in value:
            if word not in known:
                raise self.wrong(key, f"unknown word {word!r}{_hint(str(word), known)}")
            words.append(found(word))
        if len(set(words)) != len(words):
            raise self.wrong(key, "names a word twice")
        return tuple(words)
