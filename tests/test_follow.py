"""messageAdded: replay, then live; every message once and in order, and nothing lost in between."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from db.base import Viewer, new_id
from db.conversations import Message
from db.faults import DatabaseFault, FaultKind
from schema import schema
from schema.kit.ids import encode
from services import follow
from services.accounts import update_user
from services.chats import delete_chat
from services.errors import Unauthenticated
from services.hub import CONVERSATION, READ_AT_ONCE_MAX, Subject
from services.server import Server
from services.sharing import Occurrence
from tests.ask import Ask
from tests.make import Make

FOLLOW = """subscription($id: ID!, $after: Int) { messageAdded(conversationId: $id, after: $after) {
  sequence content chat { lastSequence unreadCount } sender { displayName } } }"""


async def numbers(answers: Any, count: int) -> list[int]:
    return [(await anext(answers)).ok()["sequence"] for _ in range(count)]


async def following(make: Make, answers: Any) -> "asyncio.Future[Any]":
    """The next answer, once the subscription is in place; it begins when an answer is first waited for."""
    first = asyncio.ensure_future(anext(answers, None))
    while not make.server.hub.follower_count():
        await asyncio.sleep(0)
    return first


async def test_replay_then_live(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    chat = await make.chat(owner)
    id = encode("chat", chat.id)
    for n in range(3):
        await make.outbound(owner, chat, str(n))
    async with ask.follow(owner, FOLLOW, id=id, after=1) as answers:
        assert await numbers(answers, 2) == [2, 3]
        waiting = asyncio.ensure_future(numbers(answers, 2))
        await make.outbound(owner, chat)
        await make.outbound(owner, chat)
        assert await waiting == [4, 5]
    assert make.server.hub.follower_count() == 0


async def test_without_after_only_what_comes_from_now_on(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    chat = await make.chat(owner)
    await make.outbound(owner, chat, "before")
    async with ask.follow(owner, FOLLOW, id=encode("chat", chat.id)) as answers:
        first = await following(make, answers)
        await make.outbound(owner, chat, "since")
        assert (await first).ok()["content"] == "since"


async def test_a_long_replay_is_read_in_parts(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    customer = await make.customer(owner)
    chat = await make.chat(owner, customer)
    total = READ_AT_ONCE_MAX + 5
    for n in range(total):
        await make.inbound(owner, customer, str(n))
    async with ask.follow(owner, FOLLOW, id=encode("chat", chat.id), after=0) as answers:
        assert await numbers(answers, total) == list(range(1, total + 1))


async def followed_under_writers(
    ask: Ask, make: Make, followers: int, writers: int, each: int
) -> list[list[int]]:
    """Followers that join at different times while writers write at once; what each received."""
    owner = await make.owner()
    chat = await make.chat(owner)
    total = writers * each

    async def write() -> None:
        for _ in range(each):
            await make.outbound(owner, chat)

    async def receive(after: int) -> list[int]:
        async with ask.follow(owner, FOLLOW, id=encode("chat", chat.id), after=after) as answers:
            return await numbers(answers, total - after)

    writing = [asyncio.ensure_future(write()) for _ in range(writers)]
    received = []
    for place in range(followers):
        received.append(asyncio.ensure_future(receive(after=0)))
        while await make.count(owner, Message) < total * place / followers:
            await asyncio.sleep(0)
    await asyncio.gather(*writing)
    return list(await asyncio.wait_for(asyncio.gather(*received), timeout=30))


async def test_every_follower_gets_every_message_once_and_in_order(ask: Ask, make: Make) -> None:
    for sequence in await followed_under_writers(ask, make, followers=5, writers=4, each=15):
        assert sequence == list(range(1, 61))


async def plain_publish_and_subscribe(
    server: Server, viewer: Callable[[], Viewer], conversation_id: UUID, after: int | None, seat: Any = None
) -> AsyncGenerator[Any, None]:
    """The usual design: what is announced is passed on, nothing is looked up. The control of the test above."""

    async def listen() -> AsyncGenerator[Any, None]:
        heard: asyncio.Queue[int] = asyncio.Queue()
        with server.hub.follow(Subject(CONVERSATION, conversation_id), lambda row: row.sequence) as (_, ear):
            ear.wake = lambda: heard.put_nowait(1)  # type: ignore[method-assign]
            while True:
                await heard.get()
                last = await follow._last_sequence(server, viewer(), conversation_id)
                rows = await follow._read(server, viewer(), conversation_id, (last or 0) - 1)
                yield Occurrence(rows[0])

    return listen()


async def test_the_control_loses_messages(ask: Ask, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("schema.messages.follow_messages", plain_publish_and_subscribe)
    owner = await make.owner()
    chat = await make.chat(owner)
    await make.outbound(owner, chat)
    async with ask.follow(owner, FOLLOW, id=encode("chat", chat.id), after=0) as answers:
        first = await following(make, answers)
        await make.outbound(owner, chat)
        assert (await first).ok()["sequence"] == 2, "plain publish and subscribe has lost the first message"


async def test_each_event_is_read_afresh(ask: Ask, make: Make) -> None:
    owner = await make.owner(full_name="Before")
    chat = await make.chat(owner)
    async with ask.follow(owner, FOLLOW, id=encode("chat", chat.id), after=0) as answers:
        await make.outbound(owner, chat)
        first = (await anext(answers)).ok()
        await make.run(owner, update_user, owner.id, full_name="After")
        await make.outbound(owner, chat)
        second = (await anext(answers)).ok()
    assert [first["sender"]["displayName"], second["sender"]["displayName"]] == ["Before", "After"]
    assert [first["chat"]["lastSequence"], second["chat"]["lastSequence"]] == [1, 2]


async def test_it_ends_when_the_chat_is_deleted(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    chat = await make.chat(owner)
    async with ask.follow(owner, FOLLOW, id=encode("chat", chat.id), after=0) as answers:
        waiting = await following(make, answers)
        await make.run(owner, delete_chat, chat.id)
        assert await waiting is None
    assert make.server.hub.follower_count() == 0


@pytest.mark.parametrize(("after", "code"), [(None, "NOT_FOUND"), (0, "NOT_FOUND"), (-1, "VALIDATION_ERROR")])
async def test_what_is_out_of_sight_is_not_followed(
    ask: Ask, make: Make, after: int | None, code: str
) -> None:
    owner, stranger = await make.owner(), await make.owner()
    chat = await make.chat(owner)
    await make.outbound(owner, chat)
    id = encode("chat", chat.id)
    async with ask.follow(stranger, FOLLOW, id=id, after=after) as answers:
        answer = await anext(answers)
        assert (answer.codes, answer.data) == ([code], None)
        assert answer.errors[0]["path"] == ["messageAdded"]
    async with ask.follow(None, FOLLOW, id=id) as answers:
        assert (await anext(answers)).codes == ["UNAUTHENTICATED"]
    async with ask.follow(owner, FOLLOW, id=id, after=0) as answers:
        assert await numbers(answers, 1) == [1]


async def test_it_ends_when_the_session_does(make: Make) -> None:
    owner = await make.owner()
    chat = await make.chat(owner)
    over = False

    async def identify() -> Viewer | None:
        if over:
            raise Unauthenticated("The session is over.")
        return owner

    context = replace(Ask(make.server).context(owner), identify=identify, line_id=new_id())
    source = await schema.subscribe(FOLLOW, {"id": encode("chat", chat.id), "after": 0}, context)
    await make.outbound(owner, chat)
    first = await anext(source)
    assert (first.data or {})["messageAdded"]["sequence"] == 1
    over = True
    await make.outbound(owner, chat)
    ended = [(e.extensions or {})["code"] async for result in source for e in result.errors or ()]
    assert ended == ["UNAUTHENTICATED"]
    refused = await schema.execute("{ channels { totalCount } }", context_value=context)
    assert [(e.extensions or {})["code"] for e in refused.errors or ()] == ["UNAUTHENTICATED"]
    assert make.server.hub.follower_count() == 0


async def test_a_database_that_is_away_at_the_start_is_waited_for(make: Make) -> None:
    """Who is asking is read before anything else: a moment without the database is no answer to a follower."""
    owner = await make.owner()
    chat = await make.chat(owner)
    await make.outbound(owner, chat)
    faults = [DatabaseFault(FaultKind.AWAY), DatabaseFault(FaultKind.BUSY)]

    async def identify() -> Viewer | None:
        if faults:
            raise faults.pop()
        return owner

    context = replace(Ask(make.server).context(owner), identify=identify)
    source = await schema.subscribe(FOLLOW, {"id": encode("chat", chat.id), "after": 0}, context)
    async with aclosing(source):
        first = await anext(source)
    assert (first.errors, (first.data or {})["messageAdded"]["sequence"], faults) == (None, 1, [])
