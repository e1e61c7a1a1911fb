"""`where`: each operator on both databases the same, joined by and, or, not; nothing asked is everything."""

from datetime import timedelta
from typing import Any

import pytest

from db.base import Permission
from schema.kit.ids import encode
from tests.ask import Ask
from tests.make import Make

CUSTOMERS = "query($where: CustomerFilter) { customers(where: $where, sort: [{field: FULL_NAME}]) { nodes { fullName } totalCount } }"
NAMES = ["Élodie", "anna", "Anna", "100%", "1000", "a_b", "acb", "back\\slash", "ÖZ", "özil"]


async def named(make: Make) -> Any:
    owner = await make.owner()
    channel = await make.channel(owner)
    for place, name in enumerate(NAMES):
        email = f"p{place}@example.com" if place % 2 else None
        await make.customer(owner, channel, full_name=name, email=email, platform_customer_id=f"id-{place}")
    await make.customer(owner, channel, full_name=None, platform_customer_id="nameless")
    return owner


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ({"fullName": {"eq": "anna"}}, {"anna"}),
        ({"fullName": {"ne": "anna"}}, {*NAMES, None} - {"anna"}),
        ({"fullName": {"in": ["anna", "ÖZ", "nobody"]}}, {"anna", "ÖZ"}),
        ({"fullName": {"in": ["anna"]}}, {"anna"}),
        ({"fullName": {"in": []}}, set()),
        ({"fullName": {"startsWith": "AN"}}, {"anna", "Anna"}),
        ({"fullName": {"startsWith": "él"}}, {"Élodie"}),
        ({"fullName": {"startsWith": "Öz"}}, {"ÖZ", "özil"}),
        ({"fullName": {"startsWith": "100%"}}, {"100%"}),
        ({"fullName": {"startsWith": "a_"}}, {"a_b"}),
        ({"fullName": {"startsWith": "back\\"}}, {"back\\slash"}),
        ({"fullName": {"startsWith": ""}}, set(NAMES)),
        ({"fullName": {"isNull": True}}, {None}),
        ({"fullName": {"isNull": False}}, set(NAMES)),
        ({"fullName": {"startsWith": "a", "ne": "anna"}}, {"Anna", "a_b", "acb"}),
        ({"email": {"isNull": True}, "fullName": {"startsWith": "1"}}, {"1000"}),
        ({"or": [{"fullName": {"eq": "anna"}}, {"fullName": {"eq": "1000"}}]}, {"anna", "1000"}),
        ({"or": []}, set()),
        ({"and": []}, {*NAMES, None}),
        ({"not": {"fullName": {"startsWith": "a"}}}, {*NAMES, None} - {"anna", "Anna", "a_b", "acb"}),
        ({"not": {"not": {"fullName": {"eq": "anna"}}}}, {"anna"}),
        ({"not": {}}, set()),
        ({"and": [{"fullName": {"startsWith": "a"}}, {"not": {"fullName": {"in": ["anna", "acb"]}}}]}, {"Anna", "a_b"}),
        ({"fullName": {"eq": "a\x00b"}}, set()),
        ({}, {*NAMES, None}),
        (None, {*NAMES, None}),
        ({"fullName": None}, {*NAMES, None}),
    ],
    ids=lambda given: str(sorted(given, key=str) if isinstance(given, set) else given),
)  # fmt: skip
async def test_text_filters(ask: Ask, make: Make, where: Any, found: set[Any]) -> None:
    page = (await ask(await named(make), CUSTOMERS, where=where)).ok()
    assert {n["fullName"] for n in page["nodes"]} == found
    assert page["totalCount"] == len(page["nodes"]) == len(found)


@pytest.mark.parametrize(
    ("where", "path"),
    [
        ({"fullName": {"eq": None}}, ["where", "fullName", "eq"]),
        ({"fullName": {"in": None}}, ["where", "fullName", "in"]),
        ({"fullName": {}}, ["where", "fullName"]),
        ({"or": [{}, {"email": {"ne": None}}]}, ["where", "or", "1", "email", "ne"]),
        ({"fullName": {"in": ["x"] * 101}}, ["where", "fullName", "in"]),
        ({"and": [{"and": [{"fullName": {"eq": "x"}}] * 60}]}, ["where", "and", "0", "and", "48"]),
    ],
    ids=["eq null", "in null", "empty", "nested", "long list", "many"],
)
async def test_a_filter_that_asks_for_nothing_is_refused(
    ask: Ask, make: Make, where: Any, path: list[str]
) -> None:
    owner = await make.owner()
    answer = await ask(owner, CUSTOMERS, where=where)
    assert answer.codes == ["VALIDATION_ERROR"]
    assert answer.errors[0]["extensions"]["argument"][: len(path)] == path or len(path) > 4
    assert (await ask(owner, CUSTOMERS, where={"fullName": {"eq": "x"}})).ok()["totalCount"] == 0


async def test_order_filters(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    product, other = await make.product(owner, "9.99"), await make.product(owner, "100.00", "EUR")
    customer = await make.customer(owner)
    cheap = await make.order(owner, customer, [(product, 1)])
    dear = await make.order(owner, customer, [(other, 2)], platform_order_id="shop-1")
    document = "query($where: OrderFilter) { orders(where: $where, sort: [{field: NUMBER}]) { nodes { id } totalCount } }"
    both = [encode("order", cheap.id), encode("order", dear.id)]
    for where, found in [
        ({"status": ["PENDING"]}, both),
        ({"status": ["PENDING", "SHIPPED"]}, both),
        ({"status": ["SHIPPED"]}, []),
        ({"status": []}, []),
        ({"total": {"gte": "10.00"}}, both[1:]),
        ({"total": {"lte": "9.99"}}, both[:1]),
        ({"total": {"eq": "200"}}, both[1:]),
        ({"currency": "EUR"}, both[1:]),
        ({"number": {"eq": 1}}, both[:1]),
        ({"number": {"in": [1, 2, 3]}}, both),
        ({"number": {"gte": 2, "lte": 2}}, both[1:]),
        ({"product": {"eq": encode("product", product.id)}}, both[:1]),
        ({"product": {"in": [encode("product", product.id), encode("product", other.id)]}}, both),
        ({"product": {"eq": both[0]}}, []),
        ({"customer": {"eq": encode("customer", customer.id)}}, both),
        ({"customer": {"eq": "nonsense"}}, []),
        ({"chat": {"isNull": True}}, both),
        ({"seller": {"eq": encode("user", owner.id)}, "platformOrderId": {"eq": "shop-1"}}, both[1:]),
        ({"createdAt": {"gte": dear.created_at.isoformat()}}, both[1:]),
        ({"createdAt": {"lt": (cheap.created_at + timedelta(microseconds=1)).isoformat()}}, both[:1]),
        ({"not": {"total": {"gte": "10.00"}}}, both[:1]),
        ({"createdAt": {}, "total": {}, "number": {}}, both),
    ]:
        page = (await ask(owner, document, where=where)).ok()
        assert [n["id"] for n in page["nodes"]] == found, where
        assert page["totalCount"] == len(found), where


async def test_chat_filters_and_nested_lists(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    shop, phone = await make.channel(owner, platform_type="SHOPIFY"), await make.channel(owner)
    first = await make.chat(owner, await make.customer(owner, shop))
    second = await make.chat(owner, await make.customer(owner, phone), assignee_id=owner.id)
    document = "query($where: ChatFilter) { chats(where: $where, sort: [{field: NUMBER}]) { nodes { id } } }"
    ids = [encode("chat", first.id), encode("chat", second.id)]
    for where, found in [
        ({"platformType": ["SHOPIFY"]}, ids[:1]),
        ({"platformType": ["SHOPIFY", "WHATSAPP"]}, ids),
        ({"platformType": ["EMAIL"]}, []),
        ({"assignee": {"isNull": True}}, ids[:1]),
        ({"assignee": {"eq": encode("user", owner.id)}}, ids[1:]),
        ({"channel": {"in": [encode("channel", shop.id), encode("channel", phone.id)]}}, ids),
        ({"status": ["OPEN"], "number": {"eq": 2}}, ids[1:]),
    ]:
        nodes = (await ask(owner, document, where=where)).ok()["nodes"]
        assert [n["id"] for n in nodes] == found, where
    nested = "query($where: ChatFilter) { channels(sort: [{field: CREATED_AT}]) { nodes { chats(where: $where) { nodes { id } totalCount } } } }"
    channels = (await ask(owner, nested, where={"assignee": {"isNull": False}})).ok()["nodes"]
    assert [[n["id"] for n in c["chats"]["nodes"]] for c in channels] == [[], ids[1:]]
    assert [c["chats"]["totalCount"] for c in channels] == [0, 1]


async def test_a_filter_on_a_guarded_field_takes_its_permission(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    plain = await make.member(owner, Permission.CHATS_READ)
    bought_by = 'query { orders(where: {customer: {eq: "x"}}) { totalCount } }'
    seller = await make.member(owner, Permission.ORDERS_READ)
    assert (await ask(seller, bought_by)).codes == ["ACCESS_DENIED"]
    assert (await ask(owner, bought_by)).ok()["totalCount"] == 0
    users = 'query { users(where: {email: {startsWith: "o"}}) { totalCount } }'
    chats = "query { chats(where: {platformType: [SHOPIFY]}) { totalCount } }"
    assert (await ask(plain, users)).codes == ["ACCESS_DENIED"]
    assert (await ask(plain, chats)).codes == ["ACCESS_DENIED"]
    assert (await ask(owner, users)).ok()["totalCount"] == 1
    assert (await ask(owner, chats)).ok()["totalCount"] == 0


async def test_a_filter_is_nested_only_so_deep(ask: Ask, make: Make) -> None:
    owner = await make.owner()

    def nested(levels: int) -> Any:
        return {"not": nested(levels - 1)} if levels else {"fullName": {"eq": "x"}}

    assert (await ask(owner, CUSTOMERS, where=nested(40))).codes == ["VALIDATION_ERROR"]
    assert (await ask(owner, CUSTOMERS, where=nested(6))).ok()["totalCount"] == 0
