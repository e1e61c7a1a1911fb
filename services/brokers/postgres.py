"""PostgreSQL as the broker: LISTEN and NOTIFY on a connection of its own, never inside a transaction that writes."""

import asyncio
from collections.abc import Callable
from typing import Any, Final

import asyncpg

from services.brokers.connections import ALIVE_SECONDS, Connection
from services.brokers.wires import Hear

CHANNEL: Final = "switchboard"
CONNECT_SECONDS_MAX: Final = 5.0


class PostgresBroker:
    """Needs nothing but the database, which is why it is the default there.

    A NOTIFY inside the transaction of a change would take a lock across all commits: ours comes after it.
    """

    name = "postgresql"

    def __init__(self, url: str) -> None:
        self._url, self._connection = url, Connection(self.name)
        self._session: Any = None
        self._asking = asyncio.Lock()  # a connection does one thing at a time

    @property
    def is_connected(self) -> bool:
        return self._connection.is_up

    async def run(self, heard: Hear, connected: Callable[[], None]) -> None:
        """Listens until it is cancelled."""

        async def session(up: Callable[[], None]) -> None:
            settings = {"application_name": "switchboard broker"}
            connection = await asyncpg.connect(
                self._url, timeout=CONNECT_SECONDS_MAX, server_settings=settings, statement_cache_size=0
            )
            try:
                ended = asyncio.Event()
                connection.add_termination_listener(lambda _: ended.set())
                await connection.add_listener(CHANNEL, lambda *said: heard(said[3].encode()))
                self._session = connection
                up()
                connected()
                await self._watch(connection, ended)
            finally:
                self._session = None
                connection.terminate()

        await self._connection.keep(session)

    async def publish(self, message: bytes) -> None:
        """Notifies; a session that does not take it in time is given up, and a new one begun."""
        if self._session is None:
            raise ConnectionError("not connected")
        session = self._session
        async with self._asking:
            try:
                # As one text, which is one way there and back; with arguments it would be prepared each time.
                await session.execute(f"NOTIFY {CHANNEL}, '{quoted(message)}'")
            except BaseException:
                session.terminate()
                raise

    async def _watch(self, connection: Any, ended: asyncio.Event) -> None:
        """Returns when the session is over: a server that vanished without a word is found by asking it."""
        while not ended.is_set():
            try:
                async with asyncio.timeout(ALIVE_SECONDS):
                    await ended.wait()
            except TimeoutError:
                async with self._asking:
                    await connection.execute("SELECT 1", timeout=ALIVE_SECONDS)


def quoted(message: bytes) -> str:
    """A message as it stands between quotes."""
    return message.decode("ascii").replace("'", "''")
