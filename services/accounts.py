"""What may happen to workspaces and their members: registered, added, changed, deleted."""

import re
import secrets
import unicodedata
from collections.abc import Sequence
from functools import cache
from typing import Any
from uuid import UUID
from zoneinfo import available_timezones

from sqlalchemy import Row, delete, select, update

from db.accounts import LoginProvider, Plan, User, Workspace
from db.base import Permission, Viewer, new_id, now
from db.conversations import Conversation
from db.counters import Counter
from db.events import EventLog
from db.roles import UserRole
from db.sessions import Session
from services import counters, roles
from services.columns import check, check_filled, text_fault
from services.emails import read_email
from services.errors import Conflict, Forbidden, Invalid
from services.passwords import LENGTH_MAX, LENGTH_MIN, Passwords
from services.transactions import Again
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
    """Invalid where the password is too short, too long, or no text that can be hashed."""
    at = path or ("password",)
    if not LENGTH_MIN <= len(value) <= LENGTH_MAX:
        raise Invalid(f"{LENGTH_MIN} to {LENGTH_MAX} characters.", *at)
    fault = text_fault(value, LENGTH_MAX)
    if fault:
        raise Invalid(fault, *at)


async def hash_new(passwords: Passwords, password: str | None) -> str | None:
    """The hash of a new password. It takes a tenth of a second: make it before the transaction."""
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
    await work.see_everywhere()
    user_id, workspace_id = new_id(), new_id()
    everything = frozenset(roles.ADMINISTRATOR)
    work.asking = Viewer(user_id, workspace_id, new_id(), everything, is_administrator=True)
    name = read_username(username)
    address = read_email(email)
    # Before the workspace is named after them: a fault is told where the caller wrote it.
    check(User, {"full_name": full_name, "business_name": business_name})
    await _add_workspace(work, workspace_id, (business_name or "").strip() or name)
    for counter in counters.NAMES:
        await work.insert(Counter, name=counter, value=0, workspace_id=workspace_id)
    await work.insert(EventLog, last_position=0, pruned_position=0)
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
    if changes.get("time_zone") is not None and changes["time_zone"] not in _time_zones():
        raise Invalid("It is no name of the IANA time zone database.", "time_zone")
    check_filled(changes, "name")
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
    await roles.lock_workspace(work)
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
    work: Work, id: UUID, *, expected_version: int | None = None, **changes: Any
) -> Row[Any]:
    """Changes what is given. A member changes its own profile; everything else takes USERS_WRITE."""
    values = {name: value for name, value in changes.items() if name != "role_ids"}
    if values.get("username") is not None:
        values["username"] = read_username(values["username"])
    if values.get("email") is not None:
        values["email"] = read_email(values["email"])
    if id == work.viewer.id and changes.keys() <= PROFILE:
        return await work.update(User, id, values, expected_version=expected_version)
    _check_may_write(work)
    await roles.lock_workspace(work)
    before = await work.get(User, id, "id")
    await check_reach(work, before)
    user = await work.update(User, id, values, expected_version=expected_version)
    if "role_ids" in changes:
        if changes["role_ids"] is None:
            raise Invalid("It cannot be null.", "role_ids")
        await roles.give_roles(work, id, changes["role_ids"])
    await roles.keep_an_administrator(work, before)
    if not user.is_active:
        await _sign_out(work, id)
    return user


async def delete_user(work: Work, id: UUID, *, expected_version: int | None = None) -> Row[Any]:
    """Erases a member and signs it out. Its chats lose their assignee; the last administrator stays."""
    await roles.lock_workspace(work)
    before = await work.get(User, id, "id")
    await check_reach(work, before)
    blanks = {
        # Neither can be chosen by anybody: a name taken beforehand would keep its owner from being deleted.
        "username": f"deleted:{id.hex}",
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
    await work.update_all(Conversation, {"assignee_id": None}, Conversation.assignee_id == id)
    await roles.keep_an_administrator(work, before)
    return user


async def check_reach(work: Work, user: Row[Any]) -> None:
    """Forbidden where the member stands above the viewer."""
    if user.is_superuser and not work.viewer.is_superuser:
        raise Forbidden("Only a superuser changes a superuser.", "id")
    if user.id != work.viewer.id:
        await roles.check_not_above(work, user.id)


async def _add_workspace(work: Work, id: UUID, name: str) -> None:
    try:
        await work.insert(
            Workspace,
            id=id,
            slug=await _free_slug(work, name),
            name=name,
            default_currency="USD",
            time_zone="UTC",
            plan=Plan.FREE,
        )
    except Conflict as conflict:
        # Another registration took the slug in the meantime: run once more, which finds one of its own.
        raise Again from conflict


async def _add_user(work: Work, **values: Any) -> Row[Any]:
    return await work.insert(User, login_provider=LoginProvider.EMAIL, **values)


async def _sign_out(work: Work, user_id: UUID) -> None:
    ended = update(Session).where(Session.user_id == user_id, Session.is_active)
    await work.execute(ended.values(is_active=False, updated_at=now()))


def _check_may_write(work: Work) -> None:
    if not work.viewer.can(Permission.USERS_WRITE):
        raise Forbidden("To change more than your own profile needs USERS_WRITE.")


@cache
def _time_zones() -> frozenset[str]:
    # Asking walks through some six hundred files.
    return frozenset(available_timezones())


async def _free_slug(work: Work, name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:SLUG_LENGTH_MAX] or "workspace"
    taken = await work.one(select(Workspace.id).where(Workspace.slug == slug))
    return slug if taken is None else f"{slug}-{secrets.token_hex(4)}"
