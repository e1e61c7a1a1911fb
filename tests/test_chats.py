"""Chats: opened once, given to agents, read by each for itself, deleted without a hole."""

import asyncio
from typing import Any

import pytest

from db.conversations import ChatStatus, Conversation, Message
from schema.kit.ids import encode
from services.chats import delete_chat, mark_read, update_chat
from tests.ask import Ask
from tests.make import Make

OPEN = """mutation($input: ChatOpenInput!) { chatOpen(input: $input) {
  chat { id number status assignee { id } platformChatId startedAt lastMessageAt lastSequence lastMessage { id } }
  userErrors { code path } } }"""
UPDATE = """mutation($input: ChatUpdateInput!) { chatUpdate(input: $input) {
  chat { id version status platformChatId } userErrors { code path } } }"""
ASSIGN = """mutation($input: ChatAssignInput!) { chatAssign(input: $input) {
  chat { version assignee { id } } userErrors { code path } } }"""
READ = """mutation($input: ConversationMarkReadInput!) { conversationMarkRead(input: $input) {
  conversation { __typename id version lastReadSequence unreadCount } userErrors { code path } } }"""
LOOK = """query($id: ID!) { chat(by: {id: $id}) { id version unreadCount lastReadSequence
  messages(last: 10) { nodes { sequence } } } }"""


async def test_a_chat_is_opened_once_for_a_customer(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    customer = await make.customer(owner)
    values = {"customerId": encode("customer", customer.id), "startedAt": "2024-05-06T07:08:09Z"}
    chats = await asyncio.gather(*[ask(owner, OPEN, input=values) for _ in range(10)])
    first = chats[0].ok()["chat"]
    assert {c.ok()["chat"]["id"] for c in chats} == {first["id"]}
    assert await make.count(owner, Conversation) == 1
    assert first["startedAt"] == first["lastMessageAt"] == "2024-05-06T07:08:09.000000Z"
    assert (first["number"], first["lastSequence"], first["lastMessage"]) == (1, 0, None)


async def test_chats_are_numbered_without_holes(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    customers = [await make.customer(owner) for _ in range(12)]
    inputs: list[dict[str, Any]] = [{"customerId": encode("customer", c.id)} for c in customers]
    inputs.insert(5, {"customerId": encode("customer", customers[0].id), "assigneeId": "user_nobody"})
    answers = await asyncio.gather(*[ask(owner, OPEN, input=values) for values in inputs])
    assert answers[5].codes == ["NOT_FOUND"]
    assert answers[5].user_errors[0]["path"] == ["input", "assigneeId"]
    numbers = [a.ok()["chat"]["number"] for place, a in enumerate(answers) if place != 5]
    assert sorted(numbers) == list(range(1, 13))


async def test_any_status_may_follow_any_other(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    id = encode("chat", (await make.chat(owner)).id)
    version = 1
    for before in ChatStatus:
        for after in ChatStatus:
            for status in (before, after):
                chat = (await ask(owner, UPDATE, input={"id": id, "status": status})).ok()["chat"]
                version += 1
                assert (chat["status"], chat["version"]) == (status, version)
    assert version == 1 + 2 * len(ChatStatus) ** 2


async def test_an_update_keeps_what_is_absent_and_clears_what_is_null(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    id = encode("chat", (await make.chat(owner, platform_chat_id="p1")).id)
    kept = (await ask(owner, UPDATE, input={"id": id, "status": "PENDING"})).ok()["chat"]
    assert kept["platformChatId"] == "p1"
    cleared = (await ask(owner, UPDATE, input={"id": id, "platformChatId": None})).ok()["chat"]
    assert (cleared["platformChatId"], cleared["status"]) == (None, "PENDING")
    refused = await ask(owner, UPDATE, input={"id": id, "status": None})
    assert (refused.codes, refused.user_errors[0]["path"]) == (["VALIDATION_ERROR"], ["input", "status"])
    stale = await ask(owner, UPDATE, input={"id": id, "status": "OPEN", "expectedVersion": 1})
    assert (stale.codes, stale.field["chat"]["version"], stale.field["chat"]["status"]) == (
        ["STALE_VERSION"],
        3,
        "PENDING",
    )
    assert (await ask(owner, UPDATE, input={"id": id, "status": "OPEN", "expectedVersion": 3})).ok()["chat"][
        "version"
    ] == 4


async def test_a_chat_is_given_to_active_members_only(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    stranger = await make.owner()
    agent, gone = await make.member(owner), await make.member(owner, is_active=True)
    await make.deactivate(owner, gone)
    id = encode("chat", (await make.chat(owner)).id)
    for nobody in (encode("user", gone.id), encode("user", stranger.id), "user_1", id):
        refused = await ask(owner, ASSIGN, input={"id": id, "assigneeId": nobody})
        assert refused.codes in (["NOT_FOUND"], ["VALIDATION_ERROR"])
        assert refused.user_errors[0]["path"] == ["input", "assigneeId"]
    given = (await ask(owner, ASSIGN, input={"id": id, "assigneeId": encode("user", agent.id)})).ok()["chat"]
    assert given == {"version": 2, "assignee": {"id": encode("user", agent.id)}}
    assert (await ask(owner, ASSIGN, input={"id": id})).ok()["chat"]["assignee"] is None


async def test_reading_is_each_members_own_and_never_goes_back(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    colleague = await make.member(owner)
    customer = await make.customer(owner)
    chat = await make.chat(owner, customer)
    for n in range(4):
        await make.inbound(owner, customer, str(n))
    id = encode("chat", chat.id)
    read = (await ask(owner, READ, input={"id": id, "upToSequence": 3})).ok()["conversation"]
    assert read == {"__typename": "Chat", "id": id, "version": 1, "lastReadSequence": 3, "unreadCount": 1}
    assert (await ask(owner, READ, input={"id": id, "upToSequence": 1})).ok()["conversation"][
        "lastReadSequence"
    ] == 3
    assert (await ask(colleague, LOOK, id=id)).ok()["unreadCount"] == 4
    assert (await ask(owner, READ, input={"id": id})).ok()["conversation"]["unreadCount"] == 0
    for wrong in (5, -1):
        refused = await ask(owner, READ, input={"id": id, "upToSequence": wrong})
        assert (refused.codes, refused.user_errors[0]["path"]) == (
            ["VALIDATION_ERROR"],
            ["input", "upToSequence"],
        )


async def test_a_new_chat_is_unread_whatever_else_was_read(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    for _ in range(2):
        await make.outbound(owner, await make.chat(owner))
    customer = await make.customer(owner)
    opened = await ask(
        owner,
        OPEN.replace("lastSequence", "lastReadSequence unreadCount"),
        input={"customerId": encode("customer", customer.id)},
    )
    assert (opened.ok()["chat"]["lastReadSequence"], opened.field["chat"]["unreadCount"]) == (0, 0)
    assert (await make.inbound(owner, await make.customer(owner))).sequence == 1


async def test_parallel_readings_keep_the_furthest(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    customer = await make.customer(owner)
    chat = await make.chat(owner, customer)
    for n in range(8):
        await make.inbound(owner, customer, str(n))
    await asyncio.gather(*[make.run(owner, mark_read, chat.id, up_to_sequence=n) for n in (3, 8, 1, 5, 7, 2)])
    assert (await ask(owner, LOOK, id=encode("chat", chat.id))).ok()["lastReadSequence"] == 8


async def test_a_deleted_chat_is_gone_and_what_was_written_is_erased(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    customer = await make.customer(owner)
    chat = await make.chat(owner, customer)
    message = await make.inbound(owner, customer, "a secret")
    id = encode("chat", chat.id)
    deleted = await ask(
        owner, "mutation($id: ID!) { chatDelete(input: {id: $id}) { deletedId userErrors { code } } }", id=id
    )
    assert deleted.ok()["deletedId"] == id
    assert (await ask(owner, LOOK, id=id)).ok() is None
    assert await make.count(owner, Message, Message.content == "") == 1
    again = await ask(
        owner,
        "query($m: ID!) { node(id: $m) { ... on Message { content deletedAt sequence conversation { id } chat { id deletedAt } } } }",
        m=encode("message", message.id),
    )
    seen = again.ok()
    assert (seen["content"], seen["sequence"], seen["conversation"]["id"]) == ("", 1, id)
    assert None not in (seen["deletedAt"], seen["chat"]["deletedAt"])
    fresh = await make.inbound(owner, customer)
    assert (fresh.sequence, fresh.conversation_id == chat.id) == (1, False)


@pytest.mark.parametrize("service", [update_chat, delete_chat, mark_read])
async def test_another_workspaces_chat_does_not_exist(make: Make, ask: Ask, service: Any) -> None:
    owner, stranger = await make.owner(), await make.owner()
    chat = await make.chat(owner)
    id = encode("chat", chat.id)
    documents: dict[Any, str] = {
        update_chat: "mutation($id: ID!) { chatUpdate(input: {id: $id, status: CLOSED}) { userErrors { code } } }",
        delete_chat: "mutation($id: ID!) { chatDelete(input: {id: $id}) { userErrors { code } } }",
        mark_read: "mutation($id: ID!) { conversationMarkRead(input: {id: $id}) { userErrors { code } } }",
    }
    document = documents[service]
    assert (await ask(stranger, document, id=id)).codes == ["NOT_FOUND"]
    assert (await ask(owner, LOOK, id=id)).ok()["version"] == 1
    (await ask(owner, document, id=id)).ok()
