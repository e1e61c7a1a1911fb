"""What deleting a person or a chat erases, and what the business keeps: places, books, its own words."""

from typing import Any

import pytest

from db.conversations import Message
from schema.kit.ids import encode
from services.server import Server
from tests import tenant as tenants
from tests.ask import Ask
from tests.make import Make
from tests.tenant import Tenant, snapshot

DELETE = "userErrors { code message path }"
TRANSCRIPT = """query($ids: [ID!]!) { nodes(ids: $ids) { ... on Message {
  id version sequence content metadata deletedAt sender { __typename id } conversation { id } } } }"""
BOOK = """query($id: ID!) { node(id: $id) { ... on Order {
  number status createdAt total { amount currency } deletedAt
  items { name quantity priceAtPurchase { amount currency } lineTotal { amount } }
  customer { id } channel { id } seller { id } shippingAddress { name city } } } }"""


async def delete(ask: Ask, tenant: Tenant, field: str, **input: Any) -> Any:
    document = f"mutation($i: DeleteInput!) {{ {field}(input: $i) {{ deletedId {DELETE} }} }}"
    return await ask(tenant.owner, document, i=input)


@pytest.fixture
async def ours(server: Server) -> Tenant:
    return await tenants.build(Make(server))


async def test_an_erased_customer_leaves_the_places_of_its_words_and_the_answers(
    ask: Ask, ours: Tenant
) -> None:
    ids = [ours.ids["message"], ours.ids["sent"]]
    before = (await ask(ours.owner, TRANSCRIPT, ids=ids)).ok()
    (await delete(ask, ours, "customerDelete", id=ours.ids["customer"])).ok()
    theirs, answer = (await ask(ours.owner, TRANSCRIPT, ids=ids)).ok()
    assert (theirs["content"], theirs["metadata"], theirs["sequence"]) == ("", None, 1)
    assert theirs["deletedAt"] is not None
    assert theirs["version"] == before[0]["version"] + 1
    assert theirs["sender"] == before[0]["sender"]
    assert answer == before[1]


async def test_an_erased_customer_who_comes_back_is_another_customer(
    ask: Ask, make: Make, ours: Tenant
) -> None:
    (await delete(ask, ours, "customerDelete", id=ours.ids["customer"])).ok()
    again = await make.customer(
        ours.owner, ours.rows["channel"], platform_customer_id=f"customer-{ours.mark}"
    )
    assert again.id != ours.rows["customer"].id
    assert again.deleted_at is None


async def test_a_deleted_chat_keeps_the_places_of_its_messages(ask: Ask, make: Make, ours: Tenant) -> None:
    ids = [ours.ids["message"], ours.ids["sent"]]
    (await delete(ask, ours, "chatDelete", id=ours.ids["chat"])).ok()
    kept = (await ask(ours.owner, TRANSCRIPT, ids=ids)).ok()
    assert [(m["sequence"], m["content"], m["metadata"]) for m in kept] == [(1, "", None), (3, "", None)]
    assert all(m["deletedAt"] and m["sender"] for m in kept)
    assert {m["conversation"]["id"] for m in kept} == {ours.ids["chat"]}
    chat = ours.rows["chat"].id
    assert await make.count(ours.owner, Message, Message.conversation_id == chat) == 3


@pytest.mark.parametrize("prefix", ["channel", "customer", "product", "user", "chat"])
async def test_the_books_stay_whole(prefix: str, ask: Ask, ours: Tenant) -> None:
    before = (await ask(ours.owner, BOOK, id=ours.ids["order"])).ok()
    assert before["total"] == {"amount": "20.00", "currency": "USD"}
    assert len(before["items"]) == 1
    (await delete(ask, ours, f"{prefix}Delete", id=ours.ids[prefix])).ok()
    after = (await ask(ours.owner, BOOK, id=ours.ids["order"])).ok()
    if prefix == "customer":
        assert before.pop("shippingAddress") is not None
        assert after.pop("shippingAddress") is None
    assert after == before


@pytest.mark.parametrize("prefix", ["channel", "customer", "product", "order", "chat", "user"])
async def test_a_deletion_at_another_version_is_refused(
    prefix: str, ask: Ask, make: Make, ours: Tenant
) -> None:
    before = await snapshot(make, ours)
    document = f"query($id: ID!) {{ node(id: $id) {{ ... on {prefix.title()} {{ version }} }} }}"
    version = (await ask(ours.owner, document, id=ours.ids[prefix])).ok()["version"]
    stale = await delete(ask, ours, f"{prefix}Delete", id=ours.ids[prefix], expectedVersion=version + 1)
    assert stale.codes == ["STALE_VERSION"]
    assert stale.field == {"deletedId": None, "userErrors": stale.user_errors}
    assert await snapshot(make, ours) == before
    done = await delete(ask, ours, f"{prefix}Delete", id=ours.ids[prefix], expectedVersion=version)
    assert done.ok()["deletedId"] == ours.ids[prefix]
    again = await delete(ask, ours, f"{prefix}Delete", id=ours.ids[prefix])
    assert again.codes == ["NOT_FOUND"]


async def test_keys_are_free_again_where_they_are_not_for_ever(ask: Ask, make: Make, ours: Tenant) -> None:
    mark, owner = ours.mark, ours.owner
    for prefix in ("order", "product", "channel"):
        (await delete(ask, ours, f"{prefix}Delete", id=ours.ids[prefix])).ok()
    channel = await make.channel(owner, platform_specific_id=f"phone-{mark}")
    product = await make.product(owner, sku=f"sku-{mark}", short_id=f"short-{mark}")
    assert channel.id != ours.rows["channel"].id
    assert product.id != ours.rows["product"].id


async def test_an_orders_platform_id_is_taken_for_ever(ask: Ask, make: Make, ours: Tenant) -> None:
    (await delete(ask, ours, "orderDelete", id=ours.ids["order"])).ok()
    item = {"productId": ours.ids["product"], "quantity": 1}
    input = {"customerId": ours.ids["customer"], "items": [item], "platformOrderId": f"order-{ours.mark}"}
    document = "mutation($i: OrderCreateInput!) { orderCreate(input: $i) { order { number } userErrors { code path } } }"
    before = await snapshot(make, ours)
    taken = await ask(ours.owner, document, i=input)
    assert taken.codes == ["CONFLICT"]
    assert taken.user_errors[0]["path"] == ["input", "platformOrderId"]
    assert await snapshot(make, ours) == before
    free = await ask(ours.owner, document, i={**input, "platformOrderId": f"another-{ours.mark}"})
    assert free.ok()["order"]["number"] == ours.rows["order"].number + 1


async def test_an_erased_customers_orders_can_still_be_found(ask: Ask, ours: Tenant) -> None:
    (await delete(ask, ours, "customerDelete", id=ours.ids["customer"])).ok()
    document = (
        "query($w: OrderFilter) { orders(where: $w) { nodes { id customer { deletedAt displayName } } } }"
    )
    found = (await ask(ours.owner, document, w={"customer": {"eq": ours.ids["customer"]}})).ok()["nodes"]
    assert [row["id"] for row in found] == [ours.ids["order"]]
    assert found[0]["customer"]["deletedAt"] is not None
    assert ours.mark not in found[0]["customer"]["displayName"]
    assert encode("order", ours.rows["order"].id) == ours.ids["order"]
