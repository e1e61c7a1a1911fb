"""The peers' tables, as SQLAlchemy's tutorial declares them; they are made from these classes for all peers."""

import uuid
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Enum, ForeignKey, Index, Numeric, String, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class PlatformType(StrEnum):
    WHATSAPP = "WHATSAPP"
    INSTAGRAM = "INSTAGRAM"
    SHOPIFY = "SHOPIFY"


class OrderStatus(StrEnum):
    PENDING = "PENDING"
    PROCESSING = "PROCESSING"
    SHIPPED = "SHIPPED"
    DELIVERED = "DELIVERED"
    CANCELLED = "CANCELLED"
    REFUNDED = "REFUNDED"


class ChatStatus(StrEnum):
    OPEN = "OPEN"
    PENDING = "PENDING"
    RESOLVED = "RESOLVED"
    CLOSED = "CLOSED"


class SenderType(StrEnum):
    CUSTOMER = "CUSTOMER"
    AGENT = "AGENT"
    SYSTEM = "SYSTEM"


class ContentType(StrEnum):
    TEXT = "TEXT"
    IMAGE = "IMAGE"
    VIDEO = "VIDEO"
    AUDIO = "AUDIO"
    FILE = "FILE"
    LOCATION = "LOCATION"
    STICKER = "STICKER"


class Base(DeclarativeBase):
    """All tables of the peers."""

    type_annotation_map = {  # noqa: RUF012 as SQLAlchemy has it
        str: Text(),
        Decimal: Numeric(10, 2),
        dict[str, Any]: JSON().with_variant(JSONB(), "postgresql"),
        PlatformType: Enum(PlatformType, name="platform_type"),
        OrderStatus: Enum(OrderStatus, name="order_status"),
        ChatStatus: Enum(ChatStatus, name="chat_status"),
        SenderType: Enum(SenderType, name="message_sender_type"),
        ContentType: Enum(ContentType, name="message_content_type"),
    }


class UserModel(Base):
    __tablename__ = "users"
    user_id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    email: Mapped[str] = mapped_column(unique=True)
    business_name: Mapped[str | None]
    created_at: Mapped[datetime]


class ChannelModel(Base):
    __tablename__ = "connected_channels"
    channel_id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.user_id"), index=True)
    platform_type: Mapped[PlatformType]
    platform_specific_id: Mapped[str | None]
    channel_name: Mapped[str | None]
    is_active: Mapped[bool | None]
    created_at: Mapped[datetime]


class ProductModel(Base):
    __tablename__ = "products"
    product_id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.user_id"), index=True)
    name: Mapped[str]
    description: Mapped[str | None]
    price: Mapped[Decimal]
    currency: Mapped[str]
    sku: Mapped[str | None] = mapped_column(unique=True)


class CustomerModel(Base):
    __tablename__ = "customers"
    customer_id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    channel_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("connected_channels.channel_id"), index=True)
    platform_customer_id: Mapped[str]
    full_name: Mapped[str | None]
    email: Mapped[str | None]
    phone: Mapped[str | None]
    first_seen_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]


class OrderModel(Base):
    __tablename__ = "orders"
    order_id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    customer_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("customers.customer_id"))
    channel_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("connected_channels.channel_id"), index=True)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.user_id"))
    order_status: Mapped[OrderStatus]
    total_amount: Mapped[Decimal]
    currency: Mapped[str]
    shipping_address: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime]


class OrderItemModel(Base):
    __tablename__ = "order_items"
    order_item_id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    order_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("orders.order_id"), index=True)
    product_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("products.product_id"), index=True)
    quantity: Mapped[int]
    price_at_purchase: Mapped[Decimal]


class ChatModel(Base):
    __tablename__ = "chats"
    chat_id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    customer_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("customers.customer_id"), index=True)
    channel_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("connected_channels.channel_id"), index=True)
    user_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.user_id"))
    status: Mapped[ChatStatus]
    last_message_at: Mapped[datetime | None]


class MessageModel(Base):
    __tablename__ = "messages"
    message_id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    chat_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("chats.chat_id"))
    platform_message_id: Mapped[str | None] = mapped_column(String, unique=True)
    sender_type: Mapped[SenderType]
    content_type: Mapped[ContentType]
    content: Mapped[str]
    timestamp: Mapped[datetime]


Index("ix_orders_of_customer", OrderModel.customer_id, OrderModel.created_at.desc())
Index("ix_orders_of_user", OrderModel.user_id, OrderModel.order_status, OrderModel.created_at.desc())
Index("ix_chats_of_user", ChatModel.user_id, ChatModel.last_message_at.desc())
Index("ix_messages_of_chat", MessageModel.chat_id, MessageModel.timestamp.desc())
