"""One way to a database, SQLite or PostgreSQL: reads in autocommit, writes in a transaction of their own."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal

import aiosqlite
from sqlalchemy import Executable, Row, event, make_url, text
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import QueuePool

from db.reading import Listen, PostgresSource, Reader, Source, SqliteSource

DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}
POOL_WAIT_SECONDS = 2.0
"""How long a request waits for a connection before it is told to come back."""
WRITER_WAIT_SECONDS = 30.0
"""SQLite has one writer: how long a write waits for its turn."""
ANALYZED_ROWS_MAX = 400
"""Rows of each index that `analyze` looks at: milliseconds, whatever the size of the table."""
LOCK_WAIT_MILLISECONDS = 5_000
"""How long SQLite waits for a lock that another process holds."""
PRAGMAS = (
    f"busy_timeout = {LOCK_WAIT_MILLISECONDS}",
    "journal_mode = WAL",
    "synchronous = FULL",
    "foreign_keys = ON",
)
SERVER_SETTINGS = {"application_name": "switchboard", "jit": "off"}

Dialect = Literal["sqlite", "postgresql"]


@dataclass(frozen=True, slots=True)
class PoolFigures:
    """How many connections are in use, waiting for use, and open in all."""

    active: int
    idle: int
    total: int


def driver_url(url: str) -> URL:
    """The plain URL of a setting with its async driver: sqlite:///path, postgresql://host/name or ?host=/folder."""
    parsed = make_url(url)
    return parsed.set(drivername=DRIVERS.get(parsed.drivername, parsed.drivername))


class Database:
    """Connections to one database. `fetch` reads, `write` opens a transaction."""

    def __init__(self, url: str, *, pool_max: int = 10, idle_seconds: int = 300) -> None:
        self.url = driver_url(url)
        self.dialect: Dialect = "sqlite" if self.url.get_backend_name() == "sqlite" else "postgresql"
        # Half of the connections are the driver's own: what plans read with.
        own = max(pool_max // 2, 1)
        rest = max(pool_max - own, 1)
        waits: Any = {"size_max": own, "wait_seconds": POOL_WAIT_SECONDS, "idle_seconds": idle_seconds}
        self._source: Source
        if self.dialect == "sqlite":
            self._reads = _sqlite_reads(self.url, rest)
            self._writes = _sqlite_writes(self.url)
            self._source = SqliteSource(self.url, _sqlite_prepared, **waits)
        else:
            self._writes = _postgres(self.url, rest, idle_seconds)
            self._reads = self._writes.execution_options(isolation_level="AUTOCOMMIT")
            self._source = PostgresSource(self.url, {"server_settings": SERVER_SETTINGS}, **waits)

    async def fetch(
        self, statement: Executable, values: Mapping[str, Any] | None = None
    ) -> Sequence[Row[Any]]:
        """Reads on a connection of its own, outside any transaction: concurrent callers never share one."""
        async with self._reads.connect() as connection:
            return (await connection.execute(statement, dict(values or {}))).all()

    def reader(self, viewer: Mapping[str, Any]) -> Reader:
        """Reads by position for one operation of one viewer, whose values every statement may name."""
        return Reader(self._source, viewer)

    @property
    def listeners(self) -> list[Listen]:
        """Who is told of each statement that a reader runs."""
        return self._source.listeners

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """A transaction: committed when the block ends, rolled back when it raises."""
        async with self._writes.begin() as connection:
            yield connection

    async def warm(self, connections: int) -> None:
        """Opens connections before the first request needs them."""
        await asyncio.gather(*[self.ping() for _ in range(connections)])

    async def analyze(self) -> None:
        """Counts what the indexes hold, for SQLite's planner, which without it takes any index that begins right.

        PostgreSQL does so by itself.
        """
        if self.dialect != "sqlite":
            return
        async with self._writes.begin() as connection:
            await connection.exec_driver_sql(f"PRAGMA analysis_limit = {ANALYZED_ROWS_MAX}")
            await connection.exec_driver_sql("ANALYZE")
        # A connection reads the figures when it is opened.
        await self._reads.dispose()
        await self._source.lender.retire(all=True)

    async def ping(self) -> None:
        """Raises when the database does not answer."""
        await self.fetch(text("select 1"))

    def pool_figures(self) -> PoolFigures:
        """The connections of this process."""
        pools = [engine.pool for engine in self.engines if isinstance(engine.pool, QueuePool)]
        lent, waiting = self._source.lender.figures
        active, idle = sum(p.checkedout() for p in pools) + lent, sum(p.checkedin() for p in pools) + waiting
        return PoolFigures(active, idle, active + idle)

    @property
    def writer(self) -> AsyncEngine:
        """What writes, for migrations."""
        return self._writes

    @property
    def engines(self) -> tuple[AsyncEngine, ...]:
        """The engines that have connections: on PostgreSQL readers and writers share theirs."""
        return (self._reads, self._writes) if self.dialect == "sqlite" else (self._writes,)

    async def close(self) -> None:
        """Closes every connection."""
        await self._source.lender.retire(all=True)
        for engine in self.engines:
            await engine.dispose()


def _postgres(url: URL, pool_max: int, idle_seconds: int) -> AsyncEngine:
    return create_async_engine(
        url,
        pool_size=pool_max,
        max_overflow=0,
        hide_parameters=True,
        pool_timeout=POOL_WAIT_SECONDS,
        pool_recycle=idle_seconds,
        connect_args={"server_settings": SERVER_SETTINGS},
    )


def _sqlite_reads(url: URL, pool_max: int) -> AsyncEngine:
    engine = create_async_engine(
        url, pool_size=pool_max, max_overflow=0, pool_reset_on_return=None, hide_parameters=True
    )
    event.listen(engine.sync_engine, "connect", _sqlite_connected)
    return engine


def _sqlite_writes(url: URL) -> AsyncEngine:
    engine = create_async_engine(
        url, pool_size=1, max_overflow=0, pool_timeout=WRITER_WAIT_SECONDS, hide_parameters=True
    )
    event.listen(engine.sync_engine, "connect", _sqlite_connected)
    # The driver's deferred transactions lose updates: the write lock is taken before the first read.
    event.listen(
        engine.sync_engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE")
    )
    return engine


def _sqlite_connected(connection: Any, _record: object) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
    # SQLite's own lower() knows ASCII only; a prefix search has to find "Élodie" by "él".
    connection.create_function("lower", 1, _lower, deterministic=True)


async def _sqlite_prepared(connection: aiosqlite.Connection) -> None:
    """The same for a connection that SQLAlchemy does not know."""
    for pragma in PRAGMAS:
        await connection.execute(f"PRAGMA {pragma}")
    await connection.create_function("lower", 1, _lower, deterministic=True)


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value
