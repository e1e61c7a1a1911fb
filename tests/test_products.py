"""Products: added, read by every key, changed, deleted; their money exact."""

from typing import Any

import pytest

from db.base import Permission, Viewer
from db.products import Product
from schema.kit.ids import encode
from tests.ask import Ask
from tests.make import Make

FIELDS = """id version name description price { amount currency } sku imageUrl imageId shortId isAvailable
  deletedAt owner { id }"""
CREATE = f"""mutation($i: ProductCreateInput!) {{ productCreate(input: $i) {{
  product {{ {FIELDS} }} userErrors {{ code message path }} }} }}"""
UPDATE = f"""mutation($i: ProductUpdateInput!) {{ productUpdate(input: $i) {{
  product {{ {FIELDS} }} userErrors {{ code message path }} }} }}"""
DELETE = """mutation($i: DeleteInput!) { productDelete(input: $i) {
  deletedId userErrors { code message path } } }"""
READ = f"query($by: ProductKey!) {{ product(by: $by) {{ {FIELDS} }} }}"
LIST = """query($w: ProductFilter, $s: [ProductSort!]) {
  products(where: $w, sort: $s) { nodes { name price { amount } } totalCount } }"""
WHOLE = {
    "name": "Tea",
    "description": "Green",
    "price": {"amount": "19.99", "currency": "EUR"},
    "sku": "T-1",
    "imageUrl": "https://example.com/t.png",
    "imageId": "img",
    "shortId": "tea",
}


async def create(ask: Ask, viewer: Viewer, **values: Any) -> Any:
    return (await ask(viewer, CREATE, i={**WHOLE, **values})).ok()["product"]


async def read(ask: Ask, viewer: Viewer, id: str) -> Any:
    return (await ask(viewer, READ, by={"id": id})).ok()


async def test_a_product_is_found_by_every_key(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    made = await create(ask, owner)
    assert {f: made[f] for f in WHOLE} == WHOLE
    assert made["owner"] == {"id": encode("user", owner.id)}
    assert (made["version"], made["isAvailable"], made["deletedAt"]) == (1, True, None)
    for by in ({"id": made["id"]}, {"sku": "T-1"}, {"shortId": "tea"}):
        assert (await ask(owner, READ, by=by)).ok() == made
    assert (await ask(owner, READ, by={"sku": "tea"})).ok() is None


async def test_an_update_changes_what_is_given_alone(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    made = await create(ask, owner)
    changes = {"price": {"amount": "5.00", "currency": "USD"}, "isAvailable": False}
    changed = (await ask(owner, UPDATE, i={"id": made["id"], **changes})).ok()["product"]
    assert changed == {**made, **changes, "version": 2}
    nothing = dict.fromkeys(("description", "sku", "imageUrl", "imageId", "shortId"))
    emptied = (await ask(owner, UPDATE, i={"id": made["id"], **nothing})).ok()["product"]
    assert emptied == {**changed, **nothing, "version": 3}
    assert await read(ask, owner, made["id"]) == emptied


@pytest.mark.parametrize("name", ["name", "price", "isAvailable"])
async def test_what_cannot_be_empty_is_not_cleared(name: str, ask: Ask, make: Make) -> None:
    owner = await make.owner()
    made = await create(ask, owner)
    refused = await ask(owner, UPDATE, i={"id": made["id"], name: None})
    assert (refused.codes, refused.field["product"]) == (["VALIDATION_ERROR"], None)
    assert refused.user_errors[0]["path"] == ["input", name]
    assert await read(ask, owner, made["id"]) == made


@pytest.mark.parametrize("name", ["name", "sku", "shortId"])
async def test_what_a_product_is_known_by_is_not_blank(name: str, ask: Ask, make: Make) -> None:
    owner = await make.owner()
    refused = await ask(owner, CREATE, i={**WHOLE, name: " "})
    assert (refused.codes, refused.user_errors[0]["path"]) == (["VALIDATION_ERROR"], ["input", name])
    assert await make.count(owner, Product) == 0
    made = await create(ask, owner)
    assert (await ask(owner, UPDATE, i={"id": made["id"], name: ""})).codes == ["VALIDATION_ERROR"]
    assert await read(ask, owner, made["id"]) == made


async def test_a_lost_update_is_refused_with_the_product_as_it_is(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    made = await create(ask, owner)
    first = {"id": made["id"], "name": "First", "expectedVersion": 1}
    current = (await ask(owner, UPDATE, i=first)).ok()["product"]
    stale = await ask(owner, UPDATE, i={**first, "name": "Second"})
    assert (stale.codes, stale.field["product"]) == (["STALE_VERSION"], current)
    assert await read(ask, owner, made["id"]) == current
    again = await ask(owner, UPDATE, i={**first, "name": "Second", "expectedVersion": 2})
    assert again.ok()["product"]["name"] == "Second"


@pytest.mark.parametrize("key", ["sku", "shortId"])
async def test_a_key_is_taken_once_in_a_workspace(key: str, ask: Ask, make: Make) -> None:
    owner, stranger = await make.owner(), await make.owner()
    made = await create(ask, owner)
    other = await create(ask, owner, sku="T-2", shortId="other")
    input = {"name": "Tea", "price": WHOLE["price"], key: WHOLE[key]}
    taken = await ask(owner, CREATE, i=input)
    assert (taken.codes, taken.user_errors[0]["path"]) == (["CONFLICT"], ["input", key])
    moved = await ask(owner, UPDATE, i={"id": other["id"], key: WHOLE[key]})
    assert (moved.codes, moved.user_errors[0]["path"]) == (["CONFLICT"], ["input", key])
    assert await read(ask, owner, other["id"]) == other
    assert await make.count(owner, Product) == 2
    (await ask(stranger, CREATE, i=input)).ok()
    (await ask(owner, DELETE, i={"id": made["id"]})).ok()
    (await ask(owner, CREATE, i=input)).ok()


@pytest.mark.parametrize(
    ("amount", "currency"),
    [
        ("19.999", "EUR"),
        ("0.001", "EUR"),
        ("100.5", "JPY"),
        ("1.005", "KWD"),
        ("-0.01", "EUR"),
        ("10000000000", "EUR"),
        ("9" * 29, "EUR"),
    ],
)
async def test_an_amount_that_cannot_be_exact_is_refused_not_rounded(
    amount: str, currency: str, ask: Ask, make: Make
) -> None:
    owner = await make.owner()
    price = {"amount": amount, "currency": currency}
    refused = await ask(owner, CREATE, i={**WHOLE, "price": price})
    assert (refused.codes, refused.user_errors[0]["path"]) == (
        ["VALIDATION_ERROR"],
        ["input", "price", "amount"],
    )
    assert await make.count(owner, Product) == 0
    made = await create(ask, owner)
    assert (await ask(owner, UPDATE, i={"id": made["id"], "price": price})).codes == ["VALIDATION_ERROR"]
    assert await read(ask, owner, made["id"]) == made


@pytest.mark.parametrize(
    ("amount", "currency", "told"),
    [
        ("0", "EUR", "0.00"),
        ("0.10", "EUR", "0.10"),
        ("1000", "JPY", "1000.00"),
        ("1.50", "KWD", "1.50"),
        ("9999999999.99", "EUR", "9999999999.99"),
    ],
)
async def test_an_exact_amount_is_kept(amount: str, currency: str, told: str, ask: Ask, make: Make) -> None:
    owner = await make.owner()
    made = await create(ask, owner, price={"amount": amount, "currency": currency})
    assert made["price"] == {"amount": told, "currency": currency}
    assert (await read(ask, owner, made["id"]))["price"] == made["price"]


async def test_prices_are_sorted_and_filtered_as_numbers(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    for amount in ("100.00", "9.99", "10.00", "1000000000.00"):
        await create(ask, owner, price={"amount": amount, "currency": "EUR"}, sku=amount, shortId=amount)

    async def amounts(where: Any = None, direction: str = "ASC") -> list[str]:
        sort = [{"field": "PRICE", "direction": direction}]
        page = (await ask(owner, LIST, w=where, s=sort)).ok()
        assert page["totalCount"] == len(page["nodes"])
        return [row["price"]["amount"] for row in page["nodes"]]

    rising = ["9.99", "10.00", "100.00", "1000000000.00"]
    assert await amounts() == rising
    assert await amounts(direction="DESC") == rising[::-1]
    assert await amounts({"price": {"gte": "10"}}) == rising[1:]
    assert await amounts({"price": {"lte": "99.99"}}) == rising[:2]
    assert await amounts({"price": {"eq": "10.0"}}) == ["10.00"]
    assert await amounts({"currency": "USD"}) == []


async def test_products_are_filtered(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    for name in ("Tea", "tea cup", "Pot"):
        await create(ask, owner, name=name, sku=name, shortId=name, isAvailable=name != "Pot")

    async def names(where: Any) -> list[str]:
        return [row["name"] for row in (await ask(owner, LIST, w=where, s=None)).ok()["nodes"]]

    assert await names(None) == ["Pot", "tea cup", "Tea"]
    assert await names({"name": {"startsWith": "TEA"}}) == ["tea cup", "Tea"]
    assert await names({"name": {"eq": "Tea"}}) == ["Tea"]
    assert await names({"isAvailable": False}) == ["Pot"]
    assert await names({"sku": {"in": ["Pot", "Tea"]}}) == ["Pot", "Tea"]


async def test_products_take_their_permissions(ask: Ask, make: Make) -> None:
    owner = await make.owner()
    made = await create(ask, owner)
    reader = await make.member(owner, Permission.PRODUCTS_READ)
    writer = await make.member(owner, Permission.PRODUCTS_WRITE)
    delete = {"id": made["id"]}
    assert await read(ask, reader, made["id"]) == made
    assert (await ask(writer, READ, by=delete)).codes == ["ACCESS_DENIED"]
    assert (await ask(None, READ, by=delete)).codes == ["UNAUTHENTICATED"]
    new = {**WHOLE, "sku": "x", "shortId": "x"}
    for document, input in ((CREATE, new), (UPDATE, {**delete, "name": "x"}), (DELETE, delete)):
        assert (await ask(reader, document, i=input)).codes == ["ACCESS_DENIED"]
    assert await read(ask, owner, made["id"]) == made
    assert await make.count(owner, Product) == 1
    assert (await ask(writer, DELETE, i=delete)).ok()["deletedId"] == made["id"]
