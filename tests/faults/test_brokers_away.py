"""A broker that dies takes nothing with it: followers are late by a sweep, and it is found again by itself."""

import asyncio
import shutil
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from tests.faults.cluster import Cluster, cluster, free_ports
from tests.faults.crowd import account, caught_up, following, stage
from tests.faults.test_delivery import kept
from tests.postgres import Own

BROKERS = ("postgresql", "redis", "nats")
LATE_SECONDS_MAX = 2.5
"""The longest wait for a sweep, and the way."""
COMMANDS = {
    "redis": ("redis-server", "--save", "", "--port"),
    "nats": ("nats-server", "-a", "127.0.0.1", "-p"),
}


class Program:
    """A broker of the test's own."""

    def __init__(self, name: str) -> None:
        (port,) = free_ports(1)
        self.url = f"{name}://127.0.0.1:{port}"
        self._command = (*COMMANDS[name], str(port))
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        found = shutil.which(self._command[0], path="/usr/sbin:/usr/bin:/usr/local/bin:/bin")
        if found is None:
            pytest.skip(f"needs {self._command[0]}")
        quiet = asyncio.subprocess.DEVNULL
        self._process = await asyncio.create_subprocess_exec(
            found, *self._command[1:], stdout=quiet, stderr=quiet
        )

    async def kill(self) -> None:
        assert self._process is not None
        if self._process.returncode is None:
            self._process.kill()
            await self._process.wait()


@asynccontextmanager
async def broken(
    name: str, postgres: Own
) -> AsyncIterator[tuple[str | None, Callable[[float], Awaitable[None]]]]:
    """BROKER_URL, and what keeps that broker away for a while."""
    if name == "postgresql":

        async def cut(seconds: float) -> None:
            # Sessions that listen are ended as fast as they are begun.
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                await postgres.terminate("switchboard broker")
                await asyncio.sleep(0.05)

        yield None, cut
        return
    program = Program(name)
    await program.start()

    async def away(seconds: float) -> None:
        await program.kill()
        await asyncio.sleep(seconds)
        await program.start()

    try:
        yield program.url, away
    finally:
        await program.kill()


async def connected(workers: Cluster, *, since: float = 0.0) -> None:
    """Until every worker says that its broker is there."""
    async with asyncio.timeout(60), httpx.AsyncClient() as web:
        for worker in workers.workers:
            while True:
                live = (await web.get(f"{worker.url}/health")).json()["checks"]["live"]
                if live["status"] == "UP":
                    break
                await asyncio.sleep(0.05)


async def without_broker(
    name: str, folder: Path, postgres: Own, url: str, seconds: float, per_second: float, followers: int
) -> tuple[dict[str, int], float]:
    """Writes while the broker is away; what was lost, and the longest that a message took."""
    async with broken(name, postgres) as (broker_url, away):
        environment = {} if broker_url is None else {"BROKER_URL": broker_url}
        async with cluster(folder, url, environment) as workers, stage(workers, 3) as here:
            await connected(workers)
            crowd, (writer,) = here.followers(followers), here.writers(1)
            async with following(crowd):
                at_once = 4
                total = int((seconds + 1) * per_second)
                writing = asyncio.ensure_future(writer.send(total, at_once, 1 / per_second))
                await asyncio.sleep(0.5)
                await away(seconds)
                await writing
                await connected(workers)
                last = await kept(here)
                await caught_up(crowd, last)
            late = max(follower.late_seconds for follower in crowd)
            assert max(follower.connections for follower in crowd) == 1, "no client noticed anything"
            assert workers.complaints() == []
            sys.stdout.write(f"{name}: {account(crowd, last)}, at most {late:.2f} s late\n")
            return account(crowd, last), late


@pytest.mark.parametrize("name", BROKERS)
async def test_nothing_is_lost_while_the_broker_is_away(
    name: str, tmp_path: Path, postgres: Own, fault_url: str
) -> None:
    found, _ = await without_broker(name, tmp_path, postgres, fault_url, 1.0, 20, followers=6)
    assert found.pop("expected") >= 40
    assert set(found.values()) == {0}, found


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", BROKERS)
async def test_half_a_minute_without_the_broker(
    name: str, tmp_path: Path, postgres: Own, fault_url: str
) -> None:
    found, late = await without_broker(name, tmp_path, postgres, fault_url, 30.0, 100, followers=20)
    assert found.pop("expected") >= 3_000
    assert set(found.values()) == {0}, found
    assert late <= LATE_SECONDS_MAX
