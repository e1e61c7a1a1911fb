"""What clients have left of what they may ask for, where several workers count it together."""

from datetime import datetime

from sqlalchemy import ColumnElement, Double, false
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Asking, Row
from db.types import UtcDateTime, text


class Bucket(Row):
    """A bucket by the hash of whose it is: what was left when it was last drawn from. Nobody sees these rows.

    One that has no row is full. No index but its key: its rows change all the time, and then stay on their page.
    """

    __tablename__ = "buckets"
    key: Mapped[str] = mapped_column(text(64), primary_key=True)
    available: Mapped[float] = mapped_column(Double)
    granted: Mapped[int]
    """What the last one to draw was given: an upsert can return nothing that it does not write."""
    full_at: Mapped[datetime] = mapped_column(UtcDateTime)
    """From then on it need not be remembered."""
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)

    @classmethod
    def visible_to(cls, viewer: Asking) -> ColumnElement[bool]:
        return false()
