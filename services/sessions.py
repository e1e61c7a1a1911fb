"""Who is signed in: log in, log out, revoke, and what a session lets its member do."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Uuid, bindparam, delete, func, select, union_all, update

from db.accounts import Plan, User, Workspace
from db.base import Permission, Viewer, new_id, now
from db.clients import ServiceClient
from db.engine import Database
from db.roles import Role, RoleKind, UserRole
from db.row_security import EVERYWHERE
from db.sessions import RefreshToken, Session
from services.accounts import check_reach, register
from services.errors import Forbidden, InvalidCredentials, Unauthenticated
from services.logins import NOT_YOURS, WRONG, Proof
from services.members import check_member
from services.tokens import (
    ACCESS_LIFETIME_SECONDS,
    SESSION_LIFETIME,
    Tokens,
    hash_refresh_token,
    new_refresh_token,
)
from services.work import Work

AGENT_LENGTH_MAX = 255
LOOKED_AT_ONCE = 100
"""Sessions and clients that one statement asks after."""


@dataclass(frozen=True)
class SignedIn:
    """A session just begun or renewed: its tokens, its member, and as whom requests with them run."""

    access_token: str
    refresh_token: str
    user: Any
    viewer: Viewer
    expires_in: int = ACCESS_LIFETIME_SECONDS


async def log_in(work: Work, tokens: Tokens, proof: Proof, **client: Any) -> SignedIn:
    """A new session for a proof that still holds; what is over of the member's sessions is cleared away."""
    await work.see_everywhere()
    # Locked until the commit: whoever changes the password or removes the member ends this session too.
    holds = select(User.id).where(User.id == proof.user_id, User.hashed_password == proof.hashed_password)
    if await work.one(holds.with_for_update(read=True)) is None:
        raise InvalidCredentials(WRONG)
    await work.execute(delete(Session).where(Session.user_id == proof.user_id, Session.expires_at <= now()))
    return await begin_session(work, tokens, proof.user_id, **client)


async def begin_session(
    work: Work,
    tokens: Tokens,
    user_id: UUID,
    *,
    device_info: str | None = None,
    address: str | None = None,
) -> SignedIn:
    """A new session of a member whose password was right."""
    session_id = new_id()
    viewer = await viewer_within(work, user_id, session_id)
    if viewer is None:
        raise InvalidCredentials(WRONG)
    work.asking = viewer
    moment = now()
    await work.insert(
        Session,
        id=session_id,
        user_id=user_id,
        device_info=device_info[:AGENT_LENGTH_MAX] if device_info else None,
        ip_address=address,
        is_active=True,
        last_seen_at=moment,
        expires_at=moment + SESSION_LIFETIME,
    )
    return await hand_out(work, tokens, viewer, new_refresh_token())


async def sign_up(
    work: Work, tokens: Tokens, *, device_info: str | None = None, address: str | None = None, **values: Any
) -> SignedIn:
    """Registers a workspace with its administrator, and signs it in."""
    user = await register(work, **values)
    return await begin_session(work, tokens, user.id, device_info=device_info, address=address)


async def end_sessions(work: Work, *, all_sessions: bool = False) -> int:
    """Ends the viewer's session, or all it has; says how many were ended."""
    check_member(work.viewer)
    mine = [Session.user_id == work.viewer.id, Session.is_active]
    if not all_sessions:
        mine.append(Session.id == work.viewer.session_id)
    ended = update(Session).where(*mine).values(is_active=False, updated_at=now())
    sessions = await work.fetch(ended.returning(Session.id))
    for session in sorted(sessions, key=lambda row: row.id != work.viewer.session_id):
        work.trail.add(Session, session.id, ["is_active"])
    return len(sessions)


async def revoke_session(work: Work, id: UUID) -> Row[Any]:
    """Ends one session: the viewer's own, or with USERS_WRITE a colleague's."""
    session = await work.get(Session, id, "id")
    if session.user_id != work.viewer.id:
        if not work.viewer.can(Permission.USERS_WRITE):
            raise Forbidden("To end a colleague's session needs USERS_WRITE.", "id")
        await check_reach(work, await work.get(User, session.user_id, "id"))
    return await work.update(Session, id, {"is_active": False})


async def change_password(work: Work, tokens: Tokens, *, old_hash: str, new_hash: str) -> SignedIn:
    """Sets the viewer's password, ends its other sessions and renews this one.

    InvalidCredentials where the password that was checked is no longer the viewer's.
    """
    viewer, moment = work.viewer, now()
    await work.update(
        User,
        viewer.id,
        {"hashed_password": new_hash},
        User.hashed_password == old_hash,
        raises=lambda _: InvalidCredentials(NOT_YOURS, "current_password"),
    )
    mine = update(Session).where(Session.user_id == viewer.id, Session.is_active)
    this = mine.where(Session.id == viewer.session_id).values(last_seen_at=moment, updated_at=moment)
    if await work.one(this.returning(Session.id)) is None:
        raise Unauthenticated("The session is over.")
    others = mine.where(Session.id != viewer.session_id)
    await work.execute(others.values(is_active=False, updated_at=moment))
    spent = update(RefreshToken).where(RefreshToken.session_id == viewer.session_id)
    await work.execute(spent.where(RefreshToken.used_at.is_(None)).values(used_at=moment, updated_at=moment))
    return await hand_out(work, tokens, viewer, new_refresh_token())


async def viewer_of_session(database: Database, session_id: UUID) -> Viewer | None:
    """As whom a session's requests run, as of now; None where it is over or its member may not sign in."""
    asked = {"session_id": session_id, "moment": now()}
    rows = await database.fetch(SESSION_ROLES, asked, within=EVERYWHERE)
    return _viewer(rows, session_id)


async def going_on(database: Database, ids: Collection[UUID]) -> set[UUID]:
    """Those of the sessions that are not over, and whose members may sign in; and of the service clients that are there."""
    alive: set[UUID] = set()
    left = list(ids)
    while left:
        some, left = left[:LOOKED_AT_ONCE], left[LOOKED_AT_ONCE:]
        # Always as many: a statement of another length is another statement to prepare.
        padded = some + some[-1:] * (LOOKED_AT_ONCE - len(some))
        asked = {"ids": padded, "moment": now()}
        alive.update(row.id for row in await database.fetch(GOING_ON, asked, within=EVERYWHERE))
    return alive


async def viewer_within(work: Work, user_id: UUID, session_id: UUID) -> Viewer | None:
    """As whom a session of the member runs, read in this transaction; None where it may not sign in."""
    rows = (await work.connection.execute(USER_ROLES, {"user_id": user_id})).all()
    return _viewer(rows, session_id)


def _viewer(rows: Any, session_id: UUID) -> Viewer | None:
    if not rows:
        return None
    known = frozenset(Permission)
    granted = frozenset(Permission(p) for row in rows for p in row.permissions or () if p in known)
    first = rows[0]
    return Viewer(
        first.id,
        first.workspace_id,
        session_id,
        granted,
        is_administrator=any(row.kind is RoleKind.ADMINISTRATOR for row in rows),
        is_superuser=first.is_superuser,
        is_premium=first.plan is Plan.PREMIUM,
    )


async def hand_out(work: Work, tokens: Tokens, viewer: Viewer, refresh_token: str) -> SignedIn:
    """A pair of tokens for the viewer's session, of which this is the one that is good from now on."""
    await work.insert(
        RefreshToken,
        session_id=viewer.session_id,
        token_hash=hash_refresh_token(refresh_token),
        used_at=None,
    )
    return await with_access(work, tokens, viewer, refresh_token)


async def with_access(work: Work, tokens: Tokens, viewer: Viewer, refresh_token: str) -> SignedIn:
    """An access token beside a refresh token that is kept already."""
    user = await work.get(User, viewer.id)
    access = tokens.issue(viewer.id, viewer.workspace_id, viewer.session_id, user.username)
    return SignedIn(access, refresh_token, user, viewer)


def _roles_of_users() -> Any:
    columns = (User.id, User.workspace_id, User.is_superuser, Workspace.plan, Role.kind, Role.permissions)
    joined = select(*columns).join(Workspace, Workspace.id == User.workspace_id)
    joined = joined.outerjoin(UserRole, UserRole.user_id == User.id)
    joined = joined.outerjoin(Role, Role.id == UserRole.role_id)
    return joined.where(User.is_active, User.deleted_at.is_(None))


USER_ROLES = _roles_of_users().where(User.id == bindparam("user_id", type_=Uuid()))
SESSION_ROLES = (
    _roles_of_users()
    .join(Session, Session.user_id == User.id)
    .where(Session.id == bindparam("session_id", type_=Uuid()), Session.is_active)
    .where(Session.expires_at > bindparam("moment", type_=Session.expires_at.type))
)
IDS = bindparam("ids", type_=Uuid(), expanding=True)
GOING_ON = union_all(
    select(Session.id)
    .join(User, User.id == Session.user_id)
    .where(Session.id.in_(IDS), Session.is_active)
    .where(Session.expires_at > bindparam("moment", type_=Session.expires_at.type))
    .where(User.is_active, User.deleted_at.is_(None)),
    select(ServiceClient.id).where(ServiceClient.id.in_(IDS), ServiceClient.deleted_at.is_(None)),
)


def has_not_expired(session: Any) -> tuple[ColumnElement[bool], ...]:
    """A condition on sessions: not over by itself."""
    return (session.expires_at > func.current_timestamp(),)
