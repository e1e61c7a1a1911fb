"""One way to a database, SQLite or PostgreSQL: reads in autocommit, writes in a transaction of their own."""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Executable, Row, event, make_url, text
from sqlalchemy.engine import URL, ExceptionContext
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import QueuePool

from db.faults import fault_of, read_again
from db.shields import all_done, shielded

DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}
POOL_WAIT_SECONDS = 2.0
"""How long a request waits for a connection before it is told to come back."""
WRITER_WAIT_SECONDS = 30.0
"""SQLite has one writer: how long a write waits for its turn."""
ANALYZED_ROWS_MAX = 400
"""Rows of each index that `analyze` looks at: milliseconds, whatever the size of the table."""
LOCK_WAIT_MILLISECONDS = 5_000
"""How long SQLite waits for a lock that another process holds."""
CONNECT_SECONDS = 5.0
"""How long a new connection to PostgreSQL may take."""
STATEMENT_SECONDS = 30.0
"""How long one statement may take."""
ROW_LOCK_SECONDS = 10.0
"""How long a statement waits on PostgreSQL for what another transaction holds."""
IDLE_SECONDS = 30.0
"""How long a transaction may hold its locks on PostgreSQL while nothing is asked of it."""
SILENCE_SECONDS = 5.0
"""How much longer than that a PostgreSQL that says nothing at all is waited for."""
STEPS_BETWEEN_LOOKS = 100_000
"""SQLite looks at the time after so many steps of a statement: every few milliseconds."""

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
    """Connections to one database. `fetch` reads, `write` opens a transaction; both raise DatabaseFault where it fails.

    With `statement_seconds` of None nothing is cut short, however long it takes: for migrations.
    """

    def __init__(
        self,
        url: str,
        *,
        pool_max: int = 10,
        idle_seconds: int = 300,
        statement_seconds: float | None = STATEMENT_SECONDS,
    ) -> None:
        self.url = driver_url(url)
        self.dialect: Dialect = "sqlite" if self.url.get_backend_name() == "sqlite" else "postgresql"
        if self.dialect == "sqlite":
            self._reads = _sqlite_reads(self.url, pool_max)
            self._writes = _sqlite_writes(self.url)
            if statement_seconds is not None:
                for engine in (self._reads, self._writes):
                    _bound_statements(engine, statement_seconds)
        else:
            self._writes = _postgres(self.url, pool_max, idle_seconds, statement_seconds)
            self._reads = self._writes.execution_options(isolation_level="AUTOCOMMIT")

    async def fetch(
        self, statement: Executable, values: Mapping[str, Any] | None = None
    ) -> Sequence[Row[Any]]:
        """Reads on a connection of its own, outside any transaction: concurrent callers never share one."""
        return await shielded(read_again(lambda: self._read(statement, dict(values or {}))))

    async def _read(self, statement: Executable, values: dict[str, Any]) -> Sequence[Row[Any]]:
        async with self._reads.connect() as connection:
            return (await connection.execute(statement, values)).all()

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """A transaction: committed when the block ends, rolled back when it raises."""
        committing = False
        try:
            async with self._writes.begin() as connection:
                yield connection
                committing = True
        except Exception as error:
            fault = fault_of(error, committing=committing)
            if fault is None:
                raise
            raise fault from error

    async def warm(self, connections: int) -> None:
        """Opens connections before the first request needs them."""
        await asyncio.gather(*[self.ping() for _ in range(connections)])

    async def analyze(self) -> None:
        """Counts what the indexes hold, for SQLite's planner, which without it takes any index that begins right.

        PostgreSQL does so by itself.
        """
        if self.dialect != "sqlite":
            return
        async with self.write() as connection:
            await connection.exec_driver_sql(f"PRAGMA analysis_limit = {ANALYZED_ROWS_MAX}")
            await connection.exec_driver_sql("ANALYZE")
        # A connection reads the figures when it is opened.
        await self._reads.dispose()

    async def ping(self) -> None:
        """Raises when the database does not answer."""
        await self.fetch(text("select 1"))

    def pool_figures(self) -> PoolFigures:
        """The connections of this process."""
        pools = [engine.pool for engine in self.engines if isinstance(engine.pool, QueuePool)]
        active, idle = sum(p.checkedout() for p in pools), sum(p.checkedin() for p in pools)
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
        """Closes every connection, once what is at work has ended."""
        await all_done()
        for engine in self.engines:
            await engine.dispose()


def _postgres(url: URL, pool_max: int, idle_seconds: int, statement_seconds: float | None) -> AsyncEngine:
    told = {"application_name": "switchboard", "jit": "off"}
    bounds: dict[str, float] = {"timeout": CONNECT_SECONDS}
    if statement_seconds is not None:
        told["statement_timeout"] = f"{statement_seconds * 1_000:.0f}"
        told["lock_timeout"] = f"{ROW_LOCK_SECONDS * 1_000:.0f}"
        told["idle_in_transaction_session_timeout"] = f"{IDLE_SECONDS * 1_000:.0f}"
        bounds["command_timeout"] = statement_seconds + SILENCE_SECONDS
    return create_async_engine(
        url,
        pool_size=pool_max,
        max_overflow=0,
        hide_parameters=True,
        pool_timeout=POOL_WAIT_SECONDS,
        pool_recycle=idle_seconds,
        connect_args={"server_settings": told, **bounds},
    )


def _sqlite_reads(url: URL, pool_max: int) -> AsyncEngine:
    engine = create_async_engine(
        url,
        pool_size=pool_max,
        max_overflow=0,
        pool_timeout=POOL_WAIT_SECONDS,
        pool_reset_on_return=None,
        hide_parameters=True,
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
    cursor.execute(f"PRAGMA busy_timeout = {LOCK_WAIT_MILLISECONDS}")
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
    # SQLite's own lower() knows ASCII only; a prefix search has to find "Élodie" by "él".
    connection.create_function("lower", 1, _lower, deterministic=True)


def _bound_statements(engine: AsyncEngine, seconds: float) -> None:
    """SQLite has no time-out of its own: it is asked, every so many steps, whether the statement has had its time."""

    def connected(connection: Any, record: Any) -> None:
        until = record.info["until"] = [math.inf]
        connection.run_async(
            lambda driver: driver.set_progress_handler(
                lambda: time.monotonic() > until[0], STEPS_BETWEEN_LOOKS
            )
        )

    def begins(connection: Any, *_: object) -> None:
        connection.info["until"][0] = time.monotonic() + seconds

    def ended(connection: Any, *_: object) -> None:
        connection.info["until"][0] = math.inf

    def failed(context: ExceptionContext) -> None:
        if context.connection is not None and not context.connection.invalidated:
            ended(context.connection)

    event.listen(engine.sync_engine, "connect", connected)
    event.listen(engine.sync_engine, "before_cursor_execute", begins)
    event.listen(engine.sync_engine, "after_cursor_execute", ended)
    event.listen(engine.sync_engine, "handle_error", failed)


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value
