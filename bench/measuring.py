"""Measurements: one window of load on one server, and interleaved rounds of them."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

from bench.operations import BESIDE, Dialect, Request, document, operation_name, requests
from bench.processes import cpu_seconds, memory_megabytes
from bench.servers import PROJECT, Server

CONNECTIONS: Final = 16
SUBSCRIBERS: Final = 200
WRITERS: Final = 4
"""Who write at once while deliveries are counted."""
PACED_A_SECOND: Final = 10
WARM_UP_SECONDS: Final = 1.0
DELIVERY: Final = "delivery"
PROCESS_SECONDS: Final = 180.0


@dataclass(frozen=True, slots=True)
class Sample:
    """One window. Latencies are in milliseconds; of deliveries they are from the sending to the arrival."""

    server: str
    operation: str
    count: int
    seconds: float
    p50: float
    p99: float
    errors: int
    answer_bytes: int
    server_cpu_seconds: float
    database_cpu_seconds: float
    memory_megabytes: float


@dataclass(frozen=True, slots=True)
class Result:
    """The medians of one operation's windows on one server."""

    server: str
    operation: str
    rate: float
    rate_low: float
    rate_high: float
    p50: float
    p99: float
    server_ms: float
    """Processor time of the server for one operation, in milliseconds."""
    database_ms: float
    memory_megabytes: float
    answer_kilobytes: float
    errors: int

    @property
    def cpu_ms(self) -> float:
        """Of the server and the database together."""
        return self.server_ms + self.database_ms

    @classmethod
    def of(cls, samples: Sequence[Sample]) -> "Result":
        """What several windows say together."""
        rates = [sample.count / sample.seconds for sample in samples]
        return cls(
            samples[0].server,
            samples[0].operation,
            median(rates),
            min(rates),
            max(rates),
            median(s.p50 for s in samples),
            median(s.p99 for s in samples),
            median(1_000 * s.server_cpu_seconds / max(1, s.count) for s in samples),
            median(1_000 * s.database_cpu_seconds / max(1, s.count) for s in samples),
            median(s.memory_megabytes for s in samples),
            median(s.answer_bytes for s in samples) / 1_024,
            sum(s.errors for s in samples),
        )


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how often is measured."""

    seconds: float
    rounds: int
    database_process: int | None
    """PostgreSQL's process; none where the database is in the server's own."""
    subscribers: int = SUBSCRIBERS


def measure(
    plan: Plan, servers: Sequence[Server], operations: Sequence[str], tell: Callable[[str], None]
) -> list[Result]:
    """Interleaved rounds, the order of the servers turned in each: what the machine does meanwhile hits all alike."""
    samples: dict[tuple[str, str], list[Sample]] = {}
    for operation in operations:
        for server in _asked(servers, operation):
            if operation != DELIVERY:
                _load(server, _requests(server, operation), WARM_UP_SECONDS)
    for number in range(plan.rounds):
        for operation in operations:
            asked = _asked(servers, operation)
            turned = asked[number % len(asked) :] + asked[: number % len(asked)]
            for server in turned:
                sample = window(plan, server, operation)
                samples.setdefault((operation, server.name), []).append(sample)
        tell(f"round {number + 1} of {plan.rounds}")
    return [Result.of(found) for found in samples.values()]


def _asked(servers: Sequence[Server], operation: str) -> list[Server]:
    if operation not in BESIDE:
        return list(servers)
    return [server for server in servers if server.peer.dialect is Dialect.SWITCHBOARD]


def _requests(server: Server, operation: str) -> list[Request]:
    return requests(operation, server.peer.dialect, server.launch.pair.sizes)


def window(plan: Plan, server: Server, operation: str) -> Sample:
    """One window of an operation's own load."""
    if operation == DELIVERY:
        return deliveries(plan, server)
    return load(plan, server, operation, _requests(server, operation))


def load(plan: Plan, server: Server, operation: str, asked: Sequence[Request]) -> Sample:
    """One window of requests, as fast as the server answers them."""
    used = _used(plan, server)
    found = _load(server, asked, plan.seconds)
    after = _used(plan, server)
    return Sample(
        server.name,
        operation,
        found["count"],
        found["seconds"],
        found["p50"],
        found["p99"],
        found["errors"],
        found["answer_bytes"],
        after[0] - used[0],
        after[1] - used[1],
        memory_megabytes(server.process_id),
    )


def _used(plan: Plan, server: Server) -> tuple[float, float]:
    database = cpu_seconds(plan.database_process) if plan.database_process else 0.0
    return cpu_seconds(server.process_id), database


def _load(server: Server, asked: Sequence[Request], seconds: float) -> dict[str, Any]:
    job = {
        "port": server.launch.port,
        "connections": CONNECTIONS,
        "seconds": seconds,
        "requests": [
            {"body": request.body, "authorization": authorization}
            for request, authorization in _signed(server, asked)
        ],
    }
    with _job(job) as file:
        command = (sys.executable, "-m", "bench.load", file)
        done = subprocess.run(command, cwd=PROJECT, capture_output=True, timeout=PROCESS_SECONDS, check=False)
    if done.returncode:
        raise RuntimeError(f"{server.name}: {done.stderr.decode()[-2_000:]}")
    found: dict[str, Any] = json.loads(done.stdout)
    if not found["count"]:
        raise RuntimeError(f"{server.name} answered nothing in {seconds} s: {asked[0].body[:300]}")
    return found


def _signed(server: Server, asked: Sequence[Request]) -> list[tuple[Request, str | None]]:
    tokens = {user: server.authorization(user) for user in {request.user for request in asked}}
    return [(request, tokens[request.user]) for request in asked]


@contextmanager
def _job(job: dict[str, Any]) -> Iterator[str]:
    """The path of a file with the job, for as long as it is worked on."""
    with tempfile.NamedTemporaryFile("w", prefix="bench-", suffix=".json") as file:
        json.dump(job, file)
        file.flush()
        yield file.name


def deliveries(plan: Plan, server: Server) -> Sample:
    """One window of messages to one chat that many follow; an operation is one delivery to one of them."""
    dialect, sizes = server.peer.dialect, server.launch.pair.sizes
    followed = requests(DELIVERY, dialect, sizes)[0]
    subscribe = json.loads(followed.body)
    job = {
        "port": server.launch.port,
        "subscribers": plan.subscribers,
        "seconds": plan.seconds,
        "writers": WRITERS,
        "paced_a_second": PACED_A_SECOND,
        "authorization": server.authorization(followed.user),
        "subscribe": subscribe,
        "publish": {
            "query": document("send", dialect),
            "operationName": operation_name("send"),
            "variables": subscribe["variables"],
        },
    }
    with _job(job) as file:
        command = (sys.executable, "-m", "bench.fanout", file)
        with subprocess.Popen(
            command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            return _follow(plan, server, process)


def _follow(plan: Plan, server: Server, process: "subprocess.Popen[bytes]") -> Sample:
    assert process.stdout
    # The client says when all stand and when the burst is over: connecting is in no figure.
    _expect(server, process, b"ready")
    used = _used(plan, server)
    _go_on(process)
    _expect(server, process, b"measured")
    after = _used(plan, server)
    memory = memory_megabytes(server.process_id)
    _go_on(process)
    found = json.loads(process.stdout.read())
    return Sample(
        server.name,
        DELIVERY,
        found["count"],
        found["seconds"],
        found["p50"],
        found["p99"],
        found["errors"],
        0,
        after[0] - used[0],
        after[1] - used[1],
        memory,
    )


def _go_on(process: "subprocess.Popen[bytes]") -> None:
    assert process.stdin
    process.stdin.write(b"\n")
    process.stdin.flush()


def _expect(server: Server, process: "subprocess.Popen[bytes]", word: bytes) -> None:
    assert process.stderr
    said = process.stderr.readline()
    if said.strip() != word:
        rest = said + process.stderr.read()
        raise RuntimeError(f"{server.name}: {rest.decode()[-2_000:]}")
