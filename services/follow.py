"""Follows a conversation: what is in the database already, then what comes, in order and each once."""

import time
from collections.abc import AsyncGenerator, Callable, Sequence
from functools import partial
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Integer, Row, Select, Uuid, bindparam, select
from sqlalchemy.orm import aliased

from db.base import ANYONE, Viewer, columns_of, guarded
from db.conversations import Conversation, Message
from db.faults import until_answered
from db.prepared import LIMIT
from services.errors import CursorAhead, Invalid
from services.hub import CONVERSATION, READ_AT_ONCE_MAX, Feed, Subject
from services.server import Server
from services.sharing import Occurrence, Seat
from services.work import missing

FRESH_SECONDS: Final = 1.0
"""What was read longer ago is read again before it is told: a slow client is not shown what was deleted meanwhile."""
ViewerNow = Callable[[], Viewer]
"""Who is asking, with what it may do by now."""


async def follow_messages(
    server: Server, viewer: ViewerNow, conversation_id: UUID, after: int | None, seat: Seat | None = None
) -> AsyncGenerator[Occurrence, None]:
    """The messages after that sequence, then every later one; without a number, those that come from now on.

    Ends when the conversation is deleted or leaves the viewer's sight. Before anything is followed: NotFound where
    it is out of sight already, CursorAhead where it has not come that far.
    """
    if after is not None and after < 0:
        raise Invalid("Not less than 0.", "after")
    last = await until_answered(lambda: _last_sequence(server, viewer(), conversation_id))
    if last is None:
        raise missing(Conversation, "conversation_id")
    if after is not None and after > last:
        raise CursorAhead(f"The conversation has come to {last}.", "after")
    server.hub.begun["conversation", after is not None] += 1
    return _follow(server, viewer, conversation_id, last if after is None else after, seat)


async def _follow(
    server: Server, viewer: ViewerNow, conversation_id: UUID, cursor: int, seat: Seat | None
) -> AsyncGenerator[Occurrence, None]:
    subject = Subject(CONVERSATION, conversation_id)

    async def read(after: int, limit: int) -> Sequence[Row[Any]]:
        return await until_answered(lambda: _read(server, viewer(), conversation_id, after, limit))

    with server.hub.follow(subject, lambda row: row.sequence, seat) as (feed, follower):
        standing: int | None = None
        while True:
            # Cleared before anything is read: what happens meanwhile wakes us again.
            follower.clear()
            last = await _look(server, viewer(), feed)
            if last is None:
                return
            standing = last if standing is None else standing
            feed.begin(last)
            rows, read_at = await feed.after(cursor, read), time.monotonic()
            for row in rows:
                # A replay is read by each for itself; what comes from now on is the same for all.
                if row.sequence > standing:
                    same = (subject, row.sequence, row.version)
                    yield Occurrence(row, same, partial(follower.hand_on, row.sequence))
                else:
                    yield Occurrence(row)
                cursor = row.sequence
                if time.monotonic() - read_at > FRESH_SECONDS:
                    break
            if not rows or (cursor > standing and follower.is_led_from(cursor)):
                cursor = await follower.wait_from(cursor)


async def _look(server: Server, viewer: Viewer, feed: Feed) -> int | None:
    """How far the conversation has come; None where it is gone. Read once for all who ask with the same rights."""
    key = ("last sequence", viewer.scope, feed.subject, feed.known, feed.looked_at)
    id = feed.subject.id

    async def look() -> int | None:
        server.hub.looks += 1
        return await until_answered(lambda: _last_sequence(server, viewer, id))

    return await server.shared.get(key, look)


async def _last_sequence(server: Server, viewer: Viewer, conversation_id: UUID) -> int | None:
    rows = await server.database.fetch(LAST_SEQUENCE, {**viewer.values(), "id": conversation_id})
    return rows[0].last_sequence if rows else None


async def _read(
    server: Server, viewer: Viewer, conversation_id: UUID, after: int, limit: int = READ_AT_ONCE_MAX
) -> Sequence[Row[Any]]:
    values = {**viewer.values(), "id": conversation_id, "after": after, "limit": limit}
    return await server.database.fetch(MESSAGES_AFTER, values)


def _last_sequence_statement() -> Select[Any]:
    here = Conversation.id == bindparam("id", type_=Uuid())
    alive = Conversation.deleted_at.is_(None)
    return select(Conversation.last_sequence).where(here, alive, Conversation.visible_to(ANYONE))


def _messages_after_statement() -> Select[Any]:
    message = aliased(Message)
    here = message.conversation_id == bindparam("id", type_=Uuid())
    later = message.sequence > bindparam("after", type_=Integer())
    visible = guarded(message.visible_to(ANYONE))
    rows = select(*columns_of(message, Message)).where(here, later, visible)
    return rows.order_by(message.sequence).limit(LIMIT)


LAST_SEQUENCE = _last_sequence_statement()
MESSAGES_AFTER = _messages_after_statement()
