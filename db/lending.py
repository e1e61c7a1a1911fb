"""Lends the driver's own connections to those who read: SQLAlchemy's checkout costs more than a short read itself."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any


class Lender:
    """At most `size_max` connections, opened when needed; the one used last is lent first, so that the others may age.

    They keep no state between loans: whoever borrows reads in autocommit and sets nothing.
    """

    def __init__(
        self,
        connect: Callable[[], Awaitable[Any]],
        close: Callable[[Any], Awaitable[Any]],
        *,
        size_max: int,
        wait_seconds: float,
        idle_seconds: float,
    ) -> None:
        self._connect, self._close = connect, close
        self._size_max, self._wait_seconds, self._idle_seconds = size_max, wait_seconds, idle_seconds
        self._idle: list[tuple[Any, float]] = []
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._lent = 0

    @property
    def figures(self) -> tuple[int, int]:
        """How many are lent, and how many wait to be."""
        return self._lent, len(self._idle)

    async def take(self) -> Any:
        """A connection; TimeoutError where none came free in time, the driver's error where none can be opened."""
        while self._lent >= self._size_max:
            await self._wait()
        self._lent += 1
        if self._idle:
            return self._idle.pop()[0]
        # Nobody else can take its place meanwhile: it is counted before it is opened.
        try:
            return await self._connect()
        except BaseException:
            self._leave()
            raise

    def give(self, connection: Any) -> None:
        """Gives back a connection that is as it was."""
        self._idle.append((connection, time.monotonic()))
        self._leave()

    async def discard(self, connection: Any) -> None:
        """Gives back a connection that is broken, or may be."""
        self._leave()
        await self._close(connection)

    async def retire(self, *, all: bool = False) -> None:
        """Closes those that nobody has used for long; all that are not lent, where it says so."""
        limit = time.monotonic() - self._idle_seconds
        kept = [] if all else [(c, since) for c, since in self._idle if since >= limit]
        old = [c for c, since in self._idle if all or since < limit]
        self._idle = kept
        for connection in old:
            await self._close(connection)

    def _leave(self) -> None:
        self._lent -= 1
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return

    async def _wait(self) -> None:
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        try:
            async with asyncio.timeout(self._wait_seconds):
                await waiter
        except BaseException:
            # Woken and cancelled at once: somebody else has to be woken instead.
            if waiter.done() and not waiter.cancelled() and self._lent < self._size_max:
                self._leave_to_next()
            raise

    def _leave_to_next(self) -> None:
        self._lent += 1
        self._leave()
