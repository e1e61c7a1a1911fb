"""The broker of a server with one worker: there is nobody else to tell."""

import asyncio
from collections.abc import Callable

from services.brokers.wires import Hear


class LocalBroker:
    """Carries nothing: the hub has told its own followers already."""

    name = "local"
    is_connected = True

    def __init__(self) -> None:
        self._heard: Hear | None = None

    async def run(self, heard: Hear, connected: Callable[[], None]) -> None:
        """Waits to be cancelled."""
        self._heard = heard
        connected()
        await asyncio.Event().wait()

    async def publish(self, message: bytes) -> None:
        """What was sent is heard here as well, as it would be over any other broker."""
        if self._heard is not None:
            self._heard(message)
