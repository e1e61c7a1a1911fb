"""Behind a pooler that gives each transaction another connection: no statement is known by a name, and each has a transaction."""

from dataclasses import replace

import pytest
from sqlalchemy import literal, select, text

from db import postgres
from db.engine import Database
from db.faults import DatabaseFault, FaultKind
from tests.ask import Ask
from tests.databases import Databases
from tests.make import Make

NAMED = "SELECT count(*) FROM pg_prepared_statements"
TIMES = 3


@pytest.mark.parametrize("pooled", [True, False])
async def test_only_without_a_pooler_statements_have_names(pooled: bool, databases: Databases) -> None:
    # Two connections: the engine's, and that of those who read by position.
    database = Database(databases.postgres_url, pool_max=2, pooled=pooled)
    try:
        for number in range(TIMES):
            await database.fetch(select(literal(number)))
            async with database.write() as connection:
                await connection.execute(select(literal(str(number))))
            await database.at_once("SELECT $1::int", [number])
        by_engine = (await database.fetch(text(NAMED)))[0][0]
        by_driver = (await database.at_once(NAMED, []))[0][0]
    finally:
        await database.close()
    assert (by_engine == 0, by_driver == 0) == (pooled, pooled)


@pytest.mark.parametrize("pooled", [True, False])
async def test_a_server_that_falls_silent_is_given_up(
    pooled: bool, databases: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "SILENCE_SECONDS", -0.8)  # before the server would end it by itself
    database = Database(databases.postgres_url, statement_seconds=1.0, pooled=pooled)
    try:
        for sleeping in (
            database.fetch(text("SELECT pg_sleep(60)")),
            database.at_once("SELECT pg_sleep(60)", []),
        ):
            with pytest.raises(DatabaseFault) as told:
                await sleeping
            assert told.value.kind is FaultKind.AWAY
        assert len(await database.at_once("SELECT pg_sleep(0.01)", [])) == 1
    finally:
        await database.close()


CHATS = (
    "{ chats(first: 5) { totalCount nodes { id customer { id } messages(last: 2) { nodes { content } } } } }"
)
SEND = """mutation ($id: ID!) { messageSend(input: {conversationId: $id, content: "Hello"}) {
  message { sequence chat { id lastSequence } } userErrors { code } } }"""


async def test_everything_is_answered_alike(database: Database, make: Make, ask: Ask) -> None:
    """The same graph over two databases that are one: with names and without."""
    if database.dialect == "sqlite":
        pytest.skip("SQLite has no pooler")
    owner = await make.owner()
    chat = await make.chat(owner)
    sent = (await ask(owner, SEND, id=f"chat_{chat.id.hex}")).ok()["message"]
    assert sent["sequence"] == sent["chat"]["lastSequence"] == 1
    pooled = Database(database.url.render_as_string(hide_password=False).replace("+asyncpg", ""), pooled=True)
    try:
        other = Ask(replace(make.server, database=pooled))
        expected = (await ask(owner, CHATS)).ok()
        assert expected["totalCount"] == 1
        assert (await other(owner, CHATS)).ok() == expected
        sent = (await other(owner, SEND, id=f"chat_{chat.id.hex}")).ok()["message"]
        assert sent["sequence"] == sent["chat"]["lastSequence"] == 2
    finally:
        await pooled.close()
