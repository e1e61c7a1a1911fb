"""The composition root: settings, database, keys and schema become one application."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import Any

import structlog
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from db.engine import Database
from db.faults import DatabaseFault
from graph import graphiql, health, live, metrics, pages
from graph.endings import keep_watch
from graph.endpoint import Endpoint
from graph.identity import Identity
from graph.requests import RequestIdMiddleware, header
from graph.settings import VERSION, LogLevel, Settings
from graph.trusted import TrustedDocuments, read_manifest
from graph.turns import Door, Turns
from schema import schema
from schema.kit.execution.plans import plans
from services import security
from services.attempts import prune_attempts
from services.brokers.local import LocalBroker
from services.brokers.urls import make_broker
from services.brokers.wires import Wire
from services.bucket_stores import PostgresStore, prune_buckets
from services.clients import prune_nonces
from services.hub import Hub
from services.idempotency import prune
from services.limits import Limits
from services.secrets import Vault
from services.server import Server
from services.shared_buckets import SharedBuckets
from services.tokens import Tokens

GRAPH = "/graphql"
LOCAL_ORIGIN = r"https?://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?"
HEADERS_TOLD = ("X-Request-ID", "Server-Timing", "Retry-After")
PREFLIGHT_SECONDS = 600
PROBES = frozenset({"/livez", "/readyz", "/health", "/metrics"})
LET_IN = "switchboard.let_in"
HOSTS_MAX = 1_000
"""How many Host headers are remembered as allowed: a client may write a port behind it."""
ANALYZE_SECONDS = 600.0
PRUNE_SECONDS = 600.0
RETIRE_SECONDS = 30.0
logger = structlog.get_logger("switchboard.database")


def open_database(settings: Settings) -> Database:
    """The database that the settings name, for a worker. Nothing is connected yet."""
    return Database(
        settings.database_url,
        pool_max=settings.db_pool_max,
        idle_seconds=int(settings.db_pool_idle_timeout),
        row_security=settings.database_row_security,
        pooled=settings.database_pooler,
    )


def open_whole_database(settings: Settings) -> Database:
    """The same for a command of an operator's: it takes its time, and sees every workspace."""
    return Database(
        settings.database_url,
        pool_max=settings.db_pool_max,
        idle_seconds=int(settings.db_pool_idle_timeout),
        statement_seconds=None,
        sees_all=True,
        pooled=settings.database_pooler,
    )


def make_server(settings: Settings, database: Database, *, workers: int = 1) -> Server:
    """What all requests share, in one of so many workers."""
    broker = make_broker(settings.broker_url, settings.database_url)
    wire = Wire(broker)
    return Server(
        database,
        Tokens({key.id: key.secret for key in settings.jwt_secret}),
        Vault({key.id: key.secret for key in settings.db_encryption_key}),
        wire=wire,
        hub=Hub(None if isinstance(broker, LocalBroker) else wire),
        limits=make_limits(settings, database, workers=workers),
        page_size_max=settings.page_size_max,
        allow_registration=settings.allow_registration,
        guards_schema=settings.is_production,
        counts_attempts=settings.rate_limits,
        takes_older_signatures=settings.older_signatures,
    )


def make_limits(settings: Settings, database: Database, *, workers: int) -> Limits:
    """Limits that workers share over Redis, where it is named, or PostgreSQL; else those of this process."""
    buckets = None
    if settings.redis_url is not None:
        # Its library takes long to import: only who names a Redis waits for it.
        from services.redis_store import RedisStore

        buckets = SharedBuckets(RedisStore(settings.redis_url), workers=workers)
    elif database.dialect == "postgresql":
        buckets = SharedBuckets(PostgresStore(database), workers=workers)
    return Limits(settings.limits, enabled=settings.rate_limits, buckets=buckets)


def trusted_documents(settings: Settings) -> TrustedDocuments:
    """What the manifest lists, where there is one."""
    path = settings.trusted_documents_file
    return TrustedDocuments(settings.trusted_documents, read_manifest(path) if path is not None else None)


def create_app(settings: Settings, state: health.ServerState, *, workers: int = 1) -> ASGIApp:
    """The application, ready for uvicorn; it opens its database at the start and closes it at the end.

    `workers` is how many serve together.
    """
    plans.enabled = settings.plans
    database = open_database(settings)
    server = make_server(settings, database, workers=workers)
    turns = Turns(settings.requests_at_once_max)
    endpoint = Endpoint(
        schema,
        server,
        allowed_origins=settings.allowed_origins,
        any_local_origin=not settings.is_production,
        trusted_proxies=settings.trusted_proxies,
        lines=state.lines,
        socket_send_seconds=settings.socket_send_timeout,
        tally=state.tally,
        trusted=trusted_documents(settings),
        turns=turns,
        tells_plans=not settings.is_production,
    )

    figures = metrics.registry(server, state)
    # In development whoever reaches the server sees schema and metrics; in production it takes a sign-in.
    guard = Identity(server) if settings.is_production else None

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        await database.warm(settings.db_pool_min)
        chores = [asyncio.create_task(chore) for chore in chores_of(server, state)]
        if settings.prometheus_port is not None:
            own = metrics.serve(figures, settings.service_host, settings.prometheus_port)
            chores.append(asyncio.create_task(own))
        async with live.following(server, timedelta(days=settings.event_retention_days)):
            yield
            state.draining = True
        for chore in chores:
            chore.cancel()
        await asyncio.gather(*chores, return_exceptions=True)
        await server.limits.close()
        await database.close()

    routes = [
        *pages.routes(guard),
        Route(GRAPH, graphiql.Page(endpoint) if settings.graphiql else endpoint),
        WebSocketRoute(GRAPH, endpoint),
        *health.routes(database, VERSION, state, server),
        *([metrics.route(figures, guard)] if settings.prometheus_port is None else []),
        *([graphiql.files()] if settings.graphiql else []),
    ]
    app = Starlette(routes=routes, middleware=_middleware(settings), lifespan=lifespan)
    hosts = list(settings.allowed_hosts)
    quick = Shortcut(app, HostCheck(endpoint, hosts))
    # Outermost, so that what fails anywhere below still gets its request id.
    writes_lines = settings.log_level in (LogLevel.DEBUG, LogLevel.INFO)
    identified = RequestIdMiddleware(quick, writes_lines=writes_lines)
    return Door(identified, turns, state.tally, GRAPH)


def chores_of(server: Server, state: health.ServerState) -> list[Coroutine[Any, Any, None]]:
    """What a worker does beside answering."""
    database = server.database
    return [
        keep_watch(state.lines, server),
        # Keeps the figures of SQLite's planner near the truth while the tables grow.
        every(ANALYZE_SECONDS, "analyze", database.analyze),
        every(RETIRE_SECONDS, "retire connections", database.retire),
        every(PRUNE_SECONDS, "prune keys", partial(prune, database)),
        every(PRUNE_SECONDS, "prune nonces", partial(prune_nonces, database)),
        every(PRUNE_SECONDS, "prune attempts", partial(prune_attempts, database)),
        every(PRUNE_SECONDS, "prune buckets", partial(prune_buckets, database)),
    ]


class HostCheck(TrustedHostMiddleware):
    """Refuses requests for hosts that are not ours; a probe asks by whatever address it has, and learns nothing else."""

    def __init__(self, app: ASGIApp, allowed_hosts: Sequence[str]) -> None:
        super().__init__(app, allowed_hosts=allowed_hosts, www_redirect=False)
        self._inside, self.app = app, self._let_in
        self._known: set[bytes] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or scope["path"] in PROBES:
            await self._inside(scope, receive, send)
            return
        host = header(scope, b"host") or b""
        if host in self._known:
            await self._inside(scope, receive, send)
            return
        await super().__call__(scope, receive, closing(send) if scope["type"] == "websocket" else send)
        if LET_IN not in scope:
            security.note(security.HOST_REFUSED, host=host.decode("latin-1"))

    async def _let_in(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope[LET_IN] = True
        if len(self._known) < HOSTS_MAX:
            self._known.add(header(scope, b"host") or b"")
        await self._inside(scope, receive, send)


def closing(send: Send) -> Send:
    """Refuses a handshake as the protocol does, where a layer answers it like a request: uvicorn takes that for a failure."""

    async def send_some(message: Message) -> None:
        if message["type"] == "websocket.http.response.start":
            await send({"type": "websocket.close"})
        elif message["type"] != "websocket.http.response.body":
            await send(message)

    return send_some


class Shortcut:
    """Past CORS and the router, for what is asked all the time: a POST to the graph that no page of a browser sent."""

    def __init__(self, app: ASGIApp, endpoint: ASGIApp) -> None:
        self._app, self._endpoint = app, endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        posted = scope["type"] == "http" and scope["method"] == "POST" and scope["path"] == GRAPH
        app = self._endpoint if posted and header(scope, b"origin") is None else self._app
        await app(scope, receive, send)


def _middleware(settings: Settings) -> list[Middleware]:
    return [
        Middleware(HostCheck, allowed_hosts=list(settings.allowed_hosts)),
        Middleware(
            CORSMiddleware,
            allow_origins=list(settings.allowed_origins),
            allow_origin_regex=None if settings.is_production else LOCAL_ORIGIN,
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type", "X-Request-ID", "X-Client-Version"],
            expose_headers=list(HEADERS_TOLD),
            max_age=PREFLIGHT_SECONDS,
        ),
    ]


async def every(seconds: float, name: str, chore: Callable[[], Awaitable[None]]) -> None:
    """Does a chore again and again; one that fails is done the next time."""
    while True:
        await asyncio.sleep(seconds)
        try:
            await chore()
        except DatabaseFault as error:
            logger.warning("chore failed", chore=name, error=str(error))
