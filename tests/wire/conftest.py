"""A real server for each database, kept apart from the databases of other tests, and somebody to ask it."""

import os
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import httpx
import pytest

from db.engine import Database
from db.migrate import migrate
from tests.databases import create_database, drop_database
from tests.running import Running, serve
from tests.wire.caller import Caller, Owner, register

PRODUCTION = {
    "ENVIRONMENT": "production",
    "JWT_SECRET": secrets.token_hex(32),
    "DB_ENCRYPTION_KEY": secrets.token_hex(32),
    "ALLOWED_ORIGINS": "https://app.example.org",
}

OwnDatabase = Callable[[], AbstractAsyncContextManager[str]]


@pytest.fixture(scope="session")
def own_database(
    dialect: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> OwnDatabase:
    """Makes databases of the dialect, migrated and otherwise empty: `async with own_database() as url`."""

    @asynccontextmanager
    async def made() -> AsyncIterator[str]:
        if dialect == "sqlite":
            yield f"sqlite:///{tmp_path_factory.mktemp('wire') / 'wire.db'}"  # `serve` makes and migrates it
            return
        name = f"switchboard_wire_{os.getpid()}_{secrets.token_hex(4)}"
        url = await create_database(request.getfixturevalue("postgres_url"), name)
        database = Database(url)
        await migrate(database)
        await database.close()
        yield url
        await drop_database(url)

    return made


@pytest.fixture(scope="session")
async def running(own_database: OwnDatabase) -> AsyncIterator[Running]:
    """A server in development, for all tests of the database. None of them may make it fail."""
    async with own_database() as url, serve(url) as server:
        yield server
    assert server.failures() == []


@pytest.fixture(scope="session")
async def production(own_database: OwnDatabase) -> AsyncIterator[tuple[Running, str]]:
    """A server in production and the URL of its database, for tests that make it fail."""
    async with own_database() as url, serve(url, **PRODUCTION) as server:
        yield server, url


@pytest.fixture
def web(running: Running) -> httpx.AsyncClient:
    """Connections to the server."""
    return running.web


@pytest.fixture
def nobody(web: httpx.AsyncClient) -> Caller:
    """Who is not signed in."""
    return Caller(web)


@pytest.fixture(scope="session")
async def owner(running: Running) -> Owner:
    """Whose workspace the tests of a database share; each has chats of its own."""
    return await register(running.web)


@pytest.fixture
async def chat(owner: Owner) -> str:
    """A chat with one message in it."""
    return await owner.chat()


@pytest.fixture
async def calm(running: Running) -> AsyncIterator[None]:
    """Fails the test during which the server has logged a failure."""
    before = len(running.log.lines)
    yield
    await running.settle()
    assert running.failures(before) == [], "\n".join(running.log.lines[before:])
