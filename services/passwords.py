"""Password hashes: Argon2id, with bcrypt accepted. Slow on purpose, so never on the event loop."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from pwdlib import PasswordHash
from pwdlib.exceptions import UnknownHashError
from pwdlib.hashers.argon2 import Argon2Hasher
from pwdlib.hashers.bcrypt import BcryptHasher

T = TypeVar("T")

AT_ONCE_MAX = 2
"""Each hash takes a core for about 0.1 s and 64 MiB."""
LENGTH_MIN, LENGTH_MAX = 10, 256


class Passwords:
    """Hashes and checks passwords in threads of its own, at most AT_ONCE_MAX at a time."""

    def __init__(self, argon2: Argon2Hasher | None = None) -> None:
        self._hasher = PasswordHash((argon2 or Argon2Hasher(), BcryptHasher()))
        # Threads and not a semaphore: who gives up waiting would free a place whose core is still busy.
        self._threads = ThreadPoolExecutor(AT_ONCE_MAX, thread_name_prefix="passwords")
        self._nobody: str | None = None

    async def hash(self, password: str) -> str:
        """An Argon2id hash."""
        return await self._in_thread(self._hasher.hash, password)

    async def check(self, password: str, hashed: str | None) -> tuple[bool, str | None]:
        """Whether the password is right, and a new hash where the old is of an older kind.

        Without a hash (no such user, or one without a password) it takes as long and is wrong.
        """
        if self._nobody is None:
            self._nobody = await self.hash("nobody's password")
        return await self._in_thread(self._verify, password, hashed)

    async def _in_thread(self, function: Callable[..., T], *args: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, function, *args)

    def _verify(self, password: str, hashed: str | None) -> tuple[bool, str | None]:
        try:
            right, renewed = self._hasher.verify_and_update(password, hashed or self._nobody or "")
        except (UnknownHashError, ValueError):
            return False, None
        return (right, renewed) if hashed else (False, None)
