"""The people a business talks to, each as one channel knows them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Deletable, Owned, Row, Versioned
from db.types import UtcDateTime, json, text


class Customer(Owned, Versioned, Deletable, Row):
    """One person as one channel knows them."""

    __tablename__ = "customers"
    channel_id: Mapped[UUID] = mapped_column(ForeignKey("channels.id"))
    platform_customer_id: Mapped[str] = mapped_column(text(255))
    full_name: Mapped[str | None] = mapped_column(text(255))
    email: Mapped[str | None] = mapped_column(text(255))
    phone: Mapped[str | None] = mapped_column(text(64))
    avatar_url: Mapped[str | None] = mapped_column(text(2000))
    first_seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    details: Mapped[Any] = mapped_column("metadata", json(), nullable=True)
    __table_args__ = (
        UniqueConstraint("channel_id", "platform_customer_id"),
        Index(None, "workspace_id", "first_seen_at", "id"),
        Index(None, "workspace_id", "last_seen_at", "id"),
        Index(None, "workspace_id", "full_name", "id"),
        Index(None, "workspace_id", "email"),
        Index(None, "channel_id", "first_seen_at", "id"),
    )
