"""Each broker carries messages between two wires, and finds its way back when it was away."""

import asyncio
import secrets
import shutil
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from services.brokers.local import LocalBroker
from services.brokers.nats import NatsBroker
from services.brokers.postgres import PostgresBroker
from services.brokers.redis import RedisBroker
from services.brokers.urls import make_broker
from services.brokers.wires import Broker, Wire

SECONDS = 30


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@asynccontextmanager
async def program(*command: str) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """A program of the test's own, while the block runs; gives what kills it and starts it again."""
    found = shutil.which(command[0], path="/usr/sbin:/usr/bin:/bin:/usr/local/bin")
    if found is None:
        pytest.skip(f"needs {command[0]}")
    quiet = asyncio.subprocess.DEVNULL

    async def start() -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(found, *command[1:], stdout=quiet, stderr=quiet)

    running = await start()

    async def again() -> None:
        nonlocal running
        running.kill()
        await running.wait()
        running = await start()

    try:
        yield again
    finally:
        running.kill()
        await running.wait()


@asynccontextmanager
async def two_lines(make: Callable[[], Broker]) -> AsyncIterator[tuple[Wire, list[bytes], list[int]]]:
    """A wire to send on, what another one hears under `t`, and one item each time that one was connected."""
    sender, receiver = Wire(make()), Wire(make())
    heard: list[bytes] = []
    connected: list[int] = []
    receiver.on("t", heard.append)
    receiver.on_connected(lambda: connected.append(1))
    running = [asyncio.create_task(wire.run()) for wire in (sender, receiver)]
    try:
        yield sender, heard, connected
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def arrives(wire: Wire, heard: list[bytes]) -> None:
    """Sends until it is heard: what is published while a broker is away is lost, and may be."""
    async with asyncio.timeout(SECONDS):
        text = secrets.token_bytes(16)
        while text not in heard:
            wire.send("t", text, key=text)
            await asyncio.sleep(0.05)


async def carries_and_comes_back(make: Callable[[], Broker], again: Callable[[], Awaitable[None]]) -> None:
    async with two_lines(make) as (sender, heard, connected):
        await arrives(sender, heard)
        assert sender.broker.is_connected
        assert connected == [1]
        await again()
        await arrives(sender, heard)
        assert len(connected) >= 2, "it says that something may have been missed"


async def test_redis(tmp_path: Path) -> None:
    port = str(free_port())
    async with program("redis-server", "--port", port, "--save", "", "--dir", str(tmp_path)) as again:
        await carries_and_comes_back(lambda: RedisBroker(f"redis://127.0.0.1:{port}/0"), again)


async def test_nats() -> None:
    port = str(free_port())
    async with program("nats-server", "-a", "127.0.0.1", "-p", port) as again:
        await carries_and_comes_back(lambda: NatsBroker(f"nats://127.0.0.1:{port}"), again)


async def test_postgres(postgres_url: str) -> None:
    async def cut() -> None:
        session = await asyncpg.connect(postgres_url)
        await session.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'switchboard broker'"
        )
        await session.close()

    await carries_and_comes_back(lambda: PostgresBroker(postgres_url), cut)


async def test_local() -> None:
    broker = LocalBroker()
    wire, heard = Wire(broker), list[bytes]()
    wire.on("t", heard.append)
    running = asyncio.create_task(wire.run())
    await arrives(wire, heard)
    running.cancel()


def test_a_url_names_its_broker() -> None:
    sqlite, postgres = "sqlite:///x.db", "postgresql:///x?host=/tmp"
    names = [
        make_broker(url, database).name
        for url, database in (
            (None, sqlite),
            (None, postgres),
            ("redis://h", sqlite),
            ("rediss://h", postgres),
            ("nats://h", postgres),
            ("postgresql://h/d", sqlite),
        )
    ]
    assert names == ["local", "postgresql", "redis", "redis", "nats", "postgresql"]
    with pytest.raises(ValueError, match="redis"):
        make_broker("amqp://h", postgres)
