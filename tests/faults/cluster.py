"""Several servers on one database, each a process of its own that may be killed and is started again."""

import asyncio
import contextlib
import random
import re
import secrets
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from db.engine import Database
from db.migrate import migrate
from tests.running import PROJECT, environment_of_server

START_SECONDS = 60
KEYS = {"JWT_SECRET": secrets.token_hex(32), "DB_ENCRYPTION_KEY": secrets.token_hex(32)}


@dataclass
class Worker:
    """One server process."""

    port: int
    environment: dict[str, str]
    log: Path
    process: asyncio.subprocess.Process | None = None
    kills: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def socket(self) -> str:
        return f"ws://127.0.0.1:{self.port}/graphql"

    async def start(self) -> None:
        """Starts it; it may take a while until it answers."""
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tests.faults.server"), cwd=PROJECT, env=self.environment, stderr=log
            )

    async def ready(self) -> None:
        """Until it answers."""
        async with asyncio.timeout(START_SECONDS), httpx.AsyncClient(base_url=self.url) as web:
            while True:
                with contextlib.suppress(httpx.HTTPError):
                    if (await web.get("/livez")).status_code == 200:
                        return
                await asyncio.sleep(0.05)

    async def kill(self) -> None:
        """It is gone in the middle of whatever it does, and started again."""
        await self.stop()
        self.kills += 1
        await self.start()

    async def stop(self) -> None:
        """It is gone."""
        if self.process is not None and self.process.returncode is None:
            self.process.send_signal(signal.SIGKILL)
            await self.process.wait()


@dataclass
class Cluster:
    """All of them."""

    workers: list[Worker] = field(default_factory=list)

    def any(self) -> Worker:
        """One of them, by chance."""
        return random.choice(self.workers)

    def complaints(self) -> list[str]:
        """What they logged that nothing should make them log."""
        text = "".join(worker.log.read_text(errors="replace") for worker in self.workers)
        return re.findall(r"^Traceback.*|.*\[error .*|.*never retrieved.*", text, re.MULTILINE)


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on."""
    with contextlib.ExitStack() as stack:
        taken = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in taken:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in taken]


@asynccontextmanager
async def cluster(
    folder: Path, database_url: str, own: Mapping[str, str] | None = None, count: int = 2
) -> AsyncIterator[Cluster]:
    """So many servers on a database that is migrated here."""
    settings = environment_of_server(DATABASE_URL=database_url, **KEYS, **(own or {}))
    database = Database(database_url)
    await migrate(database)
    await database.close()
    made = Cluster()
    for place, port in enumerate(free_ports(count)):
        made.workers.append(
            Worker(port, {**settings, "SERVICE_PORT": str(port)}, folder / f"worker-{place}.log")
        )
    try:
        for worker in made.workers:
            await worker.start()
        for worker in made.workers:
            await worker.ready()
        yield made
    finally:
        for worker in made.workers:
            await worker.stop()
