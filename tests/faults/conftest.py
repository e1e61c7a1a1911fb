"""A PostgreSQL that may be killed, for all fault tests, with a database for each of them."""

import secrets
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.databases import create_database, drop_database
from tests.postgres import UNHURRIED, Own, own_server


@pytest.fixture(scope="session")
def postgres() -> Iterator[Own]:
    """The server."""
    with own_server(UNHURRIED) as server:
        yield server


@pytest.fixture
async def fault_url(postgres: Own) -> AsyncIterator[str]:
    """An empty database on it."""
    url = await create_database(postgres.url, f"faults_{secrets.token_hex(6)}")
    yield url
    await drop_database(url)
