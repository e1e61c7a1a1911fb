"""Databases of their own for demo data, and what the command line says about them."""

import asyncio
import os
import secrets
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from db.engine import Database
from db.migrate import migrate
from tests.databases import create_database, drop_database
from tests.running import PROJECT, environment_of_server

EmptyDatabase = Callable[[], AbstractAsyncContextManager[str]]


def empty_databases(dialect: str, request: pytest.FixtureRequest, folder: Path) -> EmptyDatabase:
    """Makes migrated, empty databases of the dialect."""

    @asynccontextmanager
    async def made() -> AsyncIterator[str]:
        name = f"switchboard_seed_{os.getpid()}_{secrets.token_hex(4)}"
        if dialect == "sqlite":
            url = f"sqlite:///{folder / name}.db"
        else:
            url = await create_database(request.getfixturevalue("postgres_url"), name)
        database = Database(url)
        await migrate(database)
        await database.close()
        yield url
        if dialect == "postgresql":
            await drop_database(url)

    return made


async def command(*words: str, **environment: str) -> tuple[int, str]:
    """The exit status of `python -m graph …`, and all that it wrote."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "graph", *words),
        cwd=PROJECT,
        env=environment_of_server(**environment),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    written, _ = await process.communicate()
    return process.returncode or 0, written.decode()
