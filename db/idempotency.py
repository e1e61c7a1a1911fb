"""What was done under a key that a client chose, so that the same again is not done twice."""

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Index, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Asking, Owned, Row
from db.types import json, text


class Idempotency(Owned, Row):
    """One transaction that a member or a client ran under a key, and how it ended. Nobody sees these rows."""

    __tablename__ = "idempotency"
    user_id: Mapped[UUID]
    """The caller's: no foreign key, since a client is none of the users."""
    field: Mapped[str] = mapped_column(text(100))
    key: Mapped[str] = mapped_column(text(200))
    place: Mapped[int]
    arguments_hash: Mapped[str] = mapped_column(text(64))
    outcome: Mapped[dict[str, Any] | None] = mapped_column(json())
    __table_args__ = (
        UniqueConstraint("user_id", "field", "key", "place"),
        Index(None, "workspace_id"),
        Index(None, "created_at"),
    )

    @classmethod
    def visible_to(cls, viewer: Asking) -> ColumnElement[bool]:
        return false()
