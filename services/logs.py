"""Follows the log of a workspace: replayed from a cursor, then live; each member is told what it may see."""

import time
from collections.abc import AsyncGenerator, Hashable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Final
from uuid import UUID

import orjson
from sqlalchemy import ARRAY, BigInteger, Row, Select, String, Uuid, any_, bindparam, func, select

from db.base import ANYONE, Viewer, now
from db.base import Row as Table
from db.channels import Channel
from db.conversations import Conversation
from db.engine import Dialect
from db.events import NEEDED, Change, Event, EventKind, EventLog
from db.faults import until_answered
from db.prepared import LIMIT
from services.cursors import read_cursor, write_cursor
from services.errors import CursorAhead, CursorExpired
from services.events import KINDS
from services.follow import FRESH_SECONDS, ViewerNow
from services.hub import LOG, Subject
from services.server import Server
from services.sharing import Occurrence
from services.sight import Sight
from services.work import missing

HEARTBEAT_SECONDS: Final = 30.0
"""How long a client hears nothing before it is told how far the log has come."""


@dataclass(frozen=True, slots=True)
class Told:
    """An event as one viewer is told of it."""

    workspace_id: UUID
    position: int
    at: datetime
    kind: EventKind
    change: Change
    fields: Sequence[str]
    id: UUID

    @property
    def cursor(self) -> str:
        return write_cursor(self.workspace_id, self.position)

    def id_of(self, kind: EventKind) -> UUID | None:
        """The id of the row that is shown with it, where it is one of that kind."""
        return self.id if kind is self.kind and self.change is not Change.REMOVED else None

    @property
    def message_id(self) -> UUID | None:
        return self.id_of(EventKind.MESSAGE)

    @property
    def chat_id(self) -> UUID | None:
        return self.id_of(EventKind.CHAT)

    @property
    def order_id(self) -> UUID | None:
        return self.id_of(EventKind.ORDER)

    @property
    def customer_id(self) -> UUID | None:
        return self.id_of(EventKind.CUSTOMER)


@dataclass(frozen=True, slots=True)
class Caught:
    """That everything was replayed."""

    cursor: str
    at: datetime
    replayed: int


@dataclass(frozen=True, slots=True)
class Beat:
    """That nothing happened, and how far the log has come."""

    cursor: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events somebody wants; nothing given leaves nothing out, an empty set everything."""

    conversations: frozenset[UUID] | None = None
    channels: frozenset[UUID] | None = None
    kinds: frozenset[EventKind] | None = None

    def has(self, event: Row[Any]) -> bool:
        """Whether an event is one of them."""
        return (
            (self.kinds is None or event.kind in self.kinds)
            and (self.conversations is None or event.conversation_id in self.conversations)
            and (self.channels is None or event.channel_id in self.channels)
        )


async def newest_cursor(server: Server, viewer: Viewer) -> str:
    """Where the viewer's log stands now: what is read afterwards has everything before it."""
    return write_cursor(viewer.workspace_id, (await _standing(server, viewer)).last_position)


async def follow_events(
    server: Server, viewer: ViewerNow, after: str | None, wanted: Wanted
) -> AsyncGenerator[Occurrence, None]:
    """What happened after the cursor, then Caught, then what comes; without a cursor, what comes from now on.

    Before anything is followed: CursorExpired or CursorAhead for a cursor that cannot be served, and NotFound for
    a conversation or channel out of sight.
    """
    workspace_id = viewer().workspace_id
    log = await until_answered(lambda: _standing(server, viewer()))
    cursor = log.last_position if after is None else read_cursor(workspace_id, after)
    if cursor > log.last_position:
        raise CursorAhead("Nothing has come that far: load again, then follow again.", "after")
    if cursor < log.pruned_position:
        raise _expired()
    for table, ids, name in (
        (Conversation, wanted.conversations, "conversations"),
        (Channel, wanted.channels, "channels"),
    ):
        look = partial(_visible, server, viewer(), table, sorted(ids or ()), deleted=True)
        if ids and await until_answered(look) != ids:
            raise missing(table, "where", name)
    server.hub.begun["log", after is not None] += 1
    return _Following(server, viewer, wanted, cursor, log.last_position).run()


@dataclass
class _Following:
    """One who follows a log: where it is, and what it has been told."""

    server: Server
    viewer: ViewerNow
    wanted: Wanted
    cursor: int
    standing: int
    """Where the log stood when it began: up to there it is a replay."""
    replayed: int = 0
    told_at: float = field(default_factory=time.monotonic)
    sight: Sight = field(default_factory=Sight)

    async def run(self) -> AsyncGenerator[Occurrence, None]:
        workspace_id = self.viewer().workspace_id
        subject, caught_up = Subject(LOG, workspace_id), False

        async def read(after: int, limit: int) -> Sequence[Row[Any]]:
            values = {"workspace_id": workspace_id, "after": after, "limit": limit}
            return await until_answered(
                lambda: self.server.database.fetch(EVENTS_AFTER, values, within=workspace_id)
            )

        with self.server.hub.follow(subject, lambda row: row.position) as (feed, follower):
            # Only now is nothing missed: it may have gone on since it was looked at first.
            follower.clear()
            feed.begin((await until_answered(lambda: _standing(self.server, self.viewer()))).last_position)
            while True:
                events = await feed.after(self.cursor, read)
                await self._check_whole(events, feed.known)
                async for occurrence in self._tell(events):
                    yield occurrence
                if not caught_up and self.cursor >= self.standing:
                    caught_up, self.told_at = True, time.monotonic()
                    cursor = write_cursor(workspace_id, self.cursor)
                    yield Occurrence(Caught(cursor, now(), self.replayed))
                if not events:
                    await follower.wait(max(self.told_at + HEARTBEAT_SECONDS - time.monotonic(), 0))
                    # Cleared before anything is read: what happens meanwhile wakes us again.
                    follower.clear()
                if time.monotonic() - self.told_at >= HEARTBEAT_SECONDS:
                    self.told_at = time.monotonic()
                    yield Occurrence(Beat(write_cursor(workspace_id, self.cursor), now()))

    async def _tell(self, events: Sequence[Row[Any]]) -> AsyncGenerator[Occurrence, None]:
        read_at, viewer = time.monotonic(), self.viewer()
        self.sight.look(viewer)
        mine = [event for event in events if self.wanted.has(event) and _is_for(viewer, event)]
        seen = await self._seen(viewer, [event for event in mine if viewer.can(NEEDED[event.kind])])
        for event in events:
            told = self._as_told(event, seen) if event in mine else None
            if told is not None:
                live = event.position > self.standing
                same: Hashable = (LOG, event.workspace_id, event.position, told.change) if live else None
                self.replayed += not live
                yield Occurrence(told, same)
                self.told_at = time.monotonic()
            self.cursor = event.position
            if time.monotonic() - read_at > FRESH_SECONDS:
                return

    def _as_told(self, event: Row[Any], seen: set[UUID]) -> Told | None:
        change, fields = event.change, event.changed_fields
        if not self.sight.has(event.kind):
            if not self.sight.leaves(event):
                return None
            change, fields = Change.REMOVED, ()
        elif change is not Change.REMOVED and event.node_id not in seen:
            # It is gone by now, and what took it away comes later in the log.
            return None
        return Told(event.workspace_id, event.position, event.at, event.kind, change, fields, event.node_id)

    async def _seen(self, viewer: Viewer, events: Sequence[Row[Any]]) -> set[UUID]:
        """Of the rows that events are about, those that are there and in the viewer's sight."""
        found: set[UUID] = set()
        for table, kind in KINDS.items():
            ids = sorted({e.node_id for e in events if e.kind is kind and e.change is not Change.REMOVED})
            if ids:
                first, last = events[0].position, events[-1].position
                key = ("seen", viewer.scope, kind, first, last, tuple(ids))
                found |= await self.server.shared.get(key, partial(self._look, viewer, table, ids))
        return found

    async def _look(self, viewer: Viewer, table: type[Table], ids: Sequence[UUID]) -> set[UUID]:
        return await until_answered(lambda: _visible(self.server, viewer, table, ids))

    async def _check_whole(self, events: Sequence[Row[Any]], known: int) -> None:
        """Raises CursorExpired where what comes next is no longer kept: who is that slow loads again."""
        if events and events[0].position == self.cursor + 1:
            return
        if events or self.cursor < known:
            log = await until_answered(lambda: _standing(self.server, self.viewer()))
            if log.pruned_position > self.cursor:
                raise _expired()


def _is_for(viewer: Viewer, event: Row[Any]) -> bool:
    """Whether an event is told to everybody, or to just this member."""
    return event.reader_id is None or event.reader_id == viewer.id


def _expired() -> CursorExpired:
    return CursorExpired("What came after it is no longer kept: load again, then follow again.", "after")


async def _standing(server: Server, viewer: Viewer) -> Row[Any]:
    return (await server.database.fetch(STANDING, viewer.values()))[0]


async def _visible(
    server: Server, viewer: Viewer, table: type[Table], ids: Sequence[UUID], *, deleted: bool = False
) -> set[UUID]:
    dialect = server.database.dialect
    listed: Any = list(ids) if dialect == "postgresql" else orjson.dumps([i.hex for i in ids]).decode()
    statement = VISIBLE[dialect, table, deleted]
    rows = await server.database.fetch(statement, {**viewer.values(), "ids": listed})
    return {row.id for row in rows}


def _visible_statement(dialect: Dialect, table: Any, deleted: bool) -> Select[Any]:
    if dialect == "postgresql":
        one = table.id == any_(bindparam("ids", type_=ARRAY(Uuid())))
    else:
        listed = func.json_each(bindparam("ids", type_=String())).table_valued("value")
        one = table.id.in_(select(listed.c.value))
    rows: Select[Any] = select(table.id).where(one, table.visible_to(ANYONE))
    return rows if deleted else rows.where(table.deleted_at.is_(None))


def _events_after_statement() -> Select[Any]:
    """Whoever may see them: read once for all who follow, who are told what each may see."""
    mine = Event.workspace_id == bindparam("workspace_id", type_=Uuid())
    later = Event.position > bindparam("after", type_=BigInteger())
    rows: Select[Any] = select(*Event.__table__.columns).where(mine, later)
    return rows.order_by(Event.position).limit(LIMIT)


def _standing_statement() -> Select[Any]:
    columns: tuple[Any, ...] = (EventLog.last_position, EventLog.pruned_position)
    return select(*columns).where(EventLog.visible_to(ANYONE))


EVENTS_AFTER = _events_after_statement()
STANDING = _standing_statement()
VISIBLE = {
    (dialect, table, deleted): _visible_statement(dialect, table, deleted)
    for dialect in ("sqlite", "postgresql")
    for table in (*KINDS, Channel)
    for deleted in (False, True)
}
