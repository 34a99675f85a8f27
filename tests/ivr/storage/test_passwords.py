"""Password hashing: the parameters, the thread, the bound on what waits."""

import asyncio
import threading
from typing import Literal

import pytest
from argon2 import PasswordHasher, Type, extract_parameters
from argon2.exceptions import VerifyMismatchError

from ivr.storage.passwords import BusyError, Passwords

PASSWORD = "correct horse battery"


class _HeldHasher(PasswordHasher):
    """A hasher whose checks wait until the test lets them go, and that counts how many run."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.release = threading.Event()
        self.threads: set[int] = set()
        self.running = self.most_running = 0
        self._lock = threading.Lock()

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:
        with self._lock:
            self.threads.add(threading.get_ident())
            self.running += 1
            self.most_running = max(self.most_running, self.running)
        self.release.wait()
        with self._lock:
            self.running -= 1
        raise VerifyMismatchError


async def test_hash_is_argon2id_of_rfc_9106_second_option() -> None:
    parameters = extract_parameters(await Passwords().hash(PASSWORD))
    assert (parameters.type, parameters.memory_cost) == (Type.ID, 64 * 1024)
    assert (parameters.time_cost, parameters.parallelism) == (3, 4)


async def test_only_the_password_itself_is_right(passwords: Passwords) -> None:
    stored = await passwords.hash(PASSWORD)
    assert await passwords.verify(stored, PASSWORD)
    assert not await passwords.verify(stored, PASSWORD + " ")
    assert await passwords.hash(PASSWORD) != stored


@pytest.mark.parametrize("stored", [None, "", "no hash at all", "$argon2id$v=19$m=8,t=1,p=1$x$y"])
async def test_nobody_and_a_damaged_hash_are_never_right(
    passwords: Passwords, stored: str | None
) -> None:
    assert not await passwords.verify(stored, "nobody's password")


async def test_two_at_once_off_the_event_loop_and_no_more_than_64_waiting() -> None:
    hasher = _HeldHasher()
    passwords = Passwords(hasher)
    checks = [asyncio.create_task(passwords.verify(None, PASSWORD)) for _ in range(65)]
    await asyncio.wait([checks[64]])
    with pytest.raises(BusyError):
        checks[64].result()
    hasher.release.set()
    assert await asyncio.gather(*checks[:64]) == [False] * 64
    assert 1 <= hasher.most_running <= 2
    assert threading.get_ident() not in hasher.threads
    assert not await passwords.verify(None, PASSWORD)
