"""How a broker stays connected: again and again, a little later each time, with one log line for each way."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

FIRST_WAIT_SECONDS: Final = 0.1
WAIT_SECONDS_MAX: Final = 2.0
"""A worker without a broker is late by a sweep: it tries often, and not at the same moment as the others."""
ALIVE_SECONDS: Final = 5.0
"""How often a quiet connection is asked whether it is still there, and how long it has to answer."""

logger = structlog.get_logger("switchboard.broker")


class Connection:
    """Whether a broker is connected, and the loop that sees to it."""

    def __init__(self, name: str) -> None:
        self.name, self.is_up = name, False
        self._told = False

    async def keep(self, session: Callable[[Callable[[], None]], Awaitable[None]]) -> None:
        """Runs `session(up)` for ever: it calls `up` once connected, and raises or returns when that is over."""
        wait = FIRST_WAIT_SECONDS
        while True:
            reason = "closed"
            try:
                await session(self._up)
            except Exception as error:
                reason = repr(error)
            if self.is_up:
                wait = FIRST_WAIT_SECONDS
            self._down(reason)
            await asyncio.sleep(wait * random.uniform(0.5, 1.5))
            wait = min(wait * 2, WAIT_SECONDS_MAX)

    def _up(self) -> None:
        self.is_up, self._told = True, False
        logger.info("broker connected", broker=self.name)

    def _down(self, reason: str) -> None:
        self.is_up = False
        if not self._told:
            self._told = True
            logger.warning(
                "broker away; followers look by themselves meanwhile", broker=self.name, error=reason
            )
