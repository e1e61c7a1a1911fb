"""Follows a conversation: what is in the database already, then what comes, in order and each once."""

from collections.abc import AsyncGenerator, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Integer, Row, Select, Uuid, bindparam, select
from sqlalchemy.orm import aliased

from db.base import ANYONE, Viewer, columns_of
from db.conversations import Conversation, Message
from services.errors import Invalid
from services.server import Server
from services.work import missing

READ_AT_ONCE_MAX = 100
"""Rows of a replay that are held in memory."""


async def follow_messages(
    server: Server, viewer: Viewer, conversation_id: UUID, after: int | None
) -> AsyncGenerator[Row[Any], None]:
    """The messages after that sequence, then every later one; without a number, those that come from now on.

    Ends when the conversation is deleted or leaves the viewer's sight. NotFound, before anything is followed,
    where it is out of sight already.
    """
    if after is not None and after < 0:
        raise Invalid("Not less than 0.", "after")
    last = await _last_sequence(server, viewer, conversation_id)
    if last is None:
        raise missing(Conversation, "conversation_id")
    return _follow(server, viewer, conversation_id, last if after is None else after)


async def _follow(
    server: Server, viewer: Viewer, conversation_id: UUID, cursor: int
) -> AsyncGenerator[Row[Any], None]:
    with server.hub.follow(conversation_id) as follower:
        while True:
            # Cleared before anything is read: what happens meanwhile wakes us again.
            follower.clear()
            if await _last_sequence(server, viewer, conversation_id) is None:
                return
            rows = await _read(server, viewer, conversation_id, cursor)
            for row in rows:
                yield row
                cursor = row.sequence
            if len(rows) < READ_AT_ONCE_MAX:
                await follower.wait()


async def _last_sequence(server: Server, viewer: Viewer, conversation_id: UUID) -> int | None:
    rows = await server.database.fetch(LAST_SEQUENCE, {**viewer.values(), "id": conversation_id})
    return rows[0].last_sequence if rows else None


async def _read(server: Server, viewer: Viewer, conversation_id: UUID, after: int) -> Sequence[Row[Any]]:
    values = {**viewer.values(), "id": conversation_id, "after": after, "limit": READ_AT_ONCE_MAX}
    return await server.database.fetch(MESSAGES_AFTER, values)


def _last_sequence_statement() -> Select[Any]:
    here = Conversation.id == bindparam("id", type_=Uuid())
    alive = Conversation.deleted_at.is_(None)
    return select(Conversation.last_sequence).where(here, alive, Conversation.visible_to(ANYONE))


def _messages_after_statement() -> Select[Any]:
    message = aliased(Message)
    here = message.conversation_id == bindparam("id", type_=Uuid())
    later = message.sequence > bindparam("after", type_=Integer())
    rows = select(*columns_of(message, Message)).where(here, later, message.visible_to(ANYONE))
    return rows.order_by(message.sequence).limit(bindparam("limit", type_=Integer()))


LAST_SEQUENCE = _last_sequence_statement()
MESSAGES_AFTER = _messages_after_statement()
