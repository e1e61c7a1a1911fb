"""What may happen to orders: placed with their items, changed, moved from state to state, deleted."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from db.accounts import User
from db.base import now
from db.channels import Channel
from db.conversations import Conversation
from db.customers import Customer
from db.orders import Order, OrderItem, OrderStatus
from db.products import Product
from db.types import AMOUNT_MAX
from services.addresses import check_address
from services.chats import IS_CHAT
from services.columns import check_filled
from services.counters import ORDERS, next_number
from services.errors import Invalid, InvalidTransition, NotFound
from services.money import Money, check_money
from services.work import Work, missing

ITEMS_MAX = 100
QUANTITY_MAX = 1_000_000
TRANSITIONS: dict[OrderStatus, tuple[OrderStatus, ...]] = {
    OrderStatus.PENDING: (OrderStatus.PROCESSING, OrderStatus.CANCELLED),
    OrderStatus.PROCESSING: (OrderStatus.SHIPPED, OrderStatus.CANCELLED, OrderStatus.REFUNDED),
    OrderStatus.SHIPPED: (OrderStatus.DELIVERED, OrderStatus.REFUNDED),
    OrderStatus.DELIVERED: (OrderStatus.REFUNDED,),
    OrderStatus.CANCELLED: (),
    OrderStatus.REFUNDED: (),
}
ADDRESSES = ("shipping_address", "billing_address")
DELETABLE = (OrderStatus.PENDING, OrderStatus.CANCELLED)


def allowed_transitions(row: Any) -> tuple[OrderStatus, ...]:
    """What an order may become next."""
    return TRANSITIONS[row.status]


async def create_order(
    work: Work,
    customer_id: UUID,
    items: Sequence[dict[str, Any]],
    *,
    channel_id: UUID | None = None,
    seller_id: UUID | None = None,
    chat_id: UUID | None = None,
    total: Money | None = None,
    created_at: datetime | None = None,
    **values: Any,
) -> Row[Any]:
    """Places an order with its items, all or nothing. By default on the customer's channel, sold by the viewer."""
    customer = await work.get(Customer, customer_id, "customer_id")
    if channel_id is not None:
        await work.get(Channel, channel_id, "channel_id")
    if seller_id is not None:
        await work.get(User, seller_id, "seller_id")
    if chat_id is not None:
        await _check_chat(work, chat_id, customer_id)
    columns = _columns(values)
    lines = await _price(work, items)
    amount = sum((line["quantity"] * line["price_at_purchase"] for line in lines), Decimal(0))
    currency = lines[0]["currency"]
    _check_total(Money(amount, currency), total)
    order = await work.insert(
        Order,
        customer_id=customer_id,
        channel_id=channel_id or customer.channel_id,
        seller_id=seller_id or work.viewer.member_id,
        chat_id=chat_id,
        status=OrderStatus.PENDING,
        total_amount=amount,
        currency=currency,
        number=await next_number(work, ORDERS),
        created_at=created_at or now(),
        **columns,
    )
    await work.insert_many(OrderItem, [{**line, "order_id": order.id} for line in lines])
    return order


async def update_order(
    work: Work, id: UUID, *, expected_version: int | None = None, **values: Any
) -> Row[Any]:
    """Changes what is given."""
    if values.get("seller_id") is not None:
        await work.get(User, values["seller_id"], "seller_id")
    return await work.update(Order, id, _columns(values), expected_version=expected_version)


async def transition_order(
    work: Work, id: UUID, to: OrderStatus, *, expected_version: int | None = None
) -> Row[Any]:
    """Moves an order a step on; InvalidTransition with the order as it is where the step is not allowed."""
    before = [status for status, after in TRANSITIONS.items() if to in after]
    return await work.update(
        Order,
        id,
        {"status": to},
        Order.status.in_(before),
        expected_version=expected_version,
        raises=lambda order: InvalidTransition(f"{order.status} does not become {to}.", "to", current=order),
    )


async def delete_order(work: Work, id: UUID, *, expected_version: int | None = None) -> Row[Any]:
    """Only while nothing was done for it, or after it was called off."""
    return await work.erase(
        Order,
        id,
        dict.fromkeys(ADDRESSES),
        Order.status.in_(DELETABLE),
        expected_version=expected_version,
        raises=lambda order: InvalidTransition(
            f"An order that is {order.status} stays.", "id", current=order
        ),
    )


def _columns(values: dict[str, Any]) -> dict[str, Any]:
    check_filled(values, "platform_order_id")
    addresses = {name: check_address(values[name], name) for name in ADDRESSES if name in values}
    return values | addresses


async def _check_chat(work: Work, id: UUID, customer_id: UUID) -> None:
    chat = await work.find(Conversation, Conversation.id == id, IS_CHAT)
    if chat is None:
        raise missing(Conversation, "chat_id")
    if chat.customer_id != customer_id:
        raise Invalid("It is a chat with another customer.", "chat_id")


async def _price(work: Work, items: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    if not 1 <= len(items) <= ITEMS_MAX:
        raise Invalid(f"From 1 to {ITEMS_MAX}.", "items")
    wanted = {item["product_id"] for item in items}
    products = {row.id: row for row in await work.find_all(Product, Product.id.in_(wanted))}
    lines: list[dict[str, Any]] = []
    for place, item in enumerate(items):
        lines.append(_line(place, item, products.get(item["product_id"])))
        if lines[-1]["currency"] != lines[0]["currency"]:
            raise Invalid("An order has one currency: that of its first item.", "items", place)
    return lines


def _line(place: int, item: dict[str, Any], product: Row[Any] | None) -> dict[str, Any]:
    if product is None:
        raise NotFound("There is no such product.", "items", place, "product_id")
    if not 1 <= item["quantity"] <= QUANTITY_MAX:
        raise Invalid(f"From 1 to {QUANTITY_MAX:,}.", "items", place, "quantity")
    price = item.get("price_at_purchase") or Money(product.price, product.currency)
    price = check_money(price, "items", place, "price_at_purchase")
    if price.amount * item["quantity"] > AMOUNT_MAX:
        raise Invalid(f"At most {AMOUNT_MAX} a line.", "items", place)
    return {
        "position": place,
        "product_id": product.id,
        "name": product.name,
        "quantity": item["quantity"],
        "price_at_purchase": price.amount,
        "currency": price.currency,
    }


def _check_total(computed: Money, given: Money | None) -> None:
    if computed.amount > AMOUNT_MAX:
        raise Invalid(f"At most {AMOUNT_MAX} an order.", "items")
    if given is not None and given != computed:
        raise Invalid(f"The items make {computed.amount} {computed.currency}.", "total")
