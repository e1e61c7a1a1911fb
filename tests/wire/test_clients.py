"""The clients that front ends are built with, each at work on a real server with the same operations.

gql, the Python client, follows in test_sockets.py; the bare graphql-ws and graphql-sse are there as well.
"""

import secrets
import shutil

import pytest
from gql import Client, gql
from gql.transport.httpx import HTTPXAsyncTransport
from graphql import GraphQLError

from tests.node import CLIENTS, run_program, running_program
from tests.running import PROJECT
from tests.wire.caller import register

SDL = PROJECT / "schema.graphql"
PRODUCT = """mutation ($input: ProductCreateInput!) {
  productCreate(input: $input) { product { id } userErrors { code message path } }
}"""
ORDER = """mutation ($input: OrderCreateInput!) {
  orderCreate(input: $input) { order { id customer { id } } userErrors { code message path } }
}"""
CHAT = "query ($id: ID!) { chat(by: {id: $id}) { number customer { id } } }"


@pytest.fixture
async def shop(running):
    """A workspace of its own with four chats, the first of which has ordered something."""
    owner = await register(running.web)
    chats = [(await owner.receive(f"customer-{number}"))["chat"]["id"] for number in range(4)]
    customer_id = (await owner.ask(CHAT, id=chats[0]))["customer"]["id"]
    price = {"amount": "4.50", "currency": "USD"}
    product = await owner.ask(PRODUCT, input={"name": "Tea", "sku": secrets.token_hex(4), "price": price})
    items = [{"productId": product["product"]["id"], "quantity": 2}]
    order = await owner.ask(ORDER, input={"customerId": customer_id, "items": items})
    return owner, chats, order["order"]["id"]


@pytest.mark.usefixtures("calm")
async def test_apollo_client_pages_updates_and_follows(running, shop):
    owner, chats, order_id = shop
    async with running_program("apollo.mjs", running.graphql, owner.token, chats[3], order_id) as apollo:
        # `edges` of two pages are merged by relayStylePagination.
        assert await apollo.read() == {"inbox": [4, 3], "more": True}
        assert await apollo.read() == {"inbox": [4, 3, 2, 1], "more": False}
        # `nodes` are not: the second page replaces the first.
        assert await apollo.read() == {"nodes": 2}
        await see_the_order_change(apollo, requests=4)
        assert await apollo.read() == {"last": "Hello?"}
        for content in ("How can I help?", "bye"):
            await owner.send(chats[3], content)
            assert await apollo.read() == {"last": content}
        assert await apollo.read_all() == [{"requests": 6}]


@pytest.mark.usefixtures("calm")
async def test_urql_updates_and_follows(running, shop):
    owner, chats, order_id = shop
    async with running_program("urql.mjs", running.graphql, owner.token, chats[3], order_id) as urql:
        await see_the_order_change(urql, requests=0)
        assert await urql.read() == {"last": "Hello?"}
        for content in ("How can I help?", "bye"):
            await owner.send(chats[3], content)
            assert await urql.read() == {"last": content}
        assert await urql.read_all() == [{"requests": 3}]


async def see_the_order_change(program, *, requests):
    """The list shows the new state with no request but the mutation: the answer has `id` and `__typename`."""
    before = {"order": "PENDING", "version": 1, "next": ["PROCESSING", "CANCELLED"]}
    after = {"order": "PROCESSING", "version": 2, "next": ["SHIPPED", "CANCELLED", "REFUNDED"]}
    assert await program.read() == {**before, "requests": requests + 1}
    values = [await program.read(), await program.read()]
    assert {"userErrors": []} in values
    assert {**after, "requests": requests + 2} in values


@pytest.fixture
def folder(tmp_path):
    """A folder for generated code, which finds the packages of tests/clients."""
    (tmp_path / "node_modules").symlink_to(CLIENTS / "node_modules")
    return tmp_path


async def test_the_client_preset_generates_types_that_find_what_is_wrong(folder):
    right = (CLIENTS / "usage.ts").read_text()
    wrong = right.replace("'SHIPPED'", "'POSTED'").replace("lastMessage?.content", "lastMessage.text")
    (folder / "right.ts").write_text(right)
    (folder / "wrong.ts").write_text(wrong)
    (answer,) = await generate(folder, CLIENTS / "operations", "right.ts", "wrong.ts")
    assert answer["generated"] == []
    found = answer["compiled"].pop("wrong.ts")
    assert answer["compiled"] == {"right.ts": []}
    said = "\n".join(found)
    assert "is possibly 'null'" in said
    assert "Property 'text' does not exist" in said
    assert "'\"POSTED\"' is not assignable to type 'OrderStatus'" in said


async def test_a_wrong_field_is_not_generated(folder):
    operations = folder / "operations"
    shutil.copytree(CLIENTS / "operations", operations)
    (operations / "wrong.graphql").write_text("query Wrong { viewer { nickname } }")
    (answer,) = await generate(folder, operations)
    assert 'Cannot query field "nickname" on type "Viewer"' in str(answer["generated"])


async def generate(folder, operations, *files):
    return await run_program("generate.mjs", str(SDL), str(operations), str(folder), *files)


async def test_relay_compiles_the_operations(tmp_path):
    (compiled,) = await run_program("relay.mjs", str(SDL), str(tmp_path))
    assert compiled["content"], compiled["said"]
    assert (compiled["operations"], compiled["connections"]) == (9, 6)
    refetch = (tmp_path / "made" / "HistoryQuery.graphql.ts").read_text()
    assert "node(id: $id)" in refetch


async def test_relay_refuses_a_schema_whose_lists_are_not_connections(tmp_path):
    schema = tmp_path / "schema.graphql"
    schema.write_text(SDL.read_text().replace("edges: [MessageEdge!]!", "edges: [Message!]!"))
    (compiled,) = await run_program("relay.mjs", str(schema), str(tmp_path))
    assert not compiled["content"]
    assert "messages" in compiled["said"]


async def test_the_inspector_finds_nothing_broken_in_what_is_served(web, tmp_path):
    served = tmp_path / "served.graphql"
    served.write_text((await web.get("/schema.graphql")).text)
    assert await run_program("inspect.mjs", str(SDL), str(served)) == []


async def test_the_inspector_finds_what_would_break_clients(tmp_path):
    changed = tmp_path / "changed.graphql"
    text = SDL.read_text()
    planted = text.replace("  unreadCount: Int!\n", "  unreadCount: Int\n").replace(
        "  SHIPPED\n", "  POSTED\n"
    )
    changed.write_text(planted)
    changes = await run_program("inspect.mjs", str(SDL), str(changed))
    breaking = {(change["type"], change["path"]) for change in changes if change["level"] == "BREAKING"}
    assert breaking == {
        ("FIELD_TYPE_CHANGED", "Chat.unreadCount"),
        ("FIELD_TYPE_CHANGED", "Conversation.unreadCount"),
        ("ENUM_VALUE_REMOVED", "OrderStatus.SHIPPED"),
    }


@pytest.mark.usefixtures("calm")
async def test_the_python_client_over_http(running, owner):
    transport = HTTPXAsyncTransport(url=running.graphql, headers=owner.headers)
    async with Client(transport=transport, fetch_schema_from_transport=True) as session:
        answer = await session.execute(gql("{ viewer { user { id } } }"))
        assert answer == {"viewer": {"user": {"id": owner.user_id}}}
        with pytest.raises(GraphQLError, match="nickname"):
            await session.execute(gql("{ viewer { nickname } }"))
