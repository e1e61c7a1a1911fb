"""One history for both databases: it makes the tables of the code, and can be taken back."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, inspect, select

from db import migrate as migrations
from db.engine import Database
from db.metadata import METADATA
from db.roles import Role
from services.secrets import Vault
from services.server import Server
from services.tokens import Tokens
from tests.conftest import SECRET
from tests.databases import Databases, OwnDatabase, create_database, drop_database
from tests.make import Make


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


async def test_who_registered_reads_no_metrics_of_the_server(own_database: OwnDatabase) -> None:
    async with own_database() as url:
        database = Database(url)
        server = Server(database, Tokens({"a": SECRET}), Vault({"a": SECRET}))
        await Make(server).owner()
        kept = await all_permissions(database)
        assert "METRICS_READ" not in {p for permissions in kept for p in permissions}
        await migrations.migrate(database, "0007_buckets")
        assert await all_permissions(database) == [
            sorted([*permissions, "METRICS_READ"]) if "AUDIT_READ" in permissions else permissions
            for permissions in kept
        ]
        await migrations.migrate(database)
        assert await all_permissions(database) == kept
        await database.close()


async def all_permissions(database: Database) -> list[list[str]]:
    rows = await database.fetch(select(Role.permissions).order_by(Role.id))
    return [row.permissions for row in rows]


async def test_two_that_migrate_at_once_do_it_once(empty: Database) -> None:
    other = Database(
        empty.url.render_as_string(hide_password=False).replace("+asyncpg", "").replace("+aiosqlite", "")
    )
    await asyncio.gather(migrations.migrate(empty), migrations.migrate(other))
    assert await migrations.current(other) == migrations.head()
    assert await migrations.drift(other) == []
    await other.close()
