"""What orchestrators and people ask about the server's condition: /livez, /readyz and /health."""

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from db.base import now
from graph.lines import Lines
from graph.tally import Tally
from schema.kit.scalars import write_instant

if TYPE_CHECKING:
    from db.engine import Database
    from services.server import Server

PING_SECONDS_MAX: Final = 2.0
SLOW_MILLISECONDS: Final = 500.0
NEVER_STORED: Final = {"Cache-Control": "no-store"}

logger = structlog.get_logger("switchboard.health")


@dataclass(slots=True)
class ServerState:
    """What a worker knows about itself. A draining one finishes its work and takes no more."""

    draining: bool = False
    lines: Lines = field(default_factory=Lines)
    tally: Tally = field(default_factory=Tally)


@dataclass(frozen=True, slots=True)
class Ping:
    """How the database answered. Why it did not is in the log: the answer is public."""

    up: bool
    milliseconds: float

    @property
    def status(self) -> str:
        if not self.up:
            return "DOWN"
        return "DEGRADED" if self.milliseconds > SLOW_MILLISECONDS else "UP"


def routes(
    database: "Database", version: str, state: ServerState, server: "Server | None" = None
) -> list[Route]:
    """The three routes, none of which needs a signed-in user."""

    async def livez(_request: Request) -> Response:
        return PlainTextResponse("ok", headers=NEVER_STORED)

    async def readyz(_request: Request) -> Response:
        if state.draining:
            return PlainTextResponse("draining", status_code=503, headers=NEVER_STORED)
        if not (await ping(database)).up:
            return PlainTextResponse("database away", status_code=503, headers=NEVER_STORED)
        return PlainTextResponse("ok", headers=NEVER_STORED)

    async def health(_request: Request) -> Response:
        answer = await report(database, version, state, server)
        return JSONResponse(
            answer, status_code=503 if answer["status"] == "DOWN" else 200, headers=NEVER_STORED
        )

    return [Route("/livez", livez), Route("/readyz", readyz), Route("/health", health)]


async def ping(database: "Database") -> Ping:
    """Ask the database for a sign of life, within a bound; never raises."""
    started = time.perf_counter()
    up = True
    try:
        async with asyncio.timeout(PING_SECONDS_MAX):
            await database.ping()
    except Exception as error:
        up = False
        logger.warning("database away", error=repr(error))
    return Ping(up, round((time.perf_counter() - started) * 1_000, 1))


async def report(
    database: "Database", version: str, state: ServerState, server: "Server | None" = None
) -> dict[str, Any]:
    """The body of /health: one status for all, and what it is made of."""
    answered = await ping(database)
    pool = database.pool_figures()
    checks = {"live": live(server, state)} if server is not None else {}
    hindered = state.draining or any(check["status"] != "UP" for check in checks.values())
    status = "DEGRADED" if hindered and answered.status == "UP" else answered.status
    return {
        "status": status,
        "version": version,
        "timestamp": write_instant(now()),
        "draining": state.draining,
        "checks": {
            "database": {
                "status": answered.status,
                "responseTimeMs": answered.milliseconds,
                "pool": {"active": pool.active, "idle": pool.idle, "total": pool.total},
            },
            **checks,
        },
    }


def live(server: "Server", state: ServerState) -> dict[str, Any]:
    """How live delivery is doing in this worker. Without its broker it is late by a sweep, and loses nothing."""
    wire, sweep, hub = server.wire, server.sweep, server.hub
    return {
        "status": "UP" if wire.broker.is_connected and sweep.is_working else "DEGRADED",
        "broker": {
            "name": wire.broker.name,
            "connected": wire.broker.is_connected,
            "lagMs": round(wire.lag_seconds * 1_000, 1),
        },
        "sweep": {"working": sweep.is_working, "milliseconds": round(sweep.seconds * 1_000, 1)},
        "sockets": len(state.lines.sockets),
        "eventStreams": len(state.lines.streams),
        "subscriptions": hub.follower_count(),
        "resumed": sum(count for (_, resumed), count in hub.begun.items() if resumed),
        "slowClosed": state.lines.slow_count,
    }
