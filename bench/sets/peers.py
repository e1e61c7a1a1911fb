"""The rows in the peers' tables, which are those of a schema that somebody would write for these operations alone."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from bench import rows
from bench.peers.strawberry import models
from bench.rows import BEGUN, PLATFORMS, Sizes, id_of, price_of
from bench.sets.writing import Filling, fill
from db.engine import Database

SEND_MESSAGE: Final = Path(__file__).parents[1] / "peers" / "node" / "send_message.sql"
Made = Iterator[dict[str, Any]]


async def write(database: Database, sizes: Sizes) -> None:
    """Makes the tables in an empty database and fills them."""
    async with database.write() as connection:
        await connection.run_sync(models.Base.metadata.create_all)
        if database.dialect == "postgresql":
            await connection.exec_driver_sql(SEND_MESSAGE.read_text())
    fillings: list[Filling] = [
        (models.UserModel, users(sizes)),
        (models.ChannelModel, channels(sizes)),
        (models.ProductModel, products(sizes)),
        (models.CustomerModel, customers(sizes)),
        (models.OrderModel, orders(sizes)),
        (models.OrderItemModel, items(sizes)),
        (models.ChatModel, chats(sizes)),
        (models.MessageModel, messages(sizes)),
    ]
    await fill(database, fillings)


def users(sizes: Sizes) -> Made:
    for user in range(1, sizes.users + 1):
        yield {
            "user_id": id_of("user", user),
            "email": f"owner{user}@example.com",
            "business_name": f"Business {user}",
            "created_at": BEGUN,
        }


def channels(sizes: Sizes) -> Made:
    for channel in range(1, sizes.channels + 1):
        yield {
            "channel_id": id_of("channel", channel),
            "user_id": id_of("user", sizes.user_of(channel)),
            "platform_type": models.PlatformType(PLATFORMS[channel % len(PLATFORMS)]),
            "platform_specific_id": f"plat-{channel}",
            "channel_name": f"Channel {channel}",
            "is_active": True,
            "created_at": BEGUN,
        }


def products(sizes: Sizes) -> Made:
    for product in range(1, sizes.products + 1):
        yield {
            "product_id": id_of("product", product),
            "user_id": id_of("user", sizes.user_of(product)),
            "name": f"Product {product}",
            "description": f"A product numbered {product} with a description of ordinary length.",
            "price": price_of(product),
            "currency": "USD",
            "sku": f"SKU-{product}",
        }


def customers(sizes: Sizes) -> Made:
    for customer in rows.customers(sizes):
        yield {
            "customer_id": customer.id,
            "channel_id": id_of("channel", customer.channel),
            "platform_customer_id": f"pc-{customer.number}",
            "full_name": f"Customer Number {customer.number}",
            "email": f"c{customer.number}@example.com",
            "phone": f"+1555{customer.number:07}",
            "first_seen_at": customer.seen_at,
            "last_seen_at": customer.seen_at + timedelta(days=365),
        }


def orders(sizes: Sizes) -> Made:
    for order in rows.orders(sizes):
        yield {
            "order_id": order.id,
            "customer_id": id_of("customer", order.customer),
            "channel_id": id_of("channel", order.channel),
            "user_id": id_of("user", order.user),
            "order_status": models.OrderStatus(order.status),
            "total_amount": order.total,
            "currency": "USD",
            "shipping_address": {"city": "Lyon", "street": "1 rue A"},
            "created_at": order.created_at,
        }


def items(sizes: Sizes) -> Made:
    for item in rows.items(sizes):
        yield {
            "order_item_id": item.id,
            "order_id": item.order,
            "product_id": id_of("product", item.product),
            "quantity": item.position,
            "price_at_purchase": item.price,
        }


def chats(sizes: Sizes) -> Made:
    for chat in rows.chats(sizes):
        yield {
            "chat_id": chat.id,
            "customer_id": id_of("customer", chat.customer),
            "channel_id": id_of("channel", chat.channel),
            "user_id": id_of("user", chat.user),
            "status": models.ChatStatus(chat.status),
            "last_message_at": chat.last_message_at,
        }


def messages(sizes: Sizes) -> Made:
    for message in rows.messages(sizes):
        yield {
            "message_id": message.id,
            "chat_id": message.chat.id,
            "platform_message_id": f"pm-{message.chat.number}-{message.sequence}",
            "sender_type": models.SenderType(message.sender),
            "content_type": models.ContentType(message.content_type),
            "content": message.content,
            "timestamp": message.timestamp,
        }
