"""How often somebody tried to sign in, so that guessing ends."""

from datetime import datetime

from sqlalchemy import ColumnElement, Index, false
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Asking, Row
from db.types import UtcDateTime, text


class Attempts(Row):
    """The attempts that count together, by the hash of whose they are, until their window is over. Nobody sees these rows."""

    __tablename__ = "attempts"
    key: Mapped[str] = mapped_column(text(64), primary_key=True)
    made: Mapped[int]
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)
    __table_args__ = (Index(None, "expires_at"),)

    @classmethod
    def visible_to(cls, viewer: Asking) -> ColumnElement[bool]:
        return false()
