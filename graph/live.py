"""What runs beside the requests so that followers hear of everything: the wire to other workers, the sweep, and the pruning of the log."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import structlog

from services.pruning import keep_pruned
from services.server import Server

logger = structlog.get_logger("switchboard.live")


@asynccontextmanager
async def following(server: Server, retention: timedelta) -> AsyncIterator[None]:
    """Keeps followers told, and what they resume from for as long as `retention`, while the block runs."""
    server.wire.on_connected(server.sweep.soon)
    tasks = [
        _start(server.wire.run()),
        _start(server.sweep.run()),
        _start(keep_pruned(server.database, retention)),
    ]
    try:
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
