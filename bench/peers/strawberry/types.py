"""The types and fields of stock Strawberry, written the way its documentation teaches; nothing is tuned."""

import asyncio
import uuid
from collections import defaultdict
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Self

import strawberry
from sqlalchemy import select

from bench.peers.strawberry import models
from bench.peers.strawberry.loaders import Loaders, Session

for kind in (
    models.PlatformType,
    models.OrderStatus,
    models.ChatStatus,
    models.SenderType,
    models.ContentType,
):
    strawberry.enum(kind)

Context = dict[str, Any]
Info = strawberry.Info[Context, None]


def loaders(info: Info) -> Loaders:
    """The request's."""
    found: Loaders = info.context["loaders"]
    return found


@strawberry.type
class Channel:
    id: strawberry.ID
    channel_name: str | None
    platform_type: models.PlatformType

    @classmethod
    def from_model(cls, m: models.ChannelModel) -> Self:
        return cls(
            id=strawberry.ID(str(m.channel_id)), channel_name=m.channel_name, platform_type=m.platform_type
        )


@strawberry.type
class Product:
    id: strawberry.ID
    name: str
    price: Decimal

    @classmethod
    def from_model(cls, m: models.ProductModel) -> Self:
        return cls(id=strawberry.ID(str(m.product_id)), name=m.name, price=m.price)


@strawberry.type
class OrderItem:
    id: strawberry.ID
    quantity: int
    price_at_purchase: Decimal
    product_id: strawberry.Private[uuid.UUID]

    @classmethod
    def from_model(cls, m: models.OrderItemModel) -> Self:
        return cls(
            id=strawberry.ID(str(m.order_item_id)),
            quantity=m.quantity,
            price_at_purchase=m.price_at_purchase,
            product_id=m.product_id,
        )

    @strawberry.field
    async def product(self, info: Info) -> Product:
        return Product.from_model(await loaders(info).product.load(self.product_id))


@strawberry.type
class Order:
    id: strawberry.ID
    order_status: models.OrderStatus
    total_amount: Decimal
    currency: str
    created_at: datetime
    order_id: strawberry.Private[uuid.UUID]
    customer_id: strawberry.Private[uuid.UUID]

    @classmethod
    def from_model(cls, m: models.OrderModel) -> Self:
        return cls(
            id=strawberry.ID(str(m.order_id)),
            order_status=m.order_status,
            total_amount=m.total_amount,
            currency=m.currency,
            created_at=m.created_at,
            order_id=m.order_id,
            customer_id=m.customer_id,
        )

    @strawberry.field
    async def customer(self, info: Info) -> "Customer":
        return Customer.from_model(await loaders(info).customer.load(self.customer_id))

    @strawberry.field
    async def items(self, info: Info) -> list[OrderItem]:
        return [OrderItem.from_model(m) for m in await loaders(info).items.load(self.order_id)]


@strawberry.type
class Customer:
    id: strawberry.ID
    full_name: str | None
    email: str | None
    customer_id: strawberry.Private[uuid.UUID]

    @classmethod
    def from_model(cls, m: models.CustomerModel) -> Self:
        id = strawberry.ID(str(m.customer_id))
        return cls(id=id, full_name=m.full_name, email=m.email, customer_id=m.customer_id)

    @strawberry.field
    async def orders(self, info: Info, first: int) -> list[Order]:
        return [Order.from_model(m) for m in await loaders(info).orders(first).load(self.customer_id)]


@strawberry.type
class Message:
    id: strawberry.ID
    chat_id: strawberry.ID
    sender_type: models.SenderType
    content_type: models.ContentType
    content: str
    timestamp: datetime

    @classmethod
    def from_model(cls, m: models.MessageModel) -> Self:
        return cls(
            id=strawberry.ID(str(m.message_id)),
            chat_id=strawberry.ID(str(m.chat_id)),
            sender_type=m.sender_type,
            content_type=m.content_type,
            content=m.content,
            timestamp=m.timestamp,
        )


@strawberry.type
class Chat:
    id: strawberry.ID
    status: models.ChatStatus
    last_message_at: datetime | None
    chat_id: strawberry.Private[uuid.UUID]
    customer_id: strawberry.Private[uuid.UUID]
    channel_id: strawberry.Private[uuid.UUID]

    @classmethod
    def from_model(cls, m: models.ChatModel) -> Self:
        return cls(
            id=strawberry.ID(str(m.chat_id)),
            status=m.status,
            last_message_at=m.last_message_at,
            chat_id=m.chat_id,
            customer_id=m.customer_id,
            channel_id=m.channel_id,
        )

    @strawberry.field
    async def customer(self, info: Info) -> Customer:
        return Customer.from_model(await loaders(info).customer.load(self.customer_id))

    @strawberry.field
    async def channel(self, info: Info) -> Channel:
        return Channel.from_model(await loaders(info).channel.load(self.channel_id))

    @strawberry.field
    async def messages(self, info: Info, first: int) -> list[Message]:
        return [Message.from_model(m) for m in await loaders(info).messages(first).load(self.chat_id)]


@strawberry.type
class SendMessagePayload:
    message: Message
    chat: Chat


@strawberry.type
class Query:
    @strawberry.field
    async def chat(self, id: strawberry.ID) -> Chat | None:
        async with Session() as session:
            row = await session.get(models.ChatModel, uuid.UUID(id))
        return Chat.from_model(row) if row else None

    @strawberry.field
    async def chats(self, user_id: strawberry.ID, first: int) -> list[Chat]:
        table = models.ChatModel
        statement = select(table).where(table.user_id == uuid.UUID(user_id))
        async with Session() as session:
            rows = await session.scalars(statement.order_by(table.last_message_at.desc()).limit(first))
            return [Chat.from_model(row) for row in rows]

    @strawberry.field
    async def orders(self, user_id: strawberry.ID, status: models.OrderStatus, first: int) -> list[Order]:
        table = models.OrderModel
        statement = select(table).where(table.user_id == uuid.UUID(user_id), table.order_status == status)
        async with Session() as session:
            rows = await session.scalars(statement.order_by(table.created_at.desc()).limit(first))
            return [Order.from_model(row) for row in rows]


subscribers: dict[str, set[asyncio.Queue[Message]]] = defaultdict(set)


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def send_message(self, chat_id: strawberry.ID, content: str) -> SendMessagePayload:
        moment = datetime.now(UTC).replace(tzinfo=None)
        row = models.MessageModel(
            message_id=uuid.uuid4(),
            chat_id=uuid.UUID(chat_id),
            sender_type=models.SenderType.AGENT,
            content_type=models.ContentType.TEXT,
            content=content,
            timestamp=moment,
        )
        async with Session() as session, session.begin():
            session.add(row)
            chat = await session.get_one(models.ChatModel, uuid.UUID(chat_id))
            chat.last_message_at = moment
        message = Message.from_model(row)
        for queue in subscribers[chat_id]:
            queue.put_nowait(message)
        return SendMessagePayload(message=message, chat=Chat.from_model(chat))


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def message_added(self, chat_id: strawberry.ID) -> AsyncGenerator[Message, None]:
        queue: asyncio.Queue[Message] = asyncio.Queue()
        subscribers[chat_id].add(queue)
        try:
            while True:
                yield await queue.get()
        finally:
            subscribers[chat_id].discard(queue)
