"""Two databases that hold the same rows: what happens in one by plans has to happen in the other without them."""

import random as randoms
import secrets
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch
from uuid import UUID

from sqlalchemy import select, text, update

import db.base
from db.base import Permission, Row, Viewer
from db.conversations import Conversation, Message
from db.engine import Database, driver_url
from db.migrate import migrate
from db.orders import Order
from schema.kit.ids import encode
from schema.kit.node import NODES
from services.limits import Limits
from services.secrets import Vault
from services.server import Server
from services.tokens import Tokens
from tests import tenant, world
from tests.conftest import SECRET
from tests.databases import create_database, drop_database
from tests.fuzz import oddities
from tests.fuzz.inputs import Known
from tests.make import Make

SIZE: Final = 8
"""Rows of each type in each workspace."""
UNSEEN: Final = frozenset(
    {"hashed_password", "token_hash", "access_token", "refresh_token", "secret", "previous_secret"}
)
"""Columns whose values are random by nature."""


@dataclass
class Workspace:
    """Who asks, and what there is."""

    viewers: list[Viewer]
    known: Known
    tenant: tenant.Tenant
    spoken: list[str]
    """The chats in which something was said."""


@dataclass
class Pair:
    """The same rows twice. `broken` is a workspace with rows that no service would have written."""

    stock: Server
    planned: Server
    good: Workspace
    broken: Workspace


class Clock:
    """Instants and ids that come again: the same for both databases."""

    def __init__(self) -> None:
        # Today: what is made has not expired. The ids do not depend on it.
        self._begun = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        self.restart(0)

    def restart(self, number: int) -> None:
        """From the beginning of a case."""
        self._moment = self._begun + timedelta(seconds=number)
        self._random = randoms.Random(number)

    def now(self, zone: tzinfo | None = None) -> datetime:
        self._moment += timedelta(milliseconds=1)
        return self._moment.astimezone(zone)

    def token_hex(self, count: int = 16) -> str:
        return f"{self._random.getrandbits(8 * count):0{2 * count}x}"

    def uuid7(self) -> UUID:
        milliseconds = int(self._moment.timestamp() * 1_000)
        return UUID(int=(milliseconds << 80) | (7 << 76) | (2 << 62) | self._random.getrandbits(60))


@asynccontextmanager
async def worlds(dialect: str, folder: Path, postgres_url: str | None, name: str) -> AsyncIterator[Pair]:
    """Both databases, and the workspaces in them."""
    first = await _empty(dialect, folder, postgres_url, f"{name}_stock")
    database = Database(first)
    await migrate(database)
    server = _server(database)
    good, broken = await workspace(server), await workspace(server)
    await oddities.add(database)
    await _break(database, broken, other=good)
    await database.analyze()
    await database.close()
    second = await _copy(first, folder, postgres_url, f"{name}_planned")
    stock, planned = Database(first), Database(second)
    try:
        yield Pair(_server(stock), _server(planned), good, broken)
    finally:
        await stock.close()
        await planned.close()
        if dialect == "postgresql":
            await drop_database(first)
            await drop_database(second)


def _server(database: Database) -> Server:
    return Server(database, Tokens({"test": SECRET}), Vault({"test": SECRET}), limits=Limits(enabled=False))


async def _empty(dialect: str, folder: Path, postgres_url: str | None, name: str) -> str:
    if dialect == "sqlite":
        return f"sqlite:///{folder / f'{name}.db'}"
    assert postgres_url is not None
    return await create_database(postgres_url, name)


async def _copy(url: str, folder: Path, postgres_url: str | None, name: str) -> str:
    if url.startswith("sqlite"):
        made = folder / f"{name}.db"
        shutil.copyfile(url.removeprefix("sqlite:///"), made)
        return f"sqlite:///{made}"
    assert postgres_url is not None
    return await create_database(postgres_url, name, template=driver_url(url).database)


async def workspace(server: Server) -> Workspace:
    """A new workspace with rows of every type."""
    make = Make(server)
    built = await tenant.build(make)
    everything = [p for p in Permission if built.owner.can(p)]
    less = [p for p in everything if p is not Permission.USERS_READ]
    few = [p for p in everything if p not in (Permission.USERS_READ, Permission.CUSTOMERS_READ)]
    viewers = [built.owner] * 16 + [await make.member(built.owner, *less)] * 3
    viewers.append(await make.member(built.owner, *few))
    with patch.object(Make, "owner", _already(built.owner)):
        await world.build(make, SIZE)
    known = Known(await _ids(server, built.owner), built.keys())
    said = select(Message.conversation_id).where(Message.workspace_id == built.owner.workspace_id).distinct()
    spoken = [encode("chat", row.conversation_id) for row in await server.database.fetch(said)]
    return Workspace(viewers, known, built, sorted(spoken))


def _already(owner: Viewer) -> Any:
    async def made(self: Make, **values: Any) -> Viewer:
        return owner

    return made


async def _ids(server: Server, viewer: Viewer) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for prefix, node in NODES.items():
        table: Any = node.table
        mine = (
            table.id == viewer.workspace_id
            if prefix == "workspace"
            else table.workspace_id == viewer.workspace_id
        )
        rows = await server.database.fetch(select(table.id).where(mine).order_by(table.id))
        found[prefix] = [encode(prefix, row.id) for row in rows]
    return found


async def _break(database: Database, broken: Workspace, other: Workspace) -> None:
    """Rows that point out of the workspace, and chats without what a chat has."""
    mine = Conversation.workspace_id == broken.tenant.owner.workspace_id
    async with database.write() as connection:
        if database.dialect == "sqlite":
            await connection.execute(text("PRAGMA ignore_check_constraints = ON"))
        else:
            await connection.execute(
                text("ALTER TABLE conversations DROP CONSTRAINT ck_conversations_chat_is_whole")
            )
        chats = (
            await connection.execute(select(Conversation.id).where(mine).order_by(Conversation.id))
        ).all()
        strange = tenant.uuid_of(other.tenant.ids["customer"])
        changes: list[dict[str, Any]] = [
            {"customer_id": strange},
            {"number": None},
            {"status": None},
            {"customer_id": None},
            {"assignee_id": other.tenant.owner.id},
        ]
        for row, values in zip(chats, changes, strict=False):
            await connection.execute(update(Conversation).where(Conversation.id == row.id).values(**values))
        orders = Order.workspace_id == broken.tenant.owner.workspace_id
        first = (await connection.execute(select(Order.id).where(orders).order_by(Order.id))).first()
        assert first is not None
        changed = update(Order).where(Order.id == first.id).values(customer_id=strange)
        await connection.execute(changed)
        if database.dialect == "sqlite":
            await connection.execute(text("PRAGMA ignore_check_constraints = OFF"))


async def snapshot(server: Server) -> dict[str, list[Any]]:
    """Every row of a database, but for what is random by nature."""
    kept = {}
    for name, table in Row.metadata.tables.items():
        columns = [column for column in table.c if column.name not in UNSEEN]
        rows = await server.database.fetch(select(*columns))
        kept[name] = sorted([tuple(row) for row in rows], key=str)
    return kept


@asynccontextmanager
async def standing_still() -> AsyncIterator[Clock]:
    """A clock that both runs of a case see alike."""
    clock = Clock()
    with (
        patch.object(db.base, "datetime", clock),
        patch.object(db.base, "uuid_utils", _Uuids(clock)),
        patch.object(secrets, "token_hex", clock.token_hex),
    ):
        yield clock


class _Uuids:
    """Stands for the library that makes ids."""

    def __init__(self, clock: Clock) -> None:
        self.uuid7 = clock.uuid7
