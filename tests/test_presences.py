"""Presence: who looks and who types, told at once, lapsing by itself, never stored."""

import asyncio
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from db.base import Permission, Viewer
from schema import schema
from schema.kit.context import Context
from schema.kit.ids import decode, encode
from services.brokers.wires import Wire
from services.presences import KEPT_MAX, LAPSE_SECONDS, SHOWN_MAX, Presences, PresenceState
from services.server import Server
from tests.ask import Answer, Ask
from tests.make import Make

SET = """mutation ($id: ID!, $state: PresenceState) {
  presenceSet(input: {conversationId: $id, state: $state}) {
    conversation { id __typename presence { user { id displayName } state since } } userErrors { code path } } }"""
CHANGED = """subscription ($id: ID!) { presenceChanged(conversationId: $id) {
  __typename id ... on Chat { number } presence { user { id } state since } } }"""
SEEN = "query ($id: ID!) { chat(by: {id: $id}) { presence { user { id } state } } }"
WAIT_SECONDS = 20


def states(answer: Any) -> list[tuple[str, str]]:
    """Who does what."""
    return [(each["user"]["id"], each["state"]) for each in answer["presence"]]


class Clock:
    """A time that stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


class Party:
    """A chat, its workspace's owner and a colleague."""

    def __init__(self, ask: Ask, owner: Viewer, colleague: Viewer, chat: str) -> None:
        self.ask, self.owner, self.colleague, self.chat = ask, owner, colleague, chat

    def id(self, viewer: Viewer) -> str:
        return encode("user", viewer.id)

    async def set(self, viewer: Viewer, state: str | None) -> Any:
        return (await self.ask(viewer, SET, id=self.chat, state=state)).ok()["conversation"]

    async def seen(self, viewer: Viewer) -> list[tuple[str, str]]:
        return states((await self.ask(viewer, SEEN, id=self.chat)).ok())


@pytest.fixture
async def party(ask: Ask, make: Make) -> Party:
    owner = await make.owner()
    return Party(ask, owner, await make.member(owner), encode("chat", (await make.chat(owner)).id))


async def following(party: Party, viewer: Viewer, source: Any) -> Any:
    async with asyncio.timeout(WAIT_SECONDS):
        answer: Answer = await anext(source)
    return answer.ok()


async def test_who_looks_and_who_types_is_seen_by_all(party: Party) -> None:
    assert await party.seen(party.owner) == []
    looking = await party.set(party.owner, "VIEWING")
    assert (states(looking), looking["__typename"]) == ([(party.id(party.owner), "VIEWING")], "Chat")
    typing = await party.set(party.colleague, "TYPING")
    both = [(party.id(party.owner), "VIEWING"), (party.id(party.colleague), "TYPING")]
    assert states(typing) == both
    assert await party.seen(party.owner) == await party.seen(party.colleague) == both
    assert states(await party.set(party.owner, None)) == both[1:]
    assert await party.seen(party.owner) == both[1:]


async def test_saying_the_same_again_keeps_since_when(party: Party) -> None:
    first = (await party.set(party.owner, "VIEWING"))["presence"]
    assert (await party.set(party.owner, "VIEWING"))["presence"] == first
    (typing,) = (await party.set(party.owner, "TYPING"))["presence"]
    assert typing["since"] > first[0]["since"]


async def test_every_change_is_told_and_the_state_at_the_start(party: Party) -> None:
    await party.set(party.owner, "VIEWING")
    owner, colleague = party.id(party.owner), party.id(party.colleague)
    async with party.ask.follow(party.colleague, CHANGED, id=party.chat) as source:
        first = await following(party, party.colleague, source)
        assert (states(first), first["id"], first["number"]) == ([(owner, "VIEWING")], party.chat, 1)
        await party.set(party.owner, "TYPING")
        assert states(await following(party, party.colleague, source)) == [(owner, "TYPING")]
        await party.set(party.colleague, "VIEWING")
        heard = states(await following(party, party.colleague, source))
        assert sorted(heard) == sorted([(owner, "TYPING"), (colleague, "VIEWING")])
        await party.set(party.owner, None)
        assert states(await following(party, party.colleague, source)) == [(colleague, "VIEWING")]


async def test_nobody_is_present_where_one_may_not_look(party: Party, make: Make) -> None:
    stranger, clerk = await make.owner(), await make.member(party.owner, Permission.ORDERS_READ)
    refused = await party.ask(stranger, SET, id=party.chat, state="TYPING")
    assert (refused.codes, refused.user_errors[0]["path"]) == (["NOT_FOUND"], ["input", "conversationId"])
    assert (await party.ask(clerk, SET, id=party.chat, state="TYPING")).codes == ["ACCESS_DENIED"]
    assert (await party.ask(None, SET, id=party.chat, state="TYPING")).codes == ["UNAUTHENTICATED"]
    for viewer, code in ((stranger, "NOT_FOUND"), (clerk, "ACCESS_DENIED")):
        async with party.ask.follow(viewer, CHANGED, id=party.chat) as source:
            assert (await anext(source)).codes == [code]
    assert await party.seen(party.owner) == []
    assert states(await party.set(party.owner, "TYPING")) == [(party.id(party.owner), "TYPING")]


async def test_a_feed_ends_with_its_conversation(party: Party) -> None:
    delete = "mutation ($id: ID!) { chatDelete(input: {id: $id}) { deletedId userErrors { code } } }"
    async with party.ask.follow(party.owner, CHANGED, id=party.chat) as source:
        assert states(await following(party, party.owner, source)) == []
        (await party.ask(party.owner, delete, id=party.chat)).ok()
        party.ask.server.presences.say(*room_of(party), party.owner.id, PresenceState.TYPING)
        with pytest.raises(StopAsyncIteration):
            await following(party, party.owner, source)
    assert (await party.ask(party.owner, SET, id=party.chat, state="TYPING")).codes == ["NOT_FOUND"]


def room_of(party: Party) -> tuple[Any, Any]:
    """The conversation and the owner, as the service knows them."""
    return decode("chat", party.chat, "id"), party.owner.id


async def test_a_socket_takes_its_presence_with_it(party: Party, server: Server) -> None:
    conversation, _ = room_of(party)
    sockets = [replace(party.ask.context(party.owner), line_id=id) for id in (conversation, party.owner.id)]

    async def say(context: Context, state: str) -> None:
        variables = {"id": party.chat, "state": state}
        result = await schema.execute(SET, variables, context)
        assert not result.errors, result.errors

    await say(sockets[0], "TYPING")
    await say(sockets[1], "VIEWING")
    # One member on two sockets is shown once, with what it does most.
    assert await party.seen(party.colleague) == [(party.id(party.owner), "TYPING")]
    assert sockets[0].line_id is not None
    server.presences.leave(sockets[0].line_id)
    assert await party.seen(party.colleague) == [(party.id(party.owner), "VIEWING")]
    assert sockets[1].line_id is not None
    server.presences.leave(sockets[1].line_id)
    assert await party.seen(party.colleague) == []


# ── without a database ────────────────────────────────────────────────────────────────────────────────────────────


class Cable:
    """A broker that carries everything at once to every worker on it."""

    name = "cable"
    is_connected = True

    def __init__(self) -> None:
        self.wires: list[Wire] = []

    async def run(self, heard: Any, connected: Any) -> None:
        raise AssertionError("nobody runs it")

    async def publish(self, message: bytes) -> None:
        for wire in self.wires:
            wire.hear(message)


async def deliver(cable: Cable) -> None:
    """Until nothing more is on its way."""
    while any(wire.unsent for wire in cable.wires):
        for wire in cable.wires:
            if wire.unsent:
                await cable.publish(wire.take())


def workers(count: int, clock: Clock) -> tuple[Cable, list[Presences]]:
    cable = Cable()
    made = []
    for _ in range(count):
        wire = Wire(cable)
        cable.wires.append(wire)
        made.append(Presences(wire, clock))
    return cable, made


async def test_other_workers_hear_of_it(make: Make) -> None:
    owner, clock = await make.owner(), Clock()
    cable, (one, other) = workers(2, clock)
    room, socket = owner.workspace_id, owner.session_id
    one.say(room, owner.id, socket, PresenceState.TYPING)
    await deliver(cable)
    assert [(p.user_id, p.state) for p in other.of(room)] == [(owner.id, PresenceState.TYPING)]
    assert abs((other.of(room)[0].since - one.of(room)[0].since).total_seconds()) < 0.001
    # A third that comes later asks, and is told.
    wire = Wire(cable)
    cable.wires.append(wire)
    late = Presences(wire, clock)
    wire._connected()
    await deliver(cable)
    assert [p.user_id for p in late.of(room)] == [owner.id]
    with other.follow(room) as follower:
        one.leave(socket)
        await deliver(cable)
        async with asyncio.timeout(WAIT_SECONDS):
            await follower.wait()
    assert one.of(room) == other.of(room) == late.of(room) == ()


async def test_it_lapses_in_every_worker(make: Make) -> None:
    owner, clock = await make.owner(), Clock()
    cable, (one, other) = workers(2, clock)
    room, socket = owner.workspace_id, owner.session_id
    one.say(room, owner.id, socket, PresenceState.VIEWING)
    await deliver(cable)
    clock.now += LAPSE_SECONDS - 1
    assert len(one.of(room)) == len(other.of(room)) == 1
    assert one.seconds_to_lapse(room) == pytest.approx(1)
    clock.now += 1
    assert one.of(room) == other.of(room) == ()
    assert one.seconds_to_lapse(room) is None
    # Said again before, it holds on.
    for _ in range(3):
        one.say(room, owner.id, socket, PresenceState.VIEWING)
        await deliver(cable)
        clock.now += LAPSE_SECONDS - 1
        assert len(one.of(room)) == len(other.of(room)) == 1


async def test_what_is_remembered_is_bounded(make: Make) -> None:
    owner, clock = await make.owner(), Clock()
    _, (one,) = workers(1, clock)
    room = owner.workspace_id
    for number in range(KEPT_MAX + 10):
        one.say(
            room if number < 2 * SHOWN_MAX else UUID(int=number),
            UUID(int=number),
            UUID(int=number),
            PresenceState.VIEWING,
        )
    assert (one._count, len(one.of(room))) == (KEPT_MAX, SHOWN_MAX)
    clock.now += LAPSE_SECONDS
    one.say(room, owner.id, owner.session_id, PresenceState.VIEWING)
    assert (one._count, len(one._said), len(one._own)) == (1, 1, 1)


async def test_nonsense_on_the_wire_changes_nothing() -> None:
    _, (one,) = workers(1, Clock())
    for payload in (b"", b"x" * 61, b"?" * 2):
        one._wire.hear(b"p " + payload)
    assert one._count == 0
