"""Workspaces and members: the tenant, who belongs to it, and who is asking."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, cast

import strawberry

from db import accounts as tables
from db import orders, products
from db.accounts import LoginProvider, Plan
from db.base import Permission
from db.channels import Channel
from db.conversations import Conversation
from db.roles import UserRole
from db.sessions import Session as SessionRow
from schema.actors import Actor
from schema.kit.connection import Connection
from schema.kit.context import Info
from schema.kit.docs import publish_enum
from schema.kit.edges import (
    asking,
    by_key,
    computed,
    private,
    root_page,
    to_list,
    to_list_through,
    to_many,
    to_matching,
)
from schema.kit.filters import filter_input, on
from schema.kit.ids import IdOf
from schema.kit.inputs import described_input, one_of
from schema.kit.node import Node, described_type, node, root
from schema.kit.operators import DateTimeFilter, SortDirection, StringFilter
from schema.kit.roots import query
from schema.kit.scalars import URL, CurrencyCode
from schema.limits import RateLimit, rate_limit
from schema.refs import (
    CHANNELS,
    CHATS,
    ORDERS,
    PRODUCTS,
    USERS,
    ChannelRef,
    ChatRef,
    OrderRef,
    ProductRef,
    RoleRef,
    SessionRef,
    UserRef,
    WorkspaceRef,
)
from services.roles import ROLES_MAX
from services.sessions import has_not_expired

publish_enum(Plan)
publish_enum(LoginProvider)
UserId = Annotated[strawberry.ID, IdOf("user")]
SESSIONS_MAX = 100


@node(tables.Workspace, "workspace")
class Workspace(Node):
    """A tenant: one business. Every other row belongs to exactly one workspace."""

    version: int
    """Counts changes of the workspace itself, beginning at 1."""
    slug: str
    """A short name for links, unique on the server."""
    name: str
    """What the business is called."""
    default_currency: CurrencyCode
    """The currency that forms begin with."""
    time_zone: str
    """Where its day begins: a name of the IANA time zone database."""
    plan: Plan
    """What it has booked."""
    created_at: datetime
    """When it was registered."""
    updated_at: datetime
    """When it last changed."""


def display_name(row: Any) -> str:
    """fullName, else username."""
    return str(row.full_name or row.username)


@node(tables.User, "user")
class User(Actor):
    """A member of the business: owner, agent or administrator.

    Private fields are null but to itself and USERS_READ.
    """

    version: int
    """Counts changes of the member itself, beginning at 1."""
    username: str
    """Unique on the server, in lower case."""
    email: str | None = private(tables.User.email, Permission.USERS_READ)
    """Private. Unique on the server, in lower case."""
    full_name: str | None
    """The member's name."""
    display_name: str = computed(display_name, tables.User.full_name, tables.User.username)
    """fullName, else username."""
    bio: str | None
    """What the member says of itself."""
    business_name: str | None
    """The business the member registered for."""
    avatar_url: URL | None
    """The member's picture."""
    login_provider: LoginProvider
    """How the member signs in."""
    provider_account_id: str | None = private(tables.User.provider_account_id, Permission.USERS_READ)
    """Private. The member's account at the login provider."""
    is_active: bool
    """Whether the member may sign in."""
    is_superuser: bool
    """Whether the member may do everything on its server."""
    roles: list[RoleRef] | None = to_list_through(
        UserRole.user_id,
        UserRole.role_id,
        ("name", False),
        size=ROLES_MAX,
        usual=5,
        private=Permission.USERS_READ,
    )
    """Private. What the member may do."""
    sessions: list[SessionRef] | None = to_list(
        SessionRow.user_id,
        ("created_at", True),
        size=SESSIONS_MAX,
        usual=5,
        conditions=has_not_expired,
        private=Permission.USERS_READ,
    )
    """Private. The ones not yet expired, newest first, at most 100."""
    channels: Connection[ChannelRef] = to_many(Channel.owner_id, CHANNELS)
    """The channels the member connected."""
    products: Connection[ProductRef] = to_many(products.Product.owner_id, PRODUCTS)
    """The products the member added."""
    orders: Connection[OrderRef] = to_many(orders.Order.seller_id, ORDERS)
    """The orders the member fulfils."""
    chats: Connection[ChatRef] = to_many(Conversation.assignee_id, CHATS)
    """Chats assigned to this user."""
    created_at: datetime
    """When the member joined."""
    updated_at: datetime
    """When the member last changed."""
    deleted_at: datetime | None
    """When the member was removed."""


def permissions_of(viewer: Any) -> list[Permission]:
    """What the viewer may do, in the order of the enum."""
    return [p for p in Permission if viewer.can(p)]


@described_type
class Viewer:
    """Who is asking, and what it may do."""

    user: UserRef | None = to_matching(("id",), (tables.User.id,))
    """The member; null for a service client."""
    session: SessionRef | None = to_matching(("session_id",), (SessionRow.id,))
    """The session it is signed in by; null for a service client."""
    workspace: WorkspaceRef = to_matching(("workspace_id",), (tables.Workspace.id,))
    """The business it belongs to."""
    permissions: list[Permission] = computed(permissions_of)
    """What it may do."""

    rate_limit: RateLimit = asking(rate_limit)
    """What it can spend on operations now."""


@filter_input
class UserFilter:
    """Which members."""

    username: StringFilter | None
    """By username."""
    email: StringFilter | None = on("email", needs=Permission.USERS_READ)
    """By e-mail address. Needs USERS_READ."""
    is_active: bool | None
    """Active, or not."""
    created_at: DateTimeFilter | None
    """By when the member joined."""


@publish_enum
class UserSortField(StrEnum):
    """What members can be sorted by."""

    CREATED_AT = "created_at"
    """When the member joined."""
    USERNAME = "username"
    """Username."""


@described_input
class UserSort:
    """One thing to sort members by."""

    field: UserSortField
    """What to sort by."""
    direction: SortDirection = SortDirection.ASC
    """Which end comes first."""


@one_of
class UserKey:
    """What finds one member."""

    id: strawberry.ID | None
    """Its id."""
    username: str | None
    """Its username, in any case."""
    email: str | None
    """Its e-mail address, in any case. Needs USERS_READ."""


@root
class AccountQuery:
    user: UserRef | None = by_key(
        USERS,
        UserKey,
        "user",
        id=tables.User.id,
        username=tables.User.username,
        email=tables.User.email,
        needs={"email": Permission.USERS_READ},
    )
    """One member; null where there is none."""
    users: Connection[UserRef] = root_page(USERS)
    """The members, newest first."""

    @query(public=True)
    async def viewer(self, info: Info) -> Viewer | None:
        """Who is asking; null for nobody."""
        return cast("Viewer | None", info.context.asking)
