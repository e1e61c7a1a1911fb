"""Takes from the logs what is older than anybody resumes from, a little at a time."""

import asyncio
import random
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any, Final
from uuid import UUID

import structlog
from sqlalchemy import delete, select, update

from db.base import now
from db.engine import Database
from db.events import Event, EventLog
from db.row_security import EVERYWHERE

PRUNED_AT_ONCE: Final = 1_000
"""Events that one transaction takes away: the log is held up for that long."""
PRUNE_SECONDS: Final = 600.0
logger = structlog.get_logger("switchboard.events")


async def keep_pruned(database: Database, retention: timedelta) -> None:
    """Prunes again and again until it is cancelled; workers do so at different moments."""
    while True:
        await asyncio.sleep(PRUNE_SECONDS * random.uniform(0.5, 1.5))
        try:
            await prune(database, now() - retention)
        except Exception as error:
            logger.warning("pruning failed; the next one follows", error=repr(error))


async def prune(database: Database, before: datetime) -> int:
    """Takes away the events before that time; says how many. A cursor of before is then CURSOR_EXPIRED."""
    logs = await database.fetch(
        select(EventLog.workspace_id).where(EventLog.last_position > EventLog.pruned_position),
        within=EVERYWHERE,
    )
    taken = 0
    for log in logs:
        while (part := await _prune_log(database, log.workspace_id, before)) > 0:
            taken += part
    return taken


async def _prune_log(database: Database, workspace_id: UUID, before: datetime) -> int:
    mine: Any = Event.workspace_id == workspace_id
    first = select(Event.position, Event.at).where(mine).order_by(Event.position).limit(PRUNED_AT_ONCE)
    oldest = await database.fetch(first, within=workspace_id)
    positions = [row.position for row in takewhile(lambda row: row.at < before, oldest)]
    if not positions:
        return 0
    old = positions[-1]
    async with database.write(workspace_id) as connection:
        await connection.execute(delete(Event).where(mine, Event.position <= old))
        # Last, and held to the commit: until then nobody writes to the log.
        log = update(EventLog).where(EventLog.workspace_id == workspace_id, EventLog.pruned_position < old)
        await connection.execute(log.values(pruned_position=old))
    return len(positions)
