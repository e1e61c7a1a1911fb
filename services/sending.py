"""A message sent in one statement, which is its whole transaction: what `send_message` does, where nothing is special.

On PostgreSQL each statement of a transaction is a round trip during which the rows of the chat and of the log are
locked. One statement does the same: it counts, writes, notes what is read, and tells, or does nothing at all.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg

from db.base import Viewer, new_id, now
from db.conversations import Message, MessageContentType, MessageSenderType
from db.faults import DatabaseFault
from services.audit import Origin
from services.columns import check
from services.errors import Problem
from services.hub import CONVERSATION, LOG, Subject
from services.server import Server

# Rows are locked in the order of every other transaction: the chat, what is read, and the log last. That a part
# comes before another is said by selecting from it.
SEND: Final = """
WITH chat AS (
    UPDATE conversations SET last_sequence = last_sequence + 1, updated_at = $1::timestamptz,
        last_message_at = CASE WHEN last_sequence = 0 OR last_message_at < $1::timestamptz THEN $1::timestamptz ELSE last_message_at END
    WHERE id = $2::uuid AND workspace_id = $3::uuid AND deleted_at IS NULL AND (status IS NULL OR status <> 'CLOSED')
    RETURNING id, channel_id, last_sequence
), message AS (
    INSERT INTO messages (id, workspace_id, version, conversation_id, sequence, client_key, sender_type,
        sender_user_id, content_type, content, timestamp, created_at, updated_at)
    SELECT $4::uuid, $3::uuid, 1, chat.id, chat.last_sequence, $5::text, 'AGENT', $6::uuid, $7::text, $8::text, $1::timestamptz, $1::timestamptz, $1::timestamptz FROM chat
    RETURNING id
), reading AS (
    INSERT INTO participants (conversation_id, user_id, workspace_id, last_read_sequence, created_at, updated_at)
    SELECT chat.id, $6::uuid, $3::uuid, chat.last_sequence, $1::timestamptz, $1::timestamptz FROM chat, message
    ON CONFLICT (conversation_id, user_id) DO UPDATE SET updated_at = excluded.updated_at,
        last_read_sequence = greatest(participants.last_read_sequence, excluded.last_read_sequence)
    RETURNING 1
), audit AS (
    INSERT INTO audit_entries (id, workspace_id, at, actor_table, actor_id, request_id, action, subject_table, subject_id, changed_fields)
    SELECT $9::uuid, $3::uuid, $1::timestamptz, 'users', $6::uuid, $10::text, $11::text, 'messages', message.id, '[]' FROM message
), log AS (
    UPDATE event_logs SET last_position = last_position + 1, updated_at = $1::timestamptz FROM reading
    WHERE workspace_id = $3::uuid RETURNING last_position
), event AS (
    INSERT INTO events (workspace_id, position, kind, change, node_id, conversation_id, channel_id, changed_fields, at)
    SELECT $3::uuid, log.last_position, 'MESSAGE', 'CREATED', $4::uuid, chat.id, chat.channel_id, '[]', $1::timestamptz FROM log, chat
)
SELECT chat.last_sequence, log.last_position FROM chat, log
"""


@dataclass(frozen=True, slots=True)
class Sent:
    """A message just sent, as its row would be read."""

    id: UUID
    workspace_id: UUID
    conversation_id: UUID
    sequence: int
    client_key: str | None
    sender_user_id: UUID
    content_type: MessageContentType
    content: str
    timestamp: datetime
    version: int = 1
    sender_type: MessageSenderType = MessageSenderType.AGENT
    channel_id: UUID | None = None
    platform_message_id: str | None = None
    sender_customer_id: UUID | None = None
    sender_client_id: UUID | None = None
    reply_to_id: UUID | None = None
    details: Any = None
    edited_at: datetime | None = None
    deleted_at: datetime | None = None

    @property
    def created_at(self) -> datetime:
        """When it was taken in."""
        return self.timestamp

    @property
    def updated_at(self) -> datetime:
        """When it last changed."""
        return self.timestamp


async def send_at_once(
    server: Server,
    viewer: Viewer,
    origin: Origin,
    conversation_id: UUID,
    content: str,
    *,
    content_type: MessageContentType = MessageContentType.TEXT,
    client_key: str | None = None,
    **special: Any,
) -> Sent | None:
    """Sends a message as the viewer. None where nothing was done, and `send_message` has to do it or say why not."""
    if server.database.dialect != "postgresql" or viewer.is_service or special or client_key == "":
        return None
    id, at = new_id(), now()
    try:
        check(Message, {"content": content, "client_key": client_key})
        workspace_id = viewer.workspace_id
        arguments = (
            at,
            conversation_id,
            workspace_id,
            id,
            client_key,
            viewer.id,
            content_type.value,
            content,
            new_id(),
            origin.request_id,
            origin.action,
        )
        rows = await server.database.at_once(SEND, arguments, within=workspace_id)
    except (Problem, asyncpg.IntegrityConstraintViolationError):
        return None
    except DatabaseFault as fault:
        if not fault.undone:
            raise
        return None
    if not rows:
        return None
    sequence, position = rows[0]
    server.hub.announce(
        [(Subject(CONVERSATION, conversation_id), sequence), (Subject(LOG, workspace_id), position)]
    )
    return Sent(
        id,
        workspace_id,
        conversation_id,
        sequence,
        client_key,
        viewer.id,
        content_type,
        content,
        at,
    )
