"""Reading profiles: what is written is what is used, and every complaint says where it is."""

from pathlib import Path

import pytest

from ivr.money import Money
from ivr.session.line_masking import LineMasking
from ivr.session.profile_toml import ProfileError, read_profile, read_profiles
from ivr.session.words import FieldName
from tests.ivr.session.fakes import profile

BILLS = """
[profiles.bills]
label = "Household bills"
currency = "GBP"
minimum = "1.00"
maximum = "5000.00"
"""


def test_short_profile_has_the_documented_defaults() -> None:
    (bills,) = read_profiles(BILLS, source="profiles.toml")
    assert (bills.name, bills.label, bills.currency) == ("bills", "Household bills", "GBP")
    assert (bills.minimum, bills.maximum) == (Money(100, "GBP"), Money(500000, "GBP"))
    assert bills.processor == "test"
    assert len(bills.brands) == 8
    assert [str(name) for name in bills.fields] == [
        "payment-card-number",
        "expiration-date",
        "security-code",
    ]
    assert (bills.clear_key, bills.end_key, bills.attempts) == ("*", "#", 3)
    assert (bills.first_key_timeout_s, bills.inter_key_timeout_s) == (20.0, 5.0)


def test_everything_can_be_set() -> None:
    (shop,) = read_profiles(
        """
        [profiles.shop-de]
        label = "Shop"
        currency = "EUR"
        minimum = "0.50"
        maximum = "99"
        brands = ["visa", "mastercard"]
        fields = ["payment-card-number", "expiration-date", "postal-code"]
        clear_key = "#"
        end_key = "*"
        first_key_timeout_s = 30
        inter_key_timeout_s = 4.5
        attempts = 2
        charges = 1
        session_timeout_s = 600
        postal_code_min_length = 5
        postal_code_max_length = 5
        """,
        source="profiles.toml",
    )
    assert shop.brands == ("visa", "mastercard")
    assert shop.fields[-1] is FieldName.POSTAL_CODE
    assert (shop.clear_key, shop.end_key) == ("#", "*")
    assert (shop.first_key_timeout_s, shop.inter_key_timeout_s) == (30.0, 4.5)
    assert (shop.attempts, shop.charges, shop.session_timeout_s) == (2, 1, 600.0)
    assert (shop.postal_code_min_length, shop.postal_code_max_length) == (5, 5)


@pytest.mark.parametrize(
    ("changes", "masking"),
    [
        ({}, LineMasking()),
        ({"hold_frames": 2}, LineMasking(hold_frames=2)),
        ({"caller_voice": "mute"}, LineMasking(muted=True)),
        ({"caller_voice": "mute", "even_beeps": True}, LineMasking(muted=True, even_beeps=True)),
    ],
)
def test_how_the_line_is_masked_is_the_profiles(
    changes: dict[str, object], masking: LineMasking
) -> None:
    made = profile(**changes)
    assert made.masking == masking
    assert read_profile(made.name, made.as_table(), source="database") == made


@pytest.mark.parametrize("currency", ["GBP", "JPY", "KWD"])
def test_table_of_a_profile_reads_back(currency: str) -> None:
    made = profile(currency=currency, minimum="1", maximum="1000", brands=["amex"])
    assert read_profile(made.name, made.as_table(), source="database") == made


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"maximun": "5"}, "unknown key 'maximun', did you mean 'maximum'?"),
        ({"zzz": 1}, "unknown key 'zzz'; known: attempts, brands,"),
        ({"label": ""}, "label: must be a text"),
        ({"label": 5}, "label: must be a text"),
        ({"currency": "GPB"}, "currency: 'GPB' is not an ISO 4217 code"),
        ({"currency": "gbp"}, "currency: 'gbp' is not an ISO 4217 code"),
        ({"minimum": 1.5}, "minimum: must be an amount in quotes"),
        ({"minimum": "1.001"}, "minimum: GBP has 2 decimal places."),
        ({"minimum": "0"}, "maximum: must not be below minimum"),
        ({"minimum": "501"}, "maximum: must not be below minimum"),
        ({"brands": ["visa", "mastercart"]}, "'mastercart', did you mean 'mastercard'?"),
        ({"brands": []}, "brands: must be a list with at least one word"),
        ({"brands": "visa"}, "brands: must be a list"),
        ({"brands": ["visa", "visa"]}, "brands: names a word twice"),
        ({"brands": [["visa"]]}, "brands: unknown word"),
        ({"fields": ["payment-card-number"]}, "fields: must contain 'expiration-date'"),
        ({"fields": ["card"]}, "fields: unknown word 'card'"),
        ({"clear_key": "0"}, "clear_key: must be '*' or '#'"),
        ({"clear_key": "#"}, "end_key: must differ from clear_key"),
        ({"attempts": 0}, "attempts: must be a whole number from 1 to 10"),
        ({"attempts": True}, "attempts: must be a whole number"),
        ({"first_key_timeout_s": 0}, "first_key_timeout_s: must be seconds"),
        ({"inter_key_timeout_s": "5"}, "inter_key_timeout_s: must be seconds"),
        ({"inter_key_timeout_s": float("nan")}, "inter_key_timeout_s: must be seconds"),
        ({"session_timeout_s": 99999}, "session_timeout_s: must be seconds"),
        ({"caller_voice": "silent"}, "caller_voice: unknown word 'silent'; known: mute, pass"),
        ({"caller_voice": "mutte"}, "'mutte', did you mean 'mute'?"),
        ({"caller_voice": ["mute"]}, "caller_voice: unknown word"),
        ({"hold_frames": 0}, "hold_frames: must be a whole number from 1 to 2"),
        ({"hold_frames": 3}, "hold_frames: must be a whole number from 1 to 2"),
        ({"even_beeps": 1}, "even_beeps: must be true or false"),
        ({"even_beeps": True}, 'even_beeps: needs caller_voice = "mute": gaps in'),
        ({"postal_code_max_length": 2}, "postal_code_max_length: must be a whole number from 3"),
    ],
)
def test_complaint_names_file_profile_and_key(changes: dict[str, object], complaint: str) -> None:
    table = {"label": "Bills", "currency": "GBP", "minimum": "1", "maximum": "500", **changes}
    with pytest.raises(ProfileError) as refused:
        read_profile("bills", table, source="profiles.toml")
    assert str(refused.value).startswith("profiles.toml: profile 'bills': ")
    assert complaint in str(refused.value)


@pytest.mark.parametrize("key", ["label", "currency", "minimum", "maximum"])
def test_missing_key_is_named(key: str) -> None:
    table = {"label": "Bills", "currency": "GBP", "minimum": "1", "maximum": "500"}
    del table[key]
    with pytest.raises(ProfileError, match=f"{key}: is missing"):
        read_profile("bills", table, source="profiles.toml")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[profiles.bills", "profiles.toml: not valid TOML"),
        ("", "no [profiles.NAME] table"),
        ("profiles = 5", "no [profiles.NAME] table"),
        ("[profile.bills]\n" + BILLS, "unknown key 'profile', did you mean 'profiles'?"),
        ("[profiles]\nbills = 1", "profile 'bills': must be a table"),
        (BILLS.replace("profiles.bills", 'profiles."My Bills"'), "the name must be lower-case"),
    ],
)
def test_document_that_cannot_be_read_says_why(text: str, complaint: str) -> None:
    with pytest.raises(ProfileError) as refused:
        read_profiles(text, source="profiles.toml")
    assert complaint in str(refused.value)


def test_profile_shows_itself_to_the_agent() -> None:
    view = profile().view()
    assert (view.name, view.currency, view.minimum) == ("bills", "GBP", Money(100, "GBP"))


def test_page_for_admins_lists_every_key() -> None:
    page = (Path(__file__).parents[3] / "docs" / "payment-profiles.md").read_text("utf-8")
    rows = "".join(line for line in page.splitlines() if line.startswith("| `"))
    assert [key for key in profile().as_table() if f"`{key}`" not in rows] == []
