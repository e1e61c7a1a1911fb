"""The data loaders of stock Strawberry, one set for each request, as its guide and aiodataloader's teach them."""

import os
import uuid
from collections import defaultdict
from typing import Any

from aiodataloader import DataLoader
from sqlalchemy import bindparam, func, select, true
from sqlalchemy.dialects.postgresql import ARRAY, UUID
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import InstrumentedAttribute, aliased

from bench.peers.strawberry.models import (
    Base,
    ChannelModel,
    CustomerModel,
    MessageModel,
    OrderItemModel,
    OrderModel,
    ProductModel,
)

POOL = 10
engine = create_async_engine(os.environ["BENCH_URL"], pool_size=POOL, max_overflow=0)
Session = async_sessionmaker(engine, expire_on_commit=False)


class ByIdLoader(DataLoader[uuid.UUID, Any]):
    """Rows by their primary key."""

    def __init__(self, model: type[Base], column: InstrumentedAttribute[uuid.UUID]) -> None:
        super().__init__()
        self.model, self.column = model, column

    async def batch_load_fn(self, keys: list[uuid.UUID]) -> list[Any]:
        async with Session() as session:
            rows = (await session.scalars(select(self.model).where(self.column.in_(keys)))).all()
        found = {getattr(row, self.column.key): row for row in rows}
        return [found.get(key) for key in keys]


class ItemsLoader(DataLoader[uuid.UUID, list[OrderItemModel]]):
    """The lines of orders."""

    async def batch_load_fn(self, keys: list[uuid.UUID]) -> list[list[OrderItemModel]]:
        statement = select(OrderItemModel).where(OrderItemModel.order_id.in_(keys))
        async with Session() as session:
            rows = (await session.scalars(statement.order_by(OrderItemModel.order_item_id))).all()
        found: dict[uuid.UUID, list[OrderItemModel]] = defaultdict(list)
        for row in rows:
            found[row.order_id].append(row)
        return [found[key] for key in keys]


class NewestLoader(DataLoader[uuid.UUID, list[Any]]):
    """The newest rows of each parent: one statement for all parents."""

    def __init__(
        self, model: type[Base], parent: InstrumentedAttribute[Any], order: InstrumentedAttribute[Any], n: int
    ) -> None:
        super().__init__()
        self.model, self.parent, self.order, self.n = model, parent, order, n

    async def batch_load_fn(self, keys: list[uuid.UUID]) -> list[list[Any]]:
        lateral = engine.dialect.name == "postgresql"
        statement = self._by_lateral(keys) if lateral else self._by_window(keys)
        async with Session() as session:
            rows = (await session.scalars(statement)).all()
        found: dict[uuid.UUID, list[Any]] = defaultdict(list)
        for row in rows:
            found[getattr(row, self.parent.key)].append(row)
        return [found[key] for key in keys]

    def _by_lateral(self, keys: list[uuid.UUID]) -> Any:
        array = bindparam("ids", keys, type_=ARRAY(UUID(as_uuid=True)))
        ids = select(func.unnest(array).label("id")).subquery()
        newest = select(self.model).where(self.parent == ids.c.id).order_by(self.order.desc())
        entity = aliased(self.model, newest.limit(self.n).lateral())
        return select(entity).select_from(ids).join(entity, true())

    def _by_window(self, keys: list[uuid.UUID]) -> Any:
        place = func.row_number().over(partition_by=self.parent, order_by=self.order.desc()).label("place")
        ranked = select(self.model, place).where(self.parent.in_(keys)).subquery()
        return select(aliased(self.model, ranked)).where(ranked.c.place <= self.n).order_by(ranked.c.place)


class Loaders:
    """The loaders of one request."""

    def __init__(self) -> None:
        self.customer = ByIdLoader(CustomerModel, CustomerModel.customer_id)
        self.channel = ByIdLoader(ChannelModel, ChannelModel.channel_id)
        self.product = ByIdLoader(ProductModel, ProductModel.product_id)
        self.items = ItemsLoader()
        self._newest: dict[tuple[str, int], NewestLoader] = {}

    def messages(self, n: int) -> NewestLoader:
        """The newest `n` messages of chats."""
        if ("messages", n) not in self._newest:
            made = NewestLoader(MessageModel, MessageModel.chat_id, MessageModel.timestamp, n)
            self._newest["messages", n] = made
        return self._newest["messages", n]

    def orders(self, n: int) -> NewestLoader:
        """The newest `n` orders of customers."""
        if ("orders", n) not in self._newest:
            made = NewestLoader(OrderModel, OrderModel.customer_id, OrderModel.created_at, n)
            self._newest["orders", n] = made
        return self._newest["orders", n]
