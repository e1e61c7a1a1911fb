"""What may happen to roles: made, changed, deleted, given and taken. Nobody gives away more than it has."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, insert, select, update

from db.accounts import User, Workspace
from db.base import Permission, now
from db.events import Change
from db.roles import Role, RoleKind, UserRole
from services.columns import check_filled
from services.errors import Forbidden, Invalid, InvalidTransition, NotFound
from services.work import Work

ROLES_MAX = 100
"""How many roles a workspace has at most: they are listed whole."""
SYSTEM = frozenset({Permission.METRICS_READ, Permission.SYSTEM_READ, Permission.SYSTEM_WRITE})
"""What is about the server and not about one workspace: anybody may register one. A superuser has them, and may give them."""
ADMINISTRATOR = frozenset(Permission) - SYSTEM
AGENT = frozenset(
    {
        Permission.CHANNELS_READ,
        Permission.CUSTOMERS_READ,
        Permission.CUSTOMERS_WRITE,
        Permission.CHATS_READ,
        Permission.CHATS_WRITE,
        Permission.CHATS_ASSIGN,
        Permission.MESSAGES_SEND,
        Permission.PRODUCTS_READ,
        Permission.ORDERS_READ,
        Permission.ORDERS_WRITE,
    }
)


async def make_first_roles(work: Work) -> Row[Any]:
    """The roles every workspace begins with; gives back the Administrator's."""
    await work.insert(
        Role,
        name="Agent",
        description="Answers customers.",
        kind=RoleKind.AGENT,
        permissions=sorted(AGENT),
    )
    return await work.insert(
        Role,
        name="Administrator",
        description="May do everything in the workspace.",
        kind=RoleKind.ADMINISTRATOR,
        permissions=sorted(ADMINISTRATOR),
    )


async def set_role(
    work: Work,
    name: str,
    permissions: Sequence[Permission],
    *,
    id: UUID | None = None,
    description: str | None = None,
) -> Row[Any]:
    """A new role, or the one with the id as it is from now on. The Administrator's stays as it is."""
    check_filled({"name": name}, "name")
    check_grant(work, permissions, "permissions")
    values = {"name": name, "description": description, "permissions": sorted(set(permissions))}
    if id is None:
        await _check_room(work)
        return await work.insert(Role, kind=RoleKind.CUSTOM, **values)
    role = await work.get(Role, id, "id")
    check_grant(work, role.permissions, "id")
    if role.kind is RoleKind.ADMINISTRATOR:
        raise InvalidTransition("The Administrator's role stays as it is.", "id", current=role)
    return await work.update(Role, id, values)


async def delete_role(work: Work, id: UUID, *, expected_version: int | None = None) -> None:
    """Takes the role from everybody and deletes it. The first roles of a workspace stay."""
    if expected_version is not None:
        raise Invalid("A role has no version.", "expected_version")
    await lock_workspace(work)
    role = await work.get(Role, id, "id")
    check_grant(work, role.permissions, "id")
    if role.kind is not RoleKind.CUSTOM:
        raise InvalidTransition(f"{role.name} stays.", "id", current=role)
    await work.remove(Role, Role.id == id)
    work.trail.add(Role, id, (), Change.REMOVED)


async def give_roles(work: Work, user_id: UUID, role_ids: Collection[UUID] | None) -> None:
    """The roles a member has from now on; a new member's where None. NotFound with the place of an id.

    The caller holds the workspace's lock: a role deleted meanwhile could be given no more.
    """
    roles = {role.id: role for role in await work.find_all(Role)}
    if role_ids is None:
        chosen = [role for role in roles.values() if role.kind is RoleKind.AGENT]
    else:
        for place, id in enumerate(role_ids):
            if id not in roles:
                raise NotFound("There is no such role.", "role_ids", place)
        chosen = [roles[id] for id in dict.fromkeys(role_ids)]
    had = {row.role_id for row in await roles_of(work, user_id)}
    wanted = {role.id for role in chosen}
    for id in had ^ wanted:
        check_grant(work, roles[id].permissions, "role_ids")
    await work.remove(UserRole, UserRole.user_id == user_id, UserRole.role_id.in_(had - wanted))
    moment = now()
    added = [
        {"user_id": user_id, "role_id": id, "workspace_id": work.viewer.workspace_id}
        | {"created_at": moment, "updated_at": moment}
        for id in wanted - had
    ]
    if added:
        await work.execute(insert(UserRole).values(added))
    if had != wanted:
        work.trail.add(User, user_id, ["roles"])


async def roles_of(work: Work, user_id: UUID) -> Sequence[Row[Any]]:
    """role_id, kind and permissions of each role of a member."""
    rows = select(UserRole.role_id, Role.kind, Role.permissions).join(Role, Role.id == UserRole.role_id)
    return await work.fetch(rows.where(UserRole.user_id == user_id, Role.visible_to(work.viewer)))


async def check_not_above(work: Work, user_id: UUID) -> None:
    """Forbidden where the member may do what the viewer may not: nobody changes who stands above it."""
    for role in await roles_of(work, user_id):
        check_grant(work, role.permissions, "id")


async def keep_an_administrator(work: Work, current: Row[Any]) -> None:
    """After a change that may have taken the last administrator: InvalidTransition, so that it is undone."""
    workspace_id = work.viewer.workspace_id
    left = (
        select(User.id)
        .join(UserRole, UserRole.user_id == User.id)
        .join(Role, Role.id == UserRole.role_id)
        .where(User.workspace_id == workspace_id, User.is_active, User.deleted_at.is_(None))
        .where(Role.kind == RoleKind.ADMINISTRATOR)
    )
    if await work.one(left.limit(1)) is None:
        raise InvalidTransition("The last administrator stays.", "id", current=current)


async def lock_workspace(work: Work) -> None:
    """Two that change members or delete roles at the same time do it one after the other."""
    mine = Workspace.id == work.viewer.workspace_id
    await work.execute(update(Workspace).where(mine).values(version=Workspace.version))


async def _check_room(work: Work) -> None:
    await lock_workspace(work)
    held = await work.one(select(func.count().label("held")).where(Role.visible_to(work.viewer)))
    if held is not None and held.held >= ROLES_MAX:
        raise Invalid(f"A workspace has at most {ROLES_MAX} roles.")


def check_grant(work: Work, permissions: Collection[str], *path: str | int) -> None:
    """Forbidden where the viewer lacks one of the permissions itself."""
    for permission in permissions:
        if not work.viewer.can(Permission(permission)):
            raise Forbidden(f"You do not have {permission} yourself.", *path)
