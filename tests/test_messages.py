"""Messages: received once, sent safely, in a sequence without holes, followed live."""

import asyncio
from typing import Any

from schema.kit.ids import encode
from tests.ask import Ask
from tests.make import Make

RECEIVE = """
mutation Receive($input: MessageReceiveInput!) {
  messageReceive(input: $input) {
    message { id sequence senderType content timestamp sender { __typename displayName } chat { id number status customer { id fullName } } }
    userErrors { code message path }
  }
}
"""
TRANSCRIPT = """
query($id: ID!) { chat(by: {id: $id}) { lastSequence unreadCount lastReadSequence
  lastMessage { content } messages(last: 10) { nodes { id sequence content sender { displayName } } } } }
"""
FOLLOW = """
subscription($id: ID!, $after: Int) {
  messageAdded(conversationId: $id, after: $after) { id sequence content chat { lastSequence } sender { __typename id displayName } }
}
"""
SEND = """
mutation($id: ID!, $content: String!, $key: String) {
  messageSend(input: {conversationId: $id, content: $content, clientKey: $key}) {
    message { id sequence clientKey content chat { lastSequence unreadCount lastReadSequence } } userErrors { code message path }
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


async def test_the_thin_thread(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    channel = await make.channel(owner)
    received = (await ask(owner, RECEIVE, input=inbound(channel, 1, customerName="Ana"))).ok()
    chat = received["message"]["chat"]["id"]
    assert received["message"]["sequence"] == 1
    assert received["message"]["sender"] == {"__typename": "Customer", "displayName": "Ana"}
    async with ask.follow(owner, FOLLOW, id=chat, after=0) as answers:
        first = (await anext(answers)).ok()
        assert (first["sequence"], first["content"]) == (1, "message 1")
        waiting = asyncio.ensure_future(anext(answers))
        await ask(owner, RECEIVE, input=inbound(channel, 2))
        second = (await waiting).ok()
        assert (second["sequence"], second["chat"]["lastSequence"]) == (2, 2)
    seen = (await ask(owner, TRANSCRIPT, id=chat)).ok()
    assert [m["content"] for m in seen["messages"]["nodes"]] == ["message 1", "message 2"]
    assert (seen["lastSequence"], seen["unreadCount"], seen["lastMessage"]["content"]) == (2, 2, "message 2")
    sent = (await ask(owner, SEND, id=chat, content="Hi", key="k1")).ok()["message"]
    assert (sent["sequence"], sent["chat"]["unreadCount"], sent["chat"]["lastReadSequence"]) == (3, 0, 3)
