"""Roles: what members may do."""

from datetime import datetime
from typing import Annotated

import strawberry

from db import roles as tables
from db.base import Permission
from schema.kit.context import Info
from schema.kit.edges import root_list
from schema.kit.errors import Payload, payload
from schema.kit.ids import IdOf
from schema.kit.inputs import described_input, given
from schema.kit.node import Node, node, root
from schema.kit.roots import mutation
from schema.payloads import DeleteInput, DeletePayload, deleted
from schema.refs import RoleRef
from services import roles as services

RoleId = Annotated[strawberry.ID, IdOf("role")]


@node(tables.Role, "role")
class Role(Node):
    """A named set of permissions in a workspace."""

    name: str
    """Unique in the workspace."""
    description: str | None
    """What it is for."""
    permissions: list[Permission]
    """What it permits."""
    created_at: datetime
    """When it was made."""
    updated_at: datetime
    """When it last changed."""


@root
class RoleQuery:
    roles: list[RoleRef] = root_list(tables.Role, ("name", False), size=services.ROLES_MAX)
    """The roles of the workspace, by name, at most 100."""


@described_input
class RoleSetInput:
    """A role as it is to be. Without `id`: a new role."""

    id: RoleId | None
    """Which role to change."""
    name: str
    """Unique in the workspace."""
    description: str | None
    """What it is for."""
    permissions: list[Permission]
    """What it permits, replaced whole. Nobody gives more than it has."""


@payload
class RolePayload(Payload):
    """A role, or why not."""

    role: RoleRef | None = None
    """The role as it is now."""


@strawberry.type
class RoleMutation:
    @mutation(Permission.ROLES_WRITE)
    async def role_set(self, info: Info, input: RoleSetInput) -> RolePayload | None:
        """Makes or changes a role. The Administrator's stays as it is: INVALID_TRANSITION."""
        return RolePayload(role=await info.context.transact(services.set_role, **given(input)))

    @mutation(Permission.ROLES_WRITE)
    async def role_delete(self, info: Info, input: DeleteInput) -> DeletePayload | None:
        """Takes a role from everybody and deletes it. A workspace's first roles stay: INVALID_TRANSITION."""
        return await deleted(info, services.delete_role, "role", input)
