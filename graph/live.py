"""What runs beside the requests so that followers hear of everything: the line to other workers, and the sweep."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import structlog

from services.server import Server

logger = structlog.get_logger("switchboard.live")


@asynccontextmanager
async def following(server: Server) -> AsyncIterator[None]:
    """Keeps followers told, for as long as the block runs."""
    server.line.on_connected(server.sweep.soon)
    tasks = [_start(server.line.run()), _start(server.sweep.run())]
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
