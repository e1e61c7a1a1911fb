"""What is measured on: made-up rows that are the same for the same number of messages, whatever tables they go into."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, NamedTuple, Self
from uuid import UUID

USERS_MAX, USERS_MIN = 50, 5
"""Businesses: a workspace in Switchboard, a user in the peers' tables."""
PRODUCTS_OF_USER: Final = 20
CHANNELS_OF_USER: Final = 2
READ_SHARE: Final = 0.8
"""Of the users: the others' rows alone are written to, so that answers that are compared never change."""
LONG_CHATS_MAX, LONG_CHAT_MESSAGES = 20, 2_000
"""Transcripts are measured on these."""
MESSAGES_MIN: Final = 1_000

PLATFORMS: Final = ("INSTAGRAM", "SHOPIFY", "WHATSAPP")
ORDER_STATES: Final = ("PENDING", "PROCESSING", "SHIPPED", "DELIVERED", "CANCELLED", "REFUNDED")
CHAT_STATES: Final = ("OPEN", "PENDING", "RESOLVED", "CLOSED")
SENDERS: Final = ("CUSTOMER", "AGENT", "CUSTOMER", "SYSTEM")
CONTENTS: Final = ("TEXT", "TEXT", "TEXT", "IMAGE")
BEGUN: Final = datetime(2024, 1, 1)  # noqa: DTZ001 the peers' tables keep instants without a zone
FIRST_ORDER: Final = datetime(2025, 1, 1)  # noqa: DTZ001
FIRST_CHAT_END: Final = datetime(2025, 10, 1)  # noqa: DTZ001
CHAT_STEP, MESSAGE_STEP = timedelta(seconds=61), timedelta(seconds=37)
SHUFFLE: Final = 7_919
"""A prime: spreads the newest chats over all users."""


def id_of(kind: str, *numbers: int) -> UUID:
    """The id of a row: known without looking it up."""
    name = kind + ".".join(map(str, numbers))
    return UUID(bytes=hashlib.md5(name.encode(), usedforsecurity=False).digest())


class Customer(NamedTuple):
    """One person on one channel; belongs to that channel's user."""

    number: int
    id: UUID
    channel: int
    seen_at: datetime


class Order(NamedTuple):
    """An order; its items' amounts do not add up to it, which nobody here asks for."""

    number: int
    id: UUID
    user: int
    customer: int
    channel: int
    status: str
    total: Decimal
    created_at: datetime


class Item(NamedTuple):
    """A line of an order."""

    id: UUID
    order: UUID
    user: int
    position: int
    product: int
    price: Decimal
    created_at: datetime


class Chat(NamedTuple):
    """A chat of so many messages."""

    number: int
    id: UUID
    user: int
    customer: int
    channel: int
    status: str
    messages: int
    last_message_at: datetime


class Message(NamedTuple):
    """One thing said."""

    id: UUID
    chat: Chat
    sequence: int
    sender: str
    content_type: str
    content: str
    timestamp: datetime


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many rows of each kind there are."""

    messages: int
    users: int
    customers: int
    orders: int
    chats: int
    long_chats: int
    long_length: int

    @classmethod
    def of(cls, messages: int) -> Self:
        """In the proportions of the million: 30,000 chats, 20,000 customers, 50,000 orders, 50 users."""
        if messages < MESSAGES_MIN:
            raise ValueError(f"There have to be at least {MESSAGES_MIN} messages.")
        users = min(USERS_MAX, max(USERS_MIN, messages // 2_000))
        channels, chats = users * CHANNELS_OF_USER, messages * 3 // 100
        # A customer's number says its channel, and the channel its user: whole rounds of channels.
        customers = max(1, chats * 2 // 3 // channels) * channels
        long_chats = min(LONG_CHATS_MAX, max(1, messages // 50_000))
        long_length = min(LONG_CHAT_MESSAGES, messages // 5)
        return cls(messages, users, customers, messages // 20, chats, long_chats, long_length)

    @property
    def channels(self) -> int:
        return self.users * CHANNELS_OF_USER

    @property
    def products(self) -> int:
        return self.users * PRODUCTS_OF_USER

    @property
    def readers(self) -> range:
        """The users whose rows are only read."""
        return range(1, round(self.users * READ_SHARE) + 1)

    def user_of(self, number: int) -> int:
        """Whose a channel, product, customer, order or chat is."""
        return (number - 1) % self.users + 1

    def channel_of(self, number: int) -> int:
        """Which channel a customer, order or chat is on."""
        return (number - 1) % self.channels + 1

    def customer_of(self, number: int) -> int:
        """Whose order or chat it is."""
        return (number - 1) % self.customers + 1

    def messages_of(self, chat: int) -> int:
        """How many messages a chat has."""
        if chat <= self.long_chats:
            return self.long_length
        each, more = divmod(
            self.messages - self.long_chats * self.long_length, max(1, self.chats - self.long_chats)
        )
        return each + (chat - self.long_chats <= more)


def price_of(product: int) -> Decimal:
    """What a product costs."""
    return Decimal(product % 500) + Decimal("0.99")


def customers(sizes: Sizes) -> Iterator[Customer]:
    """All customers, by number."""
    for n in range(1, sizes.customers + 1):
        yield Customer(n, id_of("customer", n), sizes.channel_of(n), BEGUN + timedelta(days=90, minutes=n))


def orders(sizes: Sizes) -> Iterator[Order]:
    """All orders, the oldest first."""
    for n in range(1, sizes.orders + 1):
        yield Order(
            n,
            id_of("order", n),
            sizes.user_of(n),
            sizes.customer_of(n),
            sizes.channel_of(n),
            ORDER_STATES[n // sizes.users % len(ORDER_STATES)],
            Decimal(n % 900) + Decimal("10.50"),
            FIRST_ORDER + timedelta(minutes=n),
        )


def items(sizes: Sizes) -> Iterator[Item]:
    """Two or three lines for each order, of its user's products."""
    for order in orders(sizes):
        for position in range(1, 3 + order.number % 2):
            place = (order.number * 7 + position * 131) % PRODUCTS_OF_USER
            product = place * sizes.users + order.user
            price = Decimal((order.number * 7 + position) % 500) + Decimal("0.99")
            id = id_of("item", order.number, position)
            yield Item(id, order.id, order.user, position, product, price, order.created_at)


def status_of_chat(n: int) -> str:
    """What state a chat is in, by its number."""
    return CHAT_STATES[n % len(CHAT_STATES)]


def chats(sizes: Sizes) -> Iterator[Chat]:
    """All chats, by number; no two end at the same moment."""
    for n in range(1, sizes.chats + 1):
        yield Chat(
            n,
            id_of("chat", n),
            sizes.user_of(n),
            sizes.customer_of(n),
            sizes.channel_of(n),
            status_of_chat(n),
            sizes.messages_of(n),
            FIRST_CHAT_END + n * SHUFFLE % sizes.chats * CHAT_STEP,
        )


def messages(sizes: Sizes) -> Iterator[Message]:
    """All messages, chat by chat in the order they were said."""
    for chat in chats(sizes):
        for sequence in range(1, chat.messages + 1):
            yield Message(
                id_of("message", chat.number, sequence),
                chat,
                sequence,
                SENDERS[sequence % len(SENDERS)],
                CONTENTS[sequence // len(SENDERS) % len(CONTENTS)],
                f"Message {sequence} of chat {chat.number}: hello, I would like to know where my parcel is, please.",
                chat.last_message_at - (chat.messages - sequence) * MESSAGE_STEP,
            )
