"""Passwords: argon2id, in threads and a few at a time, and what a password must be."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from penstock.identity.models import User
from penstock.kit import errors

T = TypeVar("T")
# OWASP's first choice for argon2id: 19 MiB, two passes, one lane.
_HASHER: Final = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
# Of nobody's password, made with the same parameters: an unknown account takes as long as a wrong password.
_NOBODY: Final = (
    "$argon2id$v=19$m=19456,t=2,p=1$+eg7C27KxPMB6g3wckVYZQ$0ALxFajjfiMisYKMsetBKZ9ltAFqgLC115zS+XgOwjc"
)
# Bounds memory: each hash under way takes 19 MiB and a processor.
_AT_ONCE = 2
_MOST_WAITING = 100
LONGEST = 1024  # characters


class Passwords:
    """Hashes and verifies for one process."""

    def __init__(self) -> None:
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._waiting = 0

    async def hash(self, password: str) -> str:
        return await self._run(lambda: _HASHER.hash(password))

    async def verify(self, hashed: str | None, password: str) -> bool:
        """True when it is the password; False for a user who has none, after the same time."""
        matches = await self._run(lambda: _matches(hashed or _NOBODY, password))
        return matches and hashed is not None

    def outdated(self, hashed: str) -> bool:
        """True when the hash was made with other parameters than today's."""
        return _HASHER.check_needs_rehash(hashed)

    async def _run(self, work: Callable[[], T]) -> T:
        if self._waiting >= _MOST_WAITING:
            raise errors.Unavailable("Too many people are signing in at once; try again shortly.")
        self._waiting += 1
        try:
            async with self._slots:
                return await asyncio.to_thread(work)
        finally:
            self._waiting -= 1


def check(password: str, least: int, user: User | None = None, *, field: str = "password") -> None:
    """Raises `Invalid` when this may not become the password (of this user)."""
    complaints: list[str] = []
    if len(password) < least:
        complaints.append(f"A password has at least {least} characters.")
    if len(password) > LONGEST:
        complaints.append(f"A password has at most {LONGEST:,} characters.")
    names = (user.username, user.email or "") if user else ()
    if password and password.casefold() in {name.casefold() for name in names}:
        complaints.append("The password must differ from the username and the e-mail address.")
    if complaints:
        raise errors.Invalid({field: complaints})


def _matches(hashed: str, password: str) -> bool:
    try:
        return _HASHER.verify(hashed, password)
    except (VerificationError, InvalidHashError):
        return False
