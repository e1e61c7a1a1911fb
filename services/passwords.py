"""Password hashes: Argon2id, with bcrypt accepted from elsewhere. Slow on purpose, so never on the event loop."""

import asyncio

from pwdlib import PasswordHash
from pwdlib.exceptions import UnknownHashError
from pwdlib.hashers.argon2 import Argon2Hasher
from pwdlib.hashers.bcrypt import BcryptHasher

AT_ONCE_MAX = 2
"""Each hash takes a core for about 0.1 s and 64 MiB."""
LENGTH_MIN, LENGTH_MAX = 10, 256


class Passwords:
    """Hashes and checks passwords in threads, at most AT_ONCE_MAX at a time."""

    def __init__(self) -> None:
        self._hasher = PasswordHash((Argon2Hasher(), BcryptHasher()))
        self._turns = asyncio.Semaphore(AT_ONCE_MAX)
        self._nobody: str | None = None

    async def hash(self, password: str) -> str:
        """An Argon2id hash."""
        async with self._turns:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def check(self, password: str, hashed: str | None) -> tuple[bool, str | None]:
        """Whether the password is right, and a new hash where the old is of an older kind.

        Without a hash (no such user, or one without a password) it takes as long and is wrong.
        """
        if self._nobody is None:
            self._nobody = await self.hash("nobody's password")
        async with self._turns:
            return await asyncio.to_thread(self._verify, password, hashed)

    def _verify(self, password: str, hashed: str | None) -> tuple[bool, str | None]:
        try:
            right, renewed = self._hasher.verify_and_update(password, hashed or self._nobody or "")
        except (UnknownHashError, ValueError):
            return False, None
        return (right, renewed) if hashed else (False, None)
