"""Ends what takes too long: one timer looks at all that runs, for one of each's own costs more than a short read does."""

import asyncio
from types import TracebackType
from typing import Final

LOOK_SECONDS: Final = 0.1
"""How late one may be."""
SHORT_SECONDS: Final = 1.0
"""What is shorter has a timer of its own, and ends to the point."""


class Deadlines:
    """Deadlines that one timer of the event loop keeps, running while there are any."""

    def __init__(self) -> None:
        self._open: set[Deadline] = set()
        self._loop: asyncio.AbstractEventLoop | None = None

    def within(self, seconds: float | None) -> "Deadline":
        """`async with` it: TimeoutError where the block takes longer, as of asyncio.timeout; None is for ever."""
        return Deadline(self, seconds)

    def add(self, deadline: "Deadline") -> float:
        """Keeps one from now on; the time of the loop."""
        loop = asyncio.get_running_loop()
        self._open.add(deadline)
        if self._loop is not loop:
            self._loop = loop
            loop.call_later(LOOK_SECONDS, self._look)
        return loop.time()

    def discard(self, deadline: "Deadline") -> None:
        """Keeps it no longer."""
        self._open.discard(deadline)

    def _look(self) -> None:
        assert self._loop is not None
        time = self._loop.time()
        for deadline in [deadline for deadline in self._open if deadline.ends_at <= time]:
            self._open.discard(deadline)
            deadline.timeout.reschedule(time)
        if self._open:
            self._loop.call_later(LOOK_SECONDS, self._look)
        else:
            self._loop = None


class Deadline:
    """The end of one block."""

    __slots__ = ("_all", "_seconds", "ends_at", "timeout")

    def __init__(self, all: Deadlines, seconds: float | None) -> None:
        self._all, self._seconds = all, seconds
        self.timeout = asyncio.Timeout(None)
        self.ends_at = 0.0
        """On the loop's clock."""

    async def __aenter__(self) -> None:
        await self.timeout.__aenter__()
        if self._seconds is None:
            return
        if self._seconds < SHORT_SECONDS:
            self.timeout.reschedule(asyncio.get_running_loop().time() + self._seconds)
        else:
            self.ends_at = self._all.add(self) + self._seconds

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._all.discard(self)
        await self.timeout.__aexit__(kind, error, traceback)
