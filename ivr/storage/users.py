"""Administering users. Every act is in the audit log, in the transaction that does it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from ivr.clock import Clock
from ivr.redaction import holds_card_number
from ivr.session.ports import User
from ivr.session.store import AuditEntry
from ivr.session.view import AgentId
from ivr.session.words import Role
from ivr.storage.audit import append
from ivr.storage.engine import Database
from ivr.storage.passwords import Passwords
from ivr.storage.tables import SignInRow, UserRow

_USERNAME: Final = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,63}", re.ASCII)

_LONGEST_DISPLAY_NAME: Final = 80


class UserRefusedError(ValueError):
    """A user cannot be created or changed as asked; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UserRecord:
    """One user as an admin sees it."""

    user: User

    active: bool

    locked_until: datetime | None
    "UTC; None where signing in has not failed too often. May lie in the past."

    created_at: datetime


class UserAdmin:
    """Create, change and list users. `by` is the admin's user name, or `cli`: it goes to the audit log.

    Methods raise :class:`StoreError`, and :class:`UserRefusedError` or :class:`PasswordRefusedError` with
    a text for the admin.
    """

    def __init__(self, database: Database, clock: Clock, passwords: Passwords) -> None:
        self._database = database
        self._clock = clock
        self._passwords = passwords

    async def create_user(
        self, username: str, *, display_name: str, password: str, roles: Iterable[Role], by: str
    ) -> User:
        """Store a new, active user and return it."""
        name, shown, granted = _checked(username, display_name, frozenset(roles))
        hashed = await self._passwords.hash(password)
        now = self._clock.utc_now()
        async with self._database.write("create a user") as write:
            if await write.get(UserRow, name) is not None:
                raise UserRefusedError(f"User {name} exists already.")
            await write.execute(
                insert(UserRow).values(
                    username=name,
                    display_name=shown,
                    password_hash=hashed,
                    roles=sorted(granted),
                    active=True,
                    failed_sign_ins=0,
                    locked_until=None,
                    created_at=now,
                    password_set_at=now,
                )
            )
            await self._note(write, "user.create", name, by, {"roles": " ".join(sorted(granted))})
        return User(agent=AgentId(name), display_name=shown, roles=granted)

    async def set_password(self, username: str, password: str, *, by: str) -> None:
        """Replace the password, lift a lock-out and end the user's sessions."""
        hashed = await self._passwords.hash(password)
        async with self._database.write("set a password") as write:
            user = await _existing(write, username)
            user.password_hash, user.password_set_at = hashed, self._clock.utc_now()
            user.failed_sign_ins, user.locked_until = 0, None
            await _end_sessions(write, user.username)
            await self._note(write, "user.set-password", user.username, by)

    async def deactivate(self, username: str, *, by: str) -> None:
        """Let the user sign in no more, and end the user's sessions. Users are never deleted: the log names them."""
        async with self._database.write("deactivate a user") as write:
            user = await _existing(write, username)
            user.active = False
            await _end_sessions(write, user.username)
            await self._note(write, "user.deactivate", user.username, by)

    async def list_users(self) -> list[UserRecord]:
        """Return all users by name, deactivated ones included."""
        rows = select(UserRow).order_by(UserRow.username)
        async with self._database.read("list users") as read:
            return [_record(row) for row in await read.scalars(rows)]

    async def _note(
        self,
        write: AsyncSession,
        what: str,
        target: str,
        by: str,
        detail: dict[str, str] | None = None,
    ) -> None:
        await append(
            write,
            AuditEntry(
                who=by,
                what=what,
                when=self._clock.utc_now(),
                success=True,
                origin="admin",
                target=target,
                detail=detail or {},
            ),
        )


def normal_username(text: str) -> str | None:
    """Return the user name as it is stored (lower case), or None for a text that can be nobody's."""
    name = text.strip().lower()
    return name if _USERNAME.fullmatch(name) and not holds_card_number(name) else None


def user_of(row: UserRow) -> User:
    """Return the user of a row."""
    roles = frozenset(Role(role) for role in row.roles)
    return User(agent=AgentId(row.username), display_name=row.display_name, roles=roles)


def _checked(
    username: str, display_name: str, roles: frozenset[Role]
) -> tuple[str, str, frozenset[Role]]:
    """Return normal user name, display name and roles; raise :class:`UserRefusedError`."""
    name, shown = normal_username(username), display_name.strip()
    if name is None:
        raise UserRefusedError(
            "A user name has 1 to 64 letters, digits or . _ @ + - and begins with a letter or digit."
        )
    if not 1 <= len(shown) <= _LONGEST_DISPLAY_NAME or not shown.isprintable():
        raise UserRefusedError(
            f"A display name has 1 to {_LONGEST_DISPLAY_NAME} printable characters."
        )
    if not roles:
        raise UserRefusedError(f"Give at least one role of: {', '.join(Role)}.")
    return name, shown, roles


async def _existing(session: AsyncSession, username: str) -> UserRow:
    name = normal_username(username)
    row = await session.get(UserRow, name) if name else None
    if row is None:
        raise UserRefusedError("There is no such user.")
    return row


async def _end_sessions(session: AsyncSession, name: str) -> None:
    await session.execute(delete(SignInRow).where(SignInRow.username == name))


def _record(row: UserRow) -> UserRecord:
    return UserRecord(
        user=user_of(row),
        active=row.active,
        locked_until=row.locked_until,
        created_at=row.created_at,
    )
