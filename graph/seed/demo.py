"""Writes the demo business: a small coffee roastery with its customers, orders and chats."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select, update

from db.accounts import User, Workspace
from db.base import Row, now
from db.channels import PlatformType
from db.conversations import (
    ChatStatus,
    Conversation,
    ConversationKind,
    Message,
    MessageContentType,
    MessageSenderType,
    Participant,
)
from db.counters import Counter
from db.customers import Customer
from db.engine import Database
from db.orders import Order, OrderItem
from graph.seed.goods import GOODS
from graph.seed.people import PEOPLE
from graph.seed.plan import (
    ADMIN,
    AGENTS,
    CHANNEL_COUNT,
    MEMBER,
    SYSTEM,
    Plan,
    PlannedChat,
    PlannedOrder,
    make_plan,
)
from graph.seed.rows import add_rows, id_at
from graph.seed.themes import CUSTOMER
from services import accounts, channels, counters, products
from services.money import Money
from services.secrets import Vault
from services.server import Server
from services.transactions import transact
from services.work import Work

BUSINESS: Final = "Gaivota Coffee & Tea"
SLUG: Final = "gaivota-coffee-tea"
PASSWORD: Final = "gaivota-demo"
"""Of everybody in the demo: known to all the world, which is why production refuses it."""
SHOP: Final = 2
CHANNELS: Final = (
    (PlatformType.WHATSAPP, "Shop telephone", "351555010042"),
    (PlatformType.INSTAGRAM, "@gaivota.coffee", "gaivota.coffee"),
    (PlatformType.SHOPIFY, "Online shop", "gaivota-coffee"),
    (PlatformType.TELEGRAM, "Gaivota bot", "gaivota_coffee_bot"),
    (PlatformType.EMAIL, "hello@gaivota.example", "hello@gaivota.example"),
    (PlatformType.WEBCHAT, "Chat on the web page", "web"),
    (PlatformType.FACEBOOK, "Gaivota Coffee & Tea", "gaivota"),
)
assert len(CHANNELS) == CHANNEL_COUNT
OPENED: Final = timedelta(days=90)
"""How long ago the business began."""
UNREAD_HOURS: Final = {ADMIN: 10, MEMBER: 3}
"""Chats that have been silent for longer have been read by them to the end."""

EDITED: Final = (40, 2)
"""The chat and the message in it that was corrected."""
EDITED_AFTER: Final = timedelta(seconds=50)

STEPS: Final = ("members", "channels", "products", "customers", "chats", "orders")

Advance = Callable[[str], None]
"""Is told which of the steps is done."""


@dataclass
class Writing:
    """What has been written so far and is pointed at by what comes next."""

    work: Work
    plan: Plan
    random: Random
    users: dict[str, UUID] = field(default_factory=dict)
    channels: list[UUID] = field(default_factory=list)
    products: dict[str, UUID] = field(default_factory=dict)
    customers: list[UUID] = field(default_factory=list)
    chats: dict[int, UUID] = field(default_factory=dict)

    def agent(self, place: int) -> UUID:
        """One of the three."""
        return self.users[AGENTS[place][0]]

    async def add(self, table: type[Row], rows: Sequence[Mapping[str, Any]]) -> None:
        """Adds rows with the same keys; workspace, version and the time of the last change are filled in."""
        columns = table.__table__.columns
        filled: list[dict[str, Any]] = [
            {"workspace_id": self.work.viewer.workspace_id, "updated_at": row["created_at"], **row}
            for row in rows
        ]
        if "version" in columns:
            filled = [{"version": 1, **row} for row in filled]
        await add_rows(self.work.connection, table, list(filled[0]), [list(row.values()) for row in filled])


async def is_seeded(database: Database) -> bool:
    """Whether the demo business is there already."""
    rows = select(User.id).join(Workspace, Workspace.id == User.workspace_id)
    return bool(await database.fetch(rows.where(Workspace.slug == SLUG, User.username == MEMBER)))


async def is_empty(database: Database) -> bool:
    """Whether nobody has a workspace."""
    return not await database.fetch(select(Workspace.id).limit(1))


async def seed_demo(server: Server, seed: int, advance: Advance) -> Plan:
    """Writes it all or nothing; Conflict where one of its usernames is taken by somebody else."""
    plan = make_plan(seed, now())
    hashed = await server.passwords.hash(PASSWORD)
    await transact(server.database, server.hub, None, _write, server.vault, plan, seed, hashed, advance)
    return plan


async def _write(work: Work, vault: Vault, plan: Plan, seed: int, hashed: str, advance: Advance) -> None:
    writing = Writing(work, plan, Random(seed))
    await _add_members(writing, hashed)
    advance("members")
    await _add_channels(writing, vault)
    advance("channels")
    await _add_products(writing)
    advance("products")
    await _add_customers(writing)
    advance("customers")
    await _add_chats(writing)
    advance("chats")
    await _add_orders(writing)
    advance("orders")


async def _add_members(writing: Writing, hashed: str) -> None:
    work = writing.work
    admin = await accounts.register(
        work, ADMIN, f"{ADMIN}@gaivota.example", hashed, full_name="Teresa Gouveia", business_name=BUSINESS
    )
    await accounts.update_workspace(work, default_currency="EUR", time_zone="Europe/Lisbon")
    writing.users[ADMIN] = admin.id
    for username, name in ((MEMBER, "Demo Agent"), *AGENTS):
        user = await accounts.create_user(
            work,
            username,
            f"{username}@gaivota.example",
            hashed,
            full_name=name,
            is_active=True,
            created_at=writing.plan.now - OPENED,
        )
        writing.users[username] = user.id


async def _add_channels(writing: Writing, vault: Vault) -> None:
    for platform, name, id in CHANNELS:
        row = await channels.connect_channel(
            writing.work,
            vault,
            platform,
            name=name,
            platform_specific_id=id,
            created_at=writing.plan.now - OPENED,
        )
        writing.channels.append(row.id)


async def _add_products(writing: Writing) -> None:
    for place, good in enumerate(GOODS):
        row = await products.create_product(
            writing.work,
            good.name,
            Money(good.price, "EUR"),
            sku=good.sku,
            description=good.description,
            is_available=good.is_available,
            created_at=writing.plan.now - OPENED + timedelta(minutes=7 * place),
        )
        writing.products[good.sku] = row.id


async def _add_customers(writing: Writing) -> None:
    seen: dict[int, list[datetime]] = {place: [] for place in range(len(PEOPLE))}
    for order in writing.plan.orders:
        seen[order.customer].append(order.at)
    for chat in writing.plan.chats:
        seen[chat.customer].extend(m.at for m in chat.messages if m.speaker == CUSTOMER)
    rows: list[dict[str, Any]] = []
    for place, person in enumerate(PEOPLE):
        first, last = min(seen[place]), max(seen[place])
        platform = CHANNELS[writing.plan.channels[place]][0]
        by_phone = platform in (PlatformType.WHATSAPP, PlatformType.TELEGRAM)
        rows.append(
            {
                "id": id_at(writing.random, first),
                "channel_id": writing.channels[writing.plan.channels[place]],
                "platform_customer_id": person.handle,
                "full_name": person.name,
                "email": None if by_phone and not person.is_elsewhere else person.email,
                "phone": person.phone if by_phone else None,
                "first_seen_at": first,
                "last_seen_at": last,
                "created_at": first,
            }
        )
    await writing.add(Customer, rows)
    writing.customers = [row["id"] for row in rows]


async def _add_chats(writing: Writing) -> None:
    chats, messages, readings = [], [], []
    for chat in writing.plan.chats:
        id = writing.chats[chat.number] = id_at(writing.random, chat.started_at)
        chats.append(
            {
                "id": id,
                "kind": ConversationKind.CHAT,
                "number": chat.number,
                "customer_id": writing.customers[chat.customer],
                "channel_id": writing.channels[writing.plan.channels[chat.customer]],
                "assignee_id": None if chat.assignee is None else writing.users[chat.assignee],
                "status": chat.status,
                "last_sequence": len(chat.messages),
                "last_message_at": chat.messages[-1].at,
                "started_at": chat.started_at,
                "created_at": chat.started_at,
            }
        )
        messages.extend(_message_rows(writing, chat))
        readings.extend(_reading_rows(writing, chat))
    await writing.add(Conversation, chats)
    await writing.add(Message, messages)
    await writing.add(Participant, readings)
    await _count(writing.work, counters.CHATS, len(chats))


def _message_rows(writing: Writing, chat: PlannedChat) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for sequence, message in enumerate(chat.messages, 1):
        # Where the customer said two things in a row, the agent answers the first.
        asked = [before.speaker == CUSTOMER for before in chat.messages[max(0, sequence - 3) : sequence]]
        is_reply = asked == [True, True, False] and message.speaker != SYSTEM and chat.number % 5 == 0
        is_inbound = message.speaker == CUSTOMER
        is_agent = not is_inbound and message.speaker != SYSTEM
        sender = MessageSenderType.CUSTOMER if is_inbound else MessageSenderType.AGENT
        rows.append(
            {
                "id": id_at(writing.random, message.at),
                "conversation_id": writing.chats[chat.number],
                "channel_id": writing.channels[writing.plan.channels[chat.customer]] if is_inbound else None,
                "sequence": sequence,
                "platform_message_id": f"demo-{chat.number}-{sequence}" if is_inbound else None,
                "sender_type": MessageSenderType.SYSTEM if message.speaker == SYSTEM else sender,
                "sender_user_id": writing.agent(chat.agent) if is_agent else None,
                "sender_customer_id": writing.customers[chat.customer] if is_inbound else None,
                "content_type": MessageContentType.TEXT,
                "content": message.said,
                "reply_to_id": rows[-2]["id"] if is_reply else None,
                "edited_at": message.at + EDITED_AFTER if (chat.number, sequence) == EDITED else None,
                "timestamp": message.at,
                "created_at": message.at,
            }
        )
    return rows


def _reading_rows(writing: Writing, chat: PlannedChat) -> list[dict[str, Any]]:
    """How far the agent, the administrator and the demo user have read; the newest chats are unread."""
    answered = max(
        (i for i, m in enumerate(chat.messages, 1) if m.speaker not in (CUSTOMER, SYSTEM)), default=0
    )
    whole, last_at = len(chat.messages), chat.messages[-1].at
    read = {
        user: whole if writing.plan.now - last_at > timedelta(hours=hours) else answered
        for user, hours in UNREAD_HOURS.items()
    }
    read[AGENTS[chat.agent][0]] = answered if chat.status is ChatStatus.OPEN else whole
    return [
        {
            "conversation_id": writing.chats[chat.number],
            "user_id": writing.users[user],
            "last_read_sequence": sequence,
            "created_at": last_at,
        }
        for user, sequence in read.items()
        if sequence
    ]


async def _add_orders(writing: Writing) -> None:
    placed_in = {id(chat.order): chat for chat in writing.plan.chats if chat.order}
    orders, items = [], []
    for order in writing.plan.orders:
        chat = placed_in.get(id(order)) if order.is_from_chat else None
        row = _order_row(writing, order, chat)
        orders.append(row)
        items.extend(_item_rows(writing, order, row["id"]))
    await writing.add(Order, orders)
    await writing.add(OrderItem, items)
    await _count(writing.work, counters.ORDERS, len(orders))


def _order_row(writing: Writing, order: PlannedOrder, chat: PlannedChat | None) -> dict[str, Any]:
    channel = writing.plan.channels[order.customer] if chat else SHOP
    return {
        "id": id_at(writing.random, order.at),
        "number": order.number,
        "customer_id": writing.customers[order.customer],
        "channel_id": writing.channels[channel],
        "seller_id": writing.agent(order.seller),
        "chat_id": writing.chats[chat.number] if chat else None,
        "platform_order_id": None if chat else f"SH-{4000 + order.number}",
        "status": order.status,
        "total_amount": order.total,
        "currency": "EUR",
        "shipping_address": PEOPLE[order.customer].address,
        "created_at": order.at,
    }


def _item_rows(writing: Writing, order: PlannedOrder, order_id: UUID) -> list[dict[str, Any]]:
    return [
        {
            "id": id_at(writing.random, order.at),
            "order_id": order_id,
            "position": place,
            "product_id": writing.products[good.sku],
            "name": good.name,
            "quantity": quantity,
            "price_at_purchase": good.price,
            "currency": "EUR",
            "created_at": order.at,
        }
        for place, (good, quantity) in enumerate(order.items)
    ]


async def _count(work: Work, name: str, value: int) -> None:
    mine = (Counter.workspace_id == work.viewer.workspace_id, Counter.name == name)
    await work.execute(update(Counter).where(*mine).values(value=value, updated_at=now()))
