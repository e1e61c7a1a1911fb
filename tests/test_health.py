"""What /livez, /readyz and /health say while the database is there, slow or away, or the server drains."""

import asyncio
import re
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from structlog.testing import capture_logs

from graph import health
from graph.health import ServerState, routes
from services.brokers.local import LocalBroker
from services.brokers.wires import Wire
from services.secrets import Vault
from services.server import Server
from services.tokens import Tokens


@dataclass(frozen=True)
class PoolFigures:
    active: int = 1
    idle: int = 2
    total: int = 3


class FakeDatabase:
    """A database that is there, away or silent, as the test wants it."""

    def __init__(self):
        self.away = False
        self.silent = False

    async def ping(self):
        if self.silent:
            await asyncio.Event().wait()
        if self.away:
            raise ConnectionRefusedError("postgresql://app:hunter2@db is away")

    def pool_figures(self):
        return PoolFigures()


@pytest.fixture
def database():
    return FakeDatabase()


@pytest.fixture
def state():
    return ServerState()


@pytest.fixture
async def client(database, state):
    transport = httpx.ASGITransport(app=Starlette(routes=routes(database, "1.2.3", state)))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


async def statuses(client):
    return [(await client.get(path)).status_code for path in ("/livez", "/readyz", "/health")]


async def test_all_is_well(client):
    assert await statuses(client) == [200, 200, 200]
    answer = await client.get("/health")
    body = answer.json()
    assert answer.headers["cache-control"] == "no-store"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", body.pop("timestamp"))
    assert body["checks"]["database"].pop("responseTimeMs") >= 0
    assert body == {
        "status": "UP",
        "version": "1.2.3",
        "draining": False,
        "checks": {"database": {"status": "UP", "pool": {"active": 1, "idle": 2, "total": 3}}},
    }


async def test_a_draining_server_lives_but_takes_no_more(client, state):
    state.draining = True
    assert await statuses(client) == [200, 503, 200]
    body = (await client.get("/health")).json()
    assert (body["status"], body["draining"], body["checks"]["database"]["status"]) == (
        "DEGRADED",
        True,
        "UP",
    )


async def test_without_its_database_the_server_lives_and_says_so(client, database):
    database.away = True
    with capture_logs() as lines:
        assert await statuses(client) == [200, 503, 503]
        answer = await client.get("/health")
    assert (answer.json()["status"], answer.json()["checks"]["database"]["status"]) == ("DOWN", "DOWN")
    assert "hunter2" not in answer.text
    assert {line["event"] for line in lines} == {"database away"}
    database.away = False
    assert await statuses(client) == [200, 200, 200]


async def test_a_database_that_does_not_answer_is_away(client, database, monkeypatch):
    monkeypatch.setattr(health, "PING_SECONDS_MAX", 0.01)
    database.silent = True
    assert await statuses(client) == [200, 503, 503]


async def test_a_slow_database_degrades_the_server(client, monkeypatch):
    monkeypatch.setattr(health, "SLOW_MILLISECONDS", -1.0)
    assert await statuses(client) == [200, 200, 200]
    assert (await client.get("/health")).json()["status"] == "DEGRADED"


async def test_live_delivery_is_told_and_degrades_without_its_broker():
    broker = LocalBroker()
    database: Any = FakeDatabase()
    server = Server(database, Tokens({"a": "b" * 32}), Vault({"a": "b" * 32}), wire=Wire(broker))
    state = ServerState()
    body = await health.report(server.database, "1", state, server)
    assert (body["status"], body["checks"]["live"]["status"]) == ("UP", "UP")
    assert body["checks"]["live"]["broker"] == {"name": "local", "connected": True, "lagMs": 0.0}
    figures = {
        name: body["checks"]["live"][name] for name in ("sockets", "subscriptions", "resumed", "slowClosed")
    }
    assert set(figures.values()) == {0}
    broker.is_connected = False
    body = await health.report(server.database, "1", state, server)
    assert (body["status"], body["checks"]["live"]["status"]) == ("DEGRADED", "DEGRADED")
