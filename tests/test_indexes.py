"""Indexes for what screens ask: no table is scanned, no long list sorted, for any operation a client begins with."""

import json

import pytest
from sqlalchemy import text

from db.engine import Database
from schema.kit.ids import encode
from tests.ask import Ask
from tests.explaining import plan, scans, seen_statements
from tests.make import Make

OPERATIONS = {
    "inbox": "{ chats(first: 50, sort: [{field: LAST_MESSAGE_AT, direction: DESC}]) { nodes { id unreadCount customer { id } channel { id } lastMessage { id } } } }",
    "inbox, next page": "{ chats(first: 1, after: $cursor) { nodes { id } pageInfo { hasNextPage } } }",
    "deep": "{ chats(first: 20) { nodes { messages(last: 20) { nodes { id } } customer { orders(first: 5, sort: [{field: CREATED_AT, direction: DESC}]) { nodes { items { product { name } } } } } } } }",
    "orders": "{ orders(first: 100, where: {status: [PENDING]}, sort: [{field: CREATED_AT, direction: DESC}]) { totalCount nodes { customer { id } items { product { name } } } } }",
    "chat": "{ chat(by: {id: $chat}) { customer { id } channel { id } } }",
    "transcript": "{ chat(by: {id: $chat}) { messages(last: 100) { nodes { id sender { id } } } } }",
    "product sales": "{ products(first: 20, sort: [{field: NAME, direction: ASC}]) { nodes { orderItems(first: 10) { nodes { order { customer { id } } } } } } }",
    "nodes": "{ nodes(ids: [$chat, $order, $customer]) { id } }",
    "mine": "{ chats(first: 50, where: {assignee: {eq: $user}}) { nodes { id } } }",
    "customer": "{ customer(by: {id: $customer}) { orders(first: 20) { nodes { id } } chats(first: 10) { nodes { id } } channel { id } } }",
    "same person": '{ customers(where: {email: {eq: "ana@example.com"}}) { nodes { id } } }',
    "by sku": '{ product(by: {sku: "A-1"}) { orderItems(first: 50) { nodes { id } } } }',
    "audit log": "{ auditLog(first: 50) { nodes { id actor { id } subject { id } } } }",
    "changes of one": "{ auditLog(where: {subject: {eq: $order}}) { nodes { id } } }",
    "changes by one": "{ auditLog(where: {actor: {eq: $user}}) { nodes { id } } }",
    "members": "{ users(first: 100) { nodes { id roles { id } sessions { id } } } }",
}  # fmt: skip
SORTED_ANYWAY = {"members"}
"""What is sorted after it was found, and short by its nature: a member's roles."""


@pytest.mark.parametrize("name", OPERATIONS)
async def test_an_operation_scans_no_table(
    name: str, dialect: str, database: Database, ask: Ask, make: Make
) -> None:
    owner = await make.owner()
    customer = await make.customer(owner, email="ana@example.com")
    chat = await make.chat(owner, customer, assignee_id=owner.id)
    await make.chat(owner)
    await make.inbound(owner, customer)
    order = await make.order(owner, customer, [(await make.product(owner, sku="A-1"), 1)])
    cursor = (await ask(owner, "{ chats(first: 1) { pageInfo { endCursor } } }")).ok()["pageInfo"][
        "endCursor"
    ]
    document = OPERATIONS[name]
    values = {
        "cursor": cursor,
        "chat": encode("chat", chat.id),
        "order": encode("order", order.id),
        "customer": encode("customer", customer.id),
        "user": encode("user", owner.id),
    }
    for variable, value in values.items():
        document = document.replace(f"${variable}", json.dumps(value))
    seen = await seen_statements(database, lambda: ask(owner, document))
    assert seen
    for statement, parameters in seen:
        found = await plan(database, statement, parameters)
        assert scans(dialect, found) == [], f"{statement}\n{found}"
        if dialect == "postgresql" and name not in SORTED_ANYWAY:
            # The keys of several parents are put into their order; the lists themselves come from an index.
            assert len([s for s in found if s.startswith("Sort")]) <= ("ORDINALITY" in statement), (
                f"{statement}\n{found}"
            )


async def test_a_missing_index_is_noticed(dialect: str, database: Database) -> None:
    found = await plan(database, "SELECT id FROM orders WHERE currency = 'EUR'", ())
    assert scans(dialect, found) != []


async def test_an_analyzed_database_takes_the_index_that_finds_least(database: Database, make: Make) -> None:
    owner = await make.owner()
    channel = await make.channel(owner)
    for _ in range(60):
        await make.chat(owner, await make.customer(owner, channel))
    await database.analyze()
    newest = "SELECT id FROM conversations WHERE workspace_id = 'w' AND customer_id = 'c' AND channel_id = 'd' ORDER BY id DESC"
    if database.dialect == "sqlite":
        found = await plan(database, newest, ())
        assert any("customer_id" in step for step in found), found
    assert (await database.fetch(text("SELECT count(*) FROM conversations")))[0][0] >= 60
