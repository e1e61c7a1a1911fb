"""Databases made and dropped for the tests. The history runs once for each dialect; what is made later is a copy."""

import os
import secrets
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager
from functools import cached_property
from pathlib import Path

from sqlalchemy import event, make_url, text
from sqlalchemy.ext.asyncio import create_async_engine

from db.engine import Database, driver_url
from db.migrate import migrate
from tests import postgres
from tests.held import HELD, PASSWORD, hold
from tests.postgres import CREATE_DATABASE

OwnDatabase = Callable[[], AbstractAsyncContextManager[str]]


class Databases:
    """Makes databases of either dialect, migrated and otherwise empty; those of PostgreSQL with `row_security`, or without."""

    def __init__(self, folder: Path, *, row_security: bool = False) -> None:
        self._folder, self._row_security = folder, row_security
        self._running = ExitStack()
        self._migrated: dict[str, str] = {}

    @cached_property
    def postgres_url(self) -> str:
        """A PostgreSQL server to make databases on: TEST_POSTGRES_URL, or one that is started when it is asked for."""
        return self._running.enter_context(postgres.server())

    @asynccontextmanager
    async def own(self, dialect: str) -> AsyncIterator[str]:
        """The URL of a new database; on PostgreSQL it is dropped after the block."""
        migrated = self._migrated.get(dialect) or await self._migrate(dialect)
        name = self._name()
        if dialect == "sqlite":
            shutil.copyfile(self._file(migrated), self._file(name))
            yield f"sqlite:///{self._file(name)}"
        else:
            url = await create_database(self.postgres_url, name, template=migrated)
            yield as_user(url, HELD, PASSWORD) if self._row_security else url
            await drop_database(url)

    async def close(self) -> None:
        """Leaves nothing behind."""
        if "postgresql" in self._migrated:
            await _run(self.postgres_url, f"DROP DATABASE {self._migrated['postgresql']}")
        self._running.close()

    async def _migrate(self, dialect: str) -> str:
        name = self._name()
        if dialect == "sqlite":
            url = f"sqlite:///{self._file(name)}"
        else:
            url = await create_database(self.postgres_url, name)
        database = Database(url)
        await migrate(database)
        if dialect == "postgresql" and self._row_security:
            await hold(database)
        await database.close()
        self._migrated[dialect] = name
        return name

    def _file(self, name: str) -> Path:
        return self._folder / f"{name}.db"

    def _name(self) -> str:
        return f"switchboard_{os.getpid()}_{secrets.token_hex(4)}"


def hurry(database: Database) -> None:
    """Spends no time on surviving a power cut, as the PostgreSQL of the tests does not."""
    if database.dialect == "sqlite":
        event.listen(
            database.writer.sync_engine,
            "connect",
            lambda driver, _: driver.execute("PRAGMA synchronous = OFF"),
        )


async def create_database(server_url: str, name: str, *, template: str | None = None) -> str:
    """A new database on the server, or a copy of one; its URL, with the server's host and account."""
    create = f"CREATE DATABASE {name} TEMPLATE {template}" if template else CREATE_DATABASE.format(name=name)
    await _run(server_url, f"DROP DATABASE IF EXISTS {name}", create)
    url = driver_url(server_url).set(drivername="postgresql", database=name)
    return url.render_as_string(hide_password=False)


def as_user(url: str, name: str, password: str) -> str:
    """The same database, for another user of the server."""
    return make_url(url).set(username=name, password=password).render_as_string(hide_password=False)


async def drop_database(url: str) -> None:
    """Drops a database that `create_database` made."""
    name = driver_url(url).database
    server = driver_url(url).set(drivername="postgresql", database="postgres")
    await _run(server.render_as_string(hide_password=False), f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


async def _run(url: str, *statements: str) -> None:
    engine = create_async_engine(driver_url(url), isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        for statement in statements:
            await connection.execute(text(statement))
    await engine.dispose()
