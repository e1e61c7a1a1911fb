"""Rotating the key that secrets are sealed with: whole, repeatable, and beside a server that writes."""

import secrets
from collections.abc import AsyncIterator
from typing import Any
from unittest.mock import patch
from uuid import UUID

import pytest
from sqlalchemy import select, update

from db.accounts import User
from db.base import Viewer
from db.channels import Channel
from db.engine import Database
from db.sessions import RefreshToken
from services import rotation
from services.channels import SEALED, update_channel
from services.rotation import count_outdated, rotate, secret_places
from services.secrets import Unsealable, Vault
from services.server import Server
from services.tokens import Tokens
from tests.conftest import SECRET
from tests.databases import OwnDatabase
from tests.make import Make
from tests.running import command

OLD, NEW = secrets.token_hex(32), secrets.token_hex(32)
FIRST, BOTH, LAST = Vault({"a": OLD}), Vault({"A": NEW, "a": OLD}), Vault({"A": NEW})
"""Key ids that differ by case alone are two keys."""
CHANNELS = 12


class Interrupted(Exception):
    """Stands for whatever ends the command in the middle."""


@pytest.fixture
async def shop(own_database: OwnDatabase) -> AsyncIterator[tuple[Make, Viewer]]:
    """A database of its own, with channels whose tokens the older key sealed."""
    async with own_database() as url:
        database = Database(url, sees_all=True)  # as the command does
        make = Make(Server(database, Tokens({"test": SECRET}), FIRST))
        owner = await make.owner()
        for number in range(CHANNELS):
            await make.channel(owner, access_token=f"access {number}", refresh_token=f"refresh {number}")
        await make.channel(owner)
        yield make, owner
        await database.close()


async def sealed(database: Database) -> dict[tuple[UUID, str], str]:
    """Every sealed text, by its row and column."""
    rows = await database.fetch(select(Channel.id, Channel.access_token, Channel.refresh_token))
    return {(row.id, name): text for row in rows for name in SEALED if (text := getattr(row, name))}


def opened(vault: Vault, kept: dict[tuple[UUID, str], str]) -> set[str]:
    return {vault.open(text, "channels", name, id) for (id, name), text in kept.items()}


WORDS = {f"{word} {number}" for number in range(CHANNELS) for word in ("access", "refresh")}


async def test_broken_off_and_run_again_it_leaves_nothing_to_the_older_key(shop: Any) -> None:
    make, _ = shop
    database, looked_at = make.server.database, []

    def advance(count: int) -> None:
        looked_at.append(count)
        if sum(looked_at) >= CHANNELS:
            raise Interrupted

    with patch.object(rotation, "AT_ONCE", 5):
        with pytest.raises(Interrupted):
            await rotate(database, BOTH, advance)
        half = await sealed(database)
        assert 0 < await count_outdated(database, BOTH) < 2 * CHANNELS
        assert opened(BOTH, half) == WORDS
        done = await rotate(database, BOTH, lambda _: None)
    assert (done.sealed, done.unopened) == (2 * CHANNELS - sum(looked_at), 0)
    after = await sealed(database)
    assert opened(LAST, after) == WORDS
    assert await count_outdated(database, BOTH) == 0
    assert (await rotate(database, BOTH, lambda _: None)).sealed == 0
    assert await sealed(database) == after


async def test_what_is_written_meanwhile_is_kept(shop: Any) -> None:
    make, owner = shop
    database = make.server.database
    first, second = sorted({id for id, _ in await sealed(database)})[:2]
    fetch, has_raced = Database.fetch, False

    async def fetch_and_race(self: Database, *args: Any) -> Any:
        nonlocal has_raced
        rows = await fetch(self, *args)
        if rows and hasattr(rows[0], "sealed") and not has_raced:
            has_raced = True  # between the reading of these rows and the writing of them
            await make.run(owner, update_channel, FIRST, first, access_token="newer")
            await make.run(owner, update_channel, FIRST, second, access_token=None)
        return rows

    with patch.object(Database, "fetch", fetch_and_race):
        done = await rotate(database, BOTH, lambda _: None)
    assert has_raced
    assert (done.sealed, done.unopened) == (2 * CHANNELS - 2, 0)
    after = await sealed(database)
    assert BOTH.open(after[first, "access_token"], "channels", "access_token", first) == "newer"
    assert (second, "access_token") not in after
    assert await count_outdated(database, BOTH) == 1
    assert (await rotate(database, BOTH, lambda _: None)).sealed == 1
    assert "newer" in opened(LAST, await sealed(database))


async def test_nothing_but_the_sealed_texts_is_changed(shop: Any) -> None:
    make, _ = shop
    database = make.server.database

    async def rest() -> list[Any]:
        kept = [c for c in Channel.__table__.columns if c.name not in SEALED]
        tables = (select(*kept), select(User.__table__), select(RefreshToken.__table__))
        return [sorted(map(str, await database.fetch(table))) for table in tables]

    before = await rest()
    assert (await rotate(database, BOTH, lambda _: None)).sealed == 2 * CHANNELS
    assert await rest() == before


async def test_what_no_key_opens_is_left_and_counted(shop: Any) -> None:
    make, _ = shop
    database = make.server.database
    id = min(id for id, _ in await sealed(database))
    foreign = Vault({"gone": SECRET}).seal("lost", "channels", "access_token", id)
    async with database.write() as connection:
        await connection.execute(update(Channel).where(Channel.id == id).values(access_token=foreign))
    done = await rotate(database, BOTH, lambda _: None)
    assert (done.sealed, done.unopened) == (2 * CHANNELS - 1, 1)
    after = await sealed(database)
    assert after.pop((id, "access_token")) == foreign
    assert opened(LAST, after) == WORDS - {"access 0"}


async def test_every_secret_column_is_looked_at() -> None:
    assert {(table.__tablename__, name) for table, name in secret_places()} >= {
        ("channels", "access_token"),
        ("channels", "refresh_token"),
        ("users", "hashed_password"),
        ("refresh_tokens", "token_hash"),
    }


async def test_the_command_says_when_the_older_key_may_go(shop: Any) -> None:
    make, _ = shop
    database = make.server.database
    url = database.url.render_as_string(hide_password=False).replace("+asyncpg", "").replace("+aiosqlite", "")
    common = {"DATABASE_URL": url, "JWT_SECRET": secrets.token_hex(32)}
    status, said = await command("rotate-keys", **common, DB_ENCRYPTION_KEY=f"A:{NEW}")
    assert status == 1
    assert f"{2 * CHANNELS} secrets cannot be read" in " ".join(said.split())
    assert opened(FIRST, await sealed(database)) == WORDS
    for count in (2 * CHANNELS, 0):
        status, said = await command("rotate-keys", **common, DB_ENCRYPTION_KEY=f"A:{NEW},a:{OLD}")
        assert (status, f"{count} secrets were encrypted anew." in said) == (0, True)
        assert "may be taken away" in said
        assert OLD not in said
    kept = await sealed(database)
    assert opened(LAST, kept) == WORDS
    with pytest.raises(Unsealable):
        opened(FIRST, kept)
