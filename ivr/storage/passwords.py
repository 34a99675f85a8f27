"""Password hashing with argon2id, off the event loop, a bounded number at a time."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Final, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

MINIMUM_LENGTH: Final = 12
"PCI DSS 8.3.6."

_MAXIMUM_LENGTH: Final = 256
"Longer than any password manager makes, short enough to cost nothing."

_AT_ONCE: Final = 2
"Hashes computed at the same time: each takes 64 MiB and most of a tenth of a second of a core."

_WAITING: Final = 64
"Sign-ins that wait for a turn, about three seconds of work; more is an attack, and is refused at once."

_Answer = TypeVar("_Answer")


class PasswordRefusedError(ValueError):
    """A password cannot be used; the text says what is asked for, never the password."""


class BusyError(Exception):
    """Too many passwords wait to be checked."""


class Passwords:
    """Hashes and checks passwords. Parameters: RFC 9106's second recommended option (64 MiB, 3 passes)."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._waiting = 0
        self._nobodys: str | None = None

    async def hash(self, password: str) -> str:
        """Return the hash in PHC string format; raise :class:`PasswordRefusedError` or :class:`BusyError`."""
        if len(password) < MINIMUM_LENGTH:
            raise PasswordRefusedError(f"A password needs at least {MINIMUM_LENGTH} characters.")
        if len(password) > _MAXIMUM_LENGTH:
            raise PasswordRefusedError(f"A password has at most {_MAXIMUM_LENGTH} characters.")
        return await self._in_thread(partial(self._hasher.hash, password))

    async def verify(self, stored: str | None, password: str) -> bool:
        """Return whether `password` is the one of the hash; None (nobody) takes as long and is never right.

        Raise :class:`BusyError` where too many wait already.
        """
        return await self._in_thread(partial(self._verify, stored, password[:_MAXIMUM_LENGTH]))

    def _verify(self, stored: str | None, password: str) -> bool:
        if self._nobodys is None:  # once, and with our own parameters: it has to take as long
            self._nobodys = self._hasher.hash("nobody's password")
        try:
            self._hasher.verify(self._nobodys if stored is None else stored, password)
        except (VerificationError, InvalidHashError):
            return False
        return stored is not None

    async def _in_thread(self, work: Callable[[], _Answer]) -> _Answer:
        if self._waiting >= _WAITING:
            raise BusyError("too many passwords wait to be checked")
        self._waiting += 1
        try:
            async with self._turns:
                return await asyncio.to_thread(work)
        finally:
            self._waiting -= 1
