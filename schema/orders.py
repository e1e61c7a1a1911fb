"""Orders and their items: what customers bought."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

import strawberry

from db import orders as tables
from db.base import Permission
from db.orders import OrderStatus
from schema.addresses import Address, read_address
from schema.channels import PlatformKey
from schema.kit.connection import Connection
from schema.kit.docs import publish_enum
from schema.kit.edges import by_key, computed, embedded, root_page, to_list, to_one
from schema.kit.filters import filter_input, on
from schema.kit.ids import IdOf
from schema.kit.inputs import described_input, one_of
from schema.kit.node import Node, node, root
from schema.kit.operators import (
    DateTimeFilter,
    DecimalFilter,
    IdFilter,
    IntFilter,
    SortDirection,
    StringFilter,
)
from schema.kit.scalars import CurrencyCode
from schema.money import Money
from schema.refs import (
    ORDERS,
    ChannelRef,
    ChatRef,
    CustomerRef,
    OrderItemRef,
    OrderRef,
    ProductRef,
    UserRef,
)
from services import orders as services

publish_enum(OrderStatus)
OrderId = Annotated[strawberry.ID, IdOf("order")]


def line_total(row: Any) -> Money:
    """quantity × priceAtPurchase."""
    return Money(amount=row.quantity * row.price_at_purchase, currency=row.currency)


@node(tables.OrderItem, "item", Permission.ORDERS_READ)
class OrderItem(Node):
    """One line of an order, as it was when it was bought."""

    order: OrderRef = to_one(tables.OrderItem.order_id)
    """The order it is a line of."""
    product: ProductRef = to_one(tables.OrderItem.product_id)
    """What was bought."""
    name: str
    """The product's name when it was bought."""
    quantity: int
    """How many."""
    price_at_purchase: Money = embedded(
        Money, amount=tables.OrderItem.price_at_purchase, currency=tables.OrderItem.currency
    )
    """What one of it cost."""
    line_total: Money = computed(
        line_total, tables.OrderItem.quantity, tables.OrderItem.price_at_purchase, tables.OrderItem.currency
    )
    """quantity × priceAtPurchase."""


@node(tables.Order, "order", Permission.ORDERS_READ)
class Order(Node):
    """An order of one customer, in one currency."""

    version: int
    """Counts changes of the order itself, beginning at 1."""
    number: int
    """1, 2, 3 … in the workspace, without holes."""
    customer: CustomerRef = to_one(tables.Order.customer_id)
    """Who bought."""
    channel: ChannelRef = to_one(tables.Order.channel_id)
    """Where it was ordered."""
    seller: UserRef = to_one(tables.Order.seller_id)
    """Who fulfils it."""
    chat: ChatRef | None = to_one(tables.Order.chat_id, kind="CHAT")
    """The chat it came from, if any."""
    platform_order_id: str | None
    """Its id on the platform: unique in its channel."""
    status: OrderStatus
    """How far it has come."""
    allowed_transitions: list[OrderStatus] = computed(services.allowed_transitions, tables.Order.status)
    """What it may become next."""
    total: Money = embedded(Money, amount=tables.Order.total_amount, currency=tables.Order.currency)
    """The sum of its lines."""
    items: list[OrderItemRef] = to_list(
        tables.OrderItem.order_id, ("position", False), size=services.ITEMS_MAX, usual=10
    )
    """At most 100, in the order they were given."""
    shipping_address: Address | None = computed(
        lambda row: read_address(row.shipping_address), tables.Order.shipping_address
    )
    """Where it is sent."""
    billing_address: Address | None = computed(
        lambda row: read_address(row.billing_address), tables.Order.billing_address
    )
    """Who pays."""
    created_at: datetime
    """When it was placed."""
    updated_at: datetime
    """When it last changed."""
    deleted_at: datetime | None
    """When it was deleted."""


@filter_input
class OrderFilter:
    """Which orders."""

    number: IntFilter | None
    """By number."""
    customer: IdFilter | None = on("customer_id", of="customer")
    """Bought by."""
    channel: IdFilter | None = on("channel_id", of="channel")
    """Ordered on."""
    seller: IdFilter | None = on("seller_id", of="user")
    """Fulfilled by."""
    chat: IdFilter | None = on("chat_id", of="chat")
    """From this chat."""
    product: IdFilter | None = on(
        "product_id", tables.OrderItem, lambda order, item: item.order_id == order.id, of="product"
    )
    """With a line of this product."""
    platform_order_id: StringFilter | None
    """By the id on the platform."""
    status: list[OrderStatus] | None
    """In one of these states."""
    total: DecimalFilter | None = on("total_amount")
    """By the amount of the total."""
    currency: CurrencyCode | None
    """By the currency of the total."""
    created_at: DateTimeFilter | None
    """By when it was placed."""


@publish_enum
class OrderSortField(StrEnum):
    """What orders can be sorted by."""

    CREATED_AT = "created_at"
    """When it was placed."""
    TOTAL = "total_amount"
    """The amount of the total."""
    NUMBER = "number"
    """Number."""


@described_input
class OrderSort:
    """One thing to sort orders by."""

    field: OrderSortField
    """What to sort by."""
    direction: SortDirection = SortDirection.ASC
    """Which end comes first."""


@one_of
class OrderKey:
    """What finds one order."""

    id: strawberry.ID | None
    """Its id."""
    number: int | None
    """Its number in the workspace."""
    platform: PlatformKey | None
    """The channel and the platformOrderId."""


@root
class OrderQuery:
    order: OrderRef | None = by_key(
        ORDERS,
        OrderKey,
        "order",
        id=tables.Order.id,
        number=tables.Order.number,
        platform=(tables.Order.channel_id, tables.Order.platform_order_id),
    )
    """One order; null where there is none."""
    orders: Connection[OrderRef] = root_page(ORDERS)
    """The orders, newest first."""
