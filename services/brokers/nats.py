"""NATS as the broker: core publish and subscribe, without streams."""

import asyncio
from collections.abc import Callable
from typing import Any, Final

import nats
import structlog

from services.brokers.connections import ALIVE_SECONDS, Connection
from services.brokers.wires import Hear

SUBJECT: Final = "switchboard"
logger = structlog.get_logger("switchboard.broker")


class NatsBroker:
    """nats:// or tls://, several servers separated by commas."""

    name = "nats"

    def __init__(self, url: str) -> None:
        self._servers, self._connection = url.split(","), Connection(self.name)
        self._client: Any = None

    @property
    def is_connected(self) -> bool:
        return self._connection.is_up

    async def run(self, heard: Hear, connected: Callable[[], None]) -> None:
        """Listens until it is cancelled. A new client for each session: the library's own way back gives up."""

        async def session(up: Callable[[], None]) -> None:
            ended = asyncio.Event()

            async def over(*_error: object) -> None:
                ended.set()

            async def failed(error: Exception) -> None:
                logger.debug("broker failed", broker=self.name, error=repr(error))

            async def take(said: Any) -> None:
                heard(said.data)

            client = await nats.connect(
                self._servers,
                allow_reconnect=False,
                connect_timeout=int(ALIVE_SECONDS),
                ping_interval=int(ALIVE_SECONDS),
                max_outstanding_pings=1,
                error_cb=failed,
                disconnected_cb=over,
                closed_cb=over,
            )
            try:
                await client.subscribe(SUBJECT, cb=take)
                await client.flush(timeout=int(ALIVE_SECONDS))
                self._client = client
                up()
                connected()
                await ended.wait()
            finally:
                self._client = None
                await client.close()

        await self._connection.keep(session)

    async def publish(self, message: bytes) -> None:
        """Publishes to whoever listens now."""
        if self._client is None:
            raise ConnectionError("not connected")
        await self._client.publish(SUBJECT, message)
