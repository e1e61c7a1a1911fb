"""A database that falls silent in the middle of a statement is given up, and so is the connection to it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from db import postgres
from db.engine import Database
from db.faults import DatabaseFault, FaultKind
from tests.databases import Databases

STATEMENT_SECONDS, SILENCE_SECONDS = 0.5, 0.3
GIVEN_UP_SECONDS = 20.0
"""Three tries, and what the driver takes to close."""
SHORT, LONG = "SELECT pg_sleep(0.01)", "SELECT pg_sleep(0.2)"


@dataclass
class Line:
    """What stands between a client and the server; silent, it passes nothing on."""

    server: str
    url: str = ""
    is_silent: bool = False

    async def join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Passes on both ways what is sent, until one side ends it."""
        host, port = place_of(self.server)
        if host.startswith("/"):
            far, away = await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}")
        else:
            far, away = await asyncio.open_connection(host, port)
        ways = [self._pass(reader, away), self._pass(far, writer)]
        with contextlib.suppress(OSError):
            await asyncio.gather(*ways)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            if not self.is_silent:
                writer.write(data)
                await writer.drain()
        writer.close()


def place_of(url: str) -> tuple[str, int]:
    """The host, or the folder of the socket, and the port."""
    parsed = make_url(url)
    host = parsed.host or str(parsed.query.get("host", "127.0.0.1"))
    return host, int(parsed.port or str(parsed.query.get("port", 5432)))


@asynccontextmanager
async def line_to(server: str) -> AsyncIterator[Line]:
    """A line whose URL leads to the server."""
    line = Line(server)
    listening = await asyncio.start_server(line.join, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    plain = make_url(server)
    kept: Mapping[str, Any] = {k: v for k, v in plain.query.items() if k not in ("host", "port")}
    there = plain.set(host="127.0.0.1", port=port, query=kept)
    line.url = there.render_as_string(hide_password=False)
    try:
        yield line
    finally:
        listening.close()


async def fetched(database: Database, statement: str) -> Sequence[Any]:
    return await database.fetch(text(statement))


async def run(database: Database, statement: str) -> Sequence[Any]:
    return await database.at_once(statement, [])


@pytest.mark.parametrize("pooled", [True, False])
@pytest.mark.parametrize("ask", [fetched, run])
async def test_a_server_that_falls_silent_is_given_up(
    ask: Callable[[Database, str], Awaitable[Sequence[Any]]],
    pooled: bool,
    databases: Databases,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(postgres, "SILENCE_SECONDS", SILENCE_SECONDS)
    monkeypatch.setattr(postgres, "CONNECT_SECONDS", 1.0)
    async with line_to(databases.postgres_url) as line:
        database = Database(line.url, pool_max=2, statement_seconds=STATEMENT_SECONDS, pooled=pooled)
        try:
            assert len(await ask(database, SHORT)) == 1
            asking = asyncio.ensure_future(ask(database, LONG))
            while database.pool_figures().active == 0:
                await asyncio.sleep(0)
            line.is_silent = True
            with pytest.raises(DatabaseFault) as told:
                await asyncio.wait_for(asking, GIVEN_UP_SECONDS)
            assert told.value.kind is FaultKind.AWAY
            assert database.pool_figures().active == 0, "no connection is kept for it"
            line.is_silent = False
            assert len(await ask(database, SHORT)) == 1
        finally:
            await database.close()
