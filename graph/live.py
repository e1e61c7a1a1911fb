"""What runs beside the requests so that followers hear of everything: the wire to other workers, the sweep, and the pruning of the log."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any, Final

import structlog

from services.pruning import keep_pruned
from services.server import Server

CONNECT_SECONDS: Final = 2.0
"""How long a start waits for the broker."""

logger = structlog.get_logger("switchboard.live")


@asynccontextmanager
async def following(server: Server, retention: timedelta) -> AsyncIterator[None]:
    """Keeps followers told, and what they resume from for as long as `retention`, while the block runs."""
    connected = asyncio.Event()
    server.wire.on_connected(server.sweep.soon)
    server.wire.on_connected(connected.set)
    tasks = [
        _start(server.wire.run()),
        _start(server.sweep.run()),
        _start(keep_pruned(server.database, retention)),
    ]
    try:
        with suppress(TimeoutError):
            # A moment, so that whoever comes first finds the broker there; without it the worker serves as well.
            async with asyncio.timeout(CONNECT_SECONDS):
                await connected.wait()
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _start(work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
    task = asyncio.create_task(work)
    task.add_done_callback(_told)
    return task


def _told(task: "asyncio.Task[None]") -> None:
    """None of them ends by itself; where one does, that is in the log, and the others go on."""
    if not task.cancelled() and task.exception() is not None:
        logger.error("live delivery lost a part", error=repr(task.exception()))
