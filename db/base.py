"""The ground every table stands on: who is asking, what it may do, and the rule that a table says who may see its rows."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from typing import Any, ClassVar, Protocol, TypeVar, cast
from uuid import UUID

import uuid_utils
from sqlalchemy import (
    Boolean,
    ColumnElement,
    ForeignKey,
    MetaData,
    Uuid,
    and_,
    bindparam,
    false,
    func,
    inspect,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column

from db.types import UtcDateTime

F = TypeVar("F", bound=Callable[..., ColumnElement[Any]])

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Permission(StrEnum):
    """What a member may be allowed to do in its workspace."""

    USERS_READ = "USERS_READ"
    """See colleagues' e-mail addresses, roles and sessions."""
    USERS_WRITE = "USERS_WRITE"
    """Invite, change and remove members."""
    ROLES_WRITE = "ROLES_WRITE"
    """Define roles and what they permit."""
    WORKSPACE_WRITE = "WORKSPACE_WRITE"
    """Change the workspace itself."""
    CLIENTS_WRITE = "CLIENTS_WRITE"
    """Manage programs that sign in as services."""
    CHANNELS_READ = "CHANNELS_READ"
    """See connected channels."""
    CHANNELS_WRITE = "CHANNELS_WRITE"
    """Connect, change and remove channels."""
    CUSTOMERS_READ = "CUSTOMERS_READ"
    """See customers."""
    CUSTOMERS_WRITE = "CUSTOMERS_WRITE"
    """Create, change and erase customers."""
    CHATS_READ = "CHATS_READ"
    """See chats and their messages."""
    CHATS_WRITE = "CHATS_WRITE"
    """Open, change and delete chats."""
    CHATS_ASSIGN = "CHATS_ASSIGN"
    """Give a chat to an agent."""
    MESSAGES_SEND = "MESSAGES_SEND"
    """Write to customers."""
    MESSAGES_RECEIVE = "MESSAGES_RECEIVE"
    """Bring in what customers wrote: channel adapters and imports."""
    PRODUCTS_READ = "PRODUCTS_READ"
    """See products."""
    PRODUCTS_WRITE = "PRODUCTS_WRITE"
    """Create, change and delete products."""
    ORDERS_READ = "ORDERS_READ"
    """See orders and their items."""
    ORDERS_WRITE = "ORDERS_WRITE"
    """Create, change and delete orders."""
    AUDIT_READ = "AUDIT_READ"
    """Read the audit log."""
    METRICS_READ = "METRICS_READ"
    """Read the metrics of the whole server."""
    SYSTEM_READ = "SYSTEM_READ"
    """See how the server is kept."""
    SYSTEM_WRITE = "SYSTEM_WRITE"
    """Keep the server."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who is asking: one member of one workspace, signed in by one session, or a service client of it.

    A client has no session; its own id stands in its place, which is that of no session.
    """

    id: UUID
    workspace_id: UUID
    session_id: UUID
    permissions: frozenset[Permission] = field(default_factory=frozenset)
    is_administrator: bool = False
    is_superuser: bool = False
    is_premium: bool = False
    """Whether its workspace pays for more."""
    is_service: bool = False
    owner_id: UUID | None = None
    """Of a client: the member it was made by."""

    @property
    def member_id(self) -> UUID:
        """The member that owns what the viewer makes: itself, or the one that a client was made by."""
        return self.owner_id or self.id

    def can(self, permission: Permission) -> bool:
        """Whether the viewer holds the permission; a superuser holds them all."""
        return self.is_superuser or permission in self.permissions

    @property
    def scope(self) -> tuple[UUID, frozenset[Permission], bool, bool]:
        """What it may see, whoever it is: equal for two who see the same wherever a rule does not name the person."""
        return self.workspace_id, self.permissions, self.is_administrator, self.is_superuser

    def values(self) -> dict[str, Any]:
        """The bound parameters that ANYONE stands for in a statement."""
        return {name: value(self) for name, value in VIEWER_VALUES.items()}

    def value(self, name: str) -> Any:
        """One of these."""
        return VIEWER_VALUES[name](self)


def _can(permission: Permission) -> Callable[[Viewer], bool]:
    return lambda viewer: viewer.can(permission)


VIEWER_VALUES: dict[str, Callable[[Viewer], Any]] = {
    "viewer_id": lambda viewer: viewer.id,
    "viewer_workspace_id": lambda viewer: viewer.workspace_id,
    "viewer_session_id": lambda viewer: viewer.session_id,
    **{f"viewer_can_{p.lower()}": _can(p) for p in Permission},
}


class Asking(Protocol):
    """What a visibility rule asks of a viewer: values in a service, bound parameters in a prepared statement."""

    @property
    def id(self) -> Any: ...
    @property
    def workspace_id(self) -> Any: ...
    @property
    def session_id(self) -> Any: ...
    def can(self, permission: Permission) -> Any: ...


class _Anyone:
    """Stands for any viewer, so that a statement's text never depends on the person."""

    id: ColumnElement[UUID] = bindparam("viewer_id", type_=Uuid())
    workspace_id: ColumnElement[UUID] = bindparam("viewer_workspace_id", type_=Uuid())

    session_id: ColumnElement[UUID] = bindparam("viewer_session_id", type_=Uuid())

    def can(self, permission: Permission) -> ColumnElement[bool]:
        return bindparam(f"viewer_can_{permission.lower()}", type_=Boolean())


ANYONE: Asking = _Anyone()


def guarded(visible: ColumnElement[bool]) -> ColumnElement[bool]:
    """That a row found by a key is in sight, said so that no index serves it.

    A planner takes workspace and key for independent: it expects next to nothing, and reads the whole workspace's
    index beside that of the key, or sorts what the right index has in order.
    """
    return func.coalesce(visible, false())


class Row(DeclarativeBase):
    """A table. Its rows are read and written with Core; the class only describes it."""

    metadata = MetaData(naming_convention=NAMING)
    lower_case: ClassVar[frozenset[str]] = frozenset()
    """Columns kept in lower case, whatever case they are asked for in."""

    @classmethod
    def visible_to(cls, viewer: Asking) -> ColumnElement[bool]:
        """Nothing is visible until a table says so."""
        return false()


class Identified:
    """A row with an id of its own, and when it came and last changed."""

    id: Mapped[UUID] = mapped_column(primary_key=True, sort_order=-10)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, sort_order=90)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime, sort_order=91)


class Owned(Identified):
    """A row of one workspace, seen by its members."""

    @declared_attr
    def workspace_id(cls) -> Mapped[UUID]:
        return mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"), sort_order=-9)

    @classmethod
    def visible_to(cls, viewer: Asking) -> ColumnElement[bool]:
        return and_(cls.workspace_id == viewer.workspace_id)


class Versioned:
    """A row that several people may change: `version` counts its own changes, beginning at 1."""

    version: Mapped[int] = mapped_column(sort_order=-8)


class Deletable:
    """A row that, once deleted, is gone for who looks and stays for who points at it."""

    deleted_at: Mapped[datetime | None] = mapped_column(UtcDateTime, sort_order=92)


def derived(expression: F) -> F:
    """Marks `def name(cls, viewer)` as a column that the database works out for whoever is asking."""
    made = classmethod(expression)
    expression.__dict__["derived"] = True
    return cast("F", made)


@cache
def column_names(table: type[Row]) -> tuple[str, ...]:
    """The attributes a row of the table is read with: its columns without the secret ones, then the derived."""
    mapped = inspect(table).column_attrs
    stored = [a.key for a in mapped if not a.columns[0].info.get("secret")]
    return (*stored, *_derived_names(table))


def _derived_names(table: type[Row]) -> list[str]:
    marked = {name: value for base in table.__mro__ for name, value in vars(base).items()}
    return sorted(n for n, v in marked.items() if getattr(getattr(v, "__func__", None), "derived", False))


def column(entity: Any, name: str, viewer: Asking = ANYONE) -> ColumnElement[Any]:
    """A stored or derived column of a table or of an alias of it."""
    value = getattr(entity, name)
    return cast(
        "ColumnElement[Any]", value(viewer) if callable(value) and hasattr(value, "__func__") else value
    )


def columns_of(entity: Any, table: type[Row], viewer: Asking = ANYONE) -> list[ColumnElement[Any]]:
    """Every readable column of the table, labelled with its attribute's name."""
    return [column(entity, name, viewer).label(name) for name in column_names(table)]


def now() -> datetime:
    """This instant, in UTC."""
    return datetime.now(UTC)


def new_id() -> UUID:
    """A UUIDv7: unique, and sorted by when it was made."""
    return UUID(bytes=uuid_utils.uuid7().bytes)
