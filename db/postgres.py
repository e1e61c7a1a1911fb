"""Connections to PostgreSQL: SQLAlchemy's engine for transactions, asyncpg's own for reads by position."""

from collections.abc import Mapping, Sequence
from typing import Any

import asyncpg
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from db.codecs import keep_text
from db.deadlines import Deadlines
from db.lending import Lender
from db.prepared import COMPILED_MAX, COMPILERS
from db.reading import Listen
from db.row_security import EVERYWHERE, SETTING

CONNECT_SECONDS = 5.0
"""How long a new connection may take."""
ROW_LOCK_SECONDS = 10.0
"""How long a statement waits for what another transaction holds."""
IDLE_SECONDS = 30.0
"""How long a transaction may hold its locks while nothing is asked of it."""
PAGE_COST = "1.1"
"""What a page anywhere costs beside the next one. At PostgreSQL's own 4, made for disks that turn, a page of a long chat
reads and sorts the whole chat instead of following the index that has it in order."""
SILENCE_SECONDS = 5.0
"""How much longer than a statement may take a server that says nothing at all is waited for."""


UNNAMED: Mapping[str, Any] = {
    "prepared_statement_cache_size": 0,
    "prepared_statement_name_func": lambda: "",
}
"""What SQLAlchemy is told of a pooler: a statement that has a name is known to one connection of the server alone."""


def connect_arguments(
    statement_seconds: float | None, *, sees_all: bool = False, pooled: bool = False
) -> Mapping[str, Any]:
    """What every connection is opened with; without `statement_seconds` nothing is cut short.

    A pooler takes no settings: its connections to the server belong to all of its clients.
    """
    bounds: dict[str, Any] = {"timeout": CONNECT_SECONDS}
    if pooled:
        return {**bounds, "statement_cache_size": 0}
    told = {
        "application_name": "switchboard",
        "datestyle": "ISO",
        "jit": "off",
        "random_page_cost": PAGE_COST,
    }
    if sees_all:
        told[SETTING] = EVERYWHERE
    if statement_seconds is not None:
        told["statement_timeout"] = f"{statement_seconds * 1_000:.0f}"
        told["lock_timeout"] = f"{ROW_LOCK_SECONDS * 1_000:.0f}"
        told["idle_in_transaction_session_timeout"] = f"{IDLE_SECONDS * 1_000:.0f}"
    return {**bounds, "server_settings": told}


def patience(statement_seconds: float | None) -> float | None:
    """How long to wait for a server that says nothing at all."""
    return None if statement_seconds is None else statement_seconds + SILENCE_SECONDS


def open_engine(
    url: URL,
    *,
    pool_max: int,
    wait_seconds: float,
    idle_seconds: int,
    statement_seconds: float | None,
    sees_all: bool,
    pooled: bool,
) -> AsyncEngine:
    """The engine that transactions run on."""
    arguments = connect_arguments(statement_seconds, sees_all=sees_all, pooled=pooled)
    silence = {"command_timeout": patience(statement_seconds)}
    return create_async_engine(
        url,
        pool_size=pool_max,
        max_overflow=0,
        hide_parameters=True,
        query_cache_size=COMPILED_MAX,
        pool_timeout=wait_seconds,
        pool_recycle=idle_seconds,
        connect_args={**arguments, **silence, **(UNNAMED if pooled else {})},
    )


class PostgresSource:
    """Connections of asyncpg in autocommit."""

    def __init__(
        self,
        url: URL,
        *,
        pool_max: int,
        wait_seconds: float,
        idle_seconds: int,
        statement_seconds: float | None,
        sees_all: bool,
        pooled: bool,
        deadlines: Deadlines,
    ) -> None:
        _, options = COMPILERS["postgresql"].create_connect_args(url)
        self.listeners: list[Listen] = []
        self._pooled, self._deadlines, self._patience = pooled, deadlines, patience(statement_seconds)
        # What begins and ends a transaction has to be given up as well, and that is the driver's to do.
        silence = {"command_timeout": self._patience} if pooled else {}

        async def connect() -> Any:
            arguments = connect_arguments(statement_seconds, sees_all=sees_all, pooled=pooled)
            connection = await asyncpg.connect(**{**options, **arguments, **silence})
            await keep_text(connection)
            return connection

        async def close(connection: Any) -> None:
            connection.terminate()

        def is_open(connection: Any) -> bool:
            return not connection.is_closed()

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
        """The rows of a statement; TimeoutError where the server says nothing."""
        rows: Sequence[Any]
        if not self._pooled:
            with self._deadlines.within(self._patience):
                rows = await connection.fetch(text, *arguments)
            return rows
        # It is prepared and then run: a pooler might give each to another connection of its own, but for a transaction.
        async with connection.transaction():
            rows = await connection.fetch(text, *arguments)
        return rows
