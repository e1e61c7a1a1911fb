"""Values come out as they went in, the same from both databases; what is no value of its kind is refused."""

from typing import Any

import pytest

from db.orders import Order
from db.products import Product
from schema.kit.ids import encode
from services.server import Server
from tests import tenant as tenants
from tests.ask import Answer, Ask
from tests.make import Make
from tests.tenant import Tenant

ORDER = """mutation($i: OrderCreateInput!) { orderCreate(input: $i) {
  order { id createdAt updatedAt } userErrors { code path } } }"""
ORDER_READ = """query($id: ID!) { order(by: {id: $id}) { id createdAt updatedAt }
  node(id: $id) { ... on Order { id createdAt updatedAt } }
  orders(first: 1) { nodes { id createdAt updatedAt } edges { node { id createdAt updatedAt } } } }"""
PRODUCT = """mutation($i: ProductCreateInput!) { productCreate(input: $i) {
  product { id price { amount currency } imageUrl } userErrors { code path } } }"""

INSTANTS = {
    "2026-01-31T09:30:00Z": "2026-01-31T09:30:00.000000Z",
    "2026-01-31t09:30:00z": "2026-01-31T09:30:00.000000Z",
    "2026-01-31T09:30:00.5Z": "2026-01-31T09:30:00.500000Z",
    "2026-01-31T09:30:00.123456+00:00": "2026-01-31T09:30:00.123456Z",
    "2026-01-31T09:30:00.1234567890Z": "2026-01-31T09:30:00.123456Z",
    "2026-01-31T09:30:00+05:45": "2026-01-31T03:45:00.000000Z",
    "2026-01-01T00:30:00+14:00": "2025-12-31T10:30:00.000000Z",
    "2026-12-31T23:59:59.999999-12:00": "2027-01-01T11:59:59.999999Z",
    "2024-02-29T12:00:00-00:00": "2024-02-29T12:00:00.000000Z",
    "0001-01-01T00:00:00Z": "0001-01-01T00:00:00.000000Z",
    "9999-12-31T23:59:59.999999Z": "9999-12-31T23:59:59.999999Z",
}
NO_INSTANTS = [
    "2026-01-31T09:30:00",
    "2026-01-31",
    "2026-01-31 09:30:00Z",
    "2026-01-31T09:30Z",
    "20260131T093000Z",
    "2026-W05-6T09:30:00Z",
    "2026-02-29T09:30:00Z",
    "2026-01-31T24:00:00Z",
    "2026-01-31T09:30:00+25:00",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "٢٠٢٦-01-31T09:30:00Z",
    "now",
    "",
    1_700_000_000,
    True,
]
AMOUNTS: dict[Any, str] = {
    "19.99": "19.99",
    "0": "0.00",
    "5": "5.00",
    5: "5.00",
    "1.000": "1.00",
    "007.5": "7.50",
}
AMOUNTS |= {"9999999999.99": "9999999999.99", "-0": "0.00", "0.01": "0.01"}
NO_DECIMALS = [
    9.99,
    "1e3",
    "1E-2",
    "NaN",
    "Infinity",
    "-Infinity",
    "1_000",
    " 1",
    "1 ",
    "+1",
    ".5",
    "5.",
    "١٢",
    "",
    "x",
    True,
]
NO_DECIMALS += ["1" * 31, 10**40, 10**5000, "1,50"]
URLS = [
    "https://example.com/a.png?b=1#c",
    "http://localhost:8000",
    "https://bücher.example/ü",
    "http://[::1]/x",
]
NO_URLS: list[Any] = [
    "",
    "example.com",
    "/a.png",
    "javascript:alert(1)",
    "ftp://example.com",
    "https://",
    "https:///a",
    "http://[",
]
NO_URLS += [
    "https://a b",
    "https://a\n",
    "https://a\x00",
    "https://a:99999/",
    "https://a:b/",
    "https://" + "a" * 2000,
    5,
]
NO_IDS = [
    "",
    "_",
    "order",
    "order_",
    "order_" + "0" * 31,
    "order_" + "0" * 33,
    "order_" + "g" * 32,
    "order_" + "٠" * 32,
]
NO_IDS += [
    "order_" + "²" * 32,
    "0" * 32,
    "ORDER_" + "0" * 32,
    "order_" + "A" * 32,
    "unknown_" + "0" * 32,
    "x" * 10_000,
]
NO_IDS += [
    "order_\x00",
    "\ud800",
    "order__" + "0" * 32,
    "order_" + "-" * 32,
    "order_{" + "0" * 30 + "}",
    "order_" + "0" * 32,
]


@pytest.fixture(scope="session")
async def ours(server: Server) -> Tenant:
    return await tenants.build(Make(server))


def refused_as_a_type(answer: Answer) -> bool:
    """Wrong types are top-level errors, and nothing ran."""
    return answer.codes == ["VALIDATION_ERROR"] and answer.data is None


def order_at(ours: Tenant, moment: Any) -> dict[str, Any]:
    item = {"productId": ours.ids["product"], "quantity": 1}
    return {"customerId": ours.ids["customer"], "items": [item], "createdAt": moment}


@pytest.mark.parametrize(("given", "told"), INSTANTS.items())
async def test_an_instant_of_any_offset_is_told_in_utc_by_every_path(
    given: str, told: str, ask: Ask, ours: Tenant
) -> None:
    made = (await ask(ours.owner, ORDER, i=order_at(ours, given))).ok()["order"]
    assert made["createdAt"] == told
    read = await ask(ours.owner, ORDER_READ, id=made["id"])
    assert read.errors == []
    assert read.data is not None
    assert read.data["order"] == read.data["node"] == made
    page = read.data["orders"]
    assert [e["node"] for e in page["edges"]] == page["nodes"]
    for told_at in (made["updatedAt"], page["nodes"][0]["createdAt"]):
        assert len(told_at) == len("2026-01-31T09:30:00.000000Z")
        assert told_at.endswith("Z")
    within = {"createdAt": {"gte": given, "lte": given}}
    found = "query($w: OrderFilter) { orders(where: $w) { nodes { id createdAt } } }"
    assert made["id"] in {o["id"] for o in (await ask(ours.owner, found, w=within)).ok()["nodes"]}


@pytest.mark.parametrize("given", NO_INSTANTS)
async def test_what_is_no_instant_is_refused(given: Any, ask: Ask, make: Make, ours: Tenant) -> None:
    before = await make.count(ours.owner, Order)
    assert refused_as_a_type(await ask(ours.owner, ORDER, i=order_at(ours, given)))
    document = "query($at: DateTime) { orders(where: {createdAt: {gt: $at}}) { totalCount } }"
    assert refused_as_a_type(await ask(ours.owner, document, at=given))
    assert await make.count(ours.owner, Order) == before


@pytest.mark.parametrize(("given", "told"), AMOUNTS.items())
async def test_a_decimal_is_a_string_of_digits_or_a_whole_number(
    given: Any, told: str, ask: Ask, ours: Tenant
) -> None:
    input = {"name": "Tea", "price": {"amount": given, "currency": "USD"}}
    made = (await ask(ours.owner, PRODUCT, i=input)).ok()["product"]
    assert made["price"] == {"amount": told, "currency": "USD"}
    read = await ask(
        ours.owner, "query($id: ID!) { product(by: {id: $id}) { price { amount } } }", id=made["id"]
    )
    assert read.ok()["price"]["amount"] == told


@pytest.mark.parametrize(
    "given", NO_DECIMALS, ids=lambda value: str(value)[:12] if value != 10**5000 else "huge"
)
async def test_what_is_no_decimal_is_refused(given: Any, ask: Ask, make: Make, ours: Tenant) -> None:
    before = await make.count(ours.owner, Product)
    input = {"name": "Tea", "price": {"amount": given, "currency": "USD"}}
    assert refused_as_a_type(await ask(ours.owner, PRODUCT, i=input))
    assert await make.count(ours.owner, Product) == before


@pytest.mark.parametrize("literal", ["1.5", "1e3", "true", "null", "9" * 5000, "[1]", "USD"])
async def test_what_is_no_decimal_is_refused_in_the_document_too(
    literal: str, ask: Ask, make: Make, ours: Tenant
) -> None:
    before = await make.count(ours.owner, Product)
    document = 'mutation { productCreate(input: {name: "Tea", price: {amount: %s, currency: "USD"}}) { userErrors { code } } }'
    assert refused_as_a_type(await ask(ours.owner, document % literal))
    assert await make.count(ours.owner, Product) == before
    (await ask(ours.owner, document % '"1.5"')).ok()


@pytest.mark.parametrize("given", ["usd", "US", "USDD", "ABC", "", "$", "€", 840, None])
async def test_what_is_no_currency_is_refused(given: Any, ask: Ask, make: Make, ours: Tenant) -> None:
    before = await make.count(ours.owner, Product)
    input = {"name": "Tea", "price": {"amount": "1", "currency": given}}
    assert refused_as_a_type(await ask(ours.owner, PRODUCT, i=input))
    assert await make.count(ours.owner, Product) == before


@pytest.mark.parametrize("given", ["USD", "EUR", "JPY", "KWD", "CHF"])
async def test_an_iso_code_is_a_currency(given: str, ask: Ask, ours: Tenant) -> None:
    input = {"name": "Tea", "price": {"amount": "1", "currency": given}}
    assert (await ask(ours.owner, PRODUCT, i=input)).ok()["product"]["price"]["currency"] == given


@pytest.mark.parametrize("given", URLS)
async def test_a_url_is_absolute(given: str, ask: Ask, ours: Tenant) -> None:
    input = {"name": "Tea", "price": {"amount": "1", "currency": "USD"}, "imageUrl": given}
    assert (await ask(ours.owner, PRODUCT, i=input)).ok()["product"]["imageUrl"] == given


@pytest.mark.parametrize("given", NO_URLS, ids=lambda value: ascii(value)[:20])
async def test_what_is_no_url_is_refused(given: Any, ask: Ask, make: Make, ours: Tenant) -> None:
    before = await make.count(ours.owner, Product)
    input = {"name": "Tea", "price": {"amount": "1", "currency": "USD"}, "imageUrl": given}
    assert refused_as_a_type(await ask(ours.owner, PRODUCT, i=input))
    assert await make.count(ours.owner, Product) == before


@pytest.mark.parametrize("id", NO_IDS, ids=lambda value: ascii(value)[:20])
async def test_what_is_no_id_finds_nothing(id: str, ask: Ask, make: Make, ours: Tenant) -> None:
    before = await tenants.snapshot(make, ours)
    found = await ask(
        ours.owner, "query($id: ID!) { order(by: {id: $id}) { id } node(id: $id) { id } }", id=id
    )
    assert (found.codes, found.data) == ([], {"order": None, "node": None})
    for name in ("orderUpdate", "orderTransition", "orderDelete", "ordersTransition"):
        input = tenants.with_value(
            ours.inputs()[name], ("ids", 0) if name == "ordersTransition" else ("id",), id
        )
        answer = await ask(ours.owner, tenants.mutation_document(name), input=input)
        assert answer.codes == ["NOT_FOUND"]
    assert await tenants.snapshot(make, ours) == before


async def test_an_id_of_another_type_finds_nothing(ask: Ask, make: Make, ours: Tenant) -> None:
    before = await tenants.snapshot(make, ours)
    other = encode("order", ours.rows["customer"].id)
    for id in (ours.ids["customer"], other):
        document = "query($id: ID!) { order(by: {id: $id}) { id } }"
        assert (await ask(ours.owner, document, id=id)).ok() is None
        input = {"id": id, "to": "PROCESSING"}
        answer = await ask(ours.owner, tenants.mutation_document("orderTransition"), input=input)
        assert answer.codes == ["NOT_FOUND"]
        assert answer.user_errors[0]["path"] == ["input", "id"]
    assert await tenants.snapshot(make, ours) == before
