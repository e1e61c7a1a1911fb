"""Reads back through the API what is there, and compares it with the data, thing by thing."""

import reprlib
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from examples.replay.api import Api
from examples.replay.data import CURRENCY, SKU_PREFIX, Data, Order, Shop, sku_of
from examples.replay.following import FollowedChat

COUNTS = """
query Counts($shop: ID!, $chat: ID!, $sku: String!) {
  shopCustomers: customers(first: 1, where: {channel: {eq: $shop}}) { totalCount }
  products(first: 1, where: {sku: {startsWith: $sku}}) { totalCount }
  orders(first: 1, where: {channel: {eq: $shop}}) { totalCount }
  chatCustomers: customers(first: 1, where: {channel: {eq: $chat}}) { totalCount }
  chats(first: 1, where: {channel: {eq: $chat}}) { totalCount }
  messages(first: 1) { totalCount }
}
"""
CUSTOMERS = """
query Customers($channel: ID!, $first: Int!, $after: String) {
  customers(first: $first, after: $after, where: {channel: {eq: $channel}}) {
    nodes { platformCustomerId fullName phone metadata } pageInfo { hasNextPage endCursor }
  }
}
"""
PRODUCTS = """
query Products($sku: String!, $first: Int!, $after: String) {
  products(first: $first, after: $after, where: {sku: {startsWith: $sku}}, sort: [{field: NAME}]) {
    nodes { sku name price { amount currency } } pageInfo { hasNextPage endCursor }
  }
}
"""
ORDERS = """
query Orders($channel: ID!, $first: Int!, $after: String) {
  orders(first: $first, after: $after, where: {channel: {eq: $channel}}, sort: [{field: NUMBER}]) {
    nodes {
      platformOrderId createdAt customer { platformCustomerId } total { amount currency }
      shippingAddress { company line1 line2 city region postalCode countryCode }
      items { product { sku } quantity priceAtPurchase { amount } }
    }
    pageInfo { hasNextPage endCursor }
  }
}
"""
CHATS = """
query Chats($channel: ID!, $first: Int!, $after: String) {
  chats(first: $first, after: $after, where: {channel: {eq: $channel}}, sort: [{field: NUMBER}]) {
    nodes { id platformChatId customer { platformCustomerId } } pageInfo { hasNextPage endCursor }
  }
}
"""
MESSAGES = """
query Messages($chat: ID!, $first: Int!, $after: String) {
  chat(by: {id: $chat}) {
    messages(first: $first, after: $after) {
      nodes { sequence senderType content } pageInfo { hasNextPage endCursor }
    }
  }
}
"""
SIDES: Final = {True: "CUSTOMER", False: "AGENT"}


@dataclass(frozen=True, slots=True)
class Line:
    """One kind of thing: how many there should be, how many there are, and how many of these are the same."""

    what: str
    expected: int
    found: int
    equal: int | None = None
    counted: str | None = None

    @property
    def is_right(self) -> bool:
        return self.expected == self.found and self.equal in (None, self.expected)


@dataclass(slots=True)
class Report:
    """All lines, and in words what differs."""

    lines: list[Line] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    @property
    def is_right(self) -> bool:
        return not self.faults and all(line.is_right for line in self.lines)

    def compare(
        self,
        what: str,
        expected: Mapping[Any, Any],
        found: Iterable[tuple[Hashable, Any]],
        *,
        counted: str | None = None,
    ) -> None:
        """Adds a line for things that have a key each."""
        times: Counter[Hashable] = Counter()
        equal = 0
        for key, value in found:
            times[key] += 1
            if times[key] > 1:
                self.faults.append(f"{what}: {key} is there {times[key]} times")
            elif key not in expected:
                self.faults.append(f"{what}: {key} is not in the data")
            elif expected[key] != value:
                self.faults.append(
                    f"{what}: {key} is {reprlib.repr(value)}, not {reprlib.repr(expected[key])}"
                )
            else:
                equal += 1
        self.faults += [f"{what}: {key} is not there" for key in expected if key not in times]
        self.lines.append(Line(what, len(expected), times.total(), equal, counted))

    def expect(self, what: str, expected: int, found: int, equal: int | None = None) -> None:
        """Adds a line for a plain number."""
        line = Line(what, expected, found, equal)
        self.lines.append(line)
        if not line.is_right:
            self.faults.append(f"{what}: {found} instead of {expected}, {equal} equal")


async def count(api: Api, shop_channel: str, chat_channel: str) -> dict[str, int]:
    """How many of each kind the server says it has."""
    data = await api.ask(COUNTS, shop=shop_channel, chat=chat_channel, sku=SKU_PREFIX)
    return {name: int(page["totalCount"]) for name, page in data.items()}


async def check_shop(report: Report, api: Api, shop: Shop, channel_id: str) -> None:
    """Customers with what is known of them, products with their prices, orders with lines and totals."""
    customers = await api.rows(CUSTOMERS, "customers", channel=channel_id)
    report.compare(
        "customers of the shop",
        {c.id: (c.full_name, c.phone, c.metadata) for c in shop.customers},
        ((c["platformCustomerId"], (c["fullName"], c["phone"], c["metadata"])) for c in customers),
        counted="shopCustomers",
    )
    products = await api.rows(PRODUCTS, "products", sku=SKU_PREFIX)
    report.compare(
        "products",
        {p.sku: (p.name, p.price, CURRENCY) for p in shop.products},
        ((p["sku"], (p["name"], *_money(p["price"]))) for p in products),
        counted="products",
    )
    orders = await api.rows(ORDERS, "orders", channel=channel_id)
    report.compare(
        "orders",
        {o.id: _expected_order(o) for o in shop.orders},
        ((o["platformOrderId"], _found_order(o)) for o in orders),
        counted="orders",
    )


async def check_dialogues(report: Report, api: Api, data: Data, channel_id: str) -> None:
    """Chats with their customers, and every message in its place. Dialogues left out are passed over."""
    dialogues, left_out = data.dialogues, data.left_out
    customers = await api.rows(CUSTOMERS, "customers", channel=channel_id)
    customer_ids = [c["platformCustomerId"] for c in customers]
    report.compare(
        "customers of the chats",
        {d.id: d.id for d in dialogues},
        ((id, id) for id in customer_ids if id not in left_out),
        counted="chatCustomers",
    )
    chats = await api.rows(CHATS, "chats", channel=channel_id)
    chats = [chat for chat in chats if chat["platformChatId"] not in left_out]
    report.compare(
        "chats",
        {d.id: d.id for d in dialogues},
        ((chat["platformChatId"], chat["customer"]["platformCustomerId"]) for chat in chats),
        counted="chats",
    )
    found = await _read_messages(api, chats)
    expected = {
        (d.id, number): (number, SIDES[turn.is_customer], turn.text)
        for d in dialogues
        for number, turn in enumerate(d.turns, start=1)
    }
    report.compare("messages", expected, found, counted="messages")
    empty = sum(text == "" for *_, text in expected.values())
    report.expect("empty texts", empty, sum(text == "" for _, (*_, text) in found))


def check_followed(report: Report, expected: int, followed: Sequence[FollowedChat]) -> None:
    """Every message of a followed chat arrived once, in its place, with its text."""
    report.expect("followed chats", expected, len(followed))
    messages = sum(len(chat.dialogue.turns) for chat in followed)
    received = sum(chat.received for chat in followed)
    report.expect("followed messages", messages, received, sum(c.texts_equal for c in followed))
    report.expect("  repeated", 0, sum(chat.repeated for chat in followed))
    report.expect("  out of order", 0, sum(chat.out_of_order for chat in followed))
    report.expect("  missing", 0, sum(chat.missing for chat in followed))


async def _read_messages(api: Api, chats: Sequence[dict[str, Any]]) -> list[tuple[Hashable, Any]]:
    found: list[tuple[Hashable, Any]] = []

    async def read(chat: dict[str, Any]) -> None:
        messages = await api.rows(MESSAGES, "chat.messages", chat=chat["id"])
        # By their place in the answer, not by what they say of it: a page in a wrong order differs.
        found.extend(
            ((chat["platformChatId"], place), (m["sequence"], m["senderType"], m["content"]))
            for place, m in enumerate(messages, start=1)
        )

    await api.for_each(chats, read)
    return found


def _expected_order(order: Order) -> tuple[object, ...]:
    lines = [(sku_of(line.product_id), line.quantity, line.price) for line in order.lines]
    return order.total, CURRENCY, order.customer_id, order.placed_at, lines, order.address


def _found_order(order: dict[str, Any]) -> tuple[object, ...]:
    lines = [
        (item["product"]["sku"], item["quantity"], Decimal(item["priceAtPurchase"]["amount"]))
        for item in order["items"]
    ]
    placed_at = datetime.fromisoformat(order["createdAt"])
    customer_id = order["customer"]["platformCustomerId"]
    return *_money(order["total"]), customer_id, placed_at, lines, order["shippingAddress"]


def _money(money: dict[str, str]) -> tuple[Decimal, str]:
    return Decimal(money["amount"]), money["currency"]
