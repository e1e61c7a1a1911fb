"""What members may do, by the roles they have."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ColumnElement, ForeignKey, UniqueConstraint, and_
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Asking, Owned, Row
from db.types import UtcDateTime, choice, json, text


class RoleKind(StrEnum):
    """What the server itself needs to know about a role."""

    ADMINISTRATOR = "ADMINISTRATOR"
    """May do everything in the workspace; cannot be changed or deleted."""
    AGENT = "AGENT"
    """What a new member gets; cannot be deleted."""
    CUSTOM = "CUSTOM"
    """Made by the workspace."""


class Role(Owned, Row):
    """A named set of permissions in a workspace."""

    __tablename__ = "roles"
    name: Mapped[str] = mapped_column(text(100))
    description: Mapped[str | None] = mapped_column(text(255))
    kind: Mapped[RoleKind] = mapped_column(choice(RoleKind, "kind"))
    permissions: Mapped[list[str]] = mapped_column(json())
    __table_args__ = (UniqueConstraint("workspace_id", "name"),)


class UserRole(Row):
    """That a member has a role."""

    __tablename__ = "user_roles"
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    role_id: Mapped[UUID] = mapped_column(
        ForeignKey("roles.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)

    @classmethod
    def visible_to(cls, viewer: Asking) -> ColumnElement[bool]:
        return and_(cls.workspace_id == viewer.workspace_id)
