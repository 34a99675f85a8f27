"""Signing in: `ivr.session.ports.Accounts` over the database.

Limits are those of PCI DSS 8.2.8 and 8.3.4: a session ends after fifteen idle minutes, ten failures in a
row lock a user for half an hour. Whoever asks learns nothing from the answer: a wrong password, an unknown or locked
or deactivated user all get None after the same work.
"""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy import delete, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from ivr.clock import Clock
from ivr.session.ports import User
from ivr.session.store import AuditEntry
from ivr.storage.audit import append
from ivr.storage.engine import Database
from ivr.storage.passwords import BusyError, Passwords
from ivr.storage.tables import SignInRow, UserRow
from ivr.storage.users import normal_username, user_of

IDLE_LIMIT: Final = timedelta(minutes=15)

ABSOLUTE_LIMIT: Final = timedelta(hours=12)
"Whatever happens: a working day."

FAILURES_ALLOWED: Final = 10

LOCK_OUT: Final = timedelta(minutes=30)

_SEEN_EVERY: Final = timedelta(seconds=30)
"How exactly idling is measured: not every request is worth an fsync. A session ends early by that much at most."

_SESSIONS_OF_A_USER: Final = 8
"Browsers signed in at once; the ones unseen longest make room."

_TOKEN_BYTES: Final = 32

_log = structlog.stdlib.get_logger(__name__)

_UNKNOWN: Final = "unknown"
"Written instead of a name that is nobody's: people type their password, or worse, into that box."


class UserAccounts:
    """Users signing in and out. Every attempt is in the audit log, in the transaction that counts it."""

    def __init__(self, database: Database, clock: Clock, passwords: Passwords) -> None:
        self._database = database
        self._clock = clock
        self._passwords = passwords

    async def sign_in(self, username: str, password: str, *, origin: str) -> str | None:
        """Return a fresh session token (256 bits, URL-safe), or None; raise :class:`StoreError`."""
        name = normal_username(username)
        async with self._database.read("sign in") as read:
            user = await read.get(UserRow, name) if name else None
        try:
            right = await self._passwords.verify(
                None if user is None else user.password_hash, password
            )
        except BusyError:
            _log.warning("sign-in refused: too many at once", origin=origin)
            return None
        async with self._database.write("sign in") as write:
            if user is None:
                await append(write, self._entry(_UNKNOWN, origin, "unknown user"))
                return None
            return await self._decide(write, user.username, right=right, origin=origin)

    async def find_user(self, token: str) -> User | None:
        """Return whose session this is and count it as used; None where it is unknown or has ended."""
        found = await self._look_up(token)
        if found is None:
            return None
        now = self._clock.utc_now()
        if now - found[0] >= _SEEN_EVERY:
            async with self._database.write("note a signed-in user") as write:
                seen = update(SignInRow).where(SignInRow.token_sha256 == _sha256(token))
                await write.execute(seen.values(last_seen_at=now))
        return found[1]

    async def peek_user(self, token: str) -> User | None:
        """Return the same without counting it as used."""
        found = await self._look_up(token)
        return None if found is None else found[1]

    async def _look_up(self, token: str) -> tuple[datetime, User] | None:
        """Return when the session was last used, and whose it is."""
        now = self._clock.utc_now()
        signed_in = select(SignInRow.last_seen_at, UserRow).join(
            UserRow, UserRow.username == SignInRow.username
        )
        signed_in = signed_in.where(
            SignInRow.token_sha256 == _sha256(token),
            SignInRow.last_seen_at > now - IDLE_LIMIT,
            SignInRow.created_at > now - ABSOLUTE_LIMIT,
            UserRow.active,
        )
        async with self._database.read("find a signed-in user") as read:
            found = (await read.execute(signed_in)).first()
        return None if found is None else (found.last_seen_at, user_of(found.UserRow))

    async def sign_out(self, token: str) -> None:
        """End the session; one that is unknown is no error."""
        ended = delete(SignInRow).where(SignInRow.token_sha256 == _sha256(token))
        async with self._database.write("sign out") as write:
            name = await write.scalar(ended.returning(SignInRow.username))
            if name is not None:
                await append(write, self._entry(name, "panel", what="user.sign-out"))

    async def _decide(
        self, write: AsyncSession, name: str, *, right: bool, origin: str
    ) -> str | None:
        """Count the attempt and answer it. The user is read again: others may have failed in the meantime."""
        user = await write.get_one(UserRow, name)
        refused = _judge(user, right=right, now=self._clock.utc_now())
        await append(write, self._entry(name, origin, refused))
        return None if refused else await self._begin(write, name)

    async def _begin(self, write: AsyncSession, name: str) -> str:
        """Store a new session, drop what has ended and what is too many, and return the token."""
        now, token = self._clock.utc_now(), secrets.token_urlsafe(_TOKEN_BYTES)
        over = or_(
            SignInRow.last_seen_at <= now - IDLE_LIMIT, SignInRow.created_at <= now - ABSOLUTE_LIMIT
        )
        await write.execute(delete(SignInRow).where(over))
        newest = select(SignInRow.token_sha256).where(SignInRow.username == name)
        newest = newest.order_by(SignInRow.last_seen_at.desc()).limit(_SESSIONS_OF_A_USER - 1)
        surplus = SignInRow.token_sha256.not_in(newest.scalar_subquery())
        await write.execute(delete(SignInRow).where(SignInRow.username == name, surplus))
        started = {"username": name, "created_at": now, "last_seen_at": now}
        await write.execute(insert(SignInRow).values(token_sha256=_sha256(token), **started))
        return token

    def _entry(
        self, who: str, origin: str, refused: str = "", *, what: str = "user.sign-in"
    ) -> AuditEntry:
        return AuditEntry(
            who=who,
            what=what,
            when=self._clock.utc_now(),
            success=not refused,
            origin=origin,
            target=who,
            detail={"reason": refused} if refused else {},
        )


def _judge(user: UserRow, *, right: bool, now: datetime) -> str:
    """Count this attempt on `user` and return why it is refused; empty where it is not."""
    if not user.active:
        return "deactivated"
    if user.locked_until is not None and user.locked_until > now:
        return "locked"
    if right:
        user.failed_sign_ins, user.locked_until = 0, None
        return ""
    user.failed_sign_ins += 1
    if user.failed_sign_ins < FAILURES_ALLOWED:
        return "wrong password"
    user.failed_sign_ins, user.locked_until = 0, now + LOCK_OUT
    return "wrong password, locked"


def _sha256(token: str) -> bytes:
    """Return what is stored of a token; it is random, so a plain hash is as good as a slow one."""
    return hashlib.sha256(token.encode()).digest()
