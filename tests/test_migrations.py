"""One history for both databases: it makes the tables of the code, and can be taken back."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, inspect

from db import migrate as migrations
from db.engine import Database
from db.metadata import METADATA
from tests.databases import Databases, create_database, drop_database


@pytest.fixture
async def empty(dialect: str, databases: Databases, tmp_path: Path) -> AsyncIterator[Database]:
    """A database without any table."""
    if dialect == "sqlite":
        url = f"sqlite:///{tmp_path / 'empty.db'}"
    else:
        url = await create_database(databases.postgres_url, f"switchboard_{os.getpid()}_empty")
    database = Database(url)
    yield database
    await database.close()
    if dialect == "postgresql":
        await drop_database(url)


async def table_names(database: Database) -> set[str]:
    def names(connection: Connection) -> set[str]:
        return set(inspect(connection).get_table_names())

    async with database.writer.connect() as connection:
        return await connection.run_sync(names)


async def test_the_history_makes_the_tables_of_the_code(empty: Database) -> None:
    assert await migrations.current(empty) is None
    assert await migrations.drift(empty) != []
    await migrations.migrate(empty)
    assert await migrations.current(empty) == migrations.head()
    assert await migrations.drift(empty) == []
    assert await table_names(empty) == {*METADATA.tables, "alembic_version"}


async def test_it_can_be_applied_again_and_taken_back(empty: Database) -> None:
    await migrations.migrate(empty)
    await migrations.migrate(empty)
    await migrations.migrate(empty, "base")
    assert await migrations.current(empty) is None
    assert await table_names(empty) == {"alembic_version"}
    await migrations.migrate(empty)
    assert await migrations.drift(empty) == []


async def test_two_that_migrate_at_once_do_it_once(empty: Database) -> None:
    other = Database(
        empty.url.render_as_string(hide_password=False).replace("+asyncpg", "").replace("+aiosqlite", "")
    )
    await asyncio.gather(migrations.migrate(empty), migrations.migrate(other))
    assert await migrations.current(other) == migrations.head()
    assert await migrations.drift(other) == []
    await other.close()
