"""Behind a real pooler: a server answers everybody, and its followers miss nothing."""

import asyncio
from dataclasses import dataclass

import pytest

from tests.faults.cluster import KEYS
from tests.pgbouncer import pooled
from tests.running import serve
from tests.wire.caller import SEND, Caller, register
from tests.wire.line import FOLLOW, line_to

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]
OPERATIONS, SENT, AT_ONCE, POOL = 900, 300, 32, 16
INBOX = """{ chats(first: 5) { totalCount nodes {
  id customer { displayName } messages(last: 3) { nodes { content } } } } }"""


@dataclass
class Stage:
    """A database with a chat, and whose it is."""

    url: str
    token: str
    chat: str


@pytest.fixture
async def stage(databases):
    async with databases.own("postgresql") as url:
        async with serve(url, **KEYS) as server:
            owner = await register(server.web)
            chat = await owner.chat()
        yield Stage(url, owner.token, chat)


# A session keeps its connection to the server; transactions of many take turns on a few.
@pytest.mark.parametrize(
    ("mode", "setting", "connections"), [("session", "off", POOL), ("transaction", "on", 4)]
)
async def test_everything_is_answered_and_delivered(stage, mode, setting, connections):
    async with (
        pooled(stage.url, mode, connections) as through,
        serve_at(stage, through, setting) as server,
        line_to(server, Caller(server.web, stage.token)) as line,
    ):
        await line.subscribe("followed", FOLLOW, conversationId=stage.chat, after=1)
        assert await failed(server, stage) == []
        told = [await line.read() for _ in range(SENT)]
    delivered = [message["payload"]["data"]["messageAdded"]["sequence"] for message in told]
    assert delivered == list(range(2, SENT + 2))


async def test_one_in_transaction_mode_that_the_server_is_not_told_of_fails(stage):
    async with pooled(stage.url, "transaction", 4) as through, serve_at(stage, through, "off") as server:
        assert len(await failed(server, stage)) > 0


def serve_at(stage, through, setting):
    """The server, whose workers tell each other past the pooler."""
    return serve(through, **KEYS, BROKER_URL=stage.url, DATABASE_POOLER=setting, DB_POOL_MAX=str(POOL))


async def failed(server, stage):
    """Asks for the inbox and writes to the chat, many at once; the answers with errors."""
    caller, numbers, found = Caller(server.web, stage.token), iter(range(OPERATIONS)), []

    async def work():
        for number in numbers:
            if number * SENT % OPERATIONS == 0:
                answer = await caller.post(SEND, {"conversationId": stage.chat, "content": str(number)})
            else:
                answer = await caller.post(INBOX)
            if "errors" in answer.json() or '"userErrors":[{' in answer.text:
                found.append(answer.text)

    await asyncio.gather(*[work() for _ in range(AT_ONCE)])
    return found
