"""A service client at work: what it makes belongs to its maker, what it writes is its own, what only people do is refused."""

from dataclasses import replace
from typing import Any

import pytest

from db.base import Permission, Viewer
from db.conversations import Message, Participant
from db.sessions import Session
from schema.kit.ids import encode
from services.roles import ADMINISTRATOR
from tests.ask import Ask
from tests.auth import ERRORS, hurried
from tests.make import PASSWORD, Make

SEND = f"""
mutation($input: MessageSendInput!) {{ messageSend(input: $input) {{ message {{
  id senderType clientKey sender {{ __typename id displayName ... on ServiceClient {{ name }} }} }} {ERRORS} }} }}
"""
EDIT = f"mutation($input: MessageEditInput!) {{ messageEdit(input: $input) {{ message {{ content }} {ERRORS} }} }}"
PRODUCT = f"""
mutation($name: String!) {{ productCreate(input: {{name: $name, price: {{amount: "1.00", currency: "USD"}}}})
  @idempotent(key: "one") {{ product {{ id owner {{ id }} }} {ERRORS} }} }}
"""
MEMBERS_ONLY = {
    "conversationMarkRead": "mutation($chat: ID!) { conversationMarkRead(input: {id: $chat}) { userErrors { code } } }",
    "presenceSet": "mutation($chat: ID!) { presenceSet(input: {conversationId: $chat, state: VIEWING}) { userErrors { code } } }",
    "passwordChange": f'mutation {{ passwordChange(input: {{currentPassword: "{PASSWORD}", newPassword: "another long one"}}) {{ userErrors {{ code }} }} }}',
    "logout": "mutation { logout(input: {allSessions: true}) { revokedSessions } }",
}


@pytest.fixture
async def owner(make: Make) -> Viewer:
    return await make.owner()


@pytest.fixture
async def client(make: Make, owner: Viewer) -> Viewer:
    return (await make.client(owner, *ADMINISTRATOR))[0]


async def test_a_client_is_nobody_of_the_members(ask: Ask, owner: Viewer, client: Viewer) -> None:
    asked = "{ viewer { user { id } session { id } workspace { id } permissions } }"
    seen = (await ask(client, asked)).ok()
    assert (seen["user"], seen["session"]) == (None, None)
    assert seen["workspace"] == {"id": encode("workspace", owner.workspace_id)}
    assert set(seen["permissions"]) == {p.value for p in ADMINISTRATOR}


@pytest.mark.parametrize("name", MEMBERS_ONLY)
async def test_what_only_members_do_is_refused_to_a_client(
    name: str, make: Make, owner: Viewer, client: Viewer
) -> None:
    ask = Ask(hurried(make.server))
    customer = await make.customer(owner)
    chat = await make.chat(owner, customer)
    await make.inbound(owner, customer)
    variables = {"chat": encode("chat", chat.id)} if "$chat" in MEMBERS_ONLY[name] else {}
    assert (await ask(client, MEMBERS_ONLY[name], **variables)).codes == ["ACCESS_DENIED"]
    assert await make.count(owner, Participant) == 0
    assert make.server.presences.of(chat.id) == ()
    assert await make.count(owner, Session, Session.is_active) == 1
    (await ask(owner, MEMBERS_ONLY[name], **variables)).ok()


async def test_a_client_that_sends_is_the_sender(ask: Ask, make: Make, owner: Viewer, client: Viewer) -> None:
    chat = await make.chat(owner)
    input = {"conversationId": encode("chat", chat.id), "content": "Hi"}
    sent = (await ask(client, SEND, input=input)).ok()["message"]
    id = encode("client", client.id)
    assert (sent["sender"]["__typename"], sent["sender"]["id"]) == ("ServiceClient", id)
    assert sent["sender"]["name"] == sent["sender"]["displayName"]
    assert sent["senderType"] == "AGENT"
    assert await make.count(owner, Participant) == 0
    transcript = "query($id: ID!) { chat(by: {id: $id}) { unreadCount messages(last: 5) { nodes { sender { id } } } } }"
    agent = await make.member(owner)
    for viewer in (owner, agent, client):
        seen = (await ask(viewer, transcript, id=input["conversationId"])).ok()
        assert seen == {"unreadCount": 1, "messages": {"nodes": [{"sender": {"id": id}}]}}


async def test_a_client_repeats_a_message_safely(ask: Ask, make: Make, owner: Viewer, client: Viewer) -> None:
    chat = await make.chat(owner)
    input = {"conversationId": encode("chat", chat.id), "content": "Hi", "clientKey": "k"}
    first = (await ask(client, SEND, input=input)).ok()["message"]
    assert (await ask(client, SEND, input=input)).ok()["message"] == first
    assert (await ask(client, SEND, input=input | {"content": "Ho"})).codes == ["CONFLICT"]
    assert await make.count(owner, Message) == 1
    other, _ = await make.client(owner, Permission.MESSAGES_SEND, Permission.CHATS_READ)
    assert (await ask(other, SEND, input=input)).ok()["message"]["id"] != first["id"]
    assert (await ask(owner, SEND, input=input)).ok()["message"]["sender"]["__typename"] == "User"
    assert await make.count(owner, Message) == 3


async def test_a_client_edits_its_own_messages_alone(
    ask: Ask, make: Make, owner: Viewer, client: Viewer
) -> None:
    chat = await make.chat(owner)
    mine, theirs = await make.outbound(client, chat), await make.outbound(owner, chat)
    edited = {"id": encode("message", mine.id), "content": "Edited"}
    assert (await ask(client, EDIT, input=edited)).ok()["message"] == {"content": "Edited"}
    foreign = edited | {"id": encode("message", theirs.id)}
    assert (await ask(client, EDIT, input=foreign)).codes == ["ACCESS_DENIED"]
    agent = await make.member(owner)
    assert (await ask(agent, EDIT, input=edited)).codes == ["ACCESS_DENIED"]
    # An Administrator's hand reaches it.
    assert (await ask(owner, EDIT, input=edited | {"content": "Again"})).ok()["message"] == {
        "content": "Again"
    }


async def test_what_a_client_makes_belongs_to_the_member_that_made_it(
    ask: Ask, make: Make, owner: Viewer, client: Viewer
) -> None:
    maker = {"id": encode("user", owner.id)}
    channel = await make.channel(client)
    product = await make.product(client)
    order = await make.order(client, await make.customer(client, channel), [(product, 1)])
    document = """query($ids: [ID!]!) { nodes(ids: $ids) {
      ... on Channel { of: owner { id } } ... on Product { of: owner { id } } ... on Order { of: seller { id } } } }"""
    ids = [encode("channel", channel.id), encode("product", product.id), encode("order", order.id)]
    assert (await ask(client, document, ids=ids)).ok() == [{"of": maker}] * 3
    made, _ = await make.client(client, Permission.CHATS_READ)
    assert made.member_id == owner.id


async def test_a_key_of_a_client_is_its_own(ask: Ask, owner: Viewer, client: Viewer) -> None:
    first = (await ask(client, PRODUCT, name="Tea")).ok()["product"]
    assert (await ask(client, PRODUCT, name="Tea")).ok()["product"] == first
    assert (await ask(client, PRODUCT, name="Mint")).codes == ["IDEMPOTENCY_KEY_REUSED"]
    assert (await ask(owner, PRODUCT, name="Mint")).ok()["product"]["id"] != first["id"]


async def test_a_client_does_what_it_is_allowed_and_no_more(
    ask: Ask, make: Make, owner: Viewer, client: Viewer
) -> None:
    chat = await make.chat(owner)
    input = {"conversationId": encode("chat", chat.id), "content": "Hi"}
    bare = replace(client, permissions=client.permissions - {Permission.MESSAGES_SEND})
    refused: Any = await ask(bare, SEND, input=input)
    assert (refused.data, refused.codes) == (None, ["ACCESS_DENIED"])
    assert await make.count(owner, Message) == 0
    (await ask(client, SEND, input=input)).ok()
