"""What a gateway without any configuration makes for itself."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from ivr.app.first_run import create_first_user, phone_accounts
from ivr.clock import SystemClock
from ivr.config import Config, SipTable
from ivr.config_file import ConfigError
from ivr.session.words import Role
from ivr.storage.accounts import UserAccounts
from ivr.storage.audit import AuditTrail
from ivr.storage.engine import Database, open_database
from ivr.storage.migrate import upgrade
from ivr.storage.passwords import MINIMUM_LENGTH, Passwords
from ivr.storage.users import UserAdmin


@pytest.fixture
def passwords() -> Passwords:
    """Password hashing with the cheapest parameters."""
    return Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    url = f"sqlite:///{tmp_path}/tonewall.db"
    upgrade(url)
    async with await open_database(url) as opened:
        yield opened


async def test_the_first_user_can_sign_in_take_payments_and_administer(
    database: Database, passwords: Passwords
) -> None:
    clock = SystemClock()
    users = UserAdmin(database, clock, passwords)
    first = await create_first_user(users)
    assert first is not None
    assert len(first.password) >= MINIMUM_LENGTH
    accounts = UserAccounts(database, clock, passwords)
    signed_in = await accounts.sign_in(first.username, first.password, origin="127.0.0.1")
    assert signed_in is not None
    (record,) = await users.list_users()
    assert record.user.roles == {Role.AGENT, Role.ADMIN}
    entries = await AuditTrail(database).recent(limit=10)
    assert ("first-run", "user.create") in [(entry.who, entry.what) for entry in entries]


async def test_there_is_no_first_user_where_there_is_one_already(
    database: Database, passwords: Passwords
) -> None:
    users = UserAdmin(database, SystemClock(), passwords)
    await users.create_user(
        "alice",
        display_name="Alice",
        password="a long password",
        roles=[Role.AGENT],
        by="test",
    )
    assert await create_first_user(users) is None
    assert [record.user.agent for record in await users.list_users()] == ["alice"]


def test_a_phone_account_is_made_once_and_its_file_is_private(tmp_path: Path) -> None:
    config = Config(data=tmp_path)
    made = phone_accounts(config)
    assert list(made) == ["agent"]
    assert phone_accounts(config) == made
    assert (tmp_path / "phones.toml").stat().st_mode & 0o777 == 0o600


def test_two_gateways_make_different_passwords(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    assert phone_accounts(Config(data=tmp_path / "a")) != phone_accounts(
        Config(data=tmp_path / "b")
    )


def test_configured_phones_are_used_and_nothing_is_written(tmp_path: Path) -> None:
    phones = {"alice": "secret"}
    assert phone_accounts(Config(data=tmp_path, sip=SipTable(phones=phones))) == phones
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("[phones", "not valid TOML"),
        ("", "no [phones] table"),
        ('[phones]\nAgent = "x"', "the phone 'Agent' must be named"),
        ("[phones]\nagent = 3", "Input should be a valid string"),
    ],
)
def test_a_spoilt_phones_file_is_named_with_what_to_do(
    tmp_path: Path, content: str, reason: str
) -> None:
    path = tmp_path / "phones.toml"
    path.write_text(content)
    with pytest.raises(ConfigError) as caught:
        phone_accounts(Config(data=tmp_path))
    text = str(caught.value)
    assert text.startswith(f"{path}: {reason}")
    assert text.endswith("; delete the file to have a new one made")
