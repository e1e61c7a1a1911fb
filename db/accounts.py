"""Workspaces and their members."""

from enum import StrEnum

from sqlalchemy import ColumnElement, Index, and_
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Asking, Deletable, Identified, Owned, Row, Versioned
from db.types import choice, text


class Plan(StrEnum):
    """What a workspace has booked."""

    FREE = "FREE"
    """No charge, the smallest limits."""
    STANDARD = "STANDARD"
    """Paid."""
    PREMIUM = "PREMIUM"
    """Paid, with the largest limits."""


class LoginProvider(StrEnum):
    """How a member proves who it is."""

    EMAIL = "EMAIL"
    """Username or e-mail and a password."""
    GOOGLE = "GOOGLE"
    """A Google account."""
    FACEBOOK = "FACEBOOK"
    """A Facebook account."""


class Workspace(Identified, Versioned, Row):
    """A tenant: one business."""

    __tablename__ = "workspaces"
    slug: Mapped[str] = mapped_column(text(100), unique=True)
    name: Mapped[str] = mapped_column(text(255))
    default_currency: Mapped[str] = mapped_column(text(3))
    time_zone: Mapped[str] = mapped_column(text(64))
    plan: Mapped[Plan] = mapped_column(choice(Plan, "plan"))

    @classmethod
    def visible_to(cls, viewer: Asking) -> ColumnElement[bool]:
        return and_(cls.id == viewer.workspace_id)


class User(Owned, Versioned, Deletable, Row):
    """A member of a workspace."""

    __tablename__ = "users"
    lower_case = frozenset({"username", "email"})
    username: Mapped[str] = mapped_column(text(100), unique=True)
    email: Mapped[str] = mapped_column(text(255), unique=True)
    hashed_password: Mapped[str | None] = mapped_column(text(255), info={"secret": True})
    full_name: Mapped[str | None] = mapped_column(text(255))
    bio: Mapped[str | None] = mapped_column(text(2000))
    business_name: Mapped[str | None] = mapped_column(text(255))
    avatar_url: Mapped[str | None] = mapped_column(text(2000))
    login_provider: Mapped[LoginProvider] = mapped_column(choice(LoginProvider, "login_provider"))
    provider_account_id: Mapped[str | None] = mapped_column(text(255))
    is_active: Mapped[bool]
    is_superuser: Mapped[bool]
    __table_args__ = (
        Index(None, "workspace_id", "created_at", "id"),
        Index(None, "workspace_id", "username", "id"),
    )
