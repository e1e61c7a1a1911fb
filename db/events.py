"""What happened to messages, chats, orders and customers: one ordered log without holes for each workspace."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, ForeignKey, and_, or_
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Asking, Permission, Row
from db.types import UtcDateTime, choice, json


class EventKind(StrEnum):
    """What an event is about."""

    MESSAGE = "MESSAGE"
    """A message."""
    CHAT = "CHAT"
    """A chat itself; its messages have events of their own."""
    ORDER = "ORDER"
    """An order with its items."""
    CUSTOMER = "CUSTOMER"
    """A customer."""


class Change(StrEnum):
    """What became of it."""

    CREATED = "CREATED"
    """It is new."""
    UPDATED = "UPDATED"
    """It is no longer as it was."""
    REMOVED = "REMOVED"
    """It was deleted, or left the viewer's sight."""


NEEDED = {
    EventKind.MESSAGE: Permission.CHATS_READ,
    EventKind.CHAT: Permission.CHATS_READ,
    EventKind.ORDER: Permission.ORDERS_READ,
    EventKind.CUSTOMER: Permission.CUSTOMERS_READ,
}
"""The permission to hear of each kind: that to see it."""


class EventLog(Row):
    """The log of a workspace. Positions are taken from `last_position` by the transaction that writes the event.

    The row stays locked until the commit: no holes, and commits in the order of positions. Everything up to
    `pruned_position` is no longer kept.
    """

    __tablename__ = "event_logs"
    workspace_id: Mapped[UUID] = mapped_column(
        ForeignKey("workspaces.id", ondelete="CASCADE"), primary_key=True
    )
    last_position: Mapped[int] = mapped_column(BigInteger)
    pruned_position: Mapped[int] = mapped_column(BigInteger)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)

    @classmethod
    def visible_to(cls, viewer: Asking) -> ColumnElement[bool]:
        return and_(cls.workspace_id == viewer.workspace_id)


class Event(Row):
    """That one row changed. Written once, never changed; what the row is like now is read from the row."""

    __tablename__ = "events"
    workspace_id: Mapped[UUID] = mapped_column(
        ForeignKey("workspaces.id", ondelete="CASCADE"), primary_key=True
    )
    position: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    kind: Mapped[EventKind] = mapped_column(choice(EventKind, "kind"))
    change: Mapped[Change] = mapped_column(choice(Change, "change"))
    node_id: Mapped[UUID]
    conversation_id: Mapped[UUID | None]
    """Of messages and chats."""
    channel_id: Mapped[UUID | None]
    reader_id: Mapped[UUID | None]
    """The only member who is told: what somebody has read is nobody else's business."""
    changed_fields: Mapped[Any] = mapped_column(json())
    at: Mapped[datetime] = mapped_column(UtcDateTime)

    @classmethod
    def visible_to(cls, viewer: Asking) -> ColumnElement[bool]:
        allowed = [and_(cls.kind == kind, viewer.can(needed)) for kind, needed in NEEDED.items()]
        told = or_(cls.reader_id.is_(None), cls.reader_id == viewer.id)
        return and_(cls.workspace_id == viewer.workspace_id, or_(*allowed), told)
