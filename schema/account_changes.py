"""What can be done to workspaces and members: changed, added, removed; what each takes and answers."""

import strawberry

from db.base import Permission
from schema.accounts import UserId
from schema.kit.context import Info
from schema.kit.errors import Payload, payload
from schema.kit.inputs import described_input, given
from schema.kit.roots import mutation
from schema.kit.scalars import URL, CurrencyCode
from schema.payloads import DeleteInput, DeletePayload, deleted
from schema.refs import UserRef, WorkspaceRef
from schema.roles import RoleId
from services import accounts as services

HASHING = 1_000
"""What it costs a member to have a password hashed: a bucket holds a hundred, and fills by a few a second."""


@described_input
class WorkspaceUpdateInput:
    """What to change of the viewer's workspace: an absent field is kept."""

    name: str | None
    """What the business is called."""
    default_currency: CurrencyCode | None
    """The currency that forms begin with."""
    time_zone: str | None
    """A name of the IANA time zone database, such as Europe/Berlin."""
    expected_version: int | None
    """Refuse with STALE_VERSION where the workspace is no longer at this version."""


@described_input
class UserCreateInput:
    """A new member."""

    username: str
    """3 to 100 letters a-z, digits, `.`, `_` or `-`; kept in lower case."""
    email: str
    """The member's e-mail address; kept in lower case."""
    password: str | None
    """10 to 256 characters; without one the member cannot log in by password."""
    full_name: str | None
    """The member's name."""
    bio: str | None
    """What there is to say of the member."""
    business_name: str | None
    """The member's business."""
    avatar_url: URL | None
    """The member's picture."""
    is_active: bool = True
    """Whether the member may sign in."""
    role_ids: list[RoleId] | None
    """The member's roles; the Agent's where absent. Nobody gives more than it has."""


@described_input
class UserUpdateInput:
    """What to change of a member: an absent field is kept, null clears it.

    One's own fullName, businessName, bio and picture take no permission, everything else USERS_WRITE.
    """

    id: UserId
    """Which member."""
    username: str | None
    """A new username."""
    email: str | None
    """A new e-mail address."""
    full_name: str | None
    """The member's name."""
    bio: str | None
    """What there is to say of the member."""
    business_name: str | None
    """The member's business."""
    avatar_url: URL | None
    """The member's picture."""
    is_active: bool | None
    """Whether the member may sign in; false ends its sessions."""
    role_ids: list[RoleId] | None
    """The member's roles from now on, replaced whole."""
    expected_version: int | None
    """Refuse with STALE_VERSION where the member is no longer at this version."""


@payload
class WorkspacePayload(Payload):
    """A workspace, or why not."""

    workspace: WorkspaceRef | None = None
    """The workspace as it is now."""


@payload
class UserPayload(Payload):
    """A member, or why not."""

    user: UserRef | None = None
    """The member as it is now."""


@strawberry.type
class AccountMutation:
    @mutation(Permission.WORKSPACE_WRITE)
    async def workspace_update(self, info: Info, input: WorkspaceUpdateInput) -> WorkspacePayload | None:
        """Changes the viewer's workspace."""
        return WorkspacePayload(
            workspace=await info.context.transact(services.update_workspace, **given(input))
        )

    @mutation(Permission.USERS_WRITE, weight=HASHING)
    async def user_create(self, info: Info, input: UserCreateInput) -> UserPayload | None:
        """Adds a member."""
        values = given(input)
        hashed = await services.hash_new(info.context.server.passwords, values.pop("password", None))
        values["hashed_password"] = hashed
        return UserPayload(user=await info.context.transact(services.create_user, **values))

    @mutation()
    async def user_update(self, info: Info, input: UserUpdateInput) -> UserPayload | None:
        """Changes a member: oneself, or with USERS_WRITE anybody who may do no more than oneself."""
        return UserPayload(user=await info.context.transact(services.update_user, **given(input)))

    @mutation(Permission.USERS_WRITE)
    async def user_delete(self, info: Info, input: DeleteInput) -> DeletePayload | None:
        """Removes a member; its chats lose their assignee. One administrator stays: INVALID_TRANSITION."""
        return await deleted(info, services.delete_user, "user", input)
