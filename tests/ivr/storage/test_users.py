"""Administering users: what is refused and why, and that every act is in the log."""

import pytest

from ivr.session.words import Role
from ivr.storage.accounts import UserAccounts
from ivr.storage.audit import AuditTrail
from ivr.storage.engine import Database
from ivr.storage.passwords import PasswordRefusedError, Passwords
from ivr.storage.users import UserAdmin, UserRefusedError
from tests.support.canary import CANARY_CARD
from tests.support.clock import ManualClock

PASSWORD = "correct horse battery"


@pytest.fixture
def admin(database: Database, manual_clock: ManualClock, passwords: Passwords) -> UserAdmin:
    return UserAdmin(database, manual_clock, passwords)


@pytest.fixture
def accounts(database: Database, manual_clock: ManualClock, passwords: Passwords) -> UserAccounts:
    return UserAccounts(database, manual_clock, passwords)


async def _create(
    admin: UserAdmin,
    name: str = "anna",
    *,
    shown: str = "Anna",
    password: str = PASSWORD,
    roles: tuple[Role, ...] = (Role.AGENT,),
) -> None:
    await admin.create_user(name, display_name=shown, password=password, roles=roles, by="root")


async def _acts(database: Database) -> list[tuple[str, str, str]]:
    entries = await AuditTrail(database).recent(limit=100)
    return [(entry.who, entry.what, entry.target) for entry in reversed(entries)]


async def test_created_users_are_listed_by_name(
    admin: UserAdmin, manual_clock: ManualClock
) -> None:
    await _create(admin, "Bert", roles=(Role.ADMIN, Role.AGENT))
    await _create(admin, "anna")
    anna, bert = await admin.list_users()
    assert (anna.user.agent, bert.user.agent) == ("anna", "bert")
    assert bert.user.roles == {Role.ADMIN, Role.AGENT}
    assert (anna.active, anna.locked_until) == (True, None)
    assert anna.created_at == manual_clock.utc_now()


async def test_user_that_exists_is_refused(admin: UserAdmin) -> None:
    await _create(admin, "anna")
    with pytest.raises(UserRefusedError, match="anna exists already"):
        await _create(admin, "ANNA")


@pytest.mark.parametrize("name", ["", " ", "an na", "-anna", "änna", "a" * 65, CANARY_CARD])
async def test_name_that_cannot_be_used_is_refused_without_repeating_it(
    admin: UserAdmin, name: str
) -> None:
    with pytest.raises(UserRefusedError, match="A user name has 1 to 64") as refused:
        await _create(admin, name)
    assert CANARY_CARD not in str(refused.value)


@pytest.mark.parametrize("shown", ["", "  ", "a\nb", "a" * 81])
async def test_display_name_that_cannot_be_shown_is_refused(admin: UserAdmin, shown: str) -> None:
    with pytest.raises(UserRefusedError, match="display name has 1 to 80"):
        await _create(admin, shown=shown)


async def test_user_without_a_role_is_refused(admin: UserAdmin) -> None:
    with pytest.raises(UserRefusedError, match="agent, supervisor, admin"):
        await _create(admin, roles=())


async def test_short_password_is_refused_with_the_length_that_is_needed(admin: UserAdmin) -> None:
    await _create(admin, "bert", password="123456789abc")
    with pytest.raises(PasswordRefusedError, match="at least 12 characters") as refused:
        await _create(admin, password="123456789ab")
    assert "123456789" not in str(refused.value)
    with pytest.raises(PasswordRefusedError, match="at least 12 characters"):
        await admin.set_password("bert", "short", by="root")
    with pytest.raises(PasswordRefusedError, match="at most 256 characters"):
        await admin.set_password("bert", "x" * 257, by="root")


async def test_new_password_ends_sessions_and_lifts_a_lock_out(
    admin: UserAdmin, accounts: UserAccounts
) -> None:
    await _create(admin)
    token = await accounts.sign_in("anna", PASSWORD, origin="")
    assert token is not None
    for _ in range(10):
        await accounts.sign_in("anna", "wrong", origin="")
    assert (await admin.list_users())[0].locked_until is not None
    await admin.set_password("anna", "another long password", by="root")
    assert await accounts.find_user(token) is None
    assert await accounts.sign_in("anna", PASSWORD, origin="") is None
    assert await accounts.sign_in("anna", "another long password", origin="") is not None


async def test_deactivated_user_is_out_at_once_and_stays_listed(
    admin: UserAdmin, accounts: UserAccounts
) -> None:
    await _create(admin)
    token = await accounts.sign_in("anna", PASSWORD, origin="")
    assert token is not None
    await admin.deactivate("anna", by="root")
    assert await accounts.find_user(token) is None
    assert await accounts.sign_in("anna", PASSWORD, origin="") is None
    assert [record.active for record in await admin.list_users()] == [False]


async def test_unknown_user_cannot_be_changed(admin: UserAdmin, database: Database) -> None:
    with pytest.raises(UserRefusedError, match="no such user"):
        await admin.deactivate("anna", by="root")
    with pytest.raises(UserRefusedError, match="no such user"):
        await admin.set_password("anna", PASSWORD, by="root")
    assert await _acts(database) == []


async def test_every_act_is_audited_with_who_did_it(admin: UserAdmin, database: Database) -> None:
    await _create(admin)
    await admin.set_password("anna", PASSWORD, by="root")
    await admin.deactivate("anna", by="root")
    assert await _acts(database) == [
        ("root", "user.create", "anna"),
        ("root", "user.set-password", "anna"),
        ("root", "user.deactivate", "anna"),
    ]
