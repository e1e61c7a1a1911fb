"""The database under the graph: what is written is kept, what fails is undone, what waits does not lose."""

import asyncio
from uuid import UUID

import pytest
from sqlalchemy import select, text, update

from db.base import now
from db.counters import Counter
from db.engine import Database, driver_url
from services.counters import CHATS
from tests.make import Make

TURNS = 200


@pytest.mark.parametrize(
    ("given", "driver"),
    [
        ("sqlite:///./switchboard.db", "sqlite+aiosqlite:///./switchboard.db"),
        ("sqlite:////var/lib/a.db", "sqlite+aiosqlite:////var/lib/a.db"),
        ("postgresql://u:p@h:5/n", "postgresql+asyncpg://u:p@h:5/n"),
        ("postgresql://u@/n?host=/run/pg", "postgresql+asyncpg://u@/n?host=%2Frun%2Fpg"),
    ],
)
def test_plain_urls_get_their_driver(given: str, driver: str) -> None:
    assert driver_url(given).render_as_string(hide_password=False) == driver


async def value(database: Database, workspace_id: UUID) -> int:
    mine = (Counter.workspace_id == workspace_id, Counter.name == CHATS)
    return int((await database.fetch(select(Counter.value).where(*mine)))[0].value)


async def test_concurrent_increments_are_all_kept(database: Database, make: Make) -> None:
    owner = await make.owner()
    mine = (Counter.workspace_id == owner.workspace_id, Counter.name == CHATS)

    async def increment() -> None:
        async with database.write() as connection:
            known = (
                await connection.execute(select(Counter.value).where(*mine).with_for_update())
            ).scalar_one()
            await connection.execute(update(Counter).where(*mine).values(value=known + 1, updated_at=now()))

    await asyncio.gather(*[increment() for _ in range(TURNS)])
    assert await value(database, owner.workspace_id) == TURNS


async def test_a_write_that_fails_leaves_nothing(database: Database, make: Make) -> None:
    owner = await make.owner()
    mine = (Counter.workspace_id == owner.workspace_id, Counter.name == CHATS)

    async def fail() -> None:
        async with database.write() as connection:
            await connection.execute(update(Counter).where(*mine).values(value=7))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await value(database, owner.workspace_id) == 0


async def test_readers_go_on_while_a_writer_writes(database: Database, make: Make) -> None:
    owner = await make.owner()
    mine = (Counter.workspace_id == owner.workspace_id, Counter.name == CHATS)
    async with database.write() as connection:
        await connection.execute(update(Counter).where(*mine).values(value=7))
        assert await value(database, owner.workspace_id) == 0
    assert await value(database, owner.workspace_id) == 7


async def test_sqlite_is_safe_by_default(database_url: str) -> None:
    database = Database(database_url)
    if database.dialect == "postgresql":
        rows = await database.fetch(text("select current_setting('application_name')"))
        assert rows[0][0] == "switchboard"
        await database.close()
        return
    wanted = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 5000}
    for engine in database.engines:
        async with engine.connect() as connection:
            for pragma, expected in wanted.items():
                assert (await connection.execute(text(f"PRAGMA {pragma}"))).scalar() == expected
    await database.close()


async def test_pool_figures_add_up(database: Database) -> None:
    await database.ping()
    figures = database.pool_figures()
    assert figures.total == figures.active + figures.idle >= 1
