"""Lends the driver's own connections to those who read: SQLAlchemy's checkout costs more than a short read itself."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from db.deadlines import Deadlines
from db.faults import DatabaseFault, FaultKind


class Lender:
    """At most `size_max` connections, opened when needed; the one used last is lent first, so that the others may age.

    They keep no state between loans: whoever borrows reads in autocommit and sets nothing.
    """

    def __init__(
        self,
        connect: Callable[[], Awaitable[Any]],
        close: Callable[[Any], Awaitable[Any]],
        is_open: Callable[[Any], bool],
        *,
        size_max: int,
        wait_seconds: float,
        idle_seconds: float,
        deadlines: Deadlines,
    ) -> None:
        self._connect, self._close, self._is_open = connect, close, is_open
        self.size_max, self._wait_seconds, self._idle_seconds = size_max, wait_seconds, idle_seconds
        self._deadlines = deadlines
        self._idle: list[tuple[Any, float]] = []
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._lent = 0

    @property
    def figures(self) -> tuple[int, int]:
        """How many are lent, and how many wait to be."""
        return self._lent, len(self._idle)

    @property
    def waiting(self) -> int:
        """How many wait for one that is lent."""
        return len(self._waiting)

    async def take(self) -> Any:
        """A connection; DatabaseFault where none came free in time, the driver's error where none can be opened."""
        if self._lent < self.size_max:
            self._lent += 1
        else:
            await self._wait()
        while self._idle:
            connection, _ = self._idle.pop()
            # A server that was restarted has closed all that were waiting here.
            if self._is_open(connection):
                return connection
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
        old = [(c, since) for c, since in self._idle if all or since < limit]
        self._idle = [waiting for waiting in self._idle if waiting not in old]
        for connection, _ in old:
            await self._close(connection)

    def _leave(self) -> None:
        """The place goes to who has waited longest."""
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return
        self._lent -= 1

    async def _wait(self) -> None:
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        try:
            with self._deadlines.within(self._wait_seconds):
                await waiter
        except BaseException as error:
            if waiter.done() and not waiter.cancelled():
                # Given the place and cancelled at once: somebody else has to have it.
                self._leave()
            if isinstance(error, TimeoutError):
                raise DatabaseFault(FaultKind.BUSY) from error
            raise
