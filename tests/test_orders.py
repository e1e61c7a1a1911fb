"""Orders: placed whole or not at all, their sums exact, their numbers without holes, their books kept."""

import asyncio
from typing import Any

import pytest

from db.base import Permission, Viewer
from db.orders import Order
from schema.kit.ids import encode
from services.server import Server
from tests import tenant as tenants
from tests.ask import Answer, Ask
from tests.make import Make
from tests.tenant import Tenant, snapshot

FIELDS = """id version number status allowedTransitions total { amount currency } platformOrderId deletedAt
  createdAt customer { id } channel { id } seller { id } chat { id }
  items { name quantity priceAtPurchase { amount currency } lineTotal { amount currency } product { id } }
  shippingAddress { name company line1 line2 city region postalCode countryCode phone } billingAddress { name }"""
CREATE = f"""mutation($i: OrderCreateInput!) {{ orderCreate(input: $i) {{
  order {{ {FIELDS} }} userErrors {{ code message path }} }} }}"""
UPDATE = f"""mutation($i: OrderUpdateInput!) {{ orderUpdate(input: $i) {{
  order {{ {FIELDS} }} userErrors {{ code message path }} }} }}"""
READ = f"query($by: OrderKey!) {{ order(by: $by) {{ {FIELDS} }} }}"
ADDRESS = {"name": "Ana", "line1": "Main street 1", "postalCode": "53111", "countryCode": "DE"}


@pytest.fixture(scope="session")
async def ours(server: Server) -> Tenant:
    return await tenants.build(Make(server))


@pytest.fixture(scope="session")
async def theirs(server: Server) -> Tenant:
    return await tenants.build(Make(server))


def line(ours: Tenant, quantity: int = 1, amount: str | None = None, currency: str = "USD") -> dict[str, Any]:
    priced = {"priceAtPurchase": {"amount": amount, "currency": currency}} if amount is not None else {}
    return {"productId": ours.ids["product"], "quantity": quantity, **priced}


def order(ours: Tenant, *lines: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"customerId": ours.ids["customer"], "items": list(lines) or [line(ours)], **more}


async def place(ask: Ask, ours: Tenant, *lines: dict[str, Any], **more: Any) -> Any:
    return (await ask(ours.owner, CREATE, i=order(ours, *lines, **more))).ok()["order"]


async def refused(ask: Ask, make: Make, ours: Tenant, input: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Codes and path of the refusal, which left no row and no hole: the next order has the next number."""
    last = (await place(ask, ours))["number"]
    before = await snapshot(make, ours)
    answer = await ask(ours.owner, CREATE, i=input)
    assert answer.field["order"] is None
    assert await snapshot(make, ours) == before
    assert (await place(ask, ours))["number"] == last + 1
    return answer.codes, answer.user_errors[0]["path"][1:]


async def test_an_order_is_placed_with_what_is_usual_and_found_by_every_key(ask: Ask, ours: Tenant) -> None:
    made = await place(ask, ours, line(ours, 3), platformOrderId="found")
    assert (made["version"], made["status"], made["deletedAt"], made["chat"]) == (1, "PENDING", None, None)
    assert made["total"] == {"amount": "30.00", "currency": "USD"}
    assert made["channel"] == {"id": ours.ids["channel"]}
    assert made["seller"]["id"].endswith(ours.owner.id.hex)
    assert made["items"][0]["lineTotal"] == made["total"]
    platform = {"channelId": ours.ids["channel"], "platformId": "found"}
    for by in ({"id": made["id"]}, {"number": made["number"]}, {"platform": platform}):
        assert (await ask(ours.owner, READ, by=by)).ok() == made
    assert (await ask(ours.owner, READ, by={"number": -1})).ok() is None


async def test_an_order_is_placed_as_it_is_told(ask: Ask, make: Make, ours: Tenant) -> None:
    channel = await make.channel(ours.owner)
    given = {
        "channelId": encode("channel", channel.id),
        "sellerId": ours.ids["user"],
        "chatId": ours.ids["chat"],
        "total": {"amount": "7.5", "currency": "USD"},
        "createdAt": "2020-01-01T00:00:00Z",
    }
    made = await place(ask, ours, line(ours, 3, "2.50"), shippingAddress=ADDRESS, billingAddress={}, **given)
    told = {
        "channelId": made["channel"]["id"],
        "sellerId": made["seller"]["id"],
        "chatId": made["chat"]["id"],
    }
    assert told == {name: given[name] for name in told}
    assert made["createdAt"] == "2020-01-01T00:00:00.000000Z"
    missing = dict.fromkeys(("company", "line2", "city", "region", "phone"))
    assert (made["shippingAddress"], made["billingAddress"]) == ({**ADDRESS, **missing}, None)


@pytest.mark.parametrize(
    ("lines", "total"),
    [
        ([(1, "0.10"), (1, "0.20")], "0.30"),
        ([(3, "0.10")], "0.30"),
        ([(3, "33.33"), (1, "0.01")], "100.00"),
        ([(1_000_000, "0.01")], "10000.00"),
        ([(1, "0.07")] * 100, "7.00"),
        ([(1, "9999999999.99")], "9999999999.99"),
        ([(1_000_000, "9999.99"), (1, "9999.99")], "9999999999.99"),
        ([(1, "0")], "0.00"),
    ],
)
async def test_a_total_is_exact(lines: list[tuple[int, str]], total: str, ask: Ask, ours: Tenant) -> None:
    asked = [line(ours, *given) for given in lines]
    money = {"amount": total, "currency": "USD"}
    made = await place(ask, ours, *asked, total=money)
    assert made["total"] == money
    assert [i["quantity"] for i in made["items"]] == [quantity for quantity, _ in lines]
    assert (await ask(ours.owner, READ, by={"id": made["id"]})).ok() == made


async def test_a_currency_without_decimals_has_none(ask: Ask, make: Make, ours: Tenant) -> None:
    made = await place(ask, ours, line(ours, 3, "333", "JPY"), total={"amount": "999", "currency": "JPY"})
    assert made["total"] == {"amount": "999.00", "currency": "JPY"}
    codes, path = await refused(ask, make, ours, order(ours, line(ours, 1, "333.5", "JPY")))
    assert (codes, path) == (["VALIDATION_ERROR"], ["items", "0", "priceAtPurchase", "amount"])


@pytest.mark.parametrize(
    ("lines", "more", "path"),
    [
        ([], {"items": []}, ["items"]),
        ([(1, "1")] * 101, {}, ["items"]),
        ([(1, "1"), (0, "1")], {}, ["items", "1", "quantity"]),
        ([(-1, "1")], {}, ["items", "0", "quantity"]),
        ([(1_000_001, "0.01")], {}, ["items", "0", "quantity"]),
        ([(1, "1"), (1, "-0.01")], {}, ["items", "1", "priceAtPurchase", "amount"]),
        ([(1, "0.001")], {}, ["items", "0", "priceAtPurchase", "amount"]),
        ([(1, "10000000000.00")], {}, ["items", "0", "priceAtPurchase", "amount"]),
        ([(2, "9999999999.99")], {}, ["items", "0"]),
        ([(1, "9999999999.99"), (1, "0.01")], {}, ["items"]),
        ([(1, "1", "USD"), (1, "1", "USD"), (1, "1", "EUR")], {}, ["items", "2"]),
        ([(1, "1")], {"total": {"amount": "1.01", "currency": "USD"}}, ["total"]),
        ([(1, "1")], {"total": {"amount": "1.001", "currency": "USD"}}, ["total"]),
        ([(1, "1")], {"total": {"amount": "1.00", "currency": "EUR"}}, ["total"]),
        ([(1, "1")], {"platformOrderId": " "}, ["platformOrderId"]),
    ],
)
async def test_an_order_that_breaks_a_rule_is_refused_whole(
    lines: list[Any], more: Any, path: list[str], ask: Ask, make: Make, ours: Tenant
) -> None:
    input = {**order(ours, *[line(ours, *given) for given in lines]), **more}
    assert await refused(ask, make, ours, input) == (["VALIDATION_ERROR"], path)


async def test_an_unknown_product_leaves_nothing_written(ask: Ask, make: Make, ours: Tenant) -> None:
    unknown = {**line(ours), "productId": "product_" + "0" * 32}
    codes, path = await refused(ask, make, ours, order(ours, line(ours), unknown))
    assert (codes, path) == (["NOT_FOUND"], ["items", "1", "productId"])


async def test_a_chat_belongs_to_the_customer_who_orders(
    ask: Ask, make: Make, ours: Tenant, theirs: Tenant
) -> None:
    newcomer = {**order(ours), "customerId": ours.ids["newcomer"]}
    codes, path = await refused(ask, make, ours, {**newcomer, "chatId": ours.ids["chat"]})
    assert (codes, path) == (["VALIDATION_ERROR"], ["chatId"])
    codes, path = await refused(ask, make, ours, {**newcomer, "chatId": theirs.ids["chat"]})
    assert (codes, path) == (["NOT_FOUND"], ["chatId"])
    assert (await ask(ours.owner, CREATE, i=newcomer)).ok()["order"]["chat"] is None


async def test_a_platform_id_is_taken_once_on_a_channel(ask: Ask, make: Make, ours: Tenant) -> None:
    made = await place(ask, ours, platformOrderId="once")
    taken = await refused(ask, make, ours, order(ours, platformOrderId="once"))
    assert taken == (["CONFLICT"], ["platformOrderId"])
    other = await place(ask, ours)
    moved = await ask(ours.owner, UPDATE, i={"id": other["id"], "platformOrderId": "once"})
    assert (moved.codes, moved.user_errors[0]["path"]) == (["CONFLICT"], ["input", "platformOrderId"])
    assert (await ask(ours.owner, READ, by={"id": other["id"]})).ok() == other
    elsewhere = encode("channel", (await make.channel(ours.owner)).id)
    again = await place(ask, ours, platformOrderId="once", channelId=elsewhere)
    assert again["id"] != made["id"]


async def test_an_order_keeps_what_was_bought(ask: Ask, make: Make) -> None:
    ours = await tenants.build(make)
    before = (await ask(ours.owner, READ, by={"id": ours.ids["order"]})).ok()
    change = "mutation($i: ProductUpdateInput!) { productUpdate(input: $i) { userErrors { code } } }"
    new = {"name": "Renamed", "price": {"amount": "99.00", "currency": "EUR"}}
    (await ask(ours.owner, change, i={"id": ours.ids["product"], **new})).ok()
    assert (await ask(ours.owner, READ, by={"id": ours.ids["order"]})).ok() == before
    after = await place(ask, ours)
    assert (after["items"][0]["name"], after["total"]) == ("Renamed", new["price"])
    delete = "mutation($i: DeleteInput!) { productDelete(input: $i) { userErrors { code } } }"
    (await ask(ours.owner, delete, i={"id": ours.ids["product"]})).ok()
    assert (await ask(ours.owner, READ, by={"id": ours.ids["order"]})).ok() == before


async def test_thirty_orders_at_the_same_time_have_thirty_numbers_without_a_hole(
    ask: Ask, make: Make, ours: Tenant
) -> None:
    last = (await place(ask, ours))["number"]
    wrong = order(ours, line(ours, 0))
    calls = [ask(ours.owner, CREATE, i=order(ours) if i % 2 else wrong) for i in range(60)]
    answers: list[Answer] = await asyncio.gather(*calls)
    numbers = [a.field["order"]["number"] for a in answers if a.field["order"]]
    assert sorted(numbers) == list(range(last + 1, last + 31))
    assert await make.count(ours.owner, Order, Order.number > last) == 30


async def test_an_update_changes_what_is_given_alone(ask: Ask, ours: Tenant) -> None:
    made = await place(ask, ours, shippingAddress=ADDRESS, billingAddress=ADDRESS, platformOrderId="updated")
    change = {"id": made["id"], "sellerId": ours.ids["user"], "shippingAddress": {"city": "Bonn"}}
    changed = (await ask(ours.owner, UPDATE, i=change)).ok()["order"]
    address = {**dict.fromkeys(made["shippingAddress"]), "city": "Bonn"}
    seller = {"id": ours.ids["user"]}
    assert changed == {**made, "seller": seller, "shippingAddress": address, "version": 2}
    nothing = dict.fromkeys(("platformOrderId", "shippingAddress", "billingAddress"))
    emptied = (await ask(ours.owner, UPDATE, i={"id": made["id"], **nothing})).ok()["order"]
    assert emptied == {**changed, **nothing, "version": 3}
    kept = await ask(ours.owner, UPDATE, i={"id": made["id"], "sellerId": None})
    assert (kept.codes, kept.user_errors[0]["path"]) == (["VALIDATION_ERROR"], ["input", "sellerId"])
    assert (await ask(ours.owner, READ, by={"id": made["id"]})).ok() == emptied


async def test_a_lost_update_is_refused_with_the_order_as_it_is(ask: Ask, ours: Tenant) -> None:
    made = await place(ask, ours)
    first = {"id": made["id"], "platformOrderId": f"first {made['id']}", "expectedVersion": 1}
    current = (await ask(ours.owner, UPDATE, i=first)).ok()["order"]
    stale = await ask(ours.owner, UPDATE, i={**first, "platformOrderId": None})
    assert (stale.codes, stale.field["order"]) == (["STALE_VERSION"], current)
    assert (await ask(ours.owner, READ, by={"id": made["id"]})).ok() == current
    again = await ask(ours.owner, UPDATE, i={**first, "platformOrderId": None, "expectedVersion": 2})
    assert again.ok()["order"]["platformOrderId"] is None


async def test_totals_are_sorted_and_filtered_as_numbers(ask: Ask, make: Make) -> None:
    ours = await tenants.build(make)
    for amount in ("100.00", "9.99", "10.00", "9999999999.99"):
        await place(ask, ours, line(ours, 1, amount, "EUR"))
    document = """query($w: OrderFilter, $s: [OrderSort!]) {
      orders(where: $w, sort: $s) { nodes { total { amount } } totalCount } }"""

    async def amounts(direction: str = "ASC", **total: str) -> list[str]:
        where = {"currency": "EUR", **({"total": total} if total else {})}
        sort = [{"field": "TOTAL", "direction": direction}]
        page = (await ask(ours.owner, document, w=where, s=sort)).ok()
        assert page["totalCount"] == len(page["nodes"])
        return [row["total"]["amount"] for row in page["nodes"]]

    rising = ["9.99", "10.00", "100.00", "9999999999.99"]
    assert await amounts() == rising
    assert await amounts("DESC") == rising[::-1]
    assert await amounts(gte="10") == rising[1:]
    assert await amounts(lte="99.99") == rising[:2]
    assert await amounts(eq="100.0") == ["100.00"]


async def test_orders_take_their_permissions(ask: Ask, make: Make, ours: Tenant) -> None:
    made = await place(ask, ours)
    reader: Viewer = await make.member(ours.owner, Permission.ORDERS_READ)
    writer = await make.member(ours.owner, Permission.ORDERS_WRITE)
    short = "query($id: ID!) { order(by: {id: $id}) { number items { quantity } } }"
    assert (await ask(reader, short, id=made["id"])).ok()["number"] == made["number"]
    assert (await ask(writer, short, id=made["id"])).codes == ["ACCESS_DENIED"]
    assert (await ask(None, short, id=made["id"])).codes == ["UNAUTHENTICATED"]
    before = await snapshot(make, ours)
    for name in ("orderCreate", "orderUpdate", "orderTransition", "ordersTransition", "orderDelete"):
        answer = await ask(reader, tenants.mutation_document(name), input=ours.inputs()[name])
        assert answer.codes == ["ACCESS_DENIED"]
    assert await snapshot(make, ours) == before
    step = {"id": made["id"], "to": "PROCESSING"}
    (await ask(writer, tenants.mutation_document("orderTransition"), input=step)).ok()
