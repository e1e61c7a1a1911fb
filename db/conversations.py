"""Everything with messages, in one table with one sequence each: chats with customers now, other kinds beside them later."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Index,
    UniqueConstraint,
    Uuid,
    and_,
    func,
    literal_column,
    select,
)
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Asking, Deletable, Owned, Row, Versioned, derived
from db.types import UtcDateTime, choice, json, text

OF_A_CLIENT = sql("sender_client_id IS NOT NULL")
"""A partial index over what clients have sent: other messages cost it nothing."""


class ConversationKind(StrEnum):
    """What a conversation is between."""

    CHAT = "CHAT"
    """A customer and the business."""


class ChatStatus(StrEnum):
    """Whether somebody still has to answer."""

    OPEN = "OPEN"
    """Waiting for the business."""
    PENDING = "PENDING"
    """Waiting for the customer or for somebody else."""
    RESOLVED = "RESOLVED"
    """Answered; the customer's next message opens it again."""
    CLOSED = "CLOSED"
    """Over; the customer's next message opens another chat."""


class MessageSenderType(StrEnum):
    """Which side wrote."""

    CUSTOMER = "CUSTOMER"
    """The customer."""
    AGENT = "AGENT"
    """Somebody of the business."""
    SYSTEM = "SYSTEM"
    """A program."""


class MessageContentType(StrEnum):
    """What `content` holds."""

    TEXT = "TEXT"
    """Words."""
    IMAGE = "IMAGE"
    """The URL of a picture."""
    VIDEO = "VIDEO"
    """The URL of a film."""
    AUDIO = "AUDIO"
    """The URL of a recording."""
    FILE = "FILE"
    """The URL of a file."""
    LOCATION = "LOCATION"
    """A place."""
    STICKER = "STICKER"
    """The URL of a sticker."""


class Conversation(Owned, Versioned, Deletable, Row):
    """Anything with messages. `last_sequence` is the counter that its messages take their numbers from."""

    __tablename__ = "conversations"
    kind: Mapped[ConversationKind] = mapped_column(choice(ConversationKind, "kind"))
    number: Mapped[int | None]
    customer_id: Mapped[UUID | None] = mapped_column(ForeignKey("customers.id"))
    channel_id: Mapped[UUID | None] = mapped_column(ForeignKey("channels.id"))
    assignee_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    platform_chat_id: Mapped[str | None] = mapped_column(text(255))
    status: Mapped[ChatStatus | None] = mapped_column(choice(ChatStatus, "status"))
    last_sequence: Mapped[int]
    last_message_at: Mapped[datetime] = mapped_column(UtcDateTime)
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    __table_args__ = (
        CheckConstraint(
            "kind <> 'CHAT' OR (number IS NOT NULL AND customer_id IS NOT NULL"
            " AND channel_id IS NOT NULL AND status IS NOT NULL)",
            name="chat_is_whole",
        ),
        UniqueConstraint("workspace_id", "number"),
        Index(None, "workspace_id", "last_message_at", "id"),
        Index(None, "workspace_id", "started_at", "id"),
        Index(None, "workspace_id", "status", "last_message_at", "id"),
        Index(None, "customer_id", "last_message_at", "id"),
        Index(None, "channel_id", "last_message_at", "id"),
        Index(None, "channel_id", "platform_chat_id"),
        Index(None, "assignee_id", "last_message_at", "id"),
    )

    @derived
    def last_read_sequence(cls: Any, viewer: Asking) -> ColumnElement[int]:
        # RETURNING of an INSERT does not correlate: named as text, the table is not selected from again.
        own: Any = literal_column("conversations.id", Uuid()) if cls is Conversation else cls.id
        mine = and_(Participant.conversation_id == own, Participant.user_id == viewer.id)
        return func.coalesce(select(Participant.last_read_sequence).where(mine).scalar_subquery(), 0)


class Participant(Row):
    """How far one member has read in one conversation. Told to that member alone."""

    __tablename__ = "participants"
    conversation_id: Mapped[UUID] = mapped_column(
        ForeignKey("conversations.id", ondelete="CASCADE"), primary_key=True
    )
    user_id: Mapped[UUID] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"), index=True)
    last_read_sequence: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)

    @classmethod
    def visible_to(cls, viewer: Asking) -> ColumnElement[bool]:
        return and_(cls.workspace_id == viewer.workspace_id, cls.user_id == viewer.id)


class Message(Owned, Versioned, Deletable, Row):
    """One thing said. Its number is taken from its conversation in the same transaction, so that there are no holes."""

    __tablename__ = "messages"
    conversation_id: Mapped[UUID] = mapped_column(ForeignKey("conversations.id"))
    channel_id: Mapped[UUID | None] = mapped_column(ForeignKey("channels.id"))
    sequence: Mapped[int]
    platform_message_id: Mapped[str | None] = mapped_column(text(255))
    client_key: Mapped[str | None] = mapped_column(text(200))
    sender_type: Mapped[MessageSenderType] = mapped_column(choice(MessageSenderType, "sender_type"))
    sender_user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"), index=True)
    sender_customer_id: Mapped[UUID | None] = mapped_column(ForeignKey("customers.id"), index=True)
    sender_client_id: Mapped[UUID | None] = mapped_column(ForeignKey("service_clients.id"))
    content_type: Mapped[MessageContentType] = mapped_column(choice(MessageContentType, "content_type"))
    content: Mapped[str] = mapped_column(text(32_768))
    details: Mapped[Any] = mapped_column("metadata", json(), nullable=True)
    reply_to_id: Mapped[UUID | None] = mapped_column(ForeignKey("messages.id"))
    edited_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    timestamp: Mapped[datetime] = mapped_column(UtcDateTime)
    __table_args__ = (
        UniqueConstraint("conversation_id", "sequence"),
        UniqueConstraint("channel_id", "platform_message_id"),
        UniqueConstraint("conversation_id", "sender_user_id", "client_key"),
        Index(
            None,
            "conversation_id",
            "sender_client_id",
            "client_key",
            unique=True,
            sqlite_where=OF_A_CLIENT,
            postgresql_where=OF_A_CLIENT,
        ),
        Index(None, "workspace_id", "id"),
    )
