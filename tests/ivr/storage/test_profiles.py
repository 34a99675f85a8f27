"""Payment profiles in the database."""

import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest

from ivr.money import Money
from ivr.session.profile import PaymentProfile
from ivr.session.store import ProfileStore, StoreError
from ivr.session.words import FieldName
from ivr.storage.engine import Database
from ivr.storage.profiles import PaymentProfiles
from tests.support.clock import ManualClock

BILLS = PaymentProfile(
    name="bills",
    label="Household bills",
    minimum=Money(100, "GBP"),
    maximum=Money(500_000, "GBP"),
    brands=("visa", "mastercard"),
    fields=(FieldName.CARD_NUMBER, FieldName.EXPIRATION_DATE, FieldName.POSTAL_CODE),
    clear_key="#",
    end_key="*",
    attempts=2,
    inter_key_timeout_s=2.5,
)

DONATIONS = replace(BILLS, name="donations", minimum=Money(1, "JPY"), maximum=Money(9000, "JPY"))


@pytest.fixture
def store(database: Database, manual_clock: ManualClock) -> ProfileStore:
    return PaymentProfiles(database, manual_clock)


async def test_profiles_come_back_whole_and_by_name(store: ProfileStore) -> None:
    await store.import_profiles([DONATIONS, BILLS])
    assert await store.load_profiles() == [BILLS, DONATIONS]


async def test_import_replaces_by_name_and_keeps_others(store: ProfileStore) -> None:
    await store.import_profiles([DONATIONS, BILLS])
    changed = replace(BILLS, label="Bills", brands=("visa",))
    await store.import_profiles([changed])
    assert await store.load_profiles() == [changed, DONATIONS]


async def test_profile_that_this_version_cannot_use_is_named(
    store: ProfileStore, database: Database
) -> None:
    await store.import_profiles([BILLS])
    with closing(sqlite3.connect(database.path)) as connection, connection:
        connection.execute(
            "UPDATE payment_profiles SET settings = json_set(settings, '$.atempts', 3)"
        )
    with pytest.raises(StoreError, match=r"database: profile 'bills': unknown key 'atempts'"):
        await store.load_profiles()
