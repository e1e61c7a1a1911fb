"""A PostgreSQL that crashes and comes back under load: sockets stay, mutations are told, nothing kept is lost."""

import asyncio
import json
import secrets

import pytest

from db.engine import Database
from db.migrate import migrate
from tests import postgres
from tests.faults.test_crashes import everything
from tests.running import serve
from tests.wire.caller import SEND, register
from tests.wire.line import FOLLOW, line_to

WRITERS = 8
FOLLOWERS = 5
END_SECONDS = 60


class Load:
    """Writers that go on whatever they are told, and what they were told."""

    def __init__(self, owner, chat):
        self.owner, self.chat = owner, chat
        self.kept, self.codes, self.over = {}, [], False

    async def write(self):
        while not self.over:
            content = secrets.token_hex(8)
            body = (await self.owner.post(SEND, {"conversationId": self.chat, "content": content})).json()
            errors = [error["extensions"]["code"] for error in body.get("errors", ())]
            self.codes += errors
            if errors:
                await asyncio.sleep(0.05)
            else:
                message = body["data"]["messageSend"]["message"]
                self.kept[message["content"]] = message["sequence"]

    async def until(self, condition):
        async with asyncio.timeout(END_SECONDS):
            while not condition():
                await asyncio.sleep(0.02)

    async def goes_on(self):
        """Until more was kept than before."""
        before = len(self.kept)
        await self.until(lambda: len(self.kept) > before + WRITERS)


async def next_sequence(follower):
    """The next sequence; a follower that just lost the database takes its time to ask again."""
    message = json.loads(await asyncio.wait_for(follower.socket.recv(), END_SECONDS))
    return message["payload"]["data"]["messageAdded"]["sequence"]


@pytest.mark.parametrize("crashes", [1, pytest.param(7, marks=pytest.mark.long)])
@pytest.mark.timeout(600)
async def test_the_server_goes_on_by_itself(crashes):
    with postgres.own_server() as own:
        database = Database(own.url)
        await migrate(database)
        await database.close()
        async with serve(own.url) as running:
            owner = await register(running.web)
            load = Load(owner, await owner.chat())
            lines = [line_to(running, owner) for _ in range(FOLLOWERS)]
            followers = [await line.__aenter__() for line in lines]
            for follower in followers:
                await follower.subscribe("1", FOLLOW, conversationId=load.chat, after=0)
            writers = [asyncio.create_task(load.write()) for _ in range(WRITERS)]
            for _ in range(crashes):
                await load.goes_on()
                own.crash()
                told = len(load.codes)
                await load.until(lambda before=told: len(load.codes) > before + WRITERS)
                assert (await running.web.get("/readyz")).status_code == 503
                own.start()
                await load.goes_on()
            load.over = True
            await asyncio.gather(*writers)
            assert set(load.codes) == {"DATABASE_UNAVAILABLE"}
            found = await everything(owner, load.chat)
            stored = {message["content"]: message["sequence"] for message in found}
            assert {content: stored.get(content) for content in load.kept} == load.kept
            # Every follower, on the socket it had all the time: all of it, in order, once, and no error.
            for follower in followers:
                seen = [await next_sequence(follower) for _ in found]
                assert seen == list(range(1, len(found) + 1))
            for line in lines:
                await line.__aexit__(None, None, None)
            assert (await running.web.get("/readyz")).status_code == 200
