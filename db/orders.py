"""What customers bought."""

from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ColumnElement, ForeignKey, Index, UniqueConstraint, select
from sqlalchemy.orm import Mapped, aliased, mapped_column

from db.base import Deletable, Owned, Row, Versioned
from db.types import Amount, choice, json, text


class OrderStatus(StrEnum):
    """How far an order has come."""

    PENDING = "PENDING"
    """Placed; nobody has begun."""
    PROCESSING = "PROCESSING"
    """Being prepared."""
    SHIPPED = "SHIPPED"
    """On its way."""
    DELIVERED = "DELIVERED"
    """With the customer."""
    CANCELLED = "CANCELLED"
    """Called off before it was sent."""
    REFUNDED = "REFUNDED"
    """Paid back."""


class Order(Owned, Versioned, Deletable, Row):
    """An order of one customer in one currency; its total is the sum of its items."""

    __tablename__ = "orders"
    number: Mapped[int]
    customer_id: Mapped[UUID] = mapped_column(ForeignKey("customers.id"))
    channel_id: Mapped[UUID] = mapped_column(ForeignKey("channels.id"))
    seller_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    chat_id: Mapped[UUID | None] = mapped_column(ForeignKey("conversations.id"))
    platform_order_id: Mapped[str | None] = mapped_column(text(255))
    status: Mapped[OrderStatus] = mapped_column(choice(OrderStatus, "status"))
    total_amount: Mapped[Decimal] = mapped_column(Amount)
    currency: Mapped[str] = mapped_column(text(3))
    shipping_address: Mapped[Any] = mapped_column(json(), nullable=True)
    billing_address: Mapped[Any] = mapped_column(json(), nullable=True)
    __table_args__ = (
        UniqueConstraint("workspace_id", "number"),
        UniqueConstraint("channel_id", "platform_order_id"),
        Index(None, "workspace_id", "created_at", "id"),
        Index(None, "workspace_id", "status", "created_at", "id"),
        Index(None, "workspace_id", "total_amount", "id"),
        Index(None, "customer_id", "created_at", "id"),
        Index(None, "channel_id", "created_at", "id"),
        Index(None, "seller_id", "created_at", "id"),
        Index(None, "chat_id", "created_at", "id"),
    )


class OrderItem(Owned, Row):
    """One line of an order, as it was when it was bought."""

    __tablename__ = "order_items"
    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"))
    position: Mapped[int]
    product_id: Mapped[UUID] = mapped_column(ForeignKey("products.id"))
    name: Mapped[str] = mapped_column(text(255))
    quantity: Mapped[int]
    price_at_purchase: Mapped[Decimal] = mapped_column(Amount)
    currency: Mapped[str] = mapped_column(text(3))
    __table_args__ = (
        UniqueConstraint("order_id", "position"),
        CheckConstraint("quantity > 0", name="quantity"),
        Index(None, "product_id", "created_at", "id"),
        Index(None, "workspace_id"),
    )


def of_kept_order(item: Any) -> tuple[ColumnElement[bool], ...]:
    """A condition on items: their order is not deleted, since items go with orders."""
    order: Any = aliased(Order)
    return (select(order.id).where(order.id == item.order_id, order.deleted_at.is_(None)).exists(),)
