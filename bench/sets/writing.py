"""Puts made-up rows into tables: the quickest way each database has, with no check of what is known to fit."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import DeclarativeBase

from db.engine import Database
from graph.seed.rows import add_rows

BATCH: Final = 20_000
"""Rows of one statement on SQLite, which takes them as a list."""
Filling = tuple[type[DeclarativeBase], Iterable[dict[str, Any]]]
"""A table, and its rows by attribute: each row has the same attributes in the same order."""


async def fill(database: Database, fillings: Sequence[Filling]) -> None:
    """Adds the rows, and lets the database count what it has got."""
    async with database.write() as connection:
        if database.dialect == "postgresql":
            # Foreign keys of a million rows are a minute of checking what is known to hold.
            await connection.execute(text("SET LOCAL session_replication_role = replica"))
        for table, rows in fillings:
            await _add(connection, table, iter(rows))
    if database.dialect == "sqlite":
        await database.analyze()
        return
    async with database.writer.connect() as connection:
        outside = await connection.execution_options(isolation_level="AUTOCOMMIT")
        await outside.execute(text("VACUUM (ANALYZE)"))


async def _add(
    connection: AsyncConnection, table: type[DeclarativeBase], rows: Iterator[dict[str, Any]]
) -> None:
    first = next(rows, None)
    if first is None:
        return
    records = (tuple(row.values()) for row in chain([first], rows))
    if connection.dialect.name == "postgresql":
        await add_rows(connection, table, tuple(first), records)
        return
    while batch := list(islice(records, BATCH)):
        await add_rows(connection, table, tuple(first), batch)
