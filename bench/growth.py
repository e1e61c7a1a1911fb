"""How cost grows: with the page, with the data, with workers, with subscribers, with documents never seen before."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from bench.clusters import Cluster
from bench.databases import Pair, copied_on_postgres, make_on_postgres
from bench.measuring import Plan, Result, Sample, deliveries, load
from bench.operations import requests, unseen_requests
from bench.servers import NotStarted, Peer, Server, started

PAGES: Final = (10, 30, 100, 300, 1_000)
DATA: Final = (10_000, 100_000, 1_000_000)
DATA_OPERATIONS: Final = ("chat", "inbox", "inbox_deep")
WORKERS: Final = (1, 2)
WORKER_OPERATIONS: Final = ("chat", "inbox_deep", "send")
SUBSCRIBERS: Final = (1, 10, 100, 1_000)
UNSEEN_OPERATIONS: Final = ("chat", "inbox_deep")
UNSEEN_DOCUMENTS: Final = 4_000
"""More than a cache keeps, so that going round in them finds none again."""
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Point:
    """One measurement of a series."""

    series: str
    at: int
    result: Result


@dataclass(frozen=True, slots=True)
class Field:
    """What growth is measured on."""

    cluster: Cluster
    peers: Sequence[Peer]
    messages: int
    plan: Plan
    logs: Path
    tell: Tell


def measure_growth(field: Field) -> list[Point]:
    """All series, the servers one after the other in each point."""
    points: list[Point] = []
    with copied_on_postgres(field.cluster, field.messages) as pair:
        with _running(field, pair) as servers:
            points += _pages(field, servers)
            points += _unseen(field, servers)
            points += _subscribers(field, servers)
        points += _workers(field, pair)
    points += _data(field)
    return points


@contextmanager
def _running(field: Field, pair: Pair) -> Iterator[list[Server]]:
    with ExitStack() as stack:
        yield [stack.enter_context(started(peer, pair, field.logs)) for peer in field.peers]


def _point(series: str, at: int, sample: Sample) -> Point:
    return Point(series, at, Result.of([sample]))


def _pages(field: Field, servers: Sequence[Server]) -> Iterator[Point]:
    for size in PAGES:
        for server in servers:
            asked = requests("page", server.peer.dialect, server.launch.pair.sizes, size=size)
            load(replace(field.plan, seconds=1), server, "page", asked)
            yield _point("page size", size, load(field.plan, server, "page", asked))
        field.tell(f"pages of {size}")


def _unseen(field: Field, servers: Sequence[Server]) -> Iterator[Point]:
    for operation in UNSEEN_OPERATIONS:
        for server in servers:
            dialect, sizes = server.peer.dialect, server.launch.pair.sizes
            for at, asked in (
                (0, requests(operation, dialect, sizes)),
                (1, unseen_requests(operation, dialect, sizes, UNSEEN_DOCUMENTS)),
            ):
                yield _point(
                    "documents seen for the first time", at, load(field.plan, server, operation, asked)
                )
        field.tell(f"documents never seen: {operation}")


def _subscribers(field: Field, servers: Sequence[Server]) -> Iterator[Point]:
    for count in SUBSCRIBERS:
        for server in servers:
            sample = deliveries(replace(field.plan, subscribers=count), server)
            yield _point("subscribers", count, sample)
        field.tell(f"{count} subscribers")


def _workers(field: Field, pair: Pair) -> Iterator[Point]:
    for workers in WORKERS:
        for peer in field.peers:
            try:
                with started(peer, pair, field.logs, workers=workers) as server:
                    for operation in WORKER_OPERATIONS:
                        asked = requests(operation, peer.dialect, pair.sizes)
                        load(replace(field.plan, seconds=1), server, operation, asked)
                        yield _point("workers", workers, load(field.plan, server, operation, asked))
            except NotStarted as error:
                field.tell(f"{peer.name} has no {workers} workers: {str(error).splitlines()[-1]}")
        field.tell(f"{workers} workers")


def _data(field: Field) -> Iterator[Point]:
    for messages in (size for size in DATA if size <= field.messages):
        make_on_postgres(field.cluster, messages)
        with copied_on_postgres(field.cluster, messages) as pair, _running(field, pair) as servers:
            for operation in DATA_OPERATIONS:
                for server in servers:
                    asked = requests(operation, server.peer.dialect, pair.sizes)
                    load(replace(field.plan, seconds=1), server, operation, asked)
                    yield _point("messages", messages, load(field.plan, server, operation, asked))
        field.tell(f"{messages} messages")
