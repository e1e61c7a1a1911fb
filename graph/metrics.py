"""/metrics: what a worker does, for Prometheus. Figures are read where they are kept, when somebody asks."""

import asyncio
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Final

import structlog
import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from db.base import Permission
from graph.health import NEVER_STORED, ServerState
from graph.identity import Identity
from graph.pages import refusal
from graph.serving import bound_sockets
from graph.settings import VERSION
from graph.tally import Histogram
from schema.kit.execution.plans import plans
from services.server import Server

PREFIX: Final = "switchboard_"
PORTS_MAX: Final = 64
"""Each worker takes a port of its own, from PROMETHEUS_PORT on: as many as there may be workers."""

logger = structlog.get_logger("switchboard.metrics")


class Figures(Collector):
    """Everything that the parts of one worker count."""

    def __init__(self, server: Server, state: ServerState) -> None:
        self._server, self._state = server, state

    def collect(self) -> Iterator[Metric]:
        yield _gauge("info", "The version that runs.", 1, version=VERSION)
        yield from self._of_operations()
        yield from self._of_sockets()
        yield from self._of_delivery()
        yield from self._of_broker()
        yield from self._of_database()

    def _of_operations(self) -> Iterator[Metric]:
        tally = self._state.tally
        outcomes = CounterMetricFamily(
            f"{PREFIX}operations", "Operations by name and what came of them.", labels=("operation", "code")
        )
        for labels, count in list(tally.outcomes.items()):
            outcomes.add_metric(labels, count)
        yield outcomes
        refused = CounterMetricFamily(f"{PREFIX}refused", "What was refused whole.", labels=("code",))
        for code, count in list(tally.refused.items()):
            refused.add_metric((code,), count)
        yield refused
        yield _histogram("operation_seconds", "How long queries and mutations took.", tally.seconds)
        yield _histogram("operation_cost", "What operations cost.", tally.costs)

    def _of_sockets(self) -> Iterator[Metric]:
        lines, hub = self._state.lines, self._server.hub
        yield _gauge("sockets", "Open WebSockets.", len(lines.sockets))
        yield _gauge("event_streams", "Open streams of server-sent events.", len(lines.streams))
        yield _gauge("subscriptions", "Subscriptions that follow something.", hub.follower_count())
        yield _gauge("draining", "Whether the worker takes no more.", self._state.draining)
        yield _counter("slow_closed", "Sockets closed because their client did not read.", lines.slow_count)
        begun = CounterMetricFamily(
            f"{PREFIX}subscriptions_begun", "Subscriptions begun.", labels=("follows", "resumed")
        )
        for (room, resumed), count in hub.begun.items():
            begun.add_metric((room, str(resumed).lower()), count)
        yield begun

    def _of_delivery(self) -> Iterator[Metric]:
        hub, sweep, answers = self._server.hub.figures(), self._server.sweep, self._server.answers
        yield _gauge("followed_subjects", "Conversations and logs that somebody follows.", hub.subjects)
        yield _gauge("ring_rows", "Rows kept for those who follow.", hub.rows_kept)
        yield _counter("follow_reads", "Reads of rows that are followed, mostly each for all.", hub.reads)
        yield _counter("follow_looks", "Looks whether what is followed is still in sight.", hub.looks)
        yield _counter("events_executed", "Live events executed.", answers.made)
        shared = answers.given + hub.handed
        yield _counter("events_shared", "Live events told without executing them again.", shared)
        yield _gauge("sweep_seconds", "How long the last sweep took.", sweep.seconds)
        yield _counter("sweep_found", "Subjects with news that no hint had told.", sweep.found)
        yield _counter("hints_heard", "Hints heard from workers, this one included.", hub.hints_heard)
        yield _counter("plans_run", "Operations and events run by a plan.", plans.counters.planned)
        yield _counter("plans_missing", "Operations that have no plan.", plans.counters.fallback)
        yield _counter(
            "plans_left",
            "Operations and events that a plan began and the slower executor answered.",
            plans.counters.surprised,
        )

    def _of_broker(self) -> Iterator[Metric]:
        wire = self._server.wire
        name = wire.broker.name
        yield _gauge("broker_up", "Whether the broker is connected.", wire.broker.is_connected, broker=name)
        yield _gauge("broker_lag_seconds", "From sending over the broker to hearing it.", wire.lag_seconds)
        yield _gauge("broker_unsent", "What waits to be sent to other workers.", wire.unsent)
        yield _counter("broker_messages", "Messages sent to other workers.", wire.published)
        yield _counter("broker_failures", "Messages that could not be sent.", wire.failed)
        yield _counter("broker_dropped", "What was not sent because too much waited.", wire.dropped)

    def _of_database(self) -> Iterator[Metric]:
        pool = self._server.database.pool_figures()
        family = GaugeMetricFamily(
            f"{PREFIX}database_connections", "Connections to the database.", labels=("state",)
        )
        family.add_metric(("active",), pool.active)
        family.add_metric(("idle",), pool.idle)
        yield family
        yield _gauge("database_connections_max", "How many there may be.", pool.most)
        yield _gauge("database_waiting", "Reads of plans that wait for a connection.", pool.waiting)


def _gauge(name: str, told: str, value: float, **labels: str) -> Metric:
    family = GaugeMetricFamily(f"{PREFIX}{name}", told, labels=tuple(labels))
    family.add_metric(tuple(labels.values()), value)
    return family


def _histogram(name: str, told: str, of: Mapping[str, Histogram]) -> Metric:
    family = HistogramMetricFamily(f"{PREFIX}{name}", told, labels=("operation",))
    for operation, values in list(of.items()):
        family.add_metric((operation,), buckets=values.buckets(), sum_value=values.total)
    return family


def _counter(name: str, told: str, value: float) -> Metric:
    family = CounterMetricFamily(f"{PREFIX}{name}", told)
    family.add_metric((), value)
    return family


def registry(server: Server, state: ServerState) -> CollectorRegistry:
    """The figures of one worker and of its process."""
    made = CollectorRegistry(auto_describe=False)
    made.register(Figures(server, state))
    ProcessCollector(registry=made)
    PlatformCollector(registry=made)
    return made


def route(figures: CollectorRegistry, identity: Identity | None) -> Route:
    """The route; with `identity` only for who may read metrics."""

    async def metrics(request: Request) -> Response:
        refused = await refusal(request, identity, Permission.METRICS_READ)
        if refused is not None:
            return refused
        body = generate_latest(figures)
        return Response(body, headers={"Content-Type": CONTENT_TYPE_LATEST, **NEVER_STORED})

    return Route("/metrics", metrics)


async def serve(figures: CollectorRegistry, host: str, first_port: int) -> None:
    """Serves /metrics, to whoever reaches it, on the first free port from `first_port` on, until it is cancelled."""
    for port in range(first_port, first_port + PORTS_MAX):
        try:
            sockets = bound_sockets(host, port, shared=False)
        except OSError:
            continue
        break
    else:
        logger.error("no port for metrics", first=first_port)
        return
    logger.info("serving metrics", host=host, port=port)
    app = Starlette(routes=[route(figures, None)])
    config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", server_header=False)
    server = _Quiet(config)
    try:
        await server.serve(sockets=sockets)
    except asyncio.CancelledError:
        server.should_exit = True
        with suppress(Exception):
            await server.shutdown(sockets=sockets)
        raise


class _Quiet(uvicorn.Server):
    """A server beside the one that the process is for, whose signals it leaves alone."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield
