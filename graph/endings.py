"""Ends the sockets and event streams of those who may no longer listen: the token has expired, or the session is over. Idle ones too."""

import asyncio
from typing import Final

import structlog

from db.base import now
from db.faults import DatabaseFault
from graph.identity import Bearer
from graph.lines import Line, Lines
from services.server import Server
from services.sessions import going_on

LOOK_SECONDS: Final = 1.0
"""How late a line may be closed after its token expired."""
LOOKS_BETWEEN_QUESTIONS: Final = 2
"""A session that ended elsewhere is noticed after so many looks: well within five seconds."""
FORBIDDEN: Final = 4403
GOODBYE_SECONDS: Final = 1.0

logger = structlog.get_logger("switchboard.sockets")


async def keep_watch(lines: Lines, server: Server) -> None:
    """Looks after all sockets and event streams of this worker, as long as it runs."""
    look = 0
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        look += 1
        over = expired(lines)
        if look % LOOKS_BETWEEN_QUESTIONS == 0:
            try:
                over |= await ended(lines, server)
            except DatabaseFault as fault:  # nobody can say, and nobody can read anything either
                logger.warning("sessions not looked at", kind=fault.kind.value)
        # None waits for another's client to take its close.
        await asyncio.gather(*[close(line) for line in over], return_exceptions=True)


def expired(lines: Lines) -> set[Line]:
    """The lines whose token is no longer good."""
    moment = now()
    return {line for line, bearer in bearers(lines).items() if bearer.expires_at <= moment}


async def ended(lines: Lines, server: Server) -> set[Line]:
    """The lines whose session has been ended, whose member may no longer sign in, or whose client was deleted."""
    asked = {line: bearer.viewer.session_id for line, bearer in bearers(lines).items()}
    alive = await going_on(server.database, set(asked.values()))
    return {line for line, session_id in asked.items() if session_id not in alive}


def bearers(lines: Lines) -> dict[Line, Bearer]:
    """Whose the lines are; those of nobody have no end."""
    return {line: line.bearer for line in (*lines.sockets, *lines.streams) if line.bearer is not None}


async def close(line: Line) -> None:
    """The client may come back with a new token."""
    await line.leave(FORBIDDEN, "The session is over.", 0)
