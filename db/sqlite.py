"""Connections to SQLite: one writer, and readers that never wait for it, each with a thread of its own."""

import math
import time
from collections.abc import Sequence
from typing import Any

import aiosqlite
from sqlalchemy import event
from sqlalchemy.engine import URL, ExceptionContext
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from db.deadlines import Deadlines
from db.lending import Lender
from db.prepared import COMPILED_MAX, COMPILERS
from db.reading import Listen

WRITER_WAIT_SECONDS = 30.0
"""There is one writer: how long a write waits for its turn."""
LOCK_WAIT_MILLISECONDS = 5_000
"""How long a connection waits for a lock that another process holds."""
STEPS_BETWEEN_LOOKS = 100_000
"""The time is looked at after so many steps of a statement: every few milliseconds."""


def open_readers(
    url: URL, *, pool_max: int, wait_seconds: float, statement_seconds: float | None
) -> AsyncEngine:
    """The engine that reads."""
    engine = create_async_engine(
        url,
        pool_size=pool_max,
        max_overflow=0,
        pool_timeout=wait_seconds,
        pool_reset_on_return=None,
        hide_parameters=True,
        query_cache_size=COMPILED_MAX,
    )
    _prepare(engine, statement_seconds)
    return engine


def open_writer(url: URL, *, statement_seconds: float | None) -> AsyncEngine:
    """The engine of the one writer."""
    engine = create_async_engine(
        url,
        pool_size=1,
        max_overflow=0,
        pool_timeout=WRITER_WAIT_SECONDS,
        hide_parameters=True,
        query_cache_size=COMPILED_MAX,
    )
    _prepare(engine, statement_seconds)
    # The driver's deferred transactions lose updates: the write lock is taken before the first read.
    event.listen(
        engine.sync_engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE")
    )
    return engine


class SqliteSource:
    """Connections of aiosqlite."""

    def __init__(
        self,
        url: URL,
        *,
        pool_max: int,
        wait_seconds: float,
        idle_seconds: int,
        statement_seconds: float | None,
        deadlines: Deadlines,
    ) -> None:
        places, options = COMPILERS["sqlite"].create_connect_args(url)
        self.listeners: list[Listen] = []
        self._statement_seconds = statement_seconds or math.inf
        self._until: dict[int, list[float]] = {}

        async def connect() -> Any:
            connection = await aiosqlite.connect(*places, **options, isolation_level=None)
            for pragma in _pragmas():
                await connection.execute(pragma)
            await connection.create_function("lower", 1, _lower, deterministic=True)
            until = self._until[id(connection)] = [math.inf]
            await connection.set_progress_handler(lambda: time.monotonic() > until[0], STEPS_BETWEEN_LOOKS)
            return connection

        async def close(connection: Any) -> None:
            self._until.pop(id(connection), None)
            await connection.close()

        def is_open(_connection: Any) -> bool:
            return True  # nobody but us closes a file

        self.lender = Lender(
            connect,
            close,
            is_open,
            size_max=pool_max,
            wait_seconds=wait_seconds,
            idle_seconds=idle_seconds,
            deadlines=deadlines,
        )

    async def fetch(self, connection: Any, text: str, arguments: Sequence[Any]) -> Sequence[Any]:
        """The rows of a statement."""
        self._until[id(connection)][0] = time.monotonic() + self._statement_seconds
        rows: Sequence[Any] = await connection.execute_fetchall(text, arguments)
        return rows


def _pragmas() -> tuple[str, ...]:
    wait = f"PRAGMA busy_timeout = {LOCK_WAIT_MILLISECONDS}"
    return wait, "PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL", "PRAGMA foreign_keys = ON"


def _prepare(engine: AsyncEngine, statement_seconds: float | None) -> None:
    event.listen(engine.sync_engine, "connect", _connected)
    if statement_seconds is not None:
        _bound_statements(engine, statement_seconds)


def _connected(connection: Any, _record: object) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in _pragmas():
        cursor.execute(pragma)
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
