"""The accounts on outside platforms that a business is reached on."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, ForeignKey, Index, func
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Asking, Deletable, Owned, Row, Versioned, derived
from db.types import UtcDateTime, choice, json, text

ALIVE = sql("deleted_at IS NULL")
"""A partial unique index over rows that are not deleted: a deleted row's keys are free again."""


class PlatformType(StrEnum):
    """Where a channel lives."""

    WHATSAPP = "WHATSAPP"
    """WhatsApp Business."""
    INSTAGRAM = "INSTAGRAM"
    """Instagram direct messages."""
    SHOPIFY = "SHOPIFY"
    """A Shopify shop."""
    FACEBOOK = "FACEBOOK"
    """Facebook Messenger."""
    TELEGRAM = "TELEGRAM"
    """A Telegram bot."""
    EMAIL = "EMAIL"
    """A mailbox."""
    SMS = "SMS"
    """A telephone number for text messages."""
    WEBCHAT = "WEBCHAT"
    """A chat window on a web page."""
    DISCORD = "DISCORD"
    """A Discord server."""
    API = "API"
    """A program of the business's own."""


class Channel(Owned, Versioned, Deletable, Row):
    """A connected account on an outside platform. Its tokens are sealed and never read through the graph."""

    __tablename__ = "channels"
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    platform_type: Mapped[PlatformType] = mapped_column(choice(PlatformType, "platform_type"))
    platform_specific_id: Mapped[str | None] = mapped_column(text(255))
    name: Mapped[str | None] = mapped_column(text(255))
    is_active: Mapped[bool]
    access_token: Mapped[str | None] = mapped_column(text(), info={"secret": True})
    refresh_token: Mapped[str | None] = mapped_column(text(), info={"secret": True})
    token_expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    scopes: Mapped[list[str]] = mapped_column(json())
    details: Mapped[Any] = mapped_column("metadata", json(), nullable=True)
    __table_args__ = (
        Index(
            None,
            "workspace_id",
            "platform_type",
            "platform_specific_id",
            unique=True,
            sqlite_where=ALIVE,
            postgresql_where=ALIVE,
        ),
        Index(None, "workspace_id", "created_at", "id"),
        Index(None, "workspace_id", "name", "id"),
        Index(None, "owner_id", "created_at", "id"),
    )

    @derived
    def has_access_token(cls: Any, viewer: Asking) -> ColumnElement[bool]:
        return is_kept(cls.access_token)

    @derived
    def has_refresh_token(cls: Any, viewer: Asking) -> ColumnElement[bool]:
        return is_kept(cls.refresh_token)


def is_kept(token: Any) -> ColumnElement[bool]:
    """Whether there is a token. SQLite takes `IS NOT NULL` of some nullable columns for true in RETURNING."""
    return func.coalesce(func.length(token), 0) > 0
