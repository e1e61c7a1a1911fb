"""The real server as a process of its own, on a free port, with its log."""

import asyncio
import json
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import httpx

from graph.settings import Settings
from tests.forks import PROJECT as PROJECT
from tests.forks import Fork
from tests.held import is_held

Process = Fork | asyncio.subprocess.Process
START_SECONDS = 60
STOP_SECONDS = 20
MANY_SOCKETS = '{"anonymous": {"sockets": 20000, "subscriptions": 100}, "admin": {"sockets": 20000}}'
LINE_SECONDS = 10
ANSWER_SECONDS = 60
"""A machine that runs four processes of tests may take its time."""
FAILURE = re.compile(r"Traceback|Warning|\[(error|critical) |\"level\":\"(error|critical)\"")
LISTENING = re.compile(
    r"Uvicorn running on (http://127\.0\.0\.1:\d+)|serving.*?(http://127\.0\.0\.1:\d+).*workers"
)
READY = "worker ready"


class Log:
    """What a process has written to its standard error so far."""

    def __init__(self, stream: asyncio.StreamReader) -> None:
        self.lines: list[str] = []
        self._ended = False
        self._grown = asyncio.Condition()
        self._reading = asyncio.create_task(self._read(stream))

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    async def find(self, matches: Callable[[str], Any], seconds: float = LINE_SECONDS) -> str:
        """The first line that matches, once it is there: a line is written after the answer it belongs to."""
        async with asyncio.timeout(seconds), self._grown:
            await self._grown.wait_for(lambda: self._ended or any(map(matches, self.lines)))
        found = next(filter(matches, self.lines), None)
        assert found is not None, f"The process ended without such a line:\n{self.text}"
        return found

    async def count(self, text: str, times: int, seconds: float = LINE_SECONDS) -> None:
        """Until so many lines have the text."""

        def there() -> bool:
            return sum(text in line for line in self.lines) >= times

        async with asyncio.timeout(seconds), self._grown:
            await self._grown.wait_for(lambda: self._ended or there())
        assert there(), f"The process ended without so many lines:\n{self.text}"

    async def closed(self) -> None:
        """Until the process will write no more."""
        await self._reading

    async def _read(self, stream: asyncio.StreamReader) -> None:
        async for line in stream:
            async with self._grown:
                self.lines.append(line.decode().rstrip("\n"))
                self._grown.notify_all()
        async with self._grown:
            self._ended = True
            self._grown.notify_all()


class Running:
    """A server that answers, and connections to it."""

    def __init__(self, web: httpx.AsyncClient, log: Log, process: Process) -> None:
        self.web, self.log, self.process = web, log, process
        self.status_at_end = 0
        self.url = str(web.base_url).rstrip("/")
        self.graphql = f"{self.url}/graphql"
        self.socket = self.graphql.replace("http://", "ws://")

    def kill(self) -> None:
        """Ends it as a crash would."""
        self.status_at_end = -signal.SIGKILL
        self.process.kill()

    def failures(self, since: int = 0) -> list[str]:
        """What it has logged, from that line on, that should not happen whatever anybody sends."""
        return [line for line in self.log.lines[since:] if FAILURE.search(line)]

    async def settle(self) -> None:
        """Until everything is in the log that was written before now."""
        request_id = uuid4().hex
        await self.web.get("/", headers={"X-Request-ID": request_id})
        await self.log.find(lambda line: request_id in line)

    async def records(self, request_id: str) -> list[dict[str, Any]]:
        """All that a server in production has logged for a request that is over; its own line comes last."""
        await self.log.find(lambda line: request_id in line and json.loads(line)["event"] == "request")
        return [json.loads(line) for line in self.log.lines if request_id in line]


@asynccontextmanager
async def serve(
    database_url: str, workers: int = 1, program: str = "graph", /, **environment: str
) -> AsyncIterator[Running]:
    """`python -m graph serve`, or a program that stands in for it, on a database; asked to end afterwards, which it has to do by itself."""
    words = ("serve", "--workers", str(workers))
    settings = environment_of_server(DATABASE_URL=database_url, **environment)
    process: Process
    if program == "graph":
        process = Fork(words, settings)
        log = Log(await process.written())
    else:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", program, *words),
            cwd=PROJECT,
            env=settings,
            stderr=asyncio.subprocess.PIPE,
            limit=2**20,
        )
        assert process.stderr is not None
        log = Log(process.stderr)
    try:
        match = LISTENING.search(await log.find(LISTENING.search, START_SECONDS))
        assert match is not None
        await log.count(READY, workers, START_SECONDS)
        async with httpx.AsyncClient(base_url=match[1] or match[2], timeout=ANSWER_SECONDS) as web:
            assert (await web.get("/livez")).status_code == 200
            running = Running(web, log, process)
            yield running
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(STOP_SECONDS):
            status = await process.wait()
        assert status == running.status_at_end, log.text
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        await log.closed()


async def command(*words: str, **environment: str) -> tuple[int, str]:
    """The exit status of `python -m graph …`, and all that it wrote."""
    process = Fork(words, environment_of_server(**environment))
    written = await (await process.written()).read()
    return await process.wait(), written.decode()


def environment_of_server(**own: str) -> dict[str, str]:
    """This process's environment without what it may say to a server."""
    held = is_held(own.get("DATABASE_URL", "sqlite://"))
    kept = {name: value for name, value in os.environ.items() if name.lower() not in Settings.model_fields}
    # Tests ask as often and open as many sockets as they like; those of the limits say what they are.
    return {
        **kept,
        "SERVICE_PORT": "0",
        "RATE_LIMITS": "off",
        "LIMITS": MANY_SOCKETS,
        "REQUESTS_AT_ONCE_MAX": "10000",
        "DATABASE_ROW_SECURITY": "on" if held else "off",
        **own,
    }
