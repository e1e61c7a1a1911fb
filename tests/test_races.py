"""What two do at the same time: the second sees what the first has done, and nothing is written past it."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import text, update

from db.base import Viewer, now
from db.conversations import ChatStatus, Conversation, Message
from db.engine import Database
from schema.kit.ids import encode
from services.customers import delete_customer
from tests.ask import Ask
from tests.make import Make
from tests.test_messages import RECEIVE, SEND

WAITING = (
    "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
)


async def overtaken(database: Database, chat: Any, changes: dict[str, Any], later: Any) -> Any:
    """Runs `later` while a transaction that began before it changes the chat, and commits only then."""
    async with database.write() as connection:
        await connection.execute(update(Conversation).where(Conversation.id == chat.id).values(changes))
        running = asyncio.ensure_future(later)
        # On SQLite the second cannot even begin before the first has ended.
        while database.dialect == "postgresql" and not (await database.fetch(text(WAITING)))[0][0]:
            await asyncio.sleep(0)
    return await running


def received(channel_id: Any, customer: Any) -> dict[str, Any]:
    return {
        "channelId": encode("channel", channel_id),
        "platformCustomerId": customer.platform_customer_id,
        "platformMessageId": "late",
        "content": "Still there?",
    }


async def test_a_send_does_not_get_into_a_chat_that_is_being_closed(
    database: Database, ask: Ask, make: Make
) -> None:
    owner = await make.owner()
    chat = await make.chat(owner)
    send = ask(owner, SEND, id=encode("chat", chat.id), content="Hi")
    answer = await overtaken(database, chat, {"status": ChatStatus.CLOSED}, send)
    assert answer.codes == ["INVALID_TRANSITION"]
    assert await make.count(owner, Message) == 0
    other = await make.chat(owner)
    assert (await ask(owner, SEND, id=encode("chat", other.id), content="Hi")).ok()["message"][
        "sequence"
    ] == 1


@pytest.mark.parametrize(
    ("changes", "same", "status"),
    [
        ({"status": ChatStatus.RESOLVED}, True, "OPEN"),
        ({"status": ChatStatus.CLOSED}, False, "OPEN"),
        ({"deleted_at": now()}, False, "OPEN"),
    ],
    ids=["resolved", "closed", "deleted"],
)
async def test_an_inbound_message_finds_a_chat_whatever_happens_to_the_first(
    database: Database, ask: Ask, make: Make, changes: dict[str, Any], same: bool, status: str
) -> None:
    owner = await make.owner()
    customer = await make.customer(owner)
    chat = await make.chat(owner, customer)
    receive = ask(owner, RECEIVE, input=received(customer.channel_id, customer))
    message = (await overtaken(database, chat, changes, receive)).ok()["message"]
    assert (message["chat"]["id"] == encode("chat", chat.id)) is same
    assert (message["chat"]["status"], message["sequence"]) == (status, 1)
    assert await make.count(owner, Message) == 1


async def erased(make: Make, owner: Viewer) -> Any:
    customer = await make.customer(owner)
    await make.run(owner, delete_customer, customer.id)
    return customer


async def test_nobody_keeps_a_customer_from_being_erased(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    customer, gone = await make.customer(owner), await erased(make, owner)
    upsert = """mutation($input: CustomerUpsertInput!) { customerUpsert(input: $input) { customer { id } userErrors { code path } } }"""
    for squatted, channel_id in ((customer.id, customer.channel_id), (gone.id, gone.channel_id)):
        values = {"channelId": encode("channel", channel_id), "platformCustomerId": f"deleted:{squatted.hex}"}
        refused = await ask(owner, upsert, input=values)
        assert (refused.codes, refused.user_errors[0]["path"]) == (
            ["VALIDATION_ERROR"],
            ["input", "platformCustomerId"],
        )
    await make.run(owner, delete_customer, customer.id)
    plain = {
        "channelId": encode("channel", customer.channel_id),
        "platformCustomerId": f"deleted-{customer.id.hex}",
    }
    assert (await ask(owner, upsert, input=plain)).ok()["customer"]["id"] != encode("customer", customer.id)


async def test_a_client_key_holds_after_an_edit_and_a_deletion(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    id = encode("chat", (await make.chat(owner)).id)
    sent = (await ask(owner, SEND, id=id, content="Hi", key="k")).ok()["message"]
    edit = 'mutation($id: ID!) { messageEdit(input: {id: $id, content: "Hello"}) { message { id } userErrors { code } } }'
    (await ask(owner, edit, id=sent["id"])).ok()
    assert (await ask(owner, SEND, id=id, content="Hi", key="k")).ok()["message"]["id"] == sent["id"]
    (await ask(owner, edit.replace("Edit", "Delete").replace(', content: "Hello"', ""), id=sent["id"])).ok()
    assert (await ask(owner, SEND, id=id, content="Hi", key="k")).ok()["message"]["id"] == sent["id"]
    assert await make.count(owner, Message) == 1
