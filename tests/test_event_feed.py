"""events and eventCursor: everything a viewer may see, replayed, then live, without a seam and without a hole."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from db.base import Permission, Viewer, now
from db.conversations import ChatStatus
from db.events import EventLog
from db.orders import OrderStatus
from schema.kit.ids import encode
from services import chats, customers, logs, messages, orders, pruning, roles
from services.cursors import write_cursor
from tests.ask import Ask
from tests.make import Make

EVENTS = """subscription($after: EventCursor, $where: EventFilter) { events(after: $after, where: $where) {
  __typename cursor at
  ... on ChangeEvent { kind change changedFields nodeId
    message { id content chat { unreadCount } } chat { id status unreadCount } order { id status } customer { id displayName } }
  ... on CaughtUp { replayed } } }"""
PLAIN = """subscription($after: EventCursor) { events(after: $after) {
  __typename cursor ... on ChangeEvent { kind change nodeId } } }"""
CURSOR = "{ eventCursor }"


async def cursor_of(ask: Ask, viewer: Viewer) -> str:
    return str((await ask(viewer, CURSOR)).ok())


async def changes(answers: Any, count: int) -> list[dict[str, Any]]:
    """The next changes, whatever else comes between."""
    found: list[dict[str, Any]] = []
    while len(found) < count:
        event = (await asyncio.wait_for(anext(answers), 30)).ok()
        found += [event] if event["__typename"] == "ChangeEvent" else []
    return found


async def told(ask: Ask, viewer: Viewer, after: str, **where: Any) -> list[tuple[str, str, str]]:
    """Kind, change and id of all that is replayed after a cursor."""
    found = []
    async with ask.follow(viewer, EVENTS, after=after, where=where or None) as answers:
        while (event := (await asyncio.wait_for(anext(answers), 30)).ok())["__typename"] == "ChangeEvent":
            found.append((event["kind"], event["change"], event["nodeId"]))
        assert (event["__typename"], event["replayed"]) == ("CaughtUp", len(found))
    return found


async def test_replayed_then_caught_up_then_live(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    start = await cursor_of(ask, owner)
    customer = await make.customer(owner)
    chat = await make.chat(owner, customer)
    async with ask.follow(owner, EVENTS, after=start) as answers:
        first, second = await changes(answers, 2)
        assert first["customer"] == {"id": encode("customer", customer.id), "displayName": "Ana"}
        assert (first["kind"], first["change"], first["chat"], second["kind"]) == (
            "CUSTOMER",
            "CREATED",
            None,
            "CHAT",
        )
        caught = (await anext(answers)).ok()
        assert (caught["__typename"], caught["replayed"], caught["cursor"]) == (
            "CaughtUp",
            2,
            second["cursor"],
        )
        message = await make.outbound(owner, chat, "Hi")
        order = await make.order(owner, customer)
        third, fourth = await changes(answers, 2)
        assert third["message"]["id"] == encode("message", message.id)
        assert fourth["order"] == {"id": encode("order", order.id), "status": "PENDING"}
    assert make.server.hub.follower_count() == 0
    # Whatever cursor one goes on from, the rest comes, and nothing twice.
    nodes = [e["nodeId"] for e in (first, second, third, fourth)]
    for place, event in enumerate((first, second, third, fourth)):
        assert [id for _, _, id in await told(ask, owner, event["cursor"])] == nodes[place + 1 :]


async def test_without_a_cursor_only_what_comes_from_now_on(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    await make.customer(owner)
    async with ask.follow(owner, EVENTS) as answers:
        caught = (await anext(answers)).ok()
        assert (caught["__typename"], caught["replayed"]) == ("CaughtUp", 0)
        customer = await make.customer(owner)
        (event,) = await changes(answers, 1)
        assert event["nodeId"] == encode("customer", customer.id)


async def test_the_cursor_is_older_than_everything_else_in_its_document(
    ask: Ask, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A change that comes between the reads of one document is told by the feed, wherever `eventCursor` stands."""
    owner = await make.owner()
    written: list[Any] = []

    async def write(*_: Any) -> str:
        made = await original(*_)
        written.append(await make.customer(owner, full_name="Between"))
        return made

    original = logs.newest_cursor
    monkeypatch.setattr("schema.events.newest_cursor", write)
    document = """{ customers { nodes { id } } ...Last }
      fragment Last on Query { at: eventCursor }"""
    answer = await ask(owner, document)
    assert answer.data is not None
    seen = [node["id"] for node in answer.data["customers"]["nodes"]]
    assert seen == [encode("customer", written[0].id)], "read after the cursor"
    replayed = await told(ask, owner, answer.data["at"])
    assert replayed == [("CUSTOMER", "CREATED", seen[0])], "told again rather than lost"


async def test_a_filter_wants_all_that_it_says(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    start = await cursor_of(ask, owner)
    customer, other = await make.customer(owner), await make.customer(owner)
    chat, another = await make.chat(owner, customer), await make.chat(owner, other)
    sent = await make.outbound(owner, chat)
    await make.outbound(owner, another)
    order = await make.order(owner, customer)
    chat_id, channel_id = encode("chat", chat.id), encode("channel", customer.channel_id)
    of_chat = [("CHAT", "CREATED", chat_id), ("MESSAGE", "CREATED", encode("message", sent.id))]
    assert await told(ask, owner, start, conversations=[chat_id]) == of_chat
    assert await told(ask, owner, start, channels=[channel_id]) == [
        ("CUSTOMER", "CREATED", encode("customer", customer.id)),
        *of_chat,
        ("ORDER", "CREATED", encode("order", order.id)),
    ]
    assert await told(ask, owner, start, channels=[channel_id], kinds=["MESSAGE"]) == of_chat[1:]
    assert await told(ask, owner, start, conversations=[]) == []
    assert len(await told(ask, owner, start)) == 7


@pytest.mark.parametrize("name", ["conversations", "channels"])
async def test_a_filter_by_what_is_out_of_sight_is_refused(ask: Ask, make: Make, name: str) -> None:
    owner, stranger = await make.owner(), await make.owner()
    chat = await make.chat(owner)
    ids = {"conversations": encode("chat", chat.id), "channels": encode("channel", chat.channel_id)}
    for value in (ids[name], encode("order", chat.id), "nonsense"):
        async with ask.follow(stranger, EVENTS, where={name: [value]}) as answers:
            answer = await anext(answers)
            assert (answer.codes, answer.data) == (["NOT_FOUND"], None)
    async with ask.follow(owner, EVENTS, where={name: [ids[name]]}) as answers:
        assert (await anext(answers)).ok()["__typename"] == "CaughtUp"


async def test_a_deleted_row_says_so_once_and_is_shown_no_more(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    start = await cursor_of(ask, owner)
    customer = await make.customer(owner, full_name="Secret name")
    chat = await make.chat(owner, customer)
    sent = await make.outbound(owner, chat, "Secret words")
    async with ask.follow(owner, EVENTS, after=start) as answers:
        await changes(answers, 3)
        await make.run(owner, messages.delete_message, sent.id)
        (gone,) = await changes(answers, 1)
        assert (gone["change"], gone["nodeId"]) == ("REMOVED", encode("message", sent.id))
        assert [gone[name] for name in ("message", "chat", "order", "customer")] == [None] * 4
    await make.run(owner, chats.delete_chat, chat.id)
    await make.run(owner, customers.delete_customer, customer.id)
    # To who comes later, the rows that are gone are gone from the beginning.
    assert await told(ask, owner, start) == [
        ("MESSAGE", "REMOVED", encode("message", sent.id)),
        ("CHAT", "REMOVED", encode("chat", chat.id)),
        ("CUSTOMER", "REMOVED", encode("customer", customer.id)),
    ]


async def test_each_is_told_what_its_permissions_cover(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    member = await make.member(owner, Permission.ORDERS_READ)
    start = await cursor_of(ask, member)
    customer = await make.customer(owner)
    await make.chat(owner, customer)
    order = await make.order(owner, customer)
    async with ask.follow(member, PLAIN, after=start) as answers:
        (event,) = await changes(answers, 1)
        assert (event["kind"], event["nodeId"]) == ("ORDER", encode("order", order.id))
        assert (await anext(answers)).ok()["__typename"] == "CaughtUp"
        await make.customer(owner)
        later = await make.order(owner, customer)
        (event,) = await changes(answers, 1)
        assert event["nodeId"] == encode("order", later.id)
    async with ask.follow(member, EVENTS, after=start) as answers:
        assert (await anext(answers)).codes == ["ACCESS_DENIED"]
    async with ask.follow(None, PLAIN) as answers:
        assert (await anext(answers)).codes == ["UNAUTHENTICATED"]


async def test_a_reading_is_told_to_the_reader_alone(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    colleague = await make.member(owner)
    customer = await make.customer(owner)
    chat = await make.chat(owner, customer)
    await make.inbound(owner, customer)
    start = await cursor_of(ask, owner)
    async with ask.follow(owner, EVENTS) as mine, ask.follow(colleague, EVENTS) as theirs:
        await anext(mine)
        await anext(theirs)
        await make.run(owner, chats.mark_read, chat.id)
        (event,) = await changes(mine, 1)
        assert event["changedFields"] == ["lastReadSequence", "unreadCount"]
        assert event["chat"]["unreadCount"] == 0
        await make.run(owner, chats.update_chat, chat.id, status=ChatStatus.PENDING)
        (event,) = await changes(theirs, 1)
        assert event["changedFields"] == ["status"]
        assert event["chat"] == {"id": encode("chat", chat.id), "status": "PENDING", "unreadCount": 1}
    assert len(await told(ask, owner, start)) == 2
    assert len(await told(ask, colleague, start)) == 1


async def test_rows_that_leave_the_sight_say_so_once(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    role = await make.run(owner, roles.set_role, "Both", [Permission.ORDERS_READ, Permission.CUSTOMERS_READ])
    member = await make.member(owner, role_ids=[role.id])
    customer = await make.customer(owner)
    order = await make.order(owner, customer)
    now_is = member

    async def identify() -> Viewer:
        return now_is

    context = ask.context(member)
    context.identify = identify
    source = await ask.subscribe(PLAIN, {"after": write_cursor(owner.workspace_id, 0)}, context)
    assert [(await anext(source)).ok()["kind"] for _ in range(2)] == ["CUSTOMER", "ORDER"]
    assert (await anext(source)).ok()["__typename"] == "CaughtUp"
    now_is = Viewer(member.id, member.workspace_id, member.session_id, frozenset({Permission.CUSTOMERS_READ}))
    await make.run(owner, customers.update_customer, customer.id, phone="1")
    assert (await anext(source)).ok()["kind"] == "CUSTOMER"  # from here on the loss is known
    for status in (OrderStatus.PROCESSING, OrderStatus.SHIPPED):
        await make.run(owner, orders.transition_order, order.id, status)
    await make.order(owner, customer)
    await make.run(owner, customers.update_customer, customer.id, phone="2")
    events = [(await anext(source)).ok() for _ in range(2)]
    assert [(e["kind"], e["change"], e["nodeId"]) for e in events] == [
        ("ORDER", "REMOVED", encode("order", order.id)),
        ("CUSTOMER", "UPDATED", encode("customer", customer.id)),
    ]
    await source.aclose()


@pytest.mark.parametrize("made", ["other workspace", "nonsense", "", "padded", "ahead", "expired"])
async def test_a_cursor_that_cannot_be_served_says_so(ask: Ask, make: Make, made: str) -> None:
    owner, stranger = await make.owner(), await make.owner()
    await make.customer(owner)
    good = await cursor_of(ask, owner)
    mine = EventLog.workspace_id == owner.workspace_id
    async with make.server.database.write() as connection:
        await connection.execute(update(EventLog).where(mine).values(pruned_position=1))
    cursors = {
        "other workspace": (await cursor_of(ask, stranger), "VALIDATION_ERROR"),
        "nonsense": ("x" * 34, "VALIDATION_ERROR"),
        "": ("", "VALIDATION_ERROR"),
        "padded": (good + "==", "VALIDATION_ERROR"),
        "ahead": (write_cursor(owner.workspace_id, 2), "CURSOR_AHEAD"),
        "expired": (write_cursor(owner.workspace_id, 0), "CURSOR_EXPIRED"),
    }
    cursor, code = cursors[made]
    async with ask.follow(owner, EVENTS, after=cursor) as answers:
        answer = await anext(answers)
        assert (answer.codes, answer.data) == ([code], None)
    assert await told(ask, owner, good) == []
    assert make.server.hub.follower_count() == 0


async def test_a_cursor_past_a_conversation_is_ahead(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    chat = await make.chat(owner)
    await make.outbound(owner, chat)
    follow = "subscription($id: ID!, $after: Int) { messageAdded(conversationId: $id, after: $after) { sequence } }"
    async with ask.follow(owner, follow, id=encode("chat", chat.id), after=2) as answers:
        assert (await anext(answers)).codes == ["CURSOR_AHEAD"]
    async with ask.follow(owner, follow, id=encode("chat", chat.id), after=1) as answers:
        waiting = asyncio.ensure_future(anext(answers))
        await make.outbound(owner, chat)
        assert (await waiting).ok() == {"sequence": 2}


async def test_what_is_older_than_the_retention_is_pruned(
    ask: Ask, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pruning, "PRUNED_AT_ONCE", 2)
    owner = await make.owner()
    start = await cursor_of(ask, owner)
    for _ in range(5):
        await make.customer(owner)
    moment, middle = now(), await cursor_of(ask, owner)
    assert await pruning.prune(make.server.database, moment - timedelta(days=1)) == 0
    assert len(await told(ask, owner, start)) == 5
    last = await make.customer(owner)
    assert await pruning.prune(make.server.database, moment) >= 5
    async with ask.follow(owner, EVENTS, after=start) as answers:
        assert (await anext(answers)).codes == ["CURSOR_EXPIRED"]
    assert await told(ask, owner, middle) == [("CUSTOMER", "CREATED", encode("customer", last.id))]


async def test_who_falls_behind_what_is_kept_is_told(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    start = await cursor_of(ask, owner)
    async with ask.follow(owner, EVENTS, after=start) as answers:
        assert (await anext(answers)).ok()["__typename"] == "CaughtUp"
        for _ in range(3):
            await make.customer(owner)
        await pruning.prune(make.server.database, now() + timedelta(seconds=1))
        assert (await asyncio.wait_for(anext(answers), 30)).codes == ["CURSOR_EXPIRED"]
        assert [answer async for answer in answers] == []


async def test_a_heartbeat_keeps_the_cursor_up(ask: Ask, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "HEARTBEAT_SECONDS", 0.05)
    owner = await make.owner()
    async with ask.follow(owner, EVENTS, where={"kinds": ["ORDER"]}) as answers:
        assert (await anext(answers)).ok()["__typename"] == "CaughtUp"
        await make.customer(owner)
        newest = await cursor_of(ask, owner)
        async with asyncio.timeout(30):
            while (beat := (await anext(answers)).ok())["cursor"] != newest:
                assert beat["__typename"] == "Heartbeat"
        assert beat["__typename"] == "Heartbeat"


async def test_a_long_log_is_replayed_whole_while_it_grows(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    start = await cursor_of(ask, owner)
    chat = await make.chat(owner)
    total, at_once = 330, 6

    async def write(count: int) -> None:
        for _ in range(count):
            await make.outbound(owner, chat)

    await asyncio.gather(*[write(20) for _ in range(at_once)])
    writing = [asyncio.ensure_future(write((total - 20 * at_once) // at_once)) for _ in range(at_once)]
    async with ask.follow(owner, PLAIN, after=start) as answers:
        found = await changes(answers, total + 2)
        await asyncio.gather(*writing)
    assert len({event["cursor"] for event in found}) == total + 2
    assert [e["kind"] for e in found[:2]] == ["CUSTOMER", "CHAT"]
    assert {e["kind"] for e in found[2:]} == {"MESSAGE"}
