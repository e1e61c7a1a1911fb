"""Messages: received once, sent safely, numbered without holes, edited and deleted by the right people."""

import asyncio
from typing import Any

import pytest

from db.base import Permission, column_names
from db.conversations import ChatStatus, Conversation, Message
from db.customers import Customer
from schema.kit.ids import encode
from services.chats import update_chat
from services.sending import Sent
from tests.ask import Ask
from tests.make import Make

RECEIVE = """
mutation Receive($input: MessageReceiveInput!) {
  messageReceive(input: $input) {
    message {
      id sequence senderType content timestamp sender { __typename displayName }
      chat { id number status customer { id fullName } }
    }
    userErrors { code message path }
  }
}
"""
SEND = """
mutation($id: ID!, $content: String!, $key: String, $replyTo: ID) {
  messageSend(input: {conversationId: $id, content: $content, clientKey: $key, replyToId: $replyTo}) {
    message {
      id sequence clientKey content senderType sender { id } replyTo { id }
      chat { lastSequence unreadCount lastReadSequence lastMessage { content } }
    }
    userErrors { code message path }
  }
}
"""
EDIT = """
mutation($id: ID!, $content: String!, $version: Int) {
  messageEdit(input: {id: $id, content: $content, expectedVersion: $version}) {
    message { id version content editedAt } userErrors { code path }
  }
}
"""
DELETE = """
mutation($id: ID!) {
  messageDelete(input: {id: $id}) {
    message { id sequence content deletedAt sender { displayName } } userErrors { code path }
  }
}
"""


def inbound(channel: Any, number: int, **more: Any) -> dict[str, Any]:
    return {
        "channelId": encode("channel", channel.id),
        "platformCustomerId": "c1",
        "platformMessageId": f"m{number}",
        "content": f"message {number}",
        **more,
    }


async def test_an_inbound_message_makes_its_customer_and_its_chat(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    channel = await make.channel(owner)
    message = (await ask(owner, RECEIVE, input=inbound(channel, 1, customerName="Ana"))).ok()["message"]
    assert message["sequence"] == 1
    assert message["sender"] == {"__typename": "Customer", "displayName": "Ana"}
    assert message["chat"]["customer"]["fullName"] == "Ana"
    assert (message["chat"]["number"], message["chat"]["status"]) == (1, "OPEN")
    again = (await ask(owner, RECEIVE, input=inbound(channel, 2, customerName="Somebody else"))).ok()[
        "message"
    ]
    assert again["chat"] == message["chat"]
    assert again["sequence"] == 2


async def test_the_same_platform_message_is_taken_once(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    channel, other = await make.channel(owner), await make.channel(owner)
    first = (await ask(owner, RECEIVE, input=inbound(channel, 1))).ok()["message"]
    before = await make.count(owner, Message)
    again = (await ask(owner, RECEIVE, input=inbound(channel, 1, content="changed", customerName="New"))).ok()
    assert again["message"] == first
    assert await make.count(owner, Message) == before == 1
    elsewhere = (await ask(owner, RECEIVE, input=inbound(other, 1))).ok()["message"]
    assert elsewhere["id"] != first["id"]


async def test_fifty_twins_and_fifty_messages_at_once_leave_one_chat_without_holes(
    ask: Ask, make: Make
) -> None:
    owner = await make.owner()
    channel = await make.channel(owner)
    sends = [inbound(channel, number % 25) for number in range(50)]
    answers = await asyncio.gather(*[ask(owner, RECEIVE, input=values) for values in sends])
    ids = {(await_ok := a.ok()["message"])["id"]: await_ok["sequence"] for a in answers}
    assert sorted(ids.values()) == list(range(1, 26))
    assert await make.count(owner, Message) == 25
    assert await make.count(owner, Customer) == await make.count(owner, Conversation) == 1


async def test_a_resolved_chat_opens_again_and_a_closed_one_stays_closed(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    channel = await make.channel(owner)
    first = (await ask(owner, RECEIVE, input=inbound(channel, 1))).ok()["message"]["chat"]
    chat = await make.server.database.fetch(
        Conversation.__table__.select().where(Conversation.workspace_id == owner.workspace_id)
    )
    await make.run(owner, update_chat, chat[0].id, status=ChatStatus.RESOLVED)
    reopened = (await ask(owner, RECEIVE, input=inbound(channel, 2))).ok()["message"]["chat"]
    assert (reopened["id"], reopened["status"]) == (first["id"], "OPEN")
    await make.run(owner, update_chat, chat[0].id, status=ChatStatus.CLOSED)
    fresh = (await ask(owner, RECEIVE, input=inbound(channel, 3))).ok()["message"]
    assert fresh["chat"]["id"] != first["id"]
    assert (fresh["sequence"], fresh["chat"]["number"]) == (1, 2)


async def test_a_platform_chat_id_chooses_the_chat(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    channel = await make.channel(owner)
    chats = []
    for number, platform_id in enumerate(["a", "b", "a", "b"]):
        values = inbound(channel, number, platformChatId=platform_id)
        chats.append((await ask(owner, RECEIVE, input=values)).ok()["message"]["chat"]["id"])
    assert chats[0] == chats[2] != chats[1] == chats[3]
    found = await ask(
        owner,
        'query($c: ID!) { chat(by: {platform: {channelId: $c, platformId: "b"}}) { id } }',
        c=encode("channel", channel.id),
    )
    assert found.ok()["id"] == chats[1]


async def test_history_keeps_its_times_and_its_senders(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    channel = await make.channel(owner)
    past = "2020-01-02T03:04:05+02:00"
    values = inbound(channel, 1, timestamp=past, senderType="AGENT", content="")
    message = (await ask(owner, RECEIVE, input=values)).ok()["message"]
    assert message["timestamp"] == "2020-01-02T01:04:05.000000Z"
    assert (message["sender"], message["content"]) == (None, "")


async def test_sending_reads_what_came_before(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    colleague = await make.member(owner)
    customer = await make.customer(owner)
    for text in ("one", "two"):
        await make.inbound(owner, customer, text)
    chat = await make.chat(owner, customer)
    id = encode("chat", chat.id)
    sent = (await ask(owner, SEND, id=id, content="Hi")).ok()["message"]
    assert (sent["sequence"], sent["senderType"], sent["sender"]["id"]) == (
        3,
        "AGENT",
        encode("user", owner.id),
    )
    assert sent["chat"] == {
        "lastSequence": 3,
        "unreadCount": 0,
        "lastReadSequence": 3,
        "lastMessage": {"content": "Hi"},
    }
    unread = "query($id: ID!) { chat(by: {id: $id}) { version unreadCount lastReadSequence } }"
    assert (await ask(colleague, unread, id=id)).ok() == {
        "version": 1,
        "unreadCount": 3,
        "lastReadSequence": 0,
    }


async def test_a_client_key_makes_a_retry_safe(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    colleague = await make.member(owner)
    id = encode("chat", (await make.chat(owner)).id)
    first = (await ask(owner, SEND, id=id, content="Hi", key="k1")).ok()["message"]
    again = (await ask(owner, SEND, id=id, content="Hi", key="k1")).ok()["message"]
    assert again["id"] == first["id"]
    other = await ask(owner, SEND, id=id, content="Something else", key="k1")
    assert other.codes == ["CONFLICT"]
    assert other.user_errors[0]["path"] == ["input", "clientKey"]
    assert (await ask(owner, SEND, id=id, content="Hi", key="")).codes == ["VALIDATION_ERROR"]
    assert await make.count(owner, Message) == 1
    theirs = (await ask(colleague, SEND, id=id, content="Hi", key="k1")).ok()["message"]
    assert (theirs["id"] == first["id"], theirs["sequence"]) == (False, 2)


async def test_fifty_retries_at_once_send_one_message(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    id = encode("chat", (await make.chat(owner)).id)
    answers = await asyncio.gather(*[ask(owner, SEND, id=id, content="Hi", key="k") for _ in range(50)])
    assert {a.ok()["message"]["id"] for a in answers} == {answers[0].ok()["message"]["id"]}
    assert await make.count(owner, Message) == 1


async def test_many_senders_at_once_leave_no_hole(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    id = encode("chat", (await make.chat(owner)).id)
    answers = await asyncio.gather(*[ask(owner, SEND, id=id, content=str(n)) for n in range(40)])
    assert sorted(a.ok()["message"]["sequence"] for a in answers) == list(range(1, 41))


async def test_a_closed_chat_takes_no_message(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    chat = await make.chat(owner)
    id = encode("chat", chat.id)
    await make.run(owner, update_chat, chat.id, status=ChatStatus.CLOSED)
    refused = await ask(owner, SEND, id=id, content="Hi")
    assert refused.codes == ["INVALID_TRANSITION"]
    assert await make.count(owner, Message) == 0
    await make.run(owner, update_chat, chat.id, status=ChatStatus.PENDING)
    assert (await ask(owner, SEND, id=id, content="Hi")).ok()["message"]["sequence"] == 1


async def test_a_reply_stays_in_its_conversation(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    chat, other = await make.chat(owner), await make.chat(owner)
    here, elsewhere = await make.outbound(owner, chat), await make.outbound(owner, other)
    id = encode("chat", chat.id)
    refused = await ask(owner, SEND, id=id, content="Re", replyTo=encode("message", elsewhere.id))
    assert (refused.codes, refused.user_errors[0]["path"]) == (["NOT_FOUND"], ["input", "replyToId"])
    assert await make.count(owner, Message) == 2
    replied = (await ask(owner, SEND, id=id, content="Re", replyTo=encode("message", here.id))).ok()[
        "message"
    ]
    assert replied["replyTo"]["id"] == encode("message", here.id)


@pytest.mark.parametrize("content", ["x" * 32_769, "a\x00b", "\ud800"])
async def test_content_that_cannot_be_kept_is_refused(ask: Ask, make: Make, content: str) -> None:
    owner = await make.owner()
    id = encode("chat", (await make.chat(owner)).id)
    refused = await ask(owner, SEND, id=id, content=content)
    assert (refused.codes, refused.user_errors[0]["path"]) == (["VALIDATION_ERROR"], ["input", "content"])
    longest = (await ask(owner, SEND, id=id, content="é" * 32_768)).ok()["message"]
    assert (longest["sequence"], len(longest["content"])) == (1, 32_768)


async def test_own_messages_are_edited_by_their_author_and_any_by_an_administrator(
    ask: Ask, make: Make
) -> None:
    owner = await make.owner()
    author, colleague = await make.member(owner), await make.member(owner)
    customer = await make.customer(owner)
    chat = await make.chat(owner, customer)
    sent, received = await make.outbound(author, chat, "before"), await make.inbound(owner, customer)
    id = encode("message", sent.id)
    assert (await ask(colleague, EDIT, id=id, content="mine now")).codes == ["ACCESS_DENIED"]
    assert (await ask(colleague, DELETE, id=id)).codes == ["ACCESS_DENIED"]
    edited = (await ask(author, EDIT, id=id, content="after", version=1)).ok()["message"]
    assert (edited["content"], edited["version"], edited["editedAt"] is not None) == ("after", 2, True)
    stale = await ask(author, EDIT, id=id, content="again", version=1)
    assert (stale.codes, stale.field["message"]["content"]) == (["STALE_VERSION"], "after")
    assert (await ask(owner, EDIT, id=id, content="by the administrator")).ok()["message"]["version"] == 3
    inbound_edit = await ask(owner, EDIT, id=encode("message", received.id), content="no")
    assert inbound_edit.codes == ["INVALID_TRANSITION"]


async def test_a_deleted_message_keeps_its_place(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    chat = await make.chat(owner)
    first, second = await make.outbound(owner, chat, "one"), await make.outbound(owner, chat, "two")
    gone = (await ask(owner, DELETE, id=encode("message", first.id))).ok()["message"]
    assert (gone["sequence"], gone["content"], gone["deletedAt"] is not None) == (1, "", True)
    assert gone["sender"]["displayName"]
    assert (await ask(owner, DELETE, id=encode("message", first.id))).codes == ["NOT_FOUND"]
    third = (await ask(owner, SEND, id=encode("chat", chat.id), content="three")).ok()["message"]
    assert third["sequence"] == second.sequence + 1 == 3


async def test_receiving_takes_its_own_permission(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    channel = await make.channel(owner)
    agent = await make.member(owner)
    adapter = await make.member(
        owner, Permission.MESSAGES_RECEIVE, Permission.CHATS_READ, Permission.CUSTOMERS_READ
    )
    assert (await ask(agent, RECEIVE, input=inbound(channel, 1))).codes == ["ACCESS_DENIED"]
    assert await make.count(owner, Message) == 0
    assert (await ask(adapter, RECEIVE, input=inbound(channel, 1))).ok()["message"]["sequence"] == 1


def test_a_message_sent_in_one_statement_has_every_column_of_its_row() -> None:
    sent = {name for name in dir(Sent) if not name.startswith("_")}
    assert sent == set(column_names(Message))
