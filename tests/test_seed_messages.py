"""The large set: so many messages as asked for, no hole, no wrong sum, nothing out of sight."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from sqlalchemy import func, select, text

from db.base import Viewer
from db.conversations import Conversation, Message
from db.engine import Database
from db.orders import Order
from graph.seed import bulk
from graph.seed.rows import id_at
from services.logins import check_login, find_login
from services.secrets import Vault
from services.server import Server
from services.tokens import Tokens
from tests.ask import Ask
from tests.conftest import SECRET
from tests.databases import OwnDatabase
from tests.make import Make
from tests.running import command

MESSAGES = 2_000
KEYS = {"JWT_SECRET": secrets.token_hex(32), "DB_ENCRYPTION_KEY": secrets.token_hex(32)}
FAULTS = {
    "a sequence with holes": """
        select c.id from conversations c join messages m on m.conversation_id = c.id group by c.id, c.last_sequence
        having min(m.sequence) <> 1 or max(m.sequence) <> c.last_sequence or count(*) <> c.last_sequence""",
    "a chat without messages": """
        select id from conversations c where not exists (select 1 from messages m where m.conversation_id = c.id)""",
    "a wrong last moment": """
        select c.id from conversations c join messages m on m.conversation_id = c.id
        group by c.id, c.last_message_at, c.started_at
        having max(m.timestamp) <> c.last_message_at or min(m.timestamp) <> c.started_at""",
    "a message before the one before": """
        select b.id from messages a join messages b
        on b.conversation_id = a.conversation_id and b.sequence = a.sequence + 1 where b.timestamp < a.timestamp""",
    "numbers of chats with holes": """
        select workspace_id from conversations c group by workspace_id
        having min(number) <> 1 or max(number) <> count(*) or count(*) <>
            (select value from counters k where k.workspace_id = c.workspace_id and k.name = 'chats')""",
    "numbers of orders with holes": """
        select workspace_id from orders o group by workspace_id
        having min(number) <> 1 or max(number) <> count(*) or count(*) <>
            (select value from counters k where k.workspace_id = o.workspace_id and k.name = 'orders')""",
    "a wrong total": """
        select o.id from orders o left join order_items i on i.order_id = o.id group by o.id, o.total_amount
        having o.total_amount <> coalesce(sum(i.quantity * i.price_at_purchase), -1)""",
    "an order of another's chat": """
        select o.id from orders o join conversations c on c.id = o.chat_id
        where c.customer_id <> o.customer_id or c.workspace_id <> o.workspace_id""",
    "more read than there is": """
        select p.user_id from participants p join conversations c on c.id = p.conversation_id
        where p.last_read_sequence > c.last_sequence or p.workspace_id <> c.workspace_id""",
    "a message of another workspace": """
        select m.id from messages m join conversations c on c.id = m.conversation_id
        where m.workspace_id <> c.workspace_id or coalesce(m.sender_customer_id, c.customer_id) <> c.customer_id""",
    "two chats to write in": """
        select customer_id from conversations where status <> 'CLOSED' group by customer_id having count(*) > 1""",
    "a customer that appeared after it wrote": """
        select u.id from customers u join conversations c on c.customer_id = u.id where u.first_seen_at > c.started_at""",
}
WHOLE = """query($after: String) {
  chats(first: 100, after: $after) { totalCount nodes { lastSequence messages { totalCount } } pageInfo { hasNextPage endCursor } }
  orders { totalCount } customers { totalCount } products { totalCount } channels { totalCount } }"""


@asynccontextmanager
async def seeded_server(own_database: OwnDatabase, seed: int = 1) -> AsyncIterator[Server]:
    async with own_database() as url:
        database = Database(url, sees_all=True)  # as the command does
        server = Server(database, Tokens({"test": SECRET}), Vault({"test": SECRET}))
        told: list[int] = []
        await bulk.seed_messages(server, MESSAGES, seed, told.append)
        assert sum(told) == MESSAGES
        yield server
        await database.close()


@pytest.fixture(scope="module")
async def seeded(own_database: OwnDatabase) -> AsyncIterator[Server]:
    """A server with the large set, made small."""
    async with seeded_server(own_database) as server:
        yield server


async def sign_in(server: Server, number: int) -> Viewer:
    login = await find_login(server.database, bulk.username(number))
    proof = await check_login(server.database, server.passwords, login, bulk.PASSWORD)
    return await Make(server).sign_in(proof.user_id)


@pytest.mark.parametrize("fault", FAULTS)
async def test_there_is_nowhere(seeded, fault) -> None:
    assert await seeded.database.fetch(text(FAULTS[fault])) == []


async def test_there_are_as_many_messages_as_asked_for(seeded) -> None:
    rows = await seeded.database.fetch(select(func.count()).select_from(Message))
    assert rows[0][0] == MESSAGES


async def test_every_row_is_seen_through_the_graph_by_its_own_workspace(seeded) -> None:
    ask, messages, chats, orders = Ask(seeded), 0, 0, 0
    for number in range(1, bulk.WORKSPACES_MIN + 1):
        viewer = await sign_in(seeded, number)
        after: Any = None
        while True:
            answer = await ask(viewer, WHOLE, after=after)
            assert answer.errors == []
            found = answer.data
            assert found is not None
            for chat in found["chats"]["nodes"]:
                assert chat["messages"]["totalCount"] == chat["lastSequence"]
                messages += chat["lastSequence"]
            if not found["chats"]["pageInfo"]["hasNextPage"]:
                break
            after = found["chats"]["pageInfo"]["endCursor"]
        chats += found["chats"]["totalCount"]
        orders += found["orders"]["totalCount"]
        assert found["products"]["totalCount"] == bulk.PRODUCTS_PER_WORKSPACE
        assert found["channels"]["totalCount"] == bulk.CHANNELS
        assert found["customers"]["totalCount"] > 20
    assert messages == MESSAGES
    assert chats == (await seeded.database.fetch(select(func.count()).select_from(Conversation)))[0][0]
    assert orders == (await seeded.database.fetch(select(func.count()).select_from(Order)))[0][0]


async def test_the_same_seed_makes_the_same_messages(own_database, seeded) -> None:
    def rows(server: Server) -> Any:
        kept = (Message.id, Message.conversation_id, Message.sequence, Message.content, Message.timestamp)
        return server.database.fetch(select(*kept).order_by(Message.id))

    async with seeded_server(own_database) as same, seeded_server(own_database, seed=2) as other:
        assert await rows(same) == await rows(seeded)
        assert {row.id for row in await rows(other)}.isdisjoint(row.id for row in await rows(seeded))


async def test_live_writing_goes_on_where_the_set_ends(own_database) -> None:
    async with seeded_server(own_database) as server:
        make, viewer = Make(server), await sign_in(server, 1)
        rows = await server.database.fetch(
            select(func.count()).where(Conversation.workspace_id == viewer.workspace_id)
        )
        chat = await make.chat(viewer, await make.customer(viewer))
        assert chat.number == rows[0][0] + 1
        assert (await make.outbound(viewer, chat)).sequence == 1


async def test_the_command_refuses_a_second_set_and_production(own_database) -> None:
    async with own_database() as url:
        words = ("seed", "--messages", "100")
        status, said = await command(*words, DATABASE_URL=url, **KEYS)
        assert status == 0, said
        assert "100 messages in" in said
        status, said = await command(*words, DATABASE_URL=url, **KEYS)
        assert (status, "Nothing was changed" in said) == (1, True)
        status, said = await command(*words, DATABASE_URL=url, ENVIRONMENT="production", **KEYS)
        assert (status, "ENVIRONMENT is production" in said) == (1, True)


def test_an_id_of_a_moment_is_a_uuid_of_version_7_that_sorts_by_it() -> None:
    random = Random(1)
    ids = [id_at(random, bulk.END + timedelta(milliseconds=n)) for n in range(50)]
    assert ids == sorted(ids)
    assert {id.version for id in ids} == {7}
    assert len({id.bytes[-8] >> 6 for id in ids}) == 1
