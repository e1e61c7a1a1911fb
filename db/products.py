"""What a business sells."""

from decimal import Decimal
from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Deletable, Owned, Row, Versioned
from db.channels import ALIVE
from db.types import Amount, text


class Product(Owned, Versioned, Deletable, Row):
    """Something that can be ordered, at its price now."""

    __tablename__ = "products"
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    name: Mapped[str] = mapped_column(text(255))
    description: Mapped[str | None] = mapped_column(text(8000))
    price: Mapped[Decimal] = mapped_column(Amount)
    currency: Mapped[str] = mapped_column(text(3))
    sku: Mapped[str | None] = mapped_column(text(100))
    image_url: Mapped[str | None] = mapped_column(text(2000))
    image_id: Mapped[str | None] = mapped_column(text(255))
    short_id: Mapped[str | None] = mapped_column(text(100))
    is_available: Mapped[bool]
    __table_args__ = (
        Index(None, "workspace_id", "sku", unique=True, sqlite_where=ALIVE, postgresql_where=ALIVE),
        Index(None, "workspace_id", "short_id", unique=True, sqlite_where=ALIVE, postgresql_where=ALIVE),
        Index(None, "workspace_id", "created_at", "id"),
        Index(None, "workspace_id", "name", "id"),
        Index(None, "workspace_id", "price", "id"),
        Index(None, "owner_id", "created_at", "id"),
    )
