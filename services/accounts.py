"""What may happen to workspaces and their members: registered, added, changed, deleted."""

import re
import secrets
import unicodedata
from collections.abc import Sequence
from typing import Any
from uuid import UUID
from zoneinfo import available_timezones

from sqlalchemy import Row, delete, select, update

from db.accounts import LoginProvider, Plan, User, Workspace
from db.base import Permission, Viewer, new_id, now
from db.conversations import Conversation
from db.counters import Counter
from db.roles import UserRole
from db.sessions import Session
from services import counters, roles
from services.errors import Forbidden, Invalid
from services.inputs import read_email
from services.passwords import LENGTH_MAX, LENGTH_MIN, Passwords
from services.work import Work

USERNAME = re.compile(r"[A-Za-z0-9._-]{3,100}")
SLUG_LENGTH_MAX = 60
PROFILE = frozenset({"full_name", "bio", "business_name", "avatar_url"})
"""What a member may change of itself without a permission."""


def read_username(value: str) -> str:
    """A username in lower case; Invalid for what is none."""
    if not USERNAME.fullmatch(value):
        raise Invalid("3 to 100 letters a-z, digits, `.`, `_` or `-`.", "username")
    return value.lower()


def check_password(value: str, *path: str) -> None:
    """Invalid where the password is too short or too long."""
    if not LENGTH_MIN <= len(value) <= LENGTH_MAX:
        raise Invalid(f"{LENGTH_MIN} to {LENGTH_MAX} characters.", *(path or ("password",)))


async def hash_new(passwords: Passwords, password: str | None) -> str | None:
    """The hash of a new password; outside the transaction, which it would hold open for a tenth of a second."""
    if password is None:
        return None
    check_password(password)
    return await passwords.hash(password)


async def register(
    work: Work,
    username: str,
    email: str,
    hashed_password: str,
    *,
    full_name: str | None = None,
    business_name: str | None = None,
    is_superuser: bool = False,
) -> Row[Any]:
    """A new workspace with its first roles, and its administrator, as whom the work goes on."""
    user_id, workspace_id = new_id(), new_id()
    everything = frozenset(roles.ADMINISTRATOR)
    work.asking = Viewer(user_id, workspace_id, new_id(), everything, is_administrator=True)
    name = read_username(username)
    address = read_email(email)
    await work.insert(
        Workspace,
        id=workspace_id,
        slug=await _free_slug(work, business_name or name),
        name=business_name or name,
        default_currency="USD",
        time_zone="UTC",
        plan=Plan.FREE,
    )
    for counter in counters.NAMES:
        await work.insert(Counter, name=counter, value=0, workspace_id=workspace_id)
    role = await roles.make_first_roles(work)
    user = await _add_user(
        work,
        id=user_id,
        username=name,
        email=address,
        hashed_password=hashed_password,
        full_name=full_name,
        business_name=business_name,
        is_superuser=is_superuser,
        is_active=True,
    )
    await roles.give_roles(work, user_id, [role.id])
    return user


async def update_workspace(work: Work, *, expected_version: int | None = None, **changes: Any) -> Row[Any]:
    """Changes what is given of the viewer's workspace."""
    if changes.get("time_zone") is not None and changes["time_zone"] not in available_timezones():
        raise Invalid("It is no name of the IANA time zone database.", "time_zone")
    _check_filled(changes, "name")
    id = work.viewer.workspace_id
    return await work.update(Workspace, id, changes, expected_version=expected_version)


async def create_user(
    work: Work,
    username: str,
    email: str,
    hashed_password: str | None,
    *,
    role_ids: Sequence[UUID] | None = None,
    **values: Any,
) -> Row[Any]:
    """A new member; without a password it cannot log in by password."""
    user = await _add_user(
        work,
        username=read_username(username),
        email=read_email(email),
        hashed_password=hashed_password,
        is_superuser=False,
        **values,
    )
    await roles.give_roles(work, user.id, role_ids)
    return user


async def update_user(
    work: Work,
    id: UUID,
    *,
    role_ids: Sequence[UUID] | None = None,
    expected_version: int | None = None,
    **changes: Any,
) -> Row[Any]:
    """Changes what is given. A member changes its own profile; everything else takes USERS_WRITE."""
    values = dict(changes)
    if values.get("username") is not None:
        values["username"] = read_username(values["username"])
    if values.get("email") is not None:
        values["email"] = read_email(values["email"])
    own_profile = id == work.viewer.id and role_ids is None and values.keys() <= PROFILE
    if not own_profile:
        _check_may_write(work)
        await roles.lock_workspace(work)
        await _check_reach(work, await work.get(User, id, "id"))
    user = await work.update(User, id, values, expected_version=expected_version)
    if role_ids is not None:
        await roles.give_roles(work, id, role_ids)
    if not own_profile:
        await roles.keep_an_administrator(work, user)
    if not user.is_active:
        await _sign_out(work, id)
    return user


async def delete_user(work: Work, id: UUID, *, expected_version: int | None = None) -> Row[Any]:
    """Erases a member and signs it out. Its chats lose their assignee; the last administrator stays."""
    await roles.lock_workspace(work)
    before = await work.get(User, id, "id")
    await _check_reach(work, before)
    blanks = {
        "username": f"deleted-{id.hex}",
        "email": f"deleted-{id.hex}@deleted.invalid",
        "hashed_password": None,
        "full_name": None,
        "bio": None,
        "business_name": None,
        "avatar_url": None,
        "provider_account_id": None,
        "is_active": False,
        "is_superuser": False,
    }
    user = await work.erase(User, id, blanks, expected_version=expected_version)
    await work.remove(UserRole, UserRole.user_id == id)
    await work.execute(delete(Session).where(Session.user_id == id))
    assigned = update(Conversation).where(
        Conversation.assignee_id == id, Conversation.visible_to(work.viewer)
    )
    await work.execute(assigned.values(assignee_id=None, updated_at=now()))
    await roles.keep_an_administrator(work, before)
    return user


async def _add_user(work: Work, **values: Any) -> Row[Any]:
    return await work.insert(User, login_provider=LoginProvider.EMAIL, **values)


async def _sign_out(work: Work, user_id: UUID) -> None:
    ended = update(Session).where(Session.user_id == user_id, Session.is_active)
    await work.execute(ended.values(is_active=False, updated_at=now()))


async def _check_reach(work: Work, user: Row[Any]) -> None:
    if user.is_superuser and not work.viewer.is_superuser:
        raise Forbidden("Only a superuser changes a superuser.", "id")
    if user.id != work.viewer.id:
        await roles.check_not_above(work, user.id)


def _check_may_write(work: Work) -> None:
    if not work.viewer.can(Permission.USERS_WRITE):
        raise Forbidden("To change more than your own profile needs USERS_WRITE.")


def _check_filled(values: dict[str, Any], *names: str) -> None:
    for name in names:
        if values.get(name) is not None and not values[name].strip():
            raise Invalid("It cannot be empty.", name)


async def _free_slug(work: Work, name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:SLUG_LENGTH_MAX] or "workspace"
    taken = await work.one(select(Workspace.id).where(Workspace.slug == slug))
    return slug if taken is None else f"{slug}-{secrets.token_hex(4)}"
