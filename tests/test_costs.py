"""What a document costs: worked out by hand for each construct, and never less than what it returns."""

from typing import Any

import pytest

from db.base import Viewer
from tests.ask import Ask
from tests.make import Make

EXPLAIN = """query($document: String!, $variables: JSON, $name: String) {
  explain(document: $document, variables: $variables, operationName: $name) { cost depth fits missingPermissions } }"""
ROW = "nodes { id }"
COSTS: list[tuple[str, dict[str, Any], int]] = [
    # A query costs 1; leaves, value objects and what only names types cost nothing.
    ("{ __typename }", {}, 1),
    ("{ eventCursor }", {}, 1),
    ("{ a: __typename b: __typename }", {}, 1),
    ("{ viewer { permissions } }", {}, 1),
    ("{ viewer { rateLimit { maximum available } } }", {}, 1),
    ("{ unknown { deeper { still } } }", {}, 1),
    # To look at a document costs 5.
    ('{ explain(document: "{ chats { nodes { id } } }") { cost } }', {}, 6),
    # An entity costs 1.
    ("{ viewer { user { id } } }", {}, 2),
    ("{ viewer { user { id } workspace { id name } session { id } } }", {}, 4),
    ('{ node(id: "x") { id } }', {}, 2),
    ('{ chat(by: {id: "x"}) { id } }', {}, 2),
    ('{ chat(by: {id: "x"}) { customer { id } channel { id } } }', {}, 4),
    ('{ order(by: {id: "x"}) { total { amount currency } } }', {}, 2),
    ('{ order(by: {id: "x"}) { shippingAddress { city } customer { id } } }', {}, 3),
    ('{ a: chat(by: {id: "x"}) { id } b: chat(by: {id: "y"}) { id } }', {}, 3),
    # A list costs 1 and its size times what a row costs: `first`, `last`, 20 where neither is there.
    ("{ chats { nodes { id } } }", {}, 22),
    ("{ chats(first: 1) { nodes { id } } }", {}, 3),
    ("{ chats(first: 50) { nodes { id } } }", {}, 52),
    ("{ chats(last: 7) { nodes { id } } }", {}, 9),
    ("{ chats(first: 0) { nodes { id } } }", {}, 2),
    ("{ chats(first: -5) { nodes { id } } }", {}, 2),
    ("{ chats(first: 5) { nodes { customer { id } } } }", {}, 12),
    ("{ chats(first: 5) { edges { node { customer { id } } cursor } } }", {}, 12),
    ("{ chats(first: 5) { edges { cursor } } }", {}, 7),
    ("{ chats(first: 5) { pageInfo { hasNextPage } } }", {}, 2),
    ("{ chats(first: 5) { totalCount } }", {}, 5),
    ("{ chats(first: 5) { totalCount nodes { id } } }", {}, 10),
    ("{ chats(first: 5) { nodes { customer { id } } edges { node { channel { id } } } } }", {}, 22),
    # A row costs 1 each time that it is shown.
    ("{ chats(first: 5) { nodes { id } edges { node { id } } } }", {}, 12),
    ("{ chats(first: 5) { nodes { id } edges { cursor } } }", {}, 7),
    ("{ chats(first: 5) { a: nodes { id } b: nodes { id } c: nodes { id } } }", {}, 17),
    ("{ chats(first: 5) { edges { a: node { id } b: node { id } } } }", {}, 12),
    ("{ chats(first: 5) { a: edges { node { id } } b: edges { node { id } } } }", {}, 12),
    ("{ chats(first: 5) { nodes { messages(last: 3) { nodes { id } } } } }", {}, 27),
    ("{ chats(first: 5) { nodes { messages(last: 3) { totalCount } } } }", {}, 27),
    ("{ chats(first: 5) { nodes { messages(last: 3) { nodes { sender { id } } } } } }", {}, 42),
    # More than a page may have is refused when it runs, and priced as a page.
    ("{ chats(first: 1000000) { nodes { id } } }", {}, 102),
    # Lists without pages: what they usually have, 20 where nothing says so.
    ("{ roles { id } }", {}, 22),
    ("{ viewer { user { roles { id } } } }", {}, 8),
    ("{ viewer { user { sessions { id } } } }", {}, 8),
    ('{ order(by: {id: "x"}) { items { id } } }', {}, 13),
    ('{ order(by: {id: "x"}) { items { product { id } } } }', {}, 23),
    ('{ nodes(ids: ["a", "b", "c"]) { id } }', {}, 5),
    ("{ nodes(ids: []) { id } }", {}, 2),
    # Sizes from variables, and from their defaults.
    ("query($n: Int!) { chats(first: $n) { nodes { id } } }", {"n": 9}, 11),
    ("query($n: Int = 4) { chats(first: $n) { nodes { id } } }", {}, 6),
    ("query($n: Int = 4) { chats(first: $n) { nodes { id } } }", {"n": 2}, 4),
    ("query($n: Int = 4) { chats(first: $n) { nodes { id } } }", {"n": None}, 22),
    ("query($n: Int) { chats(first: $n) { nodes { id } } }", {}, 22),
    ("query($n: Int) { chats(first: $n) { nodes { id } } }", {"n": None}, 22),
    ("query($n: Int) { chats(first: $n) { nodes { id } } }", {"n": "many"}, 22),
    ("query($n: Int!) { chats(first: $n) { nodes { id } } }", {"n": 10**12}, 102),
    ("query($n: Int!) { chats(first: $n) { nodes { id } } }", {"n": 100.0}, 102),
    ("query($n: Int!) { chats(first: $n) { nodes { id } } }", {"n": 1.5}, 22),
    ("query($n: Int = 1" + "0" * 5_000 + ") { chats(first: $n) { nodes { id } } }", {}, 102),
    ("query($ids: [ID!]!) { nodes(ids: $ids) { id } }", {"ids": ["a", "b"]}, 4),
    ('query($ids: [ID!]! = ["a", "b", "c"]) { nodes(ids: $ids) { id } }', {}, 5),
    (
        "query($n: Int!, $m: Int!) { chats(first: $n) { nodes { messages(last: $m) { nodes { id } } } } }",
        {"n": 2, "m": 3},
        12,
    ),
    # Fields of one name are merged, in fragments too; a fragment spread twice in one place is there once.
    ("{ chats(first: 5) { nodes { id } } chats(first: 5) { nodes { number } } }", {}, 7),
    ("{ viewer { ...U ...U } } fragment U on Viewer { user { id } }", {}, 2),
    (
        "{ viewer { ...U ...V } } fragment U on Viewer { user { id } } fragment V on Viewer { user { bio } }",
        {},
        2,
    ),
    ("{ viewer { ... { user { id } } ... on Viewer { workspace { id } } } }", {}, 3),
    ("{ viewer { ...Missing user { id } } }", {}, 2),
    # An abstract type costs what its dearest type does.
    (
        '{ node(id: "x") { ... on Chat { customer { id } channel { id } } ... on Order { customer { id } } } }',
        {},
        4,
    ),
    ('{ node(id: "x") { id ... on Order { items { id } } ... on Customer { id } } }', {}, 13),
    ('{ message(by: {id: "x"}) { sender { id ... on User { roles { id } } } } }', {}, 9),
    # What is chosen by a directive is priced as if it were chosen.
    ("query($yes: Boolean!) { chats(first: 5) @include(if: $yes) { nodes { id } } }", {"yes": False}, 7),
    # A mutation costs 10, what hashes a password 50 more, of a member 1,000; a subscription 5.
    ('mutation { userCreate(input: {username: "a", email: "b"}) { user { id } } }', {}, 1_011),
    ('mutation { passwordChange(input: {currentPassword: "a", newPassword: "b"}) { expiresIn } }', {}, 1_010),
    ('mutation { login(input: {username: "a", password: "b"}) { accessToken } }', {}, 60),
    ('mutation { login(input: {username: "a", password: "b"}) { user { id roles { id } } } }', {}, 67),
    ("mutation { logout(input: {}) { revokedSessions userErrors { code message } } }", {}, 10),
    ('mutation { messageSend(input: {conversationId: "x", content: "y"}) { message { id } } }', {}, 16),
    (
        'mutation { a: chatUpdate(input: {id: "x"}) { chat { id } } b: chatUpdate(input: {id: "x"}) { chat { id } } }',
        {},
        12,
    ),
    ('subscription { messageAdded(conversationId: "x") { id content } }', {}, 6),
    (
        'subscription { messageAdded(conversationId: "x") { sender { id } chat { id customer { id } } } }',
        {},
        9,
    ),
    ("subscription { events { cursor } }", {}, 5),
]


@pytest.fixture
async def owner(make: Make) -> Viewer:
    return await make.owner()


@pytest.mark.parametrize(("document", "variables", "cost"), COSTS, ids=[str(n) for n in range(len(COSTS))])
async def test_a_document_costs_what_the_rule_says(
    ask: Ask, owner: Viewer, document: str, variables: dict[str, Any], cost: int
) -> None:
    found = (await ask(owner, EXPLAIN, document=document, variables=variables)).ok()
    assert found["cost"] == cost


def test_every_rule_was_worked_out_often_enough() -> None:
    assert len(COSTS) >= 60
