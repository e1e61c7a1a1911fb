"""Who knows the password of which member: looked at in the same time, whatever was given."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Uuid, bindparam, or_, select, update

from db.accounts import User
from db.base import Viewer
from db.engine import Database
from db.row_security import EVERYWHERE
from services import security
from services.emails import read_email
from services.errors import Invalid, InvalidCredentials
from services.members import check_member
from services.passwords import LENGTH_MAX, Passwords

WRONG = "The name or the password is wrong."
NOT_YOURS = "It is not your password."


@dataclass(frozen=True, slots=True)
class Login:
    """A name to log in by, and the member that has it: its id and its password's hash."""

    name: str
    member: Row[Any] | None = field(repr=False)

    @property
    def account(self) -> str:
        """What attempts are counted by, whichever of its names a member uses; a name nobody has too."""
        return self.member.id.hex if self.member is not None else _login_name(self.name)


@dataclass(frozen=True, slots=True)
class Proof:
    """That somebody knew a member's password, for as long as this is its hash."""

    user_id: UUID
    hashed_password: str = field(repr=False)


async def find_login(database: Database, name: str) -> Login:
    """The member with that username or e-mail."""
    rows = await database.fetch(LOGIN, {"name": _storable(_login_name(name))}, within=EVERYWHERE)
    return Login(name, rows[0] if rows else None)


async def check_login(
    database: Database, passwords: Passwords, login: Login, password: str, address: str | None = None
) -> Proof:
    """Who may log in; InvalidCredentials, in the same time, for a wrong name as for a wrong password."""
    known = login.member
    usable = known is not None and known.is_active and len(password) <= LENGTH_MAX
    hashed = known.hashed_password if known is not None and usable else None
    right, renewed = await passwords.check(password[:LENGTH_MAX], hashed)
    if known is None or hashed is None or not right:
        # Not the name: people type their password there.
        security.note(security.LOGIN_FAILED, user_id=known and known.id, address=address)
        raise InvalidCredentials(WRONG)
    if renewed is None:
        return Proof(known.id, hashed)
    async with database.write(EVERYWHERE) as connection:
        same = (User.id == known.id, User.hashed_password == hashed)
        kept = await connection.execute(update(User).where(*same).values(hashed_password=renewed))
    if kept.rowcount == 1:
        return Proof(known.id, renewed)
    # Another login renewed the hash at the same time, or the password changed: look at it as it is now.
    again = await find_login(database, login.name)
    return await check_login(database, passwords, again, password, address)


async def check_current_password(
    database: Database, passwords: Passwords, viewer: Viewer, password: str
) -> str:
    """The hash that the password was checked against; InvalidCredentials where it is not the viewer's."""
    check_member(viewer)
    rows = await database.fetch(PASSWORD, {"id": viewer.id}, within=viewer.workspace_id)
    hashed = rows[0].hashed_password if rows else None
    if hashed is None or len(password) > LENGTH_MAX or not (await passwords.check(password, hashed))[0]:
        raise InvalidCredentials(NOT_YOURS, "current_password")
    return str(hashed)


def _login_name(name: str) -> str:
    try:
        return read_email(name) if "@" in name else name.lower()
    except Invalid:
        return name.lower()


def _storable(text: str) -> str:
    """Text that both databases can be asked for; what they cannot keep is nobody's name."""
    return text.replace("\x00", "\ufffd").encode(errors="replace").decode()


LOGIN = select(User.id, User.hashed_password, User.is_active).where(
    or_(User.username == bindparam("name"), User.email == bindparam("name")), User.deleted_at.is_(None)
)
PASSWORD = select(User.hashed_password).where(
    User.id == bindparam("id", type_=Uuid()), User.deleted_at.is_(None)
)
