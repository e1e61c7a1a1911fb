"""Looks at everything that is followed every few seconds, so that nothing rests on a hint having come."""

import asyncio
import random
import time
from collections.abc import Sequence
from typing import Any, Final, cast
from uuid import UUID

import orjson
import structlog
from sqlalchemy import ARRAY, ColumnElement, Select, String, Uuid, any_, bindparam, func, select

from db.conversations import Conversation
from db.engine import Database, Dialect
from db.events import EventLog
from db.row_security import EVERYWHERE
from services.hub import CONVERSATION, LOG, Hub, Subject

SWEEP_SECONDS: Final = 2.0
SWEEP_SPREAD: Final = 0.2
"""Workers that began at one moment do not look at one moment for ever."""
SUBJECTS_AT_ONCE: Final = 1_000
"""How many subjects one statement asks for."""

logger = structlog.get_logger("switchboard.hub")


class Sweep:
    """One worker's look at what its followers follow."""

    def __init__(self, database: Database, hub: Hub) -> None:
        self._database, self._hub = database, hub
        self._asked = asyncio.Event()
        self.is_working = True
        """Whether the last one came to its end."""
        self.seconds = 0.0
        """How long the last one took."""
        self.found = 0
        """How many subjects had news that no hint had told."""

    def soon(self) -> None:
        """Looks at once: hints may have been missed."""
        self._asked.set()

    async def run(self) -> None:
        """Looks again and again until it is cancelled; a database that is away is asked the next time."""
        while True:
            spread = random.uniform(1 - SWEEP_SPREAD, 1 + SWEEP_SPREAD)
            try:
                async with asyncio.timeout(SWEEP_SECONDS * spread):
                    await self._asked.wait()
            except TimeoutError:
                pass
            self._asked.clear()
            try:
                await self.look()
                self.is_working = True
            except Exception as error:
                if self.is_working:
                    logger.warning("sweep failed; the next one follows", error=repr(error))
                self.is_working = False

    async def look(self) -> None:
        """Tells the hub how far everything has come that is followed."""
        begun = time.perf_counter()
        for ids in _parts(self._hub.followed(CONVERSATION)):
            for row in await self._read(CONVERSATIONS, ids):
                self._found(Subject(CONVERSATION, row.id), row.last_sequence)
                if row.deleted_at is not None:
                    self._hub.note(Subject(CONVERSATION, row.id), 0)
        for ids in _parts(self._hub.followed(LOG)):
            for row in await self._read(LOGS, ids):
                self._found(Subject(LOG, row.workspace_id), row.last_position)
        self.seconds = time.perf_counter() - begun

    def _found(self, subject: Subject, number: int) -> None:
        if number and self._hub.note(subject, number):
            self.found += 1

    async def _read(self, statements: dict[Dialect, Select[Any]], ids: Sequence[UUID]) -> Sequence[Any]:
        dialect = self._database.dialect
        listed: Any = list(ids) if dialect == "postgresql" else orjson.dumps([i.hex for i in ids]).decode()
        return await self._database.fetch(statements[dialect], {"ids": listed}, within=EVERYWHERE)


def _parts(ids: list[UUID]) -> list[list[UUID]]:
    return [ids[start : start + SUBJECTS_AT_ONCE] for start in range(0, len(ids), SUBJECTS_AT_ONCE)]


def _one_of(id: Any, dialect: Dialect) -> ColumnElement[bool]:
    if dialect == "postgresql":
        return cast("ColumnElement[bool]", id == any_(bindparam("ids", type_=ARRAY(Uuid()))))
    listed = func.json_each(bindparam("ids", type_=String())).table_valued("value")
    return cast("ColumnElement[bool]", id.in_(select(listed.c.value)))


def _conversations(dialect: Dialect) -> Select[Any]:
    columns: tuple[Any, ...] = (Conversation.id, Conversation.last_sequence, Conversation.deleted_at)
    return select(*columns).where(_one_of(Conversation.id, dialect))


def _logs(dialect: Dialect) -> Select[Any]:
    columns: tuple[Any, ...] = (EventLog.workspace_id, EventLog.last_position)
    return select(*columns).where(_one_of(EventLog.workspace_id, dialect))


DIALECTS: tuple[Dialect, ...] = ("sqlite", "postgresql")
CONVERSATIONS = {dialect: _conversations(dialect) for dialect in DIALECTS}
LOGS = {dialect: _logs(dialect) for dialect in DIALECTS}
"""Looked at past any viewer: who may see a row is asked when it is delivered."""
