"""Behind a pooler that gives each transaction another connection: no statement is known by a name, and each has a transaction."""

from dataclasses import replace

import pytest
from sqlalchemy import literal, select, text

from db.engine import Database
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
