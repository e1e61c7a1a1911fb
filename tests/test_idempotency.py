"""`@idempotent(key:)`: done once, told again as often as it is asked for, and only where that makes sense."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import update

from db.base import Permission, Viewer, now
from db.conversations import Message
from db.engine import Database
from db.idempotency import Idempotency
from db.orders import Order
from db.products import Product
from schema.kit.ids import encode
from services.idempotency import KEPT, prune
from services.server import Server
from tests.ask import Ask
from tests.auth import LOGIN, REFRESH, REGISTER
from tests.make import Make

SEND = """mutation ($id: ID!, $content: String!, $key: String!) {
  messageSend(input: {conversationId: $id, content: $content}) @idempotent(key: $key) {
    message { id sequence content chat { lastSequence } } userErrors { code message path } } }"""
TWINS = 50


async def count(make: Make, viewer: Viewer) -> int:
    return await make.count(viewer, Message)


async def chat_of(make: Make, viewer: Viewer) -> str:
    return encode("chat", (await make.chat(viewer)).id)


async def test_the_same_again_is_done_once_and_answered_alike(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    chat = await chat_of(make, owner)
    first = (await ask(owner, SEND, id=chat, content="Hi", key="a")).ok()
    for _ in range(3):
        assert (await ask(owner, SEND, id=chat, content="Hi", key="a")).ok() == first
    assert await count(make, owner) == 1
    other = (await ask(owner, SEND, id=chat, content="Hi", key="b")).ok()
    assert (other["message"]["sequence"], await count(make, owner)) == (2, 2)


async def test_a_key_is_of_one_member_and_one_field(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    colleague, stranger = await make.member(owner), await make.owner()
    chat, theirs = await chat_of(make, owner), await chat_of(make, stranger)
    for viewer, where in ((owner, chat), (colleague, chat), (stranger, theirs)):
        (await ask(viewer, SEND, id=where, content="Hi", key="a")).ok()
    assert (await count(make, owner), await count(make, stranger)) == (2, 1)
    read = """mutation ($id: ID!) { conversationMarkRead(input: {id: $id}) @idempotent(key: "a") {
      conversation { lastReadSequence } userErrors { code } } }"""
    assert (await ask(owner, read, id=chat)).ok()["conversation"]["lastReadSequence"] == 2


async def test_a_key_for_other_arguments_is_refused_and_nothing_is_done(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    chat = await chat_of(make, owner)
    first = (await ask(owner, SEND, id=chat, content="Hi", key="a")).ok()
    answer = await ask(owner, SEND, id=chat, content="Ho", key="a")
    assert (answer.codes, answer.field, await count(make, owner)) == (["IDEMPOTENCY_KEY_REUSED"], None, 1)
    assert (await ask(owner, SEND, id=chat, content="Hi", key="a")).ok() == first
    assert (await ask(owner, SEND, id=chat, content="Ho", key="b")).ok()["message"]["sequence"] == 2


async def test_the_arguments_are_the_same_however_they_are_written(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    chat = await chat_of(make, owner)
    first = (await ask(owner, SEND, id=chat, content="Hi", key="a")).ok()
    written = f"""mutation {{ again: messageSend(input: {{content: "\\u0048i", contentType: TEXT, conversationId: "{chat}"}})
      @idempotent(key: "a") {{ message {{ id }} userErrors {{ code }} }} }}"""
    assert (await ask(owner, written)).ok()["message"]["id"] == first["message"]["id"]
    assert await count(make, owner) == 1


async def test_what_was_refused_stays_refused_under_its_key(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    chat = await chat_of(make, owner)
    status = """mutation ($id: ID!, $status: ChatStatus!) { chatUpdate(input: {id: $id, status: $status}) {
      chat { status } userErrors { code } } }"""
    (await ask(owner, status, id=chat, status="CLOSED")).ok()
    refused = await ask(owner, SEND, id=chat, content="Hi", key="a")
    assert refused.codes == ["INVALID_TRANSITION"]
    (await ask(owner, status, id=chat, status="OPEN")).ok()
    assert (await ask(owner, SEND, id=chat, content="Hi", key="a")).data == refused.data
    assert await count(make, owner) == 0
    assert (await ask(owner, SEND, id=chat, content="Hi", key="b")).ok()["message"]["sequence"] == 1


async def test_a_refusal_comes_with_the_row_as_it_is_today(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    product = encode("product", (await make.product(owner, name="One")).id)
    rename = """mutation ($id: ID!) { productUpdate(input: {id: $id, name: "Two", expectedVersion: 9})
      @idempotent(key: "a") { product { name version } userErrors { code path } } }"""
    first = await ask(owner, rename, id=product)
    assert (first.codes, first.field["product"]) == (["STALE_VERSION"], {"name": "One", "version": 1})
    change = 'mutation ($id: ID!) { productUpdate(input: {id: $id, name: "Three"}) { userErrors { code } } }'
    (await ask(owner, change, id=product)).ok()
    again = await ask(owner, rename, id=product)
    assert (again.user_errors, again.field["product"]) == (first.user_errors, {"name": "Three", "version": 2})


async def test_a_top_level_error_is_not_kept(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    author = await make.member(owner, Permission.MESSAGES_SEND, Permission.CHATS_READ)
    chat = await make.chat(owner)
    message = encode("message", (await make.outbound(owner, chat, "mine")).id)
    edit = """mutation ($id: ID!) { messageEdit(input: {id: $id, content: "yours"}) @idempotent(key: "a") {
      message { content } userErrors { code } } }"""
    assert (await ask(author, edit, id=message)).codes == ["ACCESS_DENIED"]
    assert await make.count(owner, Idempotency) == 0
    promoted = replace(author, is_administrator=True)
    assert (await ask(promoted, edit, id=message)).ok()["message"]["content"] == "yours"
    assert await make.count(owner, Idempotency) == 1


async def test_a_repeat_shows_the_row_as_it_is_today(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    chat = await chat_of(make, owner)
    sent = (await ask(owner, SEND, id=chat, content="Hi", key="a")).ok()["message"]
    edit = 'mutation ($id: ID!) { messageEdit(input: {id: $id, content: "Hello"}) { userErrors { code } } }'
    (await ask(owner, edit, id=sent["id"])).ok()
    again = (await ask(owner, SEND, id=chat, content="Hi", key="a")).ok()["message"]
    assert (again["id"], again["content"]) == (sent["id"], "Hello")
    delete = "mutation ($id: ID!) { messageDelete(input: {id: $id}) { userErrors { code } } }"
    (await ask(owner, delete, id=sent["id"])).ok()
    assert (await ask(owner, SEND, id=chat, content="Hi", key="a")).ok()["message"]["content"] == ""


async def test_several_at_once_are_each_done_once(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    placed = [encode("order", (await make.order(owner)).id) for _ in range(3)]
    (await ask(owner, TRANSITION.replace("KEY", "z"), ids=[placed[1]], to="CANCELLED")).ok()
    first = await ask(owner, TRANSITION.replace("KEY", "a"), ids=placed, to="PROCESSING")
    assert [order["id"] for order in first.field["orders"]] == [placed[0], placed[2]]
    assert [(e["code"], e["path"]) for e in first.user_errors] == [
        ("INVALID_TRANSITION", ["input", "ids", "1"])
    ]
    again = await ask(owner, TRANSITION.replace("KEY", "a"), ids=placed, to="PROCESSING")
    assert again == first
    without = await ask(owner, TRANSITION.replace('@idempotent(key: "KEY")', ""), ids=placed, to="PROCESSING")
    assert without.codes == ["INVALID_TRANSITION"] * 3
    assert await make.count(owner, Order) == 3


TRANSITION = """mutation ($ids: [ID!]!, $to: OrderStatus!) { ordersTransition(input: {ids: $ids, to: $to})
  @idempotent(key: "KEY") { orders { id status version } userErrors { code message path } } }"""


async def test_each_field_of_a_document_has_its_own_key(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    chat = await chat_of(make, owner)
    fields = "".join(
        f'm{n}: messageSend(input: {{conversationId: "{chat}", content: "Hi"}}) @idempotent(key: "{key}")'
        " { message { sequence } userErrors { code } } "
        for n, key in enumerate(("a", "b", "a"))
    )
    answer = await ask(owner, f"mutation {{ {fields} }}")
    assert answer.data is not None
    assert [field["message"]["sequence"] for field in answer.data.values()] == [1, 2, 1]
    assert await count(make, owner) == 2


async def test_a_deletion_can_be_sent_again(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    product = encode("product", (await make.product(owner)).id)
    delete = (
        """mutation ($id: ID!) { productDelete(input: {id: $id}) KEY { deletedId userErrors { code } } }"""
    )
    keyed = delete.replace("KEY", '@idempotent(key: "a")')
    assert (await ask(owner, keyed, id=product)).ok() == {"deletedId": product, "userErrors": []}
    assert (await ask(owner, keyed, id=product)).ok() == {"deletedId": product, "userErrors": []}
    assert (await ask(owner, delete.replace("KEY", ""), id=product)).codes == ["NOT_FOUND"]
    assert await make.count(owner, Product, Product.deleted_at.is_(None)) == 0


async def test_every_kind_of_answer_can_be_given_again(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    customer, product = await make.customer(owner), await make.product(owner)
    chat, order = await make.chat(owner, customer), await make.order(owner)
    colleague = await make.member(owner)
    ids = {
        "customer": encode("customer", customer.id),
        "channel": encode("channel", customer.channel_id),
        "product": encode("product", product.id),
        "chat": encode("chat", chat.id),
        "order": encode("order", order.id),
        "user": encode("user", owner.id),
        "session": encode("session", colleague.session_id),
    }
    fields = {
        'workspaceUpdate(input: {name: "W"})': "workspace { name version }",
        'userCreate(input: {username: "U", email: "E", password: "long enough, certainly"})': "user { id }",
        'userUpdate(input: {id: "$user", bio: "B"})': "user { bio version }",
        'roleSet(input: {name: "R", permissions: [CHATS_READ]})': "role { id name }",
        'channelConnect(input: {platformType: SMS, name: "C"})': "channel { id }",
        'channelUpdate(input: {id: "$channel", name: "D"})': "channel { id version }",
        'customerUpsert(input: {channelId: "$channel", platformCustomerId: "P"})': "customer { id }",
        'customerUpdate(input: {id: "$customer", fullName: "Eva"})': "customer { fullName version }",
        'productCreate(input: {name: "P", price: {amount: "1.00", currency: "USD"}})': "product { id }",
        'orderCreate(input: {customerId: "$customer", items: [{productId: "$product", quantity: 2}]})': "order { id number }",
        'orderTransition(input: {id: "$order", to: PROCESSING})': "order { status version }",
        'chatOpen(input: {customerId: "$customer"})': "chat { id number }",
        'chatUpdate(input: {id: "$chat", status: PENDING})': "chat { status version }",
        'chatAssign(input: {id: "$chat", assigneeId: "$user"})': "chat { assignee { id } version }",
        'conversationMarkRead(input: {id: "$chat"})': "conversation { __typename id }",
        'messageReceive(input: {channelId: "$channel", platformCustomerId: "Q", platformMessageId: "M", content: "C"})': "message { id sender { displayName } }",
        'sessionRevoke(input: {id: "$session"})': "session { isActive }",
        "logout(input: {})": "revokedSessions",
    }
    for field, selection in fields.items():
        for name, id in ids.items():
            field = field.replace(f"${name}", id)
        unique = owner.id.hex[-12:]
        field = field.replace('"U"', f'"u-{unique}"').replace('"E"', f'"{unique}@example.com"')
        document = (
            f'mutation {{ {field} @idempotent(key: "a") {{ {selection} userErrors {{ code message }} }} }}'
        )
        first = await ask(owner, document)
        assert (first.ok(), await ask(owner, document)) == (first.field, first), field


@pytest.mark.parametrize("key", ["", "x" * 201, "a\x00b"])
async def test_a_key_that_is_none_is_refused_and_nothing_is_done(ask: Ask, make: Make, key: str) -> None:
    owner = await make.owner()
    chat = await chat_of(make, owner)
    answer = await ask(owner, SEND, id=chat, content="Hi", key=key)
    assert (answer.codes, await count(make, owner)) == (["VALIDATION_ERROR"], 0)
    assert answer.errors
    assert (await ask(owner, SEND, id=chat, content="Hi", key="ü" * 200)).ok()["message"]["sequence"] == 1


@pytest.mark.parametrize(
    "document",
    [
        REGISTER.replace("register(input: $input)", 'register(input: $input) @idempotent(key: "a")'),
        LOGIN.replace(") {\n    acc", ') @idempotent(key: "a") {\n    acc'),
        REFRESH.replace("refreshToken: $token})", 'refreshToken: $token}) @idempotent(key: "a")'),
        """mutation { passwordChange(input: {currentPassword: "a", newPassword: "b"}) @idempotent(key: "a") {
          accessToken } }""",
        '{ viewer @idempotent(key: "a") { permissions } }',
        '{ viewer { permissions @idempotent(key: "a") } }',
        """mutation ($id: ID!) { conversationMarkRead(input: {id: $id}) {
          conversation { id @idempotent(key: "a") } } }""",
    ],
)  # fmt: skip
async def test_a_key_where_it_makes_no_sense_is_refused(ask: Ask, make: Make, document: str) -> None:
    assert "@idempotent" in document
    owner = await make.owner()
    answer = await ask(owner, document, id="x")
    assert (answer.data, set(answer.codes)) == (None, {"VALIDATION_ERROR"})
    assert any("@idempotent" in error["message"] for error in answer.errors)
    assert await make.count(owner, Idempotency) == 0


async def test_twins_are_one(database_url: str, server: Server, make: Make) -> None:
    owner = await make.owner()
    chat = await chat_of(make, owner)
    wide = Database(database_url, pool_max=TWINS + 5)
    together = Ask(replace(server, database=wide))
    try:
        answers = await asyncio.gather(
            *[together(owner, SEND, id=chat, content="Hi", key="a") for _ in range(TWINS)]
        )
    finally:
        await wide.close()
    assert all(answer == answers[0] for answer in answers), answers
    assert answers[0].ok()["message"]["sequence"] == 1
    assert await count(make, owner) == 1


async def test_a_key_is_forgotten_after_its_day(database: Database, ask: Ask, make: Make) -> None:
    owner = await make.owner()
    chat = await chat_of(make, owner)
    for key in ("old", "new"):
        (await ask(owner, SEND, id=chat, content="Hi", key=key)).ok()
    mine = (Idempotency.workspace_id == owner.workspace_id, Idempotency.key == "old")
    async with database.write() as connection:
        yesterday = now() - KEPT - timedelta(minutes=1)
        await connection.execute(update(Idempotency).where(*mine).values(created_at=yesterday))
    await prune(database)
    sequences = [
        (await ask(owner, SEND, id=chat, content="Hi", key=key)).ok()["message"]["sequence"]
        for key in ("new", "old")
    ]
    assert sequences == [2, 3]
