"""Customers: found or made, read by every key, changed; e-mail, names and keys as the rules say."""

import asyncio
from typing import Any

import pytest

from db.base import Permission, Viewer
from db.customers import Customer
from schema.kit.ids import encode
from tests.ask import Ask
from tests.make import Make

FIELDS = """id version platformCustomerId displayName fullName email phone avatarUrl firstSeenAt lastSeenAt
  metadata deletedAt channel { id }"""
UPSERT = f"""mutation($i: CustomerUpsertInput!) {{ customerUpsert(input: $i) {{
  customer {{ {FIELDS} }} userErrors {{ code message path }} }} }}"""
UPDATE = f"""mutation($i: CustomerUpdateInput!) {{ customerUpdate(input: $i) {{
  customer {{ {FIELDS} }} userErrors {{ code message path }} }} }}"""
DELETE = """mutation($i: DeleteInput!) { customerDelete(input: $i) {
  deletedId userErrors { code message path } } }"""
READ = f"query($by: CustomerKey!) {{ customer(by: $by) {{ {FIELDS} }} }}"
LIST = """query($w: CustomerFilter, $s: [CustomerSort!]) {
  customers(where: $w, sort: $s) { nodes { platformCustomerId } totalCount } }"""
WHOLE = {
    "platformCustomerId": "c1",
    "fullName": "Ana Gómez",
    "email": "Ana.Gomez@Example.COM",
    "phone": "+34 600",
    "avatarUrl": "https://example.com/ana.png",
    "metadata": {"vip": True},
}


async def on_channel(make: Make, owner: Viewer) -> dict[str, Any]:
    return {"channelId": encode("channel", (await make.channel(owner)).id)}


async def read(ask: Ask, viewer: Viewer, id: str) -> Any:
    return (await ask(viewer, READ, by={"id": id})).ok()


async def test_a_customer_is_made_and_found_by_every_key(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    channel = await on_channel(make, owner)
    made = (await ask(owner, UPSERT, i={**channel, **WHOLE})).ok()["customer"]
    assert {f: made[f] for f in WHOLE} == {**WHOLE, "email": "ana.gomez@example.com"}
    assert (made["version"], made["deletedAt"], made["channel"]["id"]) == (1, None, channel["channelId"])
    assert made["firstSeenAt"] == made["lastSeenAt"]
    for by in ({"id": made["id"]}, {"platform": {**channel, "platformId": "c1"}}):
        assert (await ask(owner, READ, by=by)).ok() == made
    assert (await ask(owner, READ, by={"platform": {**channel, "platformId": "c2"}})).ok() is None


async def test_a_known_customer_is_changed_by_what_is_given_alone(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    key = {**await on_channel(make, owner), "platformCustomerId": "c1"}
    made = (await ask(owner, UPSERT, i={**key, **WHOLE})).ok()["customer"]
    assert (await ask(owner, UPSERT, i=key)).ok()["customer"] == made
    changed = (await ask(owner, UPSERT, i={**key, "phone": None, "metadata": [1]})).ok()["customer"]
    assert changed == {**made, "phone": None, "metadata": [1], "version": 2}
    assert await make.count(owner, Customer) == 1


async def test_the_same_id_on_another_channel_is_another_customer(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    ids = set()
    for _ in range(2):
        key = {**await on_channel(make, owner), "platformCustomerId": "c1"}
        ids.add((await ask(owner, UPSERT, i=key)).ok()["customer"]["id"])
    assert len(ids) == 2


async def test_fifty_at_the_same_time_make_one_customer(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    channel = await on_channel(make, owner)
    names = [f"Name {i}" for i in range(50)]
    inputs = [{**channel, "platformCustomerId": "c1", "fullName": name} for name in names]
    answers = await asyncio.gather(*[ask(owner, UPSERT, i=input) for input in inputs])
    customers = [a.ok()["customer"] for a in answers]
    assert len({c["id"] for c in customers}) == 1
    assert sorted(c["version"] for c in customers) == list(range(1, 51))
    assert [c["fullName"] for c in customers] == names
    assert await make.count(owner, Customer) == 1


async def test_an_update_changes_what_is_given_alone(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    made = (await ask(owner, UPSERT, i={**await on_channel(make, owner), **WHOLE})).ok()["customer"]
    changes = {"fullName": "Bea", "metadata": {"b": {}}}
    changed = (await ask(owner, UPDATE, i={"id": made["id"], **changes})).ok()["customer"]
    assert changed == {**made, **changes, "displayName": "Bea", "version": 2}
    nothing = dict.fromkeys(("fullName", "email", "phone", "avatarUrl", "metadata"))
    emptied = (await ask(owner, UPDATE, i={"id": made["id"], **nothing})).ok()["customer"]
    assert emptied == {**changed, **nothing, "displayName": "c1", "version": 3}
    assert await read(ask, owner, made["id"]) == emptied


async def test_a_lost_update_is_refused_with_the_customer_as_it_is(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    made = (await ask(owner, UPSERT, i={**await on_channel(make, owner), **WHOLE})).ok()["customer"]
    first = {"id": made["id"], "fullName": "First", "expectedVersion": 1}
    current = (await ask(owner, UPDATE, i=first)).ok()["customer"]
    stale = await ask(owner, UPDATE, i={**first, "fullName": "Second"})
    assert (stale.codes, stale.field["customer"]) == (["STALE_VERSION"], current)
    assert await read(ask, owner, made["id"]) == current
    again = await ask(owner, UPDATE, i={**first, "fullName": "Second", "expectedVersion": 2})
    assert again.ok()["customer"]["fullName"] == "Second"


@pytest.mark.parametrize(
    ("known", "shown"),
    [
        ({"fullName": "Ana", "email": "a@example.com", "phone": "+1"}, "Ana"),
        ({"email": "a@example.com", "phone": "+1"}, "a@example.com"),
        ({"fullName": "", "phone": "+1"}, "+1"),
        ({}, "c1"),
    ],
)
async def test_the_display_name_is_the_best_there_is(known: Any, shown: str, ask: Ask, make: Make) -> None:
    owner = await make.owner()
    key = {**await on_channel(make, owner), "platformCustomerId": "c1"}
    assert (await ask(owner, UPSERT, i={**key, **known})).ok()["customer"]["displayName"] == shown


@pytest.mark.parametrize(
    "address", ["", "ana", "ana@", "@example.com", "a b@example.com", "ana@example", "ana@@example.com"]
)
async def test_what_is_no_email_address_is_refused(address: str, ask: Ask, make: Make) -> None:
    owner = await make.owner()
    channel = await on_channel(make, owner)
    refused = await ask(owner, UPSERT, i={**channel, **WHOLE, "email": address})
    assert (refused.codes, refused.user_errors[0]["path"]) == (["VALIDATION_ERROR"], ["input", "email"])
    assert await make.count(owner, Customer) == 0
    made = (await ask(owner, UPSERT, i={**channel, **WHOLE})).ok()["customer"]
    refused = await ask(owner, UPDATE, i={"id": made["id"], "email": address})
    assert (refused.codes, refused.user_errors[0]["path"]) == (["VALIDATION_ERROR"], ["input", "email"])
    assert await read(ask, owner, made["id"]) == made


@pytest.mark.parametrize("id", ["", "  "])
async def test_a_platform_id_is_not_blank(id: str, ask: Ask, make: Make) -> None:
    owner = await make.owner()
    channel = await on_channel(make, owner)
    refused = await ask(owner, UPSERT, i={**channel, "platformCustomerId": id})
    assert (refused.codes, refused.user_errors[0]["path"]) == (
        ["VALIDATION_ERROR"],
        ["input", "platformCustomerId"],
    )
    assert await make.count(owner, Customer) == 0
    (await ask(owner, UPSERT, i={**channel, "platformCustomerId": "c1"})).ok()


async def test_an_erased_customers_id_is_free_again(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    input = {**await on_channel(make, owner), **WHOLE}
    first = (await ask(owner, UPSERT, i=input)).ok()["customer"]
    (await ask(owner, DELETE, i={"id": first["id"]})).ok()
    second = (await ask(owner, UPSERT, i=input)).ok()["customer"]
    assert second["id"] != first["id"]
    assert second["version"] == 1
    assert await read(ask, owner, first["id"]) is None


async def test_a_customer_erased_and_found_at_the_same_time_is_one_or_the_other(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    input = {**await on_channel(make, owner), **WHOLE}
    id = (await ask(owner, UPSERT, i=input)).ok()["customer"]["id"]
    answers = await asyncio.gather(
        *[ask(owner, UPSERT, i=input) for _ in range(5)],
        ask(owner, DELETE, i={"id": id}),
        *[ask(owner, UPSERT, i=input) for _ in range(5)],
    )
    assert [a.codes for a in answers] == [[]] * 11
    found = {a.field["customer"]["id"] for a in answers if "customer" in a.field}
    assert len(found - {id}) <= 1
    assert await make.count(owner, Customer, Customer.deleted_at.is_(None)) == len(found - {id})


async def test_customers_are_filtered_and_sorted(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    channel = await make.channel(owner)
    for id, name, email in (("a", "Zoe", None), ("b", None, "b@example.com"), ("c", "Élodie", None)):
        await make.customer(owner, channel, platform_customer_id=id, full_name=name, email=email)

    async def ids(where: Any = None, *sort: Any) -> str:
        page = (await ask(owner, LIST, w=where, s=list(sort))).ok()
        assert page["totalCount"] == len(page["nodes"])
        return "".join(row["platformCustomerId"] for row in page["nodes"])

    assert await ids() == "cba"
    assert await ids(None, {"field": "FULL_NAME"}) == "acb"
    assert await ids(None, {"field": "FULL_NAME", "direction": "DESC"}) == "cab"
    assert await ids({"fullName": {"startsWith": "él"}}) == "c"
    assert await ids({"fullName": {"isNull": True}}) == "b"
    assert await ids({"email": {"eq": "b@example.com"}}) == "b"
    assert await ids({"platformCustomerId": {"in": ["a", "c", "x"]}}) == "ca"


async def test_customers_take_their_permissions(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    input = {**await on_channel(make, owner), **WHOLE}
    made = (await ask(owner, UPSERT, i=input)).ok()["customer"]
    reader = await make.member(owner, Permission.CUSTOMERS_READ, Permission.CHANNELS_READ)
    writer = await make.member(owner, Permission.CUSTOMERS_WRITE)
    assert await read(ask, reader, made["id"]) == made
    assert (await ask(writer, READ, by={"id": made["id"]})).codes == ["ACCESS_DENIED"]
    assert (await ask(None, READ, by={"id": made["id"]})).codes == ["UNAUTHENTICATED"]
    delete = {"id": made["id"]}
    for document, wanted in ((UPSERT, input), (UPDATE, {**delete, "phone": "1"}), (DELETE, delete)):
        assert (await ask(reader, document, i=wanted)).codes == ["ACCESS_DENIED"]
    assert await read(ask, owner, made["id"]) == made
    assert (await ask(writer, DELETE, i=delete)).ok()["deletedId"] == made["id"]
