"""A subscriber is told at once what another one was told, unless anything speaks against it: then it comes over the stream."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from typing import Any

import orjson
import pytest

from db.base import Permission, Viewer
from schema import schema
from schema.kit.ids import encode
from services.chats import delete_chat
from services.errors import Unauthenticated
from services.limits import Limits, read_levels
from services.roles import set_role
from services.server import Server
from tests.ask import Ask
from tests.make import Make

FOLLOW = "subscription($id: ID!, $after: Int) { messageAdded(conversationId: $id, after: $after) { sequence content } }"
OF_ME = "subscription($id: ID!) { messageAdded(conversationId: $id) { sequence chat { unreadCount } } }"
WAIT_SECONDS = 30
Heard = tuple[str, Any]
"""How it was told, and the sequence; or the code of an error."""


class Client:
    """One who follows, and can be told at once."""

    def __init__(self, viewer: Viewer) -> None:
        self.now: Viewer | None = viewer
        self.identified = viewer
        self.is_reading = True
        self.heard: list[Heard] = []
        self.has_left = False

    def is_free(self) -> bool:
        return self.is_reading

    def viewer(self) -> Viewer | None:
        return self.now

    def send(self, payload: bytes) -> None:
        self.heard.append(("at once", orjson.loads(payload)["data"]["messageAdded"]["sequence"]))

    async def identify(self) -> Viewer:
        if self.has_left:
            raise Unauthenticated("The session is over.")
        return self.identified

    async def read(self, answers: Any) -> None:
        async with aclosing(answers):
            async for result in answers:
                for error in result.errors or ():
                    self.heard.append(("stream", error.extensions["code"]))
                if result.data:
                    self.heard.append(("stream", result.data["messageAdded"]["sequence"]))

    async def hears(self, *heard: Heard) -> None:
        """Until it has heard just this."""
        async with asyncio.timeout(WAIT_SECONDS):
            while len(self.heard) < len(heard):
                await asyncio.sleep(0)
        assert self.heard == list(heard)


@asynccontextmanager
async def following(
    server: Server, chat: Any, *clients: Client, document: str = FOLLOW
) -> AsyncIterator[list["asyncio.Task[None]"]]:
    """All of them follow the chat while the block runs."""
    tasks: list[asyncio.Task[None]] = []
    try:
        for client in clients:
            context = replace(Ask(server).context(client.now), outlet=client, identify=client.identify)
            count = server.hub.follower_count()
            answers = await schema.stream(document, {"id": encode("chat", chat.id)}, context)
            tasks.append(asyncio.create_task(client.read(answers)))
            async with asyncio.timeout(WAIT_SECONDS):
                while server.hub.follower_count() == count:
                    await asyncio.sleep(0)
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@pytest.fixture
async def members(make: Make) -> tuple[Viewer, list[Viewer]]:
    """An owner, and two members with the same rights."""
    owner = await make.owner()
    role = await make.run(owner, set_role, "Reader", [Permission.CHATS_READ])
    return owner, [await make.member(owner, role_ids=[role.id]) for _ in range(2)]


def at_once(*sequences: int) -> list[Heard]:
    return [("at once", sequence) for sequence in sequences]


async def test_what_one_is_told_all_are_told(make: Make, server: Server) -> None:
    owner = await make.owner()
    chat = await make.chat(owner)
    clients = [Client(owner) for _ in range(20)]
    async with following(server, chat, *clients):
        for turn in (1, 2, 3):
            await make.outbound(owner, chat)
            told = [("stream", 1), *at_once(2, 3)][:turn]
            # The first is counted like any answer.
            for client in clients:
                await client.hears(*told)
        assert server.hub.figures().handed == 2 * 19
    assert server.hub.follower_count() == 0


async def test_one_that_does_not_read_is_told_over_the_stream_and_then_at_once_again(
    make: Make, server: Server
) -> None:
    owner = await make.owner()
    chat = await make.chat(owner)
    reading, slow = Client(owner), Client(owner)
    async with following(server, chat, reading, slow):
        await make.outbound(owner, chat)
        await slow.hears(("stream", 1))
        slow.is_reading = False
        await make.outbound(owner, chat)
        await slow.hears(("stream", 1), ("stream", 2))
        slow.is_reading = True
        await make.outbound(owner, chat)
        await slow.hears(("stream", 1), ("stream", 2), *at_once(3))
        await reading.hears(("stream", 1), *at_once(2, 3))


async def test_rights_that_are_not_known_are_asked_for(
    make: Make, server: Server, members: tuple[Viewer, list[Viewer]]
) -> None:
    owner, (one, another) = members
    chat = await make.chat(owner)
    staying, doubtful = Client(one), Client(another)
    async with following(server, chat, staying, doubtful):
        await make.outbound(owner, chat)
        await doubtful.hears(("stream", 1))
        doubtful.now = None
        await make.outbound(owner, chat)
        await doubtful.hears(("stream", 1), ("stream", 2))
        doubtful.now = replace(another)  # read again, and the same
        await make.outbound(owner, chat)
        await doubtful.hears(("stream", 1), ("stream", 2), *at_once(3))
        await staying.hears(("stream", 1), *at_once(2, 3))


async def test_one_that_loses_a_permission_is_told_nothing_more(
    make: Make, server: Server, members: tuple[Viewer, list[Viewer]]
) -> None:
    owner, (one, another) = members
    chat = await make.chat(owner)
    staying, losing = Client(one), Client(another)
    async with following(server, chat, staying, losing):
        await make.outbound(owner, chat)
        await losing.hears(("stream", 1))
        losing.now = losing.identified = replace(another, permissions=frozenset())
        await make.outbound(owner, chat)
        await losing.hears(("stream", 1), ("stream", "ACCESS_DENIED"))
        await make.outbound(owner, chat)
        await staying.hears(("stream", 1), *at_once(2, 3))
        assert losing.heard[2:] == []


@pytest.mark.parametrize("place", [0, 1])
async def test_one_whose_session_is_over_takes_nothing_from_the_others(
    make: Make, server: Server, place: int
) -> None:
    """Whichever of them is woken for the other."""
    owner = await make.owner()
    chat = await make.chat(owner)
    clients = [Client(owner), Client(await make.sign_in(owner.id))]
    async with following(server, chat, *clients):
        await make.outbound(owner, chat)
        for client in clients:
            await client.hears(("stream", 1))
        ended, staying = clients[place], clients[1 - place]
        ended.now, ended.has_left = None, True
        await make.outbound(owner, chat)
        await make.outbound(owner, chat)
        await ended.hears(("stream", 1), ("stream", "UNAUTHENTICATED"))
        await staying.hears(("stream", 1), *at_once(2, 3))


async def test_one_that_leaves_takes_nothing_from_the_others(make: Make, server: Server) -> None:
    owner = await make.owner()
    chat = await make.chat(owner)
    clients = [Client(owner) for _ in range(4)]
    async with following(server, chat, *clients) as tasks:
        await make.outbound(owner, chat)
        for client in clients:
            await client.hears(("stream", 1))
        for turn, task in enumerate(tasks[:3], 2):
            sending = asyncio.ensure_future(make.outbound(owner, chat))
            task.cancel()
            await sending
            await clients[3].hears(("stream", 1), *at_once(*range(2, turn + 1)))


async def test_one_that_cannot_pay_is_told_late(
    make: Make, server: Server, members: tuple[Viewer, list[Viewer]]
) -> None:
    owner, (one, another) = members
    chat = await make.chat(owner)
    moment = 0.0
    limits = Limits(read_levels('{"user": {"restore": 1000}}'), clock=lambda: moment)
    counting = replace(server, limits=limits)
    paying, poor = Client(one), Client(another)
    async with following(counting, chat, paying, poor):
        await make.outbound(owner, chat)
        await poor.hears(("stream", 1))
        level = limits.level_of(another)
        await limits.charge(another.id, level, limits.left(another.id, level).available)
        await make.outbound(owner, chat)
        await make.outbound(owner, chat)
        await paying.hears(("stream", 1), *at_once(2, 3))
        assert poor.heard == [("stream", 1)]
        assert limits.left(another.id, level).available == 0
        moment = 10.0
        await poor.hears(("stream", 1), ("stream", 2), *at_once(3))
        restored = 10 * level.restore
        assert limits.left(another.id, level).available == restored - 2, "each event was paid for once"


async def test_what_is_of_the_person_is_told_to_that_person(
    make: Make, server: Server, members: tuple[Viewer, list[Viewer]]
) -> None:
    owner, (one, another) = members
    chat = await make.chat(owner)
    clients = [Client(one), Client(one), Client(another)]
    made = server.answers.made
    async with following(server, chat, *clients, document=OF_ME):
        for _ in range(2):
            await make.outbound(owner, chat)
        for client in clients:
            await client.hears(("stream", 1), *at_once(2))
    assert server.answers.made - made == 4, "once for each person and message"


async def test_it_ends_for_all_when_the_chat_is_deleted(make: Make, server: Server) -> None:
    owner = await make.owner()
    chat = await make.chat(owner)
    clients = [Client(owner) for _ in range(3)]
    async with following(server, chat, *clients) as tasks:
        await make.outbound(owner, chat)
        for client in clients:
            await client.hears(("stream", 1))
        await make.run(owner, delete_chat, chat.id)
        async with asyncio.timeout(WAIT_SECONDS):
            await asyncio.gather(*tasks)
        assert [client.heard for client in clients] == [[("stream", 1)]] * 3
    assert server.hub.follower_count() == 0
