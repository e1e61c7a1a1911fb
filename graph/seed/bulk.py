"""A large set of made-up data for measurements: the same for the same number and seed, ids of what is in it and dates too."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from db.accounts import User
from db.base import Viewer
from db.channels import Channel, PlatformType
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
from db.orders import Order, OrderItem, OrderStatus
from db.products import Product
from graph.seed.goods import GOODS
from graph.seed.people import PEOPLE
from graph.seed.rows import add_rows, id_at
from graph.seed.themes import THEMES
from services import accounts, counters
from services.server import Server
from services.transactions import transact
from services.work import Work

WORKSPACE_MESSAGES: Final = 100_000
"""Messages of one workspace, where there are enough for more than two."""
WORKSPACES_MIN: Final = 2
LONG_CHAT_SHARE: Final = 0.05
"""Of a workspace's messages: one chat is as long as that, since transcripts are measured too."""
TURNS: Final = (4, 36)
"""How many messages the other chats have."""
CHANNELS, AGENTS = 4, 5
PRODUCTS_PER_WORKSPACE: Final = 200
CUSTOMERS_OF_CHATS: Final = 0.8
ORDERS_OF_CHATS: Final = 0.4
BATCH_MESSAGES: Final = 20_000
"""Of one transaction: chats are whole in it, so that a run that is broken off leaves nothing half."""
AT_ONCE: Final = 2
"""Workspaces that are filled at the same time on PostgreSQL, each by a process of its own there."""
END: Final = datetime(2026, 1, 1, tzinfo=UTC)
YEAR: Final = timedelta(days=365)
USERNAME: Final = "bench"
PASSWORD: Final = "bench-switchboard"
WORDS: Final = {
    "name": "Alex Doe",
    "first": "Alex",
    "street": "Mill Road 4",
    "city": "Porto",
    "email": "alex@example.com",
    "agent": "Sam",
    "product": "Harbour Espresso",
    "other": "Jasmine Pearls",
    "quantity": "3",
    "price": "$9.50",
    "total": "$28.50",
    "order": "1042",
    "day": "Monday",
}
STATES: Final = tuple(OrderStatus)

MESSAGE: Final = (
    *("id", "workspace_id", "version", "conversation_id", "channel_id", "sequence", "platform_message_id"),
    *("sender_type", "sender_user_id", "sender_customer_id", "content_type", "content", "timestamp"),
    *("created_at", "updated_at"),
)
CONVERSATION: Final = (
    *(
        "id",
        "workspace_id",
        "version",
        "kind",
        "number",
        "customer_id",
        "channel_id",
        "assignee_id",
        "status",
    ),
    *("last_sequence", "last_message_at", "started_at", "created_at", "updated_at"),
)
PARTICIPANT: Final = (
    *("conversation_id", "user_id", "workspace_id", "last_read_sequence", "created_at", "updated_at"),
)
CUSTOMER: Final = (
    *("id", "workspace_id", "version", "channel_id", "platform_customer_id", "full_name", "email"),
    *("first_seen_at", "last_seen_at", "created_at", "updated_at"),
)
ORDER: Final = (
    *(
        "id",
        "workspace_id",
        "version",
        "number",
        "customer_id",
        "channel_id",
        "seller_id",
        "chat_id",
        "status",
    ),
    *("total_amount", "currency", "created_at", "updated_at"),
)
ITEM: Final = (
    *("id", "workspace_id", "order_id", "position", "product_id", "name", "quantity", "price_at_purchase"),
    *("currency", "created_at", "updated_at"),
)
Advance = Callable[[int], None]
"""Is told of so many messages written."""


@dataclass
class Tenant:
    """A workspace being filled: what later rows point at."""

    number: int
    random: Random
    messages: int
    viewer: Viewer
    agents: list[UUID]
    channels: list[UUID] = field(default_factory=list)
    products: list[tuple[UUID, str, Decimal]] = field(default_factory=list)
    customers: list[tuple[UUID, UUID]] = field(default_factory=list)
    """Each with its channel."""

    @property
    def id(self) -> UUID:
        """The workspace's."""
        return self.viewer.workspace_id


@dataclass
class Batch:
    """The rows of one transaction."""

    chats: list[tuple[Any, ...]] = field(default_factory=list)
    messages: list[tuple[Any, ...]] = field(default_factory=list)
    readings: list[tuple[Any, ...]] = field(default_factory=list)
    orders: list[tuple[Any, ...]] = field(default_factory=list)
    items: list[tuple[Any, ...]] = field(default_factory=list)

    async def write(self, connection: AsyncConnection, tenant: Tenant) -> None:
        """Adds them, and brings the workspace's counters to the last numbers."""
        await add_rows(connection, Conversation, CONVERSATION, self.chats)
        await add_rows(connection, Message, MESSAGE, self.messages)
        await add_rows(connection, Participant, PARTICIPANT, self.readings)
        await add_rows(connection, Order, ORDER, self.orders)
        await add_rows(connection, OrderItem, ITEM, self.items)
        numbers = {counters.CHATS: (self.chats, CONVERSATION), counters.ORDERS: (self.orders, ORDER)}
        for name, (rows, columns) in numbers.items():
            if rows:
                mine = (Counter.workspace_id == tenant.id, Counter.name == name)
                last = rows[-1][columns.index("number")]
                await connection.execute(update(Counter).where(*mine).values(value=last))


async def is_seeded(server: Server) -> bool:
    """Whether there is such a set already: two would have the same ids."""
    return bool(await server.database.fetch(select(User.id).where(User.username == username(1))))


def username(number: int) -> str:
    """The administrator of that workspace, beginning with 1."""
    return f"{USERNAME}{number}"


async def seed_messages(server: Server, messages: int, seed: int, advance: Advance) -> None:
    """Writes so many messages and what belongs to them, in fixed proportion."""
    workspaces = max(WORKSPACES_MIN, round(messages / WORKSPACE_MESSAGES))
    hashed = await server.passwords.hash(PASSWORD)
    shares = [messages * n // workspaces for n in range(workspaces + 1)]
    at_once = asyncio.Semaphore(AT_ONCE if server.database.dialect == "postgresql" else 1)

    async def fill(number: int) -> None:
        async with at_once:
            random, share = Random(f"{seed} {number}"), shares[number] - shares[number - 1]
            tenant = await transact(
                server.database, server.hub, None, _add_tenant, random, number, share, hashed
            )
            for batch in _batches(tenant):
                async with server.database.write() as connection:
                    await batch.write(connection, tenant)
                advance(len(batch.messages))

    async with asyncio.TaskGroup() as group:
        for number in range(1, workspaces + 1):
            group.create_task(fill(number))
    if server.database.dialect == "postgresql":
        # Else the first measurements run on plans for empty tables, until PostgreSQL looks at them by itself.
        async with server.database.write() as connection:
            await connection.execute(text("ANALYZE"))


async def _add_tenant(work: Work, random: Random, number: int, messages: int, hashed: str) -> Tenant:
    """A workspace with its members, channels, products and customers."""
    name = username(number)
    await accounts.register(work, name, f"{name}@example.com", hashed, business_name=f"Bench {number}")
    agents = []
    for place in range(1, AGENTS + 1):
        agent = f"{name}-{place}"
        user = await accounts.create_user(work, agent, f"{agent}@example.com", hashed, is_active=True)
        agents.append(user.id)
    tenant = Tenant(number, random, messages, work.viewer, agents)
    begun = END - YEAR
    for platform in list(PlatformType)[:CHANNELS]:
        id = id_at(random, begun)
        await work.insert(
            Channel,
            id=id,
            owner_id=work.viewer.id,
            platform_type=platform,
            name=platform.title(),
            is_active=True,
            scopes=[],
            created_at=begun,
        )
        tenant.channels.append(id)
    await _add_products(work, tenant)
    await _add_customers(work, tenant)
    return tenant


async def _add_products(work: Work, tenant: Tenant) -> None:
    names = ("id", "workspace_id", "version", "owner_id", "name", "price", "currency", "sku", "is_available")
    at, rows = END - YEAR, []
    for place in range(PRODUCTS_PER_WORKSPACE):
        good, turn = GOODS[place % len(GOODS)], place // len(GOODS)
        name, price = f"{good.name} {turn + 1}", good.price + turn
        id = id_at(tenant.random, at)
        tenant.products.append((id, name, price))
        row = (id, tenant.id, 1, work.viewer.id, name, price, "USD", f"{good.sku}-{turn}", True)
        rows.append((*row, at, at))
    await add_rows(work.connection, Product, (*names, "created_at", "updated_at"), rows)


async def _add_customers(work: Work, tenant: Tenant) -> None:
    count = max(1, int(_chat_count(tenant.messages) * CUSTOMERS_OF_CHATS))
    rows = []
    for place in range(count):
        # Before its first chat, whose turn comes later in the year.
        at = END - YEAR + YEAR * (place / _chat_count(tenant.messages) * 0.9)
        person = PEOPLE[place % len(PEOPLE)]
        id, channel = id_at(tenant.random, at), tenant.channels[place % CHANNELS]
        tenant.customers.append((id, channel))
        email = f"{person.handle}.{place}@example.com"
        rows.append((id, tenant.id, 1, channel, f"c{place}", person.name, email, at, END, at, at))
    await add_rows(work.connection, Customer, CUSTOMER, rows)


def _chat_count(messages: int) -> int:
    return max(1, round(messages * (1 - LONG_CHAT_SHARE) / (sum(TURNS) / 2)))


def _lengths(tenant: Tenant) -> Iterator[int]:
    """How many messages each chat has: one long one first, then short ones until all are given out."""
    left = tenant.messages
    long = int(left * LONG_CHAT_SHARE)
    if long > TURNS[1]:
        yield long
        left -= long
    while left:
        length = min(left, tenant.random.randint(*TURNS))
        yield length
        left -= length


def _batches(tenant: Tenant) -> Iterator[Batch]:
    lengths = list(_lengths(tenant))
    said = [way.format_map(WORDS) for theme in THEMES["en"] for turn in theme.turns for way in turn.ways]
    batch, order_number = Batch(), 0
    for place, length in enumerate(lengths):
        started_at = END - YEAR + YEAR * (place / len(lengths)) * 0.98
        is_last = place + len(tenant.customers) >= len(lengths)
        chat = _add_chat(tenant, batch, place, length, started_at, is_last=is_last)
        last_at = _add_messages(tenant, batch, chat, length, started_at, said)
        _finish_chat(batch, last_at)
        if tenant.random.random() < ORDERS_OF_CHATS:
            order_number += 1
            _add_order(tenant, batch, chat, order_number, last_at)
        if len(batch.messages) >= BATCH_MESSAGES:
            yield batch
            batch = Batch()
    if batch.chats:
        yield batch


def _add_chat(
    tenant: Tenant, batch: Batch, place: int, length: int, at: datetime, *, is_last: bool
) -> tuple[UUID, UUID, UUID, UUID]:
    """Adds a chat, and a reading of its agent; its id, customer, channel and agent. A customer's earlier chats are over."""
    random = tenant.random
    customer, channel = tenant.customers[place % len(tenant.customers)]
    agent = random.choice(tenant.agents)
    open_or_not = (ChatStatus.OPEN, ChatStatus.PENDING, ChatStatus.RESOLVED, ChatStatus.RESOLVED)
    status = random.choice(open_or_not) if is_last else ChatStatus.CLOSED
    id = id_at(random, at)
    row = (id, tenant.id, 1, ConversationKind.CHAT, place + 1, customer, channel, agent, status)
    batch.chats.append((*row, length, at, at, at, at))
    read = length if random.random() < 0.8 else random.randint(0, length)
    batch.readings.append((id, agent, tenant.id, read, at, at))
    return id, customer, channel, agent


def _finish_chat(batch: Batch, last_at: datetime) -> None:
    row = list(batch.chats[-1])
    row[CONVERSATION.index("last_message_at")] = last_at
    batch.chats[-1] = tuple(row)


def _add_messages(
    tenant: Tenant,
    batch: Batch,
    chat: tuple[UUID, UUID, UUID, UUID],
    length: int,
    at: datetime,
    said: list[str],
) -> datetime:
    """Adds the messages of a chat; when the last one was said."""
    random, workspace, add = tenant.random, tenant.id, batch.messages.append
    id, customer, channel, agent = chat
    plain, inbound, outbound = MessageContentType.TEXT, MessageSenderType.CUSTOMER, MessageSenderType.AGENT
    prefix = f"{id.hex[:8]}{id.hex[-8:]}-"
    gap = min(timedelta(minutes=9), YEAR * 0.01 / length)
    step = gap
    for sequence in range(1, length + 1):
        if sequence > 1:
            at += step
            step = gap * (0.5 + random.random() / 2)
        message, content = id_at(random, at), said[int(random.random() * len(said))]
        row: tuple[Any, ...]
        if sequence % 2:
            row = (
                message,
                workspace,
                1,
                id,
                channel,
                sequence,
                f"{prefix}{sequence}",
                inbound,
                None,
                customer,
            )
        else:
            row = (message, workspace, 1, id, None, sequence, None, outbound, agent, None)
        add((*row, plain, content, at, at, at))
    return at


def _add_order(
    tenant: Tenant, batch: Batch, chat: tuple[UUID, UUID, UUID, UUID], number: int, at: datetime
) -> None:
    random = tenant.random
    id, total = id_at(random, at), Decimal(0)
    row: tuple[Any, ...]
    for place in range(random.randint(1, 3)):
        product, name, price = random.choice(tenant.products)
        quantity = random.randint(1, 4)
        total += price * quantity
        row = (id_at(random, at), tenant.id, id, place, product, name, quantity, price, "USD", at, at)
        batch.items.append(row)
    chat_id, customer, channel, agent = chat
    row = (id, tenant.id, 1, number, customer, channel, agent, chat_id, random.choice(STATES))
    batch.orders.append((*row, total, "USD", at, at))
