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
        """`with` it: TimeoutError where what is awaited in the block takes longer; None is for ever."""
        return Deadline(self, seconds)

    def add(self, deadline: "Deadline", loop: asyncio.AbstractEventLoop) -> None:
        """Keeps one from now on."""
        self._open.add(deadline)
        if self._loop is not loop:
            self._loop = loop
            loop.call_later(LOOK_SECONDS, self._look)

    def discard(self, deadline: "Deadline") -> None:
        """Keeps it no longer."""
        self._open.discard(deadline)

    def _look(self) -> None:
        assert self._loop is not None
        time = self._loop.time()
        over = [deadline for deadline in self._open if deadline.ends_at <= time]
        self._open.difference_update(over)
        if self._open:
            self._loop.call_later(LOOK_SECONDS, self._look)
        else:
            self._loop = None
        for deadline in over:
            deadline.end()


class Deadline:
    """The end of one block, entered once. It cancels its task, and takes that back, as asyncio.Timeout does."""

    __slots__ = ("_all", "_cancelled_before", "_is_over", "_seconds", "_task", "_timer", "ends_at")

    def __init__(self, all: Deadlines, seconds: float | None) -> None:
        self._all, self._seconds = all, seconds
        self._is_over = False
        self._timer: asyncio.TimerHandle | None = None
        self.ends_at = 0.0
        """On the loop's clock."""

    def __enter__(self) -> None:
        if self._seconds is None:
            return
        loop = asyncio.get_running_loop()
        task = asyncio.current_task(loop)
        assert task is not None
        self._task, self._cancelled_before = task, task.cancelling()
        self.ends_at = loop.time() + self._seconds
        if self._seconds < SHORT_SECONDS:
            self._timer = loop.call_at(self.ends_at, self.end)
        else:
            self._all.add(self, loop)

    def end(self) -> None:
        """Breaks the block off."""
        self._is_over = True
        self._task.cancel()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._all.discard(self)
        # Who was cancelled by somebody else as well stays cancelled.
        is_ours = self._is_over and self._task.uncancel() <= self._cancelled_before
        if is_ours and kind is asyncio.CancelledError:
            raise TimeoutError from error
