"""An event is executed once for all who ask the same of it with the same rights, and for nobody else."""

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import pytest
from graphql import parse

from db.base import Permission, Viewer
from schema import schema
from schema.kit.ids import encode
from schema.kit.personal import is_personal, personal_columns
from services.customers import update_customer
from services.roles import set_role
from tests.ask import Answer, Ask
from tests.make import Make

PLAIN = "subscription Plain($id: ID!, $after: Int) { messageAdded(conversationId: $id, after: $after) { sequence content sender { displayName } } }"
OTHER = "subscription Other($id: ID!) { messageAdded(conversationId: $id) { sequence } }"
OF_ME = "subscription Mine($id: ID!) { messageAdded(conversationId: $id) { sequence chat { unreadCount } } }"
EVENTS = "subscription($after: EventCursor) { events(after: $after) { cursor ... on ChangeEvent { kind customer { fullName email } } } }"


class Crowd:
    """Many who follow, each with a document and variables of its own."""

    def __init__(self, ask: Ask, make: Make) -> None:
        self.ask, self.make = ask, make
        self.stack = AsyncExitStack()
        self.answers: list[Any] = []
        self.waiting: list[asyncio.Future[Answer]] = []

    async def follow(self, viewer: Viewer, document: str, **variables: Any) -> None:
        """Joins, and waits for what comes next."""
        source = await self.stack.enter_async_context(self.ask.follow(viewer, document, **variables))
        count = self.make.server.hub.follower_count()
        self.answers.append(source)
        self.waiting.append(asyncio.ensure_future(anext(source)))
        async with asyncio.timeout(30):
            while self.make.server.hub.follower_count() == count:
                await asyncio.sleep(0.001)

    async def hear(self) -> list[Any]:
        """What each was told next."""
        async with asyncio.timeout(30):
            heard = [answer.ok() for answer in await asyncio.gather(*self.waiting)]
        self.waiting = [asyncio.ensure_future(anext(source)) for source in self.answers]
        return heard

    async def __aenter__(self) -> "Crowd":
        return self

    async def __aexit__(self, *_: object) -> None:
        for waiting in self.waiting:
            waiting.cancel()
        await asyncio.gather(*self.waiting, return_exceptions=True)
        await self.stack.aclose()


@pytest.fixture
def executed(make: Make) -> Any:
    """How many events were executed, and how many answers given away, since."""
    answers = make.server.answers
    before = (answers.made, answers.given)
    return lambda: (answers.made - before[0], answers.given - before[1])


async def test_fifty_who_ask_the_same_cost_one_execution(ask: Ask, make: Make, executed: Any) -> None:
    owner = await make.owner(full_name="Ana")
    colleague = await make.sign_in(owner.id)
    chat = await make.chat(owner)
    await make.outbound(owner, chat)
    async with Crowd(ask, make) as crowd:
        for place in range(50):
            # Where each began says nothing about what it is told from now on.
            variables = {"after": 1} if place % 2 else {}
            viewer = owner if place % 3 else colleague
            await crowd.follow(viewer, PLAIN, id=encode("chat", chat.id), **variables)
        for turn in (1, 2):
            await make.outbound(owner, chat, f"Message {turn}")
            told = {"sequence": turn + 1, "content": f"Message {turn}", "sender": {"displayName": "Ana"}}
            assert await crowd.hear() == [told] * 50
            # Whoever began without a number shares with whoever began with one only where the variables are equal
            # without it: `after` counts for nothing.
            assert executed() == (turn, 49 * turn)


async def test_other_questions_are_answered_apart(ask: Ask, make: Make, executed: Any) -> None:
    owner = await make.owner()
    customer = await make.customer(owner)
    chat, another = await make.chat(owner, customer), await make.chat(owner)
    async with Crowd(ask, make) as crowd:
        await crowd.follow(owner, PLAIN, id=encode("chat", chat.id))
        await crowd.follow(owner, OTHER, id=encode("chat", chat.id))
        await crowd.follow(owner, PLAIN, id=encode("chat", another.id))
        await make.outbound(owner, chat, "here")
        await make.outbound(owner, another, "there")
        first, second, third = await crowd.hear()
        assert (first["content"], second, third["content"]) == ("here", {"sequence": 1}, "there")
        assert executed() == (3, 0)


async def test_other_rights_are_answered_apart(ask: Ask, make: Make, executed: Any) -> None:
    """Two may ask the same and see different things: who may not see customers is not told who wrote."""
    owner = await make.owner()
    customer = await make.customer(owner, full_name="Ana")
    chat = await make.chat(owner, customer)
    role = await make.run(owner, set_role, "Reader", [Permission.CHATS_READ])
    members = [await make.member(owner, role_ids=[role.id]) for _ in range(2)]
    document = "subscription($id: ID!) { messageAdded(conversationId: $id) { sequence sender { __typename displayName } } }"
    async with Crowd(ask, make) as crowd:
        for viewer in (owner, *members):
            await crowd.follow(viewer, document, id=encode("chat", chat.id))
        await make.inbound(owner, customer)
        seen = {"sequence": 1, "sender": {"__typename": "Customer", "displayName": "Ana"}}
        unseen = {"sequence": 1, "sender": None}
        assert await crowd.hear() == [seen, unseen, unseen]
        assert executed() == (2, 1), "once for the owner, once for the two members"


async def test_what_is_of_the_person_is_answered_for_each_person(ask: Ask, make: Make, executed: Any) -> None:
    owner = await make.owner()
    member = await make.member(owner)
    colleague = await make.member(owner)
    chat = await make.chat(owner)
    async with Crowd(ask, make) as crowd:
        for viewer in (member, member, colleague):
            await crowd.follow(viewer, OF_ME, id=encode("chat", chat.id))
        await make.outbound(member, chat)
        unread = [event["chat"]["unreadCount"] for event in await crowd.hear()]
        assert unread == [0, 0, 1], "who sent it has read it"
        assert executed() == (2, 1)


async def test_events_are_shared_as_well(ask: Ask, make: Make, executed: Any) -> None:
    owner = await make.owner()
    customer = await make.customer(owner, email="ana@example.com")
    async with Crowd(ask, make) as crowd:
        for _ in range(20):
            await crowd.follow(owner, EVENTS)
        assert {event["cursor"] for event in await crowd.hear()}, (
            "each is told by itself that it has caught up"
        )
        assert executed() == (0, 0)
        for turn in range(3):
            await make.run(owner, update_customer, customer.id, full_name=f"Name {turn}")
            told = {"fullName": f"Name {turn}", "email": "ana@example.com"}
            assert [event["customer"] for event in await crowd.hear()] == [told] * 20
        assert executed() == (3, 57)


async def test_what_was_told_is_not_told_again_to_who_comes_later(
    ask: Ask, make: Make, executed: Any
) -> None:
    """A replay is read afresh: what one was told a moment ago may have been deleted since."""
    owner = await make.owner(full_name="Before")
    chat = await make.chat(owner)
    async with Crowd(ask, make) as crowd:
        await crowd.follow(owner, PLAIN, id=encode("chat", chat.id))
        await make.outbound(owner, chat)
        await crowd.hear()
        async with ask.follow(owner, PLAIN, id=encode("chat", chat.id), after=0) as answers:
            assert (await anext(answers)).ok()["sequence"] == 1
        assert executed() == (1, 0)


async def test_one_who_leaves_takes_nothing_from_the_others(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    chat = await make.chat(owner)
    async with Crowd(ask, make) as crowd:
        for _ in range(5):
            await crowd.follow(owner, PLAIN, id=encode("chat", chat.id))
        sending = asyncio.ensure_future(make.outbound(owner, chat))
        crowd.waiting.pop(0).cancel()
        crowd.answers.pop(0)
        await sending
        assert [event["sequence"] for event in await crowd.hear()] == [1] * 4


@pytest.mark.parametrize(
    ("selection", "personal"),
    [
        ("sequence content sender { displayName ... on User { fullName } }", False),
        ("chat { id assignee { username } customer { email orders { totalCount } } }", False),
        ("chat { assignee { roles { name } } }", True),
        ("chat { lastReadSequence }", True),
        ("conversation { unreadCount }", True),
        ("sender { ... on User { email } }", True),
        ("...Deep", True),
    ],
)
def test_what_depends_on_the_person_is_known(selection: str, personal: bool) -> None:
    text = f'subscription {{ messageAdded(conversationId: "x") {{ {selection} }} }}'
    if "Deep" in selection:
        text += " fragment Deep on Message { chat { assignee { sessions { isCurrent } } } }"
    node = parse(text)
    assert node is not None
    assert is_personal(schema._schema, node) is personal
    assert "last_read_sequence" in personal_columns()
