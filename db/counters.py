"""The numbers that a workspace counts."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Row
from db.types import UtcDateTime, text


class Counter(Row):
    """A number of a workspace that grows by one in the transaction that uses it: no holes, and commits in its order."""

    __tablename__ = "counters"
    workspace_id: Mapped[UUID] = mapped_column(
        ForeignKey("workspaces.id", ondelete="CASCADE"), primary_key=True
    )
    name: Mapped[str] = mapped_column(text(32), primary_key=True)
    value: Mapped[int]
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)
