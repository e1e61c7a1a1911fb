"""Work in the database that goes on when who asked for it has left: a statement cut short costs its connection."""

import asyncio
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

T = TypeVar("T")

END_WAIT_SECONDS: Final = 5.0
"""How long the end of the process waits for what is still at work."""
_at_work: set[asyncio.Task[Any]] = set()


async def shielded(work: Coroutine[Any, Any, T]) -> T:
    """The result of the work, which is carried through even when the caller is cancelled meanwhile."""
    task = asyncio.ensure_future(work)
    _at_work.add(task)
    task.add_done_callback(_at_work.discard)
    return await asyncio.shield(task)


async def all_done() -> None:
    """Until nothing is at work any more that somebody has left behind, within a bound."""
    here = asyncio.get_running_loop()
    left = [task for task in _at_work if task.get_loop() is here]
    if left:
        await asyncio.wait(left, timeout=END_WAIT_SECONDS)
