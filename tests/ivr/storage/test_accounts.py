"""Signing in and out: the limits of PCI DSS 8.2.8 and 8.3.4, and what nobody may learn from an answer."""

import asyncio
import sqlite3
from contextlib import closing

import pytest
from argon2 import PasswordHasher

from ivr.session.ports import Accounts, User
from ivr.session.view import AgentId
from ivr.session.words import Role
from ivr.storage.accounts import ABSOLUTE_LIMIT, IDLE_LIMIT, LOCK_OUT, UserAccounts
from ivr.storage.audit import AuditTrail
from ivr.storage.engine import Database
from ivr.storage.passwords import BusyError, Passwords
from ivr.storage.users import UserAdmin
from tests.support.canary import CANARY_CARD
from tests.support.clock import ManualClock

PASSWORD = "correct horse battery"
WRONG = "incorrect horse battery"


@pytest.fixture
async def admin(database: Database, manual_clock: ManualClock, passwords: Passwords) -> UserAdmin:
    """User administration with one agent, anna."""
    admin = UserAdmin(database, manual_clock, passwords)
    await admin.create_user(
        "anna", display_name="Anna", password=PASSWORD, roles=[Role.AGENT], by="cli"
    )
    return admin


@pytest.fixture
def accounts(
    admin: UserAdmin, database: Database, manual_clock: ManualClock, passwords: Passwords
) -> Accounts:
    return UserAccounts(database, manual_clock, passwords)


async def _signed_in(accounts: Accounts) -> str:
    token = await accounts.sign_in("anna", PASSWORD, origin="192.0.2.1")
    assert token is not None
    return token


async def _fail(accounts: Accounts, times: int) -> None:
    for _ in range(times):
        assert await accounts.sign_in("anna", WRONG, origin="192.0.2.1") is None


async def _last_act(database: Database) -> tuple[str, str, bool, dict[str, str]]:
    (entry,) = await AuditTrail(database).recent(limit=1)
    return entry.what, entry.who, entry.success, entry.detail


async def test_right_password_gives_a_token_that_names_the_user(accounts: Accounts) -> None:
    token = await _signed_in(accounts)
    assert await accounts.find_user(token) == User(
        agent=AgentId("anna"), display_name="Anna", roles=frozenset({Role.AGENT})
    )
    assert await accounts.find_user(token[:-1]) is None
    assert await accounts.find_user("") is None


async def test_name_is_read_without_case_and_surrounding_space(accounts: Accounts) -> None:
    assert await accounts.sign_in(" Anna ", PASSWORD, origin="") is not None


@pytest.mark.parametrize(
    ("name", "password"),
    [("anna", WRONG), ("anna", ""), ("bert", PASSWORD), ("", PASSWORD), ("an\x00na", PASSWORD)],
)
async def test_anything_else_gives_none(accounts: Accounts, name: str, password: str) -> None:
    assert await accounts.sign_in(name, password, origin="") is None


async def test_each_sign_in_has_its_own_token_of_256_bits(accounts: Accounts) -> None:
    tokens = {await _signed_in(accounts) for _ in range(3)}
    assert len(tokens) == 3
    assert all(len(token) == 43 for token in tokens)


async def test_neither_token_nor_password_is_in_the_file(
    accounts: Accounts, database: Database
) -> None:
    token = await _signed_in(accounts)
    with closing(sqlite3.connect(database.path)) as connection:
        dump = "\n".join(connection.iterdump())
    assert "anna" in dump
    assert token not in dump
    assert PASSWORD not in dump
    assert "$argon2id$" in dump


class TestSessionLimits:
    async def test_idle_session_ends_after_fifteen_minutes(
        self, accounts: Accounts, manual_clock: ManualClock
    ) -> None:
        token = await _signed_in(accounts)
        manual_clock.advance(IDLE_LIMIT.total_seconds())
        assert await accounts.find_user(token) is None

    async def test_used_session_goes_on(
        self, accounts: Accounts, manual_clock: ManualClock
    ) -> None:
        token = await _signed_in(accounts)
        for _ in range(4):
            manual_clock.advance(IDLE_LIMIT.total_seconds() - 1)
            assert await accounts.find_user(token) is not None

    async def test_session_that_is_only_looked_at_ends_all_the_same(
        self, accounts: Accounts, manual_clock: ManualClock
    ) -> None:
        token = await _signed_in(accounts)
        manual_clock.advance(IDLE_LIMIT.total_seconds() - 1)
        assert await accounts.peek_user(token) is not None
        manual_clock.advance(1)
        assert await accounts.peek_user(token) is None
        assert await accounts.find_user(token) is None

    async def test_busy_session_ends_no_more_than_half_a_minute_early(
        self, accounts: Accounts, manual_clock: ManualClock
    ) -> None:
        token = await _signed_in(accounts)
        manual_clock.advance(29)
        assert await accounts.find_user(token) is not None
        manual_clock.advance(IDLE_LIMIT.total_seconds() - 30)
        assert await accounts.find_user(token) is not None

    async def test_used_session_ends_after_twelve_hours(
        self, accounts: Accounts, manual_clock: ManualClock
    ) -> None:
        token = await _signed_in(accounts)
        quarters = int(ABSOLUTE_LIMIT / (IDLE_LIMIT / 3))
        for _ in range(quarters - 1):
            manual_clock.advance(IDLE_LIMIT.total_seconds() / 3)
            assert await accounts.find_user(token) is not None
        manual_clock.advance(IDLE_LIMIT.total_seconds() / 3)
        assert await accounts.find_user(token) is None

    async def test_signing_out_ends_this_session_only(
        self, accounts: Accounts, database: Database
    ) -> None:
        first, second = await _signed_in(accounts), await _signed_in(accounts)
        await accounts.sign_out(first)
        assert await accounts.find_user(first) is None
        assert await accounts.find_user(second) is not None
        assert await _last_act(database) == ("user.sign-out", "anna", True, {})

    async def test_signing_out_twice_is_no_error(self, accounts: Accounts) -> None:
        token = await _signed_in(accounts)
        await accounts.sign_out(token)
        await accounts.sign_out(token)

    async def test_ninth_browser_replaces_the_one_unseen_longest(
        self, accounts: Accounts, manual_clock: ManualClock
    ) -> None:
        tokens = []
        for _ in range(9):
            tokens.append(await _signed_in(accounts))
            manual_clock.advance(1)
        found = [await accounts.find_user(token) for token in tokens]
        assert [user is None for user in found] == [True] + [False] * 8

    async def test_ended_sessions_do_not_pile_up(
        self, accounts: Accounts, manual_clock: ManualClock, database: Database
    ) -> None:
        for _ in range(3):
            await _signed_in(accounts)
            manual_clock.advance(IDLE_LIMIT.total_seconds())
        await _signed_in(accounts)
        with closing(sqlite3.connect(database.path)) as connection:
            assert connection.execute("SELECT count(*) FROM sign_ins").fetchone() == (1,)


class TestLockOut:
    async def test_ten_failures_lock_for_half_an_hour(
        self, accounts: Accounts, manual_clock: ManualClock
    ) -> None:
        await _fail(accounts, 10)
        assert await accounts.sign_in("anna", PASSWORD, origin="") is None
        manual_clock.advance(LOCK_OUT.total_seconds() - 1)
        assert await accounts.sign_in("anna", PASSWORD, origin="") is None
        manual_clock.advance(1)
        assert await accounts.sign_in("anna", PASSWORD, origin="") is not None

    async def test_nine_failures_do_not(self, accounts: Accounts) -> None:
        await _fail(accounts, 9)
        await _signed_in(accounts)

    async def test_success_starts_the_count_again(self, accounts: Accounts) -> None:
        for _ in range(2):
            await _fail(accounts, 9)
            await _signed_in(accounts)

    async def test_count_starts_again_after_a_lock_out(
        self, accounts: Accounts, manual_clock: ManualClock
    ) -> None:
        await _fail(accounts, 10)
        manual_clock.advance(LOCK_OUT.total_seconds())
        await _fail(accounts, 9)
        await _signed_in(accounts)

    async def test_failures_count_over_restarts(
        self,
        accounts: Accounts,
        database: Database,
        manual_clock: ManualClock,
        passwords: Passwords,
    ) -> None:
        await _fail(accounts, 9)
        again = UserAccounts(database, manual_clock, passwords)
        await _fail(again, 1)
        assert await again.sign_in("anna", PASSWORD, origin="") is None

    async def test_guesses_sent_all_at_once_are_counted_one_by_one(
        self, accounts: Accounts
    ) -> None:
        await asyncio.gather(*(_fail(accounts, 1) for _ in range(10)))
        assert await accounts.sign_in("anna", PASSWORD, origin="") is None

    async def test_running_session_outlives_a_lock_out(self, accounts: Accounts) -> None:
        token = await _signed_in(accounts)
        await _fail(accounts, 10)
        assert await accounts.find_user(token) is not None


class TestAudit:
    async def test_success_is_audited_with_its_origin(
        self, accounts: Accounts, database: Database
    ) -> None:
        await _signed_in(accounts)
        (entry,) = await AuditTrail(database).recent(limit=1)
        assert (entry.what, entry.who, entry.success) == ("user.sign-in", "anna", True)
        assert entry.origin == "192.0.2.1"

    async def test_failures_are_audited_with_their_reason(
        self, accounts: Accounts, database: Database
    ) -> None:
        await _fail(accounts, 11)
        reasons = [entry.detail["reason"] for entry in await AuditTrail(database).recent(limit=11)]
        assert reasons == ["locked", "wrong password, locked"] + ["wrong password"] * 9

    @pytest.mark.parametrize("typed", ["my-secret-password1", CANARY_CARD, f"a{CANARY_CARD}"])
    async def test_what_is_nobodys_name_is_not_written_down(
        self, accounts: Accounts, database: Database, typed: str
    ) -> None:
        await accounts.sign_in(typed, PASSWORD, origin="")
        act = await _last_act(database)
        assert act == ("user.sign-in", "unknown", False, {"reason": "unknown user"})


class TestNothingIsLearned:
    @pytest.mark.parametrize("name", ["anna", "locked", "gone", "nobody", "no name!"])
    async def test_every_attempt_checks_exactly_one_password(
        self,
        accounts: Accounts,
        admin: UserAdmin,
        monkeypatch: pytest.MonkeyPatch,
        name: str,
    ) -> None:
        for other in ("locked", "gone"):
            await admin.create_user(
                other, display_name="x", password=PASSWORD, roles=[Role.AGENT], by="cli"
            )
        await admin.deactivate("gone", by="cli")
        for _ in range(10):
            await accounts.sign_in("locked", WRONG, origin="")
        checked: list[bool] = []
        verify = PasswordHasher.verify

        def counted(hasher: PasswordHasher, stored: str, password: str) -> bool:
            checked.append(True)
            return verify(hasher, stored, password)

        monkeypatch.setattr(PasswordHasher, "verify", counted)
        answer = await accounts.sign_in(name, PASSWORD, origin="")
        assert (answer is None) == (name != "anna")
        assert checked == [True]

    async def test_more_waiting_sign_ins_than_fit_are_refused(
        self, accounts: Accounts, passwords: Passwords, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def busy(stored: str | None, password: str) -> bool:
            raise BusyError

        monkeypatch.setattr(passwords, "verify", busy)
        assert await accounts.sign_in("anna", PASSWORD, origin="") is None
