"""Who is signed in, and the tokens that keep it so."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, ForeignKey, Index, and_, or_
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Asking, Identified, Owned, Permission, Row, derived
from db.types import UtcDateTime, text


class Session(Owned, Row):
    """One sign-in of one member: a family of refresh tokens, of which the newest alone is good."""

    __tablename__ = "sessions"
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    device_info: Mapped[str | None] = mapped_column(text(255))
    ip_address: Mapped[str | None] = mapped_column(text(64))
    is_active: Mapped[bool]
    last_seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    __table_args__ = (Index(None, "user_id", "created_at", "id"), Index(None, "workspace_id"))

    @classmethod
    def visible_to(cls, viewer: Asking) -> ColumnElement[bool]:
        mine: Any = cls.user_id == viewer.id
        return and_(cls.workspace_id == viewer.workspace_id, or_(mine, viewer.can(Permission.USERS_READ)))

    @derived
    def is_current(cls, viewer: Asking) -> ColumnElement[bool]:
        return and_(cls.id == viewer.session_id)


class RefreshToken(Identified, Row):
    """A refresh token by its hash: good once. Nobody sees these rows."""

    __tablename__ = "refresh_tokens"
    session_id: Mapped[UUID] = mapped_column(ForeignKey("sessions.id", ondelete="CASCADE"), index=True)
    token_hash: Mapped[str] = mapped_column(text(64), unique=True, info={"secret": True})
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
