"""A real server for each database, kept apart from the databases of other tests, and somebody to ask it."""

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial

import httpx
import pytest

from tests.databases import Databases
from tests.keeping import keep
from tests.running import Running, serve
from tests.wire.caller import Caller, Owner, register

PRODUCTION = {
    "ENVIRONMENT": "production",
    "JWT_SECRET": secrets.token_hex(32),
    "DB_ENCRYPTION_KEY": secrets.token_hex(32),
    "ALLOWED_ORIGINS": "https://app.example.org",
}

Servers = Callable[[str], Awaitable[tuple[Running, str]]]


@pytest.fixture(scope="session")
async def servers(databases: Databases) -> AsyncIterator[Servers]:
    """The server in development of each database, and the URL of the database."""
    async with keep(partial(on_its_own, databases)) as one:
        yield one


@pytest.fixture(scope="session")
async def servers_in_production(databases: Databases) -> AsyncIterator[Servers]:
    """The same in production."""
    async with keep(partial(on_its_own, databases, **PRODUCTION)) as one:
        yield one


@asynccontextmanager
async def on_its_own(
    databases: Databases, dialect: str, **environment: str
) -> AsyncIterator[tuple[Running, str]]:
    """A server on a database that nobody else uses."""
    async with databases.own(dialect) as url, serve(url, **environment) as server:
        yield server, url


@pytest.fixture(scope="session")
async def running(dialect: str, servers: Servers) -> AsyncIterator[Running]:
    """A server in development, for all tests of the database. None of them may make it fail."""
    server, _ = await servers(dialect)
    before = len(server.log.lines)
    yield server
    assert server.failures(before) == []


@pytest.fixture(scope="session")
async def production(dialect: str, servers_in_production: Servers) -> tuple[Running, str]:
    """A server in production and the URL of its database, for tests that make it fail."""
    return await servers_in_production(dialect)


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
