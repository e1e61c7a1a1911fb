"""One way to a database, SQLite or PostgreSQL: reads in autocommit, writes in a transaction of their own."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Executable, Row, make_url, text
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.pool import QueuePool

from db import postgres, sqlite
from db.base import Viewer
from db.deadlines import Deadlines
from db.faults import fault_of, read_again
from db.reading import Listen, Reader, Source, run_alone
from db.row_security import OPTION, SEE_IN_SESSION, SEE_IN_TRANSACTION, Within, told, workspace_of
from db.shields import all_done, shielded

DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}
POOL_WAIT_SECONDS = 2.0
"""How long a request waits for a connection before it is told to come back."""
ANALYZED_ROWS_MAX = 400
"""Rows of each index that `analyze` looks at: milliseconds, whatever the size of the table."""
STATEMENT_SECONDS = 30.0
"""How long one statement may take."""

Dialect = Literal["sqlite", "postgresql"]


@dataclass(frozen=True, slots=True)
class PoolFigures:
    """How many connections are in use, waiting for use, open in all; how many there may be, and who waits for one."""

    active: int
    idle: int
    total: int
    most: int = 0
    waiting: int = 0
    """Of those who read by position: SQLAlchemy does not say how many wait."""


def driver_url(url: str) -> URL:
    """The plain URL of a setting with its async driver: sqlite:///path, postgresql://host/name or ?host=/folder."""
    parsed = make_url(url)
    return parsed.set(drivername=DRIVERS.get(parsed.drivername, parsed.drivername))


class Database:
    """Connections to one database. `fetch` reads, `write` opens a transaction; both raise DatabaseFault where it fails.

    With `statement_seconds` of None nothing is cut short, however long it takes: for migrations. With `row_security`
    each read and each transaction says whose rows it sees, for the policies of PostgreSQL; without, `sees_all` says
    once for every connection that it sees all. `pooled` says that a pooler gives each transaction another connection.
    """

    def __init__(
        self,
        url: str,
        *,
        pool_max: int = 10,
        idle_seconds: int = 300,
        statement_seconds: float | None = STATEMENT_SECONDS,
        row_security: bool = False,
        sees_all: bool = False,
        pooled: bool = False,
    ) -> None:
        self.row_security, self.deadlines = row_security, Deadlines()
        self.url = driver_url(url)
        self.dialect: Dialect = "sqlite" if self.url.get_backend_name() == "sqlite" else "postgresql"
        # Half of the connections are the driver's own: what plans read with.
        own = max(pool_max // 2, 1)
        rest = max(pool_max - own, 1)
        waits: Any = {"wait_seconds": POOL_WAIT_SECONDS, "statement_seconds": statement_seconds}
        self._source: Source
        if self.dialect == "sqlite":
            self._reads = sqlite.open_readers(self.url, pool_max=rest, **waits)
            self._writes = sqlite.open_writer(self.url, statement_seconds=statement_seconds)
            self._source = sqlite.SqliteSource(
                self.url, pool_max=own, idle_seconds=idle_seconds, deadlines=self.deadlines, **waits
            )
        else:
            waits |= {"sees_all": sees_all, "pooled": pooled}
            self._writes = postgres.open_engine(self.url, pool_max=rest, idle_seconds=idle_seconds, **waits)
            if row_security:
                self._writes = self._writes.execution_options(**{OPTION: True})
            alone = {} if pooled else {"isolation_level": "AUTOCOMMIT"}
            self._reads = self._writes.execution_options(**alone)
            self._source = postgres.PostgresSource(
                self.url, pool_max=own, idle_seconds=idle_seconds, deadlines=self.deadlines, **waits
            )

    async def fetch(
        self, statement: Executable, values: Mapping[str, Any] | None = None, *, within: Within = None
    ) -> Sequence[Row[Any]]:
        """Reads on a connection of its own, outside any transaction: concurrent callers never share one.

        `within` says whose rows it sees, where that is not the workspace of the viewer in `values`.
        """
        return await shielded(read_again(lambda: self._read(statement, dict(values or {}), within)))

    async def _read(
        self, statement: Executable, values: dict[str, Any], within: Within = None
    ) -> Sequence[Row[Any]]:
        async with self._reads.connect() as connection:
            if self.row_security:
                seen = told(within or workspace_of(values))
                await connection.execute(SEE_IN_SESSION, {"workspace": seen})
            return (await connection.execute(statement, values)).all()

    def reader(self, viewer: Viewer) -> Reader:
        """Reads by position for one operation of one viewer, whose values every statement may name."""
        return Reader(self._source, viewer, says_workspace=self.row_security)

    async def at_once(
        self, text: str, arguments: Sequence[Any], *, within: UUID | None = None
    ) -> Sequence[Any]:
        """Runs one statement of PostgreSQL that is a whole transaction, of a workspace or none. Raises the driver's errors of it.

        A DatabaseFault says whether it is sure that nothing was done.
        """
        return await shielded(run_alone(self._source, text, arguments, within if self.row_security else None))

    @property
    def listeners(self) -> list[Listen]:
        """Who is told of each statement that a reader runs."""
        return self._source.listeners

    @asynccontextmanager
    async def write(self, within: Within = None) -> AsyncIterator[AsyncConnection]:
        """A transaction: committed when the block ends, rolled back when it raises. `within` says whose rows it sees."""
        committing = False
        try:
            async with self._writes.begin() as connection:
                if self.row_security:
                    await connection.execute(SEE_IN_TRANSACTION, {"workspace": told(within)})
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
        await self._source.lender.retire(all=True)

    async def retire(self) -> None:
        """Closes the connections of readers that have waited for longer than `idle_seconds`."""
        await self._source.lender.retire()

    async def ping(self) -> None:
        """Raises when the database does not answer."""
        await self.fetch(text("select 1"))

    def pool_figures(self) -> PoolFigures:
        """The connections of this process."""
        pools = [engine.pool for engine in self.engines if isinstance(engine.pool, QueuePool)]
        lent, waiting = self._source.lender.figures
        active, idle = sum(p.checkedout() for p in pools) + lent, sum(p.checkedin() for p in pools) + waiting
        most = sum(pool.size() for pool in pools) + self._source.lender.size_max
        return PoolFigures(active, idle, active + idle, most, self._source.lender.waiting)

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
        await self._source.lender.retire(all=True)
        for engine in self.engines:
            await engine.dispose()
