"""The servers that are measured: how each is started, asked, and stopped."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import httpx
from sqlalchemy.engine import make_url

from bench.databases import Pair
from bench.operations import Dialect, Request
from bench.rows import id_of
from bench.sets.switchboard import username, workspace_id
from db.engine import driver_url
from services.tokens import Tokens

PROJECT: Final = Path(__file__).resolve().parent.parent
NODE_FOLDER: Final = PROJECT / "bench" / "peers" / "node"
SECRET: Final = "only-for-the-bench-" + "0123456789abcdef" * 2
POOL: Final = 10
"""Connections of each server, in each worker."""
PAGE_SIZE_MAX: Final = 1_000
START_SECONDS: Final = 60.0
STOP_SECONDS: Final = 10.0
ANSWER_SECONDS: Final = 30.0


class NotStarted(Exception):
    """A server that ended, or did not answer in time; the text is what it said."""


@dataclass(frozen=True, slots=True)
class Launch:
    """What a server is to serve, and where."""

    pair: Pair
    port: int
    workers: int


@dataclass(frozen=True, slots=True)
class Command:
    """How a server is started."""

    arguments: tuple[str, ...]
    environment: dict[str, str]
    folder: Path = PROJECT


@dataclass(frozen=True, slots=True)
class Peer:
    """A kind of server."""

    name: str
    dialect: Dialect
    command: Callable[[Launch], Command]


def _switchboard(launch: Launch, **more: str) -> Command:
    workers = ("--workers", str(launch.workers)) if launch.workers > 1 else ()
    environment = {
        "DATABASE_URL": launch.pair.switchboard,
        "DB_ENCRYPTION_KEY": SECRET,
        "DB_POOL_MAX": str(POOL),
        "ENVIRONMENT": "production",
        "JWT_SECRET": SECRET,
        "LOG_LEVEL": "WARNING",  # no server here writes a line for each request
        "PAGE_SIZE_MAX": str(PAGE_SIZE_MAX),
        "RATE_LIMITS": "off",
        "LIMITS": '{"admin": {"sockets": 10000}}',  # all subscribers of the set are one member
        "SERVICE_PORT": str(launch.port),
    }
    return Command((sys.executable, "-m", "graph", "serve", *workers), environment | more)


def _switchboard_counting(launch: Launch) -> Command:
    """The same with every request counted, in buckets that a run does not empty."""
    limits = {"admin": {"sockets": 10_000, "bucket": 10**9, "restore": 10**8}}
    return _switchboard(launch, RATE_LIMITS="on", LIMITS=json.dumps(limits))


def _uvicorn(module: str, *, driver: bool = False, **environment: str) -> Callable[[Launch], Command]:
    def command(launch: Launch) -> Command:
        url = launch.pair.peers
        given = driver_url(url).render_as_string(hide_password=False) if driver else url
        arguments = (
            *(sys.executable, "-m", "uvicorn", f"{module}:app", "--port", str(launch.port)),
            *("--workers", str(launch.workers), "--loop", "uvloop", "--http", "httptools"),
            *("--no-access-log", "--log-level", "warning"),
        )
        return Command(arguments, {"BENCH_URL": given, **environment})

    return command


def _node(file: str) -> Callable[[Launch], Command]:
    def command(launch: Launch) -> Command:
        url = make_url(launch.pair.peers)
        environment = {
            "GRAPHILE_ENV": "production",
            "NODE_ENV": "production",
            "PGDATABASE": str(url.database),
            "PGHOST": str(url.query["host"]),
            "PGUSER": str(url.username),
            "PORT": str(launch.port),
            "TZ": "UTC",
            "WORKERS": str(launch.workers),
        }
        node = NODE_FOLDER / "node_modules" / "node" / "bin" / "node"
        return Command((str(node), "cluster.mjs", file), environment, NODE_FOLDER)

    return command


_STOCK: Final = "bench.peers.strawberry.app"
PEERS: Final = {
    peer.name: peer
    for peer in (
        Peer("switchboard", Dialect.SWITCHBOARD, _switchboard),
        Peer("switchboard-limits", Dialect.SWITCHBOARD, _switchboard_counting),
        Peer("strawberry", Dialect.COMMON, _uvicorn(_STOCK, driver=True)),
        Peer("strawberry-cached", Dialect.COMMON, _uvicorn(_STOCK, driver=True, BENCH_CACHES="on")),
        Peer("yoga", Dialect.COMMON, _node("yoga.mjs")),
        Peer("mercurius", Dialect.COMMON, _node("mercurius.mjs")),
        Peer("postgraphile", Dialect.POSTGRAPHILE, _node("postgraphile.mjs")),
        Peer("limit-rows", Dialect.COMMON, _uvicorn("bench.peers.limits.rows")),
        Peer("limit-sql", Dialect.COMMON, _uvicorn("bench.peers.limits.statements")),
    )
}
ALWAYS: Final = ("switchboard", "strawberry")
"""What `make bench` measures; the second is the one that Switchboard is compared with."""
JOINING: Final = ("strawberry-cached", "yoga", "mercurius", "postgraphile", "limit-rows", "limit-sql")
"""What `make bench-peers` measures as well."""


class Server:
    """A running server."""

    def __init__(self, peer: Peer, launch: Launch, process_id: int) -> None:
        self.peer, self.launch, self.process_id = peer, launch, process_id
        self._tokens = Tokens({"default": SECRET})

    @property
    def name(self) -> str:
        return self.peer.name

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.launch.port}/graphql"

    @cached_property
    def web(self) -> httpx.Client:
        """A connection for single requests."""
        return httpx.Client(timeout=ANSWER_SECONDS)

    def authorization(self, user: int) -> str | None:
        """What a user says about itself; the peers ask nobody. Good for ten minutes."""
        if self.peer.dialect is not Dialect.SWITCHBOARD:
            return None
        ids = id_of("user", user), workspace_id(user), id_of("session", user)
        return f"Bearer {self._tokens.issue(*ids, username(user))}"

    def send(self, request: Request, **more: str) -> httpx.Response:
        """The answer to one request, with more headers where they are given."""
        headers = {"Content-Type": "application/json", "Accept": "application/json", **more}
        authorization = self.authorization(request.user)
        if authorization:
            headers["Authorization"] = authorization
        return self.web.post(self.url, content=request.body, headers=headers)

    def ask(self, request: Request) -> Any:
        """The data of the answer; AssertionError where there are errors."""
        answer = self.send(request).json()
        assert not answer.get("errors"), (self.name, request.body, answer["errors"])
        return answer["data"]


@contextmanager
def started(peer: Peer, pair: Pair, logs: Path, *, workers: int = 1) -> Iterator[Server]:
    """A server that answers; NotStarted where it does not. Stopped with its workers at the end."""
    launch = Launch(pair, _free_port(), workers)
    command = peer.command(launch)
    log = logs / f"{peer.name}-{launch.port}.log"
    with log.open("wb") as stream:
        process = subprocess.Popen(
            command.arguments,
            cwd=command.folder,
            env={**os.environ, **command.environment},
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    server = Server(peer, launch, process.pid)
    try:
        _wait(server, process, log)
        yield server
    finally:
        server.web.close()
        _stop(process)


def _wait(server: Server, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    request = Request(1, '{"query":"{ __typename }","operationName":null,"variables":{}}')
    while True:
        try:
            server.send(request)
            return
        except httpx.TransportError:
            if process.poll() is not None or time.monotonic() > until:
                said = log.read_text(errors="replace")[-2_000:]
                raise NotStarted(f"{server.name} did not start:\n{said}") from None
            time.sleep(0.1)


def _stop(process: subprocess.Popen[bytes]) -> None:
    # The group is the server's own: its workers hear it as well.
    for signum in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, signum)
        except ProcessLookupError:
            break
        try:
            process.wait(STOP_SECONDS)
            break
        except subprocess.TimeoutExpired:
            continue


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port
