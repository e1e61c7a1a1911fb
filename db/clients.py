"""Programs of a workspace that sign their requests, and the nonces they have used."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, ForeignKey, Index, false
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Asking, Deletable, Owned, Row, Versioned
from db.types import UtcDateTime, json, text


class ServiceClient(Owned, Versioned, Deletable, Row):
    """A program of the workspace. Its secrets are sealed, so that a signature can be checked, and never read."""

    __tablename__ = "service_clients"
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    name: Mapped[str] = mapped_column(text(100))
    permissions: Mapped[list[str]] = mapped_column(json())
    allowed_hosts: Mapped[list[str]] = mapped_column(json())
    secret: Mapped[str | None] = mapped_column(text(), info={"secret": True})
    previous_secret: Mapped[str | None] = mapped_column(text(), info={"secret": True})
    last_used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    __table_args__ = (Index(None, "workspace_id", "name", "id"),)


class ClientNonce(Row):
    """A nonce that a client has used. Nobody sees these rows."""

    __tablename__ = "client_nonces"
    client_id: Mapped[UUID] = mapped_column(
        ForeignKey("service_clients.id", ondelete="CASCADE"), primary_key=True
    )
    nonce: Mapped[str] = mapped_column(text(128), primary_key=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    __table_args__ = (Index(None, "created_at"),)

    @classmethod
    def visible_to(cls, viewer: Asking) -> ColumnElement[bool]:
        return false()
