"""Who changed what: written with each change, and never changed or taken away."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, ForeignKey, Index, and_
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Asking, Permission, Row
from db.types import UtcDateTime, json, text


class AuditEntry(Row):
    """That somebody changed a row. Actor and subject are told by table and id: an entry outlives what it names.

    The database refuses to change an entry, or to delete it while its workspace is there.
    """

    __tablename__ = "audit_entries"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    actor_table: Mapped[str] = mapped_column(text(40))
    actor_id: Mapped[UUID]
    request_id: Mapped[str] = mapped_column(text(128))
    action: Mapped[str] = mapped_column(text(100))
    subject_table: Mapped[str] = mapped_column(text(40))
    subject_id: Mapped[UUID]
    changed_fields: Mapped[Any] = mapped_column(json())
    """Columns, by their names here; never what they held."""
    __table_args__ = (
        Index(None, "workspace_id", "at", "id"),
        Index(None, "actor_id", "at", "id"),
        Index(None, "subject_id", "at", "id"),
    )

    @classmethod
    def visible_to(cls, viewer: Asking) -> ColumnElement[bool]:
        return and_(cls.workspace_id == viewer.workspace_id, viewer.can(Permission.AUDIT_READ))
