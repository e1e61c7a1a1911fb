"""What tests of accounts share: the documents that sign in, and as whom a token's requests run."""

import secrets
from dataclasses import replace
from typing import Any

from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import func, select, update

from db.base import Row, Viewer
from db.sessions import Session
from services.passwords import Passwords
from services.server import Server
from services.sessions import viewer_of_session

PASSWORD = "a password of the tests"
TOKENS = "accessToken refreshToken tokenType expiresIn"
ERRORS = "userErrors { code message path }"
REGISTER = f"""
mutation($input: RegisterInput!) {{ register(input: $input) {{
  {TOKENS} user {{ id username email fullName businessName roles {{ name permissions }} }} {ERRORS} }} }}
"""
LOGIN = f"""
mutation($username: String!, $password: String!, $deviceInfo: String) {{
  login(input: {{username: $username, password: $password, deviceInfo: $deviceInfo}}) {{
    {TOKENS} user {{ id username }} {ERRORS} }} }}
"""
REFRESH = f"""
mutation($token: String!) {{
  tokenRefresh(input: {{refreshToken: $token}}) {{ {TOKENS} user {{ id username }} {ERRORS} }} }}
"""
SESSIONS = "{ viewer { user { sessions { id isCurrent isActive deviceInfo } } } }"


def hurried(server: Server) -> Server:
    """The server with Argon2id at its cheapest: at its real strength a hash takes a tenth of a second."""
    return replace(server, passwords=Passwords(Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1)))


def fresh_name() -> str:
    """A username that nobody has."""
    return f"name-{secrets.token_hex(6)}"


def registration(**values: Any) -> dict[str, Any]:
    """A RegisterInput that is fine, but for what is given."""
    name = values.get("username") or fresh_name()
    return {"username": name, "email": f"{fresh_name()}@example.com", "password": PASSWORD, **values}


async def viewer_of(server: Server, access_token: str) -> Viewer | None:
    """As whom requests with the token run; None where its session is over."""
    return await viewer_of_session(server.database, server.tokens.read(access_token).session_id)


async def count_all(server: Server, table: type[Row], *conditions: Any) -> int:
    """How many rows the whole server has."""
    rows = await server.database.fetch(select(func.count()).select_from(table).where(*conditions))
    return int(rows[0][0])


async def kept(server: Server, table: Any, id: Any) -> Any:
    """A row as it is kept, secrets included; None where it is gone."""
    rows = await server.database.fetch(select(*table.__table__.columns).where(table.id == id))
    return rows[0] if rows else None


async def change_row(server: Server, table: Any, id: Any, **values: Any) -> None:
    """Writes to a row past every rule."""
    async with server.database.write() as connection:
        await connection.execute(update(table).where(table.id == id).values(**values))


async def is_going_on(server: Server, viewer: Viewer) -> bool:
    """Whether the viewer's session is neither ended nor gone."""
    session = await kept(server, Session, viewer.session_id)
    return session is not None and bool(session.is_active)
