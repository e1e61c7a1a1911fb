"""The rows in Switchboard's tables: every user of the set is a workspace with one member, who may do everything in it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from bench import rows
from bench.rows import BEGUN, PLATFORMS, Sizes, id_of, price_of
from bench.sets.writing import Filling, fill
from db.accounts import LoginProvider, Plan, User, Workspace
from db.base import Permission
from db.channels import Channel, PlatformType
from db.conversations import (
    ChatStatus,
    Conversation,
    ConversationKind,
    Message,
    MessageContentType,
    MessageSenderType,
)
from db.counters import Counter
from db.customers import Customer
from db.engine import Database
from db.events import EventLog
from db.migrate import migrate
from db.orders import Order, OrderItem, OrderStatus
from db.products import Product
from db.roles import Role, RoleKind, UserRole
from db.sessions import Session
from services import counters

CREATED: Final = BEGUN.replace(tzinfo=UTC)
TIMES: Final = {"created_at": CREATED, "updated_at": CREATED}
SESSION_LIFETIME: Final = timedelta(days=36_500)
"""The bench signs access tokens of its own, for sessions that never end."""


async def write(database: Database, sizes: Sizes) -> None:
    """Makes the tables in an empty database and fills them."""
    await migrate(database)
    fillings: list[Filling] = [
        (Workspace, workspaces(sizes)),
        (User, users(sizes)),
        (Role, roles(sizes)),
        (UserRole, user_roles(sizes)),
        (Session, sessions(sizes)),
        (Counter, numbers(sizes)),
        (EventLog, logs(sizes)),
        (Channel, channels(sizes)),
        (Product, products(sizes)),
        (Customer, customers(sizes)),
        (Order, orders(sizes)),
        (OrderItem, items(sizes)),
        (Conversation, chats(sizes)),
        (Message, messages(sizes)),
    ]
    await fill(database, fillings)


def username(user: int) -> str:
    """The member of a user's workspace."""
    return f"bench{user}"


def workspace_id(user: int) -> UUID:
    """The workspace of a user."""
    return id_of("workspace", user)


def utc(moment: datetime) -> datetime:
    """The instant with its zone, as Switchboard keeps it."""
    return moment.replace(tzinfo=UTC)


Made = Iterator[dict[str, Any]]


def workspaces(sizes: Sizes) -> Made:
    for user in range(1, sizes.users + 1):
        yield {
            "id": workspace_id(user),
            "version": 1,
            "slug": username(user),
            "name": f"Business {user}",
            "default_currency": "USD",
            "time_zone": "UTC",
            "plan": Plan.FREE,
            **TIMES,
        }


def users(sizes: Sizes) -> Made:
    for user in range(1, sizes.users + 1):
        yield {
            "id": id_of("user", user),
            "workspace_id": workspace_id(user),
            "version": 1,
            "username": username(user),
            "email": f"owner{user}@example.com",
            "business_name": f"Business {user}",
            "login_provider": LoginProvider.EMAIL,
            "is_active": True,
            "is_superuser": False,
            **TIMES,
        }


def roles(sizes: Sizes) -> Made:
    for user in range(1, sizes.users + 1):
        yield {
            "id": id_of("role", user),
            "workspace_id": workspace_id(user),
            "name": "Administrator",
            "kind": RoleKind.ADMINISTRATOR,
            "permissions": sorted(Permission),
            **TIMES,
        }


def user_roles(sizes: Sizes) -> Made:
    for user in range(1, sizes.users + 1):
        yield {
            "user_id": id_of("user", user),
            "role_id": id_of("role", user),
            "workspace_id": workspace_id(user),
            **TIMES,
        }


def sessions(sizes: Sizes) -> Made:
    for user in range(1, sizes.users + 1):
        yield {
            "id": id_of("session", user),
            "workspace_id": workspace_id(user),
            "user_id": id_of("user", user),
            "is_active": True,
            "last_seen_at": CREATED,
            "expires_at": CREATED + SESSION_LIFETIME,
            **TIMES,
        }


def numbers(sizes: Sizes) -> Made:
    for user in range(1, sizes.users + 1):
        for name, value in ((counters.CHATS, sizes.chats), (counters.ORDERS, sizes.orders)):
            yield {
                "workspace_id": workspace_id(user),
                "name": name,
                "value": value,
                "updated_at": CREATED,
            }


def logs(sizes: Sizes) -> Made:
    for user in range(1, sizes.users + 1):
        yield {
            "workspace_id": workspace_id(user),
            "last_position": 0,
            "pruned_position": 0,
            "updated_at": CREATED,
        }


def channels(sizes: Sizes) -> Made:
    for channel in range(1, sizes.channels + 1):
        user = sizes.user_of(channel)
        yield {
            "id": id_of("channel", channel),
            "workspace_id": workspace_id(user),
            "version": 1,
            "owner_id": id_of("user", user),
            "platform_type": PlatformType(PLATFORMS[channel % len(PLATFORMS)]),
            "platform_specific_id": f"plat-{channel}",
            "name": f"Channel {channel}",
            "is_active": True,
            "scopes": [],
            **TIMES,
        }


def products(sizes: Sizes) -> Made:
    for product in range(1, sizes.products + 1):
        user = sizes.user_of(product)
        yield {
            "id": id_of("product", product),
            "workspace_id": workspace_id(user),
            "version": 1,
            "owner_id": id_of("user", user),
            "name": f"Product {product}",
            "description": f"A product numbered {product} with a description of ordinary length.",
            "price": price_of(product),
            "currency": "USD",
            "sku": f"SKU-{product}",
            "is_available": True,
            **TIMES,
        }


def customers(sizes: Sizes) -> Made:
    for customer in rows.customers(sizes):
        yield {
            "id": customer.id,
            "workspace_id": workspace_id(sizes.user_of(customer.number)),
            "version": 1,
            "channel_id": id_of("channel", customer.channel),
            "platform_customer_id": f"pc-{customer.number}",
            "full_name": f"Customer Number {customer.number}",
            "email": f"c{customer.number}@example.com",
            "phone": f"+1555{customer.number:07}",
            "first_seen_at": utc(customer.seen_at),
            "last_seen_at": utc(customer.seen_at),
            **TIMES,
        }


def orders(sizes: Sizes) -> Made:
    for order in rows.orders(sizes):
        yield {
            "id": order.id,
            "workspace_id": workspace_id(order.user),
            "version": 1,
            "number": order.number,
            "customer_id": id_of("customer", order.customer),
            "channel_id": id_of("channel", order.channel),
            "seller_id": id_of("user", order.user),
            "platform_order_id": f"po-{order.number}",
            "status": OrderStatus(order.status),
            "total_amount": order.total,
            "currency": "USD",
            "created_at": utc(order.created_at),
            "updated_at": utc(order.created_at),
        }


def items(sizes: Sizes) -> Made:
    for item in rows.items(sizes):
        yield {
            "id": item.id,
            "workspace_id": workspace_id(item.user),
            "order_id": item.order,
            "position": item.position,
            "product_id": id_of("product", item.product),
            "name": f"Product {item.product}",
            "quantity": item.position,
            "price_at_purchase": item.price,
            "currency": "USD",
            "created_at": utc(item.created_at),
            "updated_at": utc(item.created_at),
        }


def chats(sizes: Sizes) -> Made:
    for chat in rows.chats(sizes):
        yield {
            "id": chat.id,
            "workspace_id": workspace_id(chat.user),
            "version": 1,
            "kind": ConversationKind.CHAT,
            "number": chat.number,
            "customer_id": id_of("customer", chat.customer),
            "channel_id": id_of("channel", chat.channel),
            "assignee_id": id_of("user", chat.user),
            "status": ChatStatus(chat.status),
            "last_sequence": chat.messages,
            "last_message_at": utc(chat.last_message_at),
            "started_at": CREATED,
            **TIMES,
        }


def messages(sizes: Sizes) -> Made:
    # Per chat, not per message: this is the loop that a million rows go through.
    known: dict[int, tuple[UUID, UUID, UUID, UUID]] = {}
    for message in rows.messages(sizes):
        chat = message.chat
        ids = known.get(chat.number)
        if ids is None:
            customer, channel = id_of("customer", chat.customer), id_of("channel", chat.channel)
            known = {chat.number: (workspace_id(chat.user), channel, customer, id_of("user", chat.user))}
            ids = known[chat.number]
        at = utc(message.timestamp)
        yield {
            "id": message.id,
            "workspace_id": ids[0],
            "version": 1,
            "conversation_id": chat.id,
            "channel_id": ids[1],
            "sequence": message.sequence,
            "platform_message_id": f"pm-{chat.number}-{message.sequence}",
            "sender_type": MessageSenderType(message.sender),
            "sender_customer_id": ids[2] if message.sender == "CUSTOMER" else None,
            "sender_user_id": ids[3] if message.sender == "AGENT" else None,
            "content_type": MessageContentType(message.content_type),
            "content": message.content,
            "timestamp": at,
            "created_at": at,
            "updated_at": at,
        }
