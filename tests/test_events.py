"""The log of a workspace: every change writes its event in its own transaction, and a refused one none."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import select

from db.base import Viewer
from db.conversations import ChatStatus
from db.events import Event, EventLog
from db.orders import OrderStatus
from services import accounts, chats, customers, messages, orders
from services.errors import Conflict, InvalidTransition
from services.work import Work
from tests.make import Make

Told = tuple[str, str, Any, list[str]]


async def log(make: Make, viewer: Viewer, since: int = 0) -> list[Told]:
    """Kind, change, id and fields of the events past a position, which have no holes."""
    mine = (Event.workspace_id == viewer.workspace_id, Event.position > since)
    rows = await make.server.database.fetch(
        select(*Event.__table__.columns).where(*mine).order_by(Event.position)
    )
    assert [row.position for row in rows] == list(range(since + 1, since + 1 + len(rows)))
    return [(row.kind, row.change, row.node_id, row.changed_fields) for row in rows]


async def position(make: Make, viewer: Viewer) -> int:
    mine = EventLog.workspace_id == viewer.workspace_id
    rows = await make.server.database.fetch(select(EventLog.last_position).where(mine))
    return int(rows[0].last_position)


async def test_everything_that_becomes_new_is_told(make: Make) -> None:
    owner = await make.owner()
    customer = await make.customer(owner)
    chat = await make.chat(owner, customer)
    message = await make.outbound(owner, chat)
    order = await make.order(owner, customer)
    assert await log(make, owner) == [
        ("CUSTOMER", "CREATED", customer.id, []),
        ("CHAT", "CREATED", chat.id, []),
        ("MESSAGE", "CREATED", message.id, []),
        ("ORDER", "CREATED", order.id, []),
    ]


async def test_a_first_message_tells_of_the_customer_the_chat_and_itself(make: Make) -> None:
    owner = await make.owner()
    customer = await make.customer(owner, full_name=None)
    before = await position(make, owner)
    message = await make.inbound(owner, customer, customer_name="Ana")
    again = await make.inbound(owner, customer, platform_message_id=message.platform_message_id)
    assert again.id == message.id
    assert await log(make, owner, before) == [
        ("CUSTOMER", "UPDATED", customer.id, ["last_seen_at", "first_seen_at", "full_name"]),
        ("CHAT", "CREATED", message.conversation_id, []),
        ("MESSAGE", "CREATED", message.id, []),
    ]


async def test_every_change_is_told_with_its_fields(make: Make) -> None:
    owner = await make.owner()
    customer = await make.customer(owner)
    chat = await make.chat(owner, customer)
    message = await make.outbound(owner, chat)
    order = await make.order(owner, customer)
    before = await position(make, owner)
    await make.run(owner, customers.update_customer, customer.id, phone="+49 1")
    await make.run(owner, customers.update_customer, customer.id)
    await make.run(owner, chats.update_chat, chat.id, status=ChatStatus.RESOLVED)
    await make.run(owner, chats.assign_chat, chat.id, assignee_id=owner.id)
    await make.run(owner, messages.edit_message, message.id, "Better")
    await make.run(owner, orders.update_order, order.id, platform_order_id="o-1")
    await make.run(owner, orders.transition_order, order.id, OrderStatus.PROCESSING)
    assert await log(make, owner, before) == [
        ("CUSTOMER", "UPDATED", customer.id, ["phone"]),
        ("CHAT", "UPDATED", chat.id, ["status"]),
        ("CHAT", "UPDATED", chat.id, ["assignee_id"]),
        ("MESSAGE", "UPDATED", message.id, ["content", "edited_at"]),
        ("ORDER", "UPDATED", order.id, ["platform_order_id"]),
        ("ORDER", "UPDATED", order.id, ["status"]),
    ]


async def test_a_message_that_opens_a_chat_again_says_so(make: Make) -> None:
    owner = await make.owner()
    customer = await make.customer(owner)
    chat = await make.chat(owner, customer)
    await make.inbound(owner, customer)
    await make.run(owner, chats.update_chat, chat.id, status=ChatStatus.RESOLVED)
    before = await position(make, owner)
    message = await make.inbound(owner, customer)
    told = await log(make, owner, before)
    assert sorted(told) == [("CHAT", "UPDATED", chat.id, ["status"]), ("MESSAGE", "CREATED", message.id, [])]


async def test_whatever_is_deleted_says_so_once(make: Make) -> None:
    owner = await make.owner()
    customer = await make.customer(owner)
    chat = await make.chat(owner, customer, platform_chat_id="p")
    received, sent = await make.inbound(owner, customer), await make.outbound(owner, chat)
    other = await make.outbound(owner, chat)
    order = await make.order(owner, customer, shipping_address={"city": "Bonn"})
    before = await position(make, owner)
    await make.run(owner, messages.delete_message, sent.id)
    await make.run(owner, customers.delete_customer, customer.id)
    assert await log(make, owner, before) == [
        ("MESSAGE", "REMOVED", sent.id, []),
        ("CUSTOMER", "REMOVED", customer.id, []),
        ("MESSAGE", "REMOVED", received.id, []),
        ("CHAT", "UPDATED", chat.id, ["platform_chat_id"]),
        ("ORDER", "UPDATED", order.id, ["shipping_address", "billing_address"]),
    ]
    before = await position(make, owner)
    await make.run(owner, chats.delete_chat, chat.id)
    await make.run(owner, orders.delete_order, order.id)
    assert await log(make, owner, before) == [
        ("CHAT", "REMOVED", chat.id, []),
        ("MESSAGE", "REMOVED", other.id, []),
        ("ORDER", "REMOVED", order.id, []),
    ]


async def test_the_chats_of_a_member_who_leaves_are_told(make: Make) -> None:
    owner = await make.owner()
    member = await make.member(owner)
    chat = await make.chat(owner)
    await make.run(owner, chats.assign_chat, chat.id, assignee_id=member.id)
    before = await position(make, owner)
    await make.run(owner, accounts.delete_user, member.id)
    assert await log(make, owner, before) == [("CHAT", "UPDATED", chat.id, ["assignee_id"])]


async def test_a_reading_is_told_to_the_reader_and_only_where_it_went_on(make: Make) -> None:
    owner = await make.owner()
    customer = await make.customer(owner)
    chat = await make.chat(owner, customer)
    await make.inbound(owner, customer)
    before = await position(make, owner)
    for _ in range(2):
        await make.run(owner, chats.mark_read, chat.id)
    assert await log(make, owner, before) == [("CHAT", "UPDATED", chat.id, ["last_read_sequence"])]
    mine = (Event.workspace_id == owner.workspace_id, Event.position > before)
    rows = await make.server.database.fetch(select(Event.reader_id).where(*mine))
    assert [row.reader_id for row in rows] == [owner.id]


async def test_what_is_refused_or_rolled_back_is_not_told(make: Make) -> None:
    owner = await make.owner()
    chat = await make.chat(owner)
    order = await make.order(owner)
    before = await position(make, owner)

    async def write_and_fail(work: Work) -> None:
        await chats.update_chat(work, chat.id, status=ChatStatus.PENDING)
        await work.finish()
        raise Conflict("Too late.")

    with pytest.raises(InvalidTransition):
        await make.run(owner, orders.transition_order, order.id, OrderStatus.DELIVERED)
    with pytest.raises(Conflict):
        await make.run(owner, write_and_fail)
    assert (await log(make, owner, before), await position(make, owner)) == ([], before)
    await make.run(owner, chats.update_chat, chat.id, status=ChatStatus.PENDING)
    assert await position(make, owner) == before + 1  # the number was given back


async def test_many_writers_leave_no_hole(make: Make) -> None:
    owner = await make.owner()
    rooms = [await make.chat(owner) for _ in range(3)]
    before = await position(make, owner)

    async def write(place: int) -> None:
        for turn in range(10):
            await make.outbound(owner, rooms[(place + turn) % 3])
            if turn % 3 == 0:
                await make.run(owner, chats.update_chat, rooms[place % 3].id, status=ChatStatus.PENDING)

    await asyncio.gather(*[write(place) for place in range(6)])
    told = await log(make, owner, before)
    assert len([t for t in told if t[0] == "MESSAGE"]) == 60
    assert len(told) == await position(make, owner) - before
