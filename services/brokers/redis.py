"""Redis as the broker: publish and subscribe, connected again by a loop of ours."""

import asyncio
from collections.abc import Callable
from typing import Any, Final

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from services.brokers.connections import ALIVE_SECONDS, Connection
from services.brokers.wires import Hear

CHANNEL: Final = "switchboard"


class RedisBroker:
    """redis:// or rediss://, with database, user and password in the URL as usual."""

    name = "redis"

    def __init__(self, url: str) -> None:
        self._url, self._connection = url, Connection(self.name)
        self._client: Any = None

    @property
    def is_connected(self) -> bool:
        return self._connection.is_up

    async def run(self, heard: Hear, connected: Callable[[], None]) -> None:
        """Listens until it is cancelled."""

        async def session(up: Callable[[], None]) -> None:
            async with (
                Redis.from_url(
                    self._url,
                    socket_timeout=2 * ALIVE_SECONDS,
                    socket_connect_timeout=ALIVE_SECONDS,
                    retry=Retry(
                        NoBackoff(), 0
                    ),  # the library's way back would not say that something was missed
                ) as client,
                client.pubsub() as subscription,
            ):
                await subscription.subscribe(CHANNEL)
                # The answer to subscribing: only from here on is everything heard.
                await subscription.get_message(timeout=ALIVE_SECONDS)
                self._client = client
                up()
                connected()
                try:
                    await self._listen(subscription, heard)
                finally:
                    self._client = None

        await self._connection.keep(session)

    async def publish(self, message: bytes) -> None:
        """Publishes to whoever listens now."""
        if self._client is None:
            raise ConnectionError("not connected")
        await self._client.publish(CHANNEL, message)

    async def _listen(self, subscription: Any, heard: Hear) -> None:
        """Hears until the connection ends; a server that vanished without a word is found by asking it."""
        asked = False
        while True:
            said = await subscription.get_message(ignore_subscribe_messages=False, timeout=ALIVE_SECONDS)
            if said is None:
                if asked:
                    raise ConnectionError("no answer")
                await subscription.ping()
                asked = True
                continue
            asked = False
            if said["type"] == "message":
                heard(said["data"])
            await asyncio.sleep(0)
