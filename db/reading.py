"""Reads by position: the driver's own rows, on connections of their own, without SQLAlchemy in between."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

import aiosqlite
import asyncpg
from sqlalchemy.engine import URL

from db.lending import Lender
from db.prepared import COMPILERS, Prepared

Listen = Callable[[str, Sequence[Any]], None]
"""Told of each statement and its arguments, before it runs."""


class Source(Protocol):
    """What readers borrow their connections from, and how one of those runs a statement."""

    lender: Lender
    listeners: list[Listen]

    async def fetch(self, connection: Any, text: str, arguments: Sequence[Any]) -> Sequence[Any]: ...


class Reader:
    """The reads of one operation, one after the other on one connection, borrowed at the first. Close it."""

    __slots__ = ("_connection", "_source", "_viewer")

    def __init__(self, source: Source, viewer: Mapping[str, Any]) -> None:
        self._source, self._viewer = source, viewer
        self._connection: Any = None

    async def fetch(self, statement: Prepared, values: Mapping[str, Any]) -> Sequence[Any]:
        """The rows of the statement, each a sequence, in the driver's own values."""
        source, arguments = self._source, statement.arguments(values, self._viewer)
        for listen in source.listeners:
            listen(statement.text, arguments)
        if self._connection is None:
            self._connection = await source.lender.take()
        try:
            return await source.fetch(self._connection, statement.text, arguments)
        except BaseException:
            # Cancelled or failed in the middle: nobody knows what it would answer next.
            connection, self._connection = self._connection, None
            await source.lender.discard(connection)
            raise

    def close(self) -> None:
        """Gives the connection back."""
        if self._connection is not None:
            self._source.lender.give(self._connection)
            self._connection = None


class PostgresSource:
    """Connections of asyncpg in autocommit."""

    def __init__(
        self,
        url: URL,
        arguments: Mapping[str, Any],
        *,
        size_max: int,
        wait_seconds: float,
        idle_seconds: float,
    ) -> None:
        _, options = COMPILERS["postgresql"].create_connect_args(url)

        async def connect() -> Any:
            return await asyncpg.connect(**{**options, **arguments})

        async def close(connection: Any) -> None:
            connection.terminate()

        self.listeners: list[Listen] = []
        self.lender = Lender(
            connect, close, size_max=size_max, wait_seconds=wait_seconds, idle_seconds=idle_seconds
        )

    async def fetch(self, connection: Any, text: str, arguments: Sequence[Any]) -> Sequence[Any]:
        rows: Sequence[Any] = await connection.fetch(text, *arguments)
        return rows


class SqliteSource:
    """Connections of aiosqlite, each with a thread of its own; readers never wait for the writer."""

    def __init__(
        self,
        url: URL,
        prepare: Callable[[aiosqlite.Connection], Awaitable[None]],
        *,
        size_max: int,
        wait_seconds: float,
        idle_seconds: float,
    ) -> None:
        places, options = COMPILERS["sqlite"].create_connect_args(url)

        async def connect() -> Any:
            connection = await aiosqlite.connect(*places, **options, isolation_level=None)
            await prepare(connection)
            return connection

        async def close(connection: Any) -> None:
            await connection.close()

        self.listeners: list[Listen] = []
        self.lender = Lender(
            connect, close, size_max=size_max, wait_seconds=wait_seconds, idle_seconds=idle_seconds
        )

    async def fetch(self, connection: Any, text: str, arguments: Sequence[Any]) -> Sequence[Any]:
        rows: Sequence[Any] = await connection.execute_fetchall(text, arguments)
        return rows
