"""The one walk over a document: a permission that is missing anywhere in it refuses it whole, and nothing runs."""

from dataclasses import replace

import pytest

from db.accounts import Workspace
from db.base import Permission, Viewer
from schema.kit.ids import encode
from tests.ask import Ask
from tests.auth import kept
from tests.make import Make

RENAME = 'workspaceUpdate(input: {name: "Renamed"}) { workspace { name } userErrors { code } }'
MISSING = {
    Permission.ORDERS_READ,
    Permission.ORDERS_WRITE,
    Permission.ROLES_WRITE,
    Permission.PRODUCTS_WRITE,
}
HIDDEN_ORDERS = [
    "{ orders { totalCount } }",
    "{ orders { nodes { id } } }",
    "{ orders { edges { cursor } } }",
    "{ mine: orders { pageInfo { hasNextPage } } }",
    "{ __typename roles { name } orders { __typename } }",
    "{ ... { orders { totalCount } } }",
    "{ ... on Query { orders { totalCount } } }",
    "{ ...A } fragment A on Query { orders { totalCount } }",
    "{ ...A } fragment A on Query { ...B } fragment B on Query { ... { all: orders { totalCount } } }",
    "{ ...A ...B } fragment A on Query { roles { name } } fragment B on Query { ...A orders { totalCount } }",
    "{ viewer { user { orders { totalCount } } } }",
    "{ viewer { user { ...A } } } fragment A on User { orders { nodes { number } } }",
    "{ users { nodes { orders { totalCount } } } }",
    "{ users { edges { node { orders { totalCount } } } } }",
    "{ customers { nodes { orders { totalCount } } } }",
    "{ chats { nodes { orders { nodes { id } } } } }",
    '{ node(id: "x") { ... on User { orders { totalCount } } } }',
    "{ nodes(ids: []) { ... on Product { orderItems { nodes { order { id } } } } } }",
    "{ order(by: {number: 1}) { id } }",
    "{ orders @include(if: false) { totalCount } }",
]
ALLOWED = [
    "{ roles { name } customers { totalCount } }",
    "fragment A on Query { customers { nodes { id } } } { ...A }",
    '{ nodes(ids: []) { ... on Order { number status } } }',
]  # fmt: skip


@pytest.fixture
async def owner(make: Make) -> Viewer:
    return await make.owner()


def without(viewer: Viewer, *permissions: Permission) -> Viewer:
    return replace(viewer, permissions=viewer.permissions - set(permissions))


@pytest.mark.parametrize("document", HIDDEN_ORDERS)
async def test_a_missing_permission_refuses_the_whole_document(
    ask: Ask, owner: Viewer, document: str
) -> None:
    blind = without(owner, Permission.ORDERS_READ)
    answer = await ask(blind, document)
    assert (answer.data, answer.codes) == (None, ["ACCESS_DENIED"])
    assert "ORDERS_READ" in answer.errors[0]["message"]
    assert (await ask(owner, document)).codes == []
    assert (await ask(None, document)).codes == ["UNAUTHENTICATED"]


@pytest.mark.parametrize("document", ALLOWED)
async def test_what_needs_no_missing_permission_is_answered(ask: Ask, owner: Viewer, document: str) -> None:
    answer = await ask(without(owner, Permission.ORDERS_READ), document)
    assert answer.codes == []
    assert answer.data is not None


@pytest.mark.parametrize("onward", ["A", "B"])
async def test_fragments_that_lead_in_a_circle_are_refused_and_end(
    ask: Ask, owner: Viewer, onward: str
) -> None:
    circle = f"fragment A on User {{ ...{onward} }} fragment B on User {{ ...A orders {{ totalCount }} }}"
    answer = await ask(owner, "{ viewer { user { ...A ...B } } } " + circle)
    assert (answer.data, set(answer.codes)) == (None, {"VALIDATION_ERROR"})
    blind = await ask(without(owner, Permission.ORDERS_READ), "{ viewer { user { ...A ...B } } } " + circle)
    assert (blind.data, blind.codes) == (None, ["ACCESS_DENIED"])


async def test_fragments_that_multiply_are_walked_once_each(ask: Ask, owner: Viewer) -> None:
    spread = " ".join(
        f"fragment F{i} on User {{ ...F{i + 1} a: id ...F{i + 1} ...F{i + 1} }}" for i in range(12)
    )
    document = (
        "{ viewer { user { ...F0 ...F0 } } } " + spread + " fragment F12 on User { orders { totalCount } }"
    )
    answer = await ask(without(owner, Permission.ORDERS_READ), document)
    assert (answer.data, answer.codes) == (None, ["ACCESS_DENIED"])


@pytest.mark.parametrize(
    "beside",
    [
        'orderDelete(input: {id: "x"}) { deletedId }',
        'last: roleSet(input: {name: "n", permissions: []}) { role { id } }',
        '... on Mutation { productDelete(input: {id: "x"}) { deletedId } }',
        'userUpdate(input: {id: "x"}) { user { orders { totalCount } } }',
        "...A",
    ],
)
@pytest.mark.parametrize("order", ["{0} {1}", "{1} {0}"])
async def test_beside_a_field_that_is_refused_no_mutation_happens(
    ask: Ask, owner: Viewer, beside: str, order: str
) -> None:
    fragment = (
        'fragment A on Mutation { orderDelete(input: {id: "x"}) { deletedId } }' if beside == "...A" else ""
    )
    document = "mutation { " + order.format(RENAME, beside) + " } " + fragment
    before = await kept(ask.server, Workspace, owner.workspace_id)
    for viewer, code in ((without(owner, *MISSING), "ACCESS_DENIED"), (None, "UNAUTHENTICATED")):
        answer = await ask(viewer, document)
        assert (answer.data, answer.codes) == (None, [code])
        assert await kept(ask.server, Workspace, owner.workspace_id) == before
    assert (await ask(owner, document)).errors == []
    assert (await kept(ask.server, Workspace, owner.workspace_id)).name == "Renamed"


async def test_a_subscription_takes_its_permission_too(ask: Ask, make: Make, owner: Viewer) -> None:
    chat = await make.chat(owner)
    sent = await make.outbound(owner, chat)
    follow = "subscription($id: ID!) { messageAdded(conversationId: $id, after: 0) { id } }"
    for viewer, code in ((without(owner, Permission.CHATS_READ), "ACCESS_DENIED"), (None, "UNAUTHENTICATED")):
        async with ask.follow(viewer, follow, id=encode("chat", chat.id)) as answers:
            assert (await anext(answers)).codes == [code]
    async with ask.follow(owner, follow, id=encode("chat", chat.id)) as answers:
        assert (await anext(answers)).ok() == {"id": encode("message", sent.id)}


async def test_an_unknown_field_is_a_fault_of_the_document_and_no_way_around(ask: Ask, owner: Viewer) -> None:
    document = "{ nonsense { deeper } orders { nonsense } }"
    assert (await ask(owner, document)).codes == ["VALIDATION_ERROR"] * 2
    assert (await ask(without(owner, Permission.ORDERS_READ), document)).codes == ["ACCESS_DENIED"]
    assert (await ask(None, document)).codes == ["UNAUTHENTICATED"]


async def test_anybody_may_ask_what_the_server_is_and_who_it_is(ask: Ask, owner: Viewer) -> None:
    for document in ("{ __typename }", "{ viewer { permissions } }", "{ __schema { queryType { name } } }"):
        assert (await ask(None, document)).codes == []
    assert (await ask(None, "{ viewer { permissions } }")).field is None
    assert (await ask(None, "{ viewer { permissions } roles { name } }")).codes == ["UNAUTHENTICATED"]
    assert (await ask(owner, "{ viewer { permissions } roles { name } }")).codes == []


NODES = "query($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }"


async def test_a_node_whose_permission_is_missing_is_null_while_others_answer(
    ask: Ask, make: Make, owner: Viewer
) -> None:
    customer, order = await make.customer(owner), await make.order(owner)
    chat = await make.chat(owner, customer)
    message, product = await make.outbound(owner, chat), await make.product(owner)
    needs = {
        encode("user", owner.id): None,
        encode("customer", customer.id): Permission.CUSTOMERS_READ,
        encode("order", order.id): Permission.ORDERS_READ,
        encode("chat", chat.id): Permission.CHATS_READ,
        encode("message", message.id): Permission.CHATS_READ,
        encode("product", product.id): Permission.PRODUCTS_READ,
        encode("channel", customer.channel_id): Permission.CHANNELS_READ,
        encode("workspace", owner.workspace_id): None,
    }
    ids = list(needs)
    assert [n["id"] for n in (await ask(owner, NODES, ids=ids)).ok()] == ids
    for missing in {p for p in needs.values() if p is not None}:
        nodes = (await ask(without(owner, missing), NODES, ids=ids)).ok()
        assert [n and n["id"] for n in nodes] == [None if needs[i] is missing else i for i in ids]
        one = "query($id: ID!) { node(id: $id) { id } }"
        hidden = next(i for i in ids if needs[i] is missing)
        assert (await ask(without(owner, missing), one, id=hidden)).ok() is None
    stranger = await make.owner()
    assert (await ask(stranger, NODES, ids=ids)).ok() == [None] * len(ids)


async def test_a_sender_that_is_a_customer_is_null_without_customers_read(
    ask: Ask, make: Make, owner: Viewer
) -> None:
    customer = await make.customer(owner, full_name="Ana")
    await make.inbound(owner, customer)
    await make.outbound(owner, await make.chat(owner, customer))
    document = "{ messages { nodes { senderType sender { __typename displayName } } } }"
    blind = (await ask(without(owner, Permission.CUSTOMERS_READ), document)).ok()["nodes"]
    assert [m["sender"] and m["sender"]["__typename"] for m in blind] == [None, "User"]
    seen = (await ask(owner, document)).ok()["nodes"]
    assert [m["sender"]["__typename"] for m in seen] == ["Customer", "User"]
    assert seen[0]["sender"]["displayName"] == "Ana"


SIGNS_IN = [
    'login(input: {username: "%s", password: "correct horse battery"}) { user { chats { totalCount } } userErrors { code } }',
    'login(input: {username: "%s", password: "correct horse battery"}) { ...A } } fragment A on AuthPayload { user { channels { nodes { id } } }',
    'tokenRefresh(input: {refreshToken: "%s"}) { user { orders { totalCount } } userErrors { code } }',
]


@pytest.mark.parametrize("field", SIGNS_IN)
async def test_signing_in_lends_no_permission(field: str, ask: Ask, make: Make, owner: Viewer) -> None:
    name = f"powerless-{owner.id.hex[-8:]}"
    powerless = await make.member(owner, Permission.AUDIT_READ, username=name)
    other = await make.owner()
    document = "mutation { " + field % name + " }"
    for viewer, code in ((None, "UNAUTHENTICATED"), (other, "ACCESS_DENIED"), (powerless, "ACCESS_DENIED")):
        refused = await ask(viewer, document)
        assert (refused.data, refused.codes) == (None, [code])
    plain = 'mutation { login(input: {username: "%s", password: "correct horse battery"}) { user { roles { name } } userErrors { code } } }'
    assert (await ask(other, plain % name)).ok()["user"]["roles"]


async def test_a_refusal_names_the_way_to_its_field(ask: Ask, owner: Viewer) -> None:
    document = "{ all: customers { nodes { bought: orders { totalCount } } } }"
    refused = await ask(without(owner, Permission.ORDERS_READ), document)
    assert refused.errors[0]["path"] == ["all", "nodes", "bought"]


async def test_where_the_schema_is_guarded_it_is_told_to_members_alone(ask: Ask, owner: Viewer) -> None:
    guarded = Ask(replace(ask.server, guards_schema=True))
    document = "{ __schema { queryType { name } } viewer { __typename } }"
    refused = await guarded(None, document)
    assert (refused.data, refused.codes, refused.errors[0]["path"]) == (
        None,
        ["UNAUTHENTICATED"],
        ["__schema"],
    )
    assert (await guarded(owner, document)).ok() == {"queryType": {"name": "Query"}}
    assert (await guarded(None, "{ __typename viewer { __typename } }")).ok() == "Query"
    assert (await ask(None, document)).ok() == {"queryType": {"name": "Query"}}


async def test_where_the_schema_is_guarded_no_price_tells_what_is_in_it(ask: Ask, owner: Viewer) -> None:
    guarded = Ask(replace(ask.server, guards_schema=True))
    document = '{ explain(document: "{ auditLog { nodes { id } } }") { cost missingPermissions } }'
    told = {"cost": 22, "missingPermissions": ["AUDIT_READ"]}
    assert (await ask(None, document)).ok() == told
    assert (await guarded(owner, document)).ok() == {**told, "missingPermissions": []}
    assert (await guarded(None, document)).codes == ["UNAUTHENTICATED"]


@pytest.mark.parametrize("name", ["{ vieweer { permissions } }", "{ chats(frist: 1) { totalCount } }"])
async def test_where_the_schema_is_guarded_no_error_suggests_a_name(
    ask: Ask, owner: Viewer, name: str
) -> None:
    """The document is kept for both, and its error is told to each in its own form, whoever comes first."""
    guarded = Ask(replace(ask.server, guards_schema=True))
    for _ in range(2):
        (told,) = (await ask(owner, name)).errors
        (kept,) = (await guarded(owner, name)).errors
        assert "Did you mean" in told["message"]
        assert kept["message"]
        assert told["message"].startswith(kept["message"] + " Did you mean")
