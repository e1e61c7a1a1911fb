"""Products: what a business sells."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

import strawberry

from db import products as tables
from db.base import Permission
from db.orders import OrderItem
from schema.kit.connection import Connection
from schema.kit.context import Info
from schema.kit.docs import publish_enum
from schema.kit.edges import by_key, embedded, root_page, to_many, to_one
from schema.kit.errors import Payload, payload
from schema.kit.filters import filter_input, on
from schema.kit.ids import IdOf
from schema.kit.inputs import described_input, given, one_of
from schema.kit.node import Node, node, root
from schema.kit.operators import DateTimeFilter, DecimalFilter, IdFilter, SortDirection, StringFilter
from schema.kit.roots import mutation
from schema.kit.scalars import URL, CurrencyCode
from schema.money import Money, MoneyInput
from schema.payloads import DeleteInput, DeletePayload, deleted
from schema.refs import ORDER_ITEMS, PRODUCTS, OrderItemRef, ProductRef, UserRef
from services import products as services

ProductId = Annotated[strawberry.ID, IdOf("product")]


@node(tables.Product, "product", Permission.PRODUCTS_READ)
class Product(Node):
    """Something that can be ordered. sku and shortId are unique in the workspace where they are given."""

    version: int
    """Counts changes of the product itself, beginning at 1."""
    owner: UserRef = to_one(tables.Product.owner_id)
    """The member who added it."""
    name: str
    """What it is called."""
    description: str | None
    """What there is to say about it."""
    price: Money = embedded(Money, amount=tables.Product.price, currency=tables.Product.currency)
    """What one of it costs now."""
    sku: str | None
    """The business's own number for it."""
    image_url: URL | None
    """A picture of it."""
    image_id: str | None
    """The picture's id where pictures are kept."""
    short_id: str | None
    """A short name for links."""
    is_available: bool
    """Whether there is any; informs, and blocks nothing."""
    order_items: Connection[OrderItemRef] = to_many(OrderItem.product_id, ORDER_ITEMS)
    """The order lines it was bought with, newest first."""
    created_at: datetime
    """When it was added."""
    updated_at: datetime
    """When it last changed."""
    deleted_at: datetime | None
    """When it was deleted."""


@filter_input
class ProductFilter:
    """Which products."""

    owner: IdFilter | None = on("owner_id", of="user")
    """Added by."""
    name: StringFilter | None
    """By name."""
    sku: StringFilter | None
    """By sku."""
    is_available: bool | None
    """Available, or not."""
    price: DecimalFilter | None
    """By the amount of the price."""
    currency: CurrencyCode | None
    """By the currency of the price."""
    created_at: DateTimeFilter | None
    """By when it was added."""


@publish_enum
class ProductSortField(StrEnum):
    """What products can be sorted by."""

    CREATED_AT = "created_at"
    """When it was added."""
    NAME = "name"
    """Name."""
    PRICE = "price"
    """The amount of the price."""


@described_input
class ProductSort:
    """One thing to sort products by."""

    field: ProductSortField
    """What to sort by."""
    direction: SortDirection = SortDirection.ASC
    """Which end comes first."""


@one_of
class ProductKey:
    """What finds one product."""

    id: strawberry.ID | None
    """Its id."""
    sku: str | None
    """Its sku."""
    short_id: str | None
    """Its shortId."""


@root
class ProductQuery:
    product: ProductRef | None = by_key(
        PRODUCTS,
        ProductKey,
        "product",
        id=tables.Product.id,
        sku=tables.Product.sku,
        shortId=tables.Product.short_id,
    )
    """One product; null where there is none."""
    products: Connection[ProductRef] = root_page(PRODUCTS)
    """The products, newest first."""


@described_input
class ProductCreateInput:
    """A new product."""

    name: str
    """What it is called."""
    description: str | None
    """What there is to say about it."""
    price: MoneyInput
    """What one of it costs."""
    sku: str | None
    """The business's own number for it."""
    image_url: URL | None
    """A picture of it."""
    image_id: str | None
    """The picture's id where pictures are kept."""
    short_id: str | None
    """A short name for links."""
    is_available: bool = True
    """Whether there is any."""


@described_input
class ProductUpdateInput:
    """What to change of a product: an absent field is kept, null clears it."""

    id: ProductId
    """Which product."""
    name: str | None
    """What it is called."""
    description: str | None
    """What there is to say about it."""
    price: MoneyInput | None
    """What one of it costs from now on; orders keep what was paid."""
    sku: str | None
    """The business's own number for it."""
    image_url: URL | None
    """A picture of it."""
    image_id: str | None
    """The picture's id where pictures are kept."""
    short_id: str | None
    """A short name for links."""
    is_available: bool | None
    """Whether there is any."""
    expected_version: int | None
    """Refuse with STALE_VERSION where the product is no longer at this version."""


@payload
class ProductPayload(Payload):
    """A product, or why not."""

    product: ProductRef | None = None
    """The product as it is now."""


@strawberry.type
class ProductMutation:
    @mutation(Permission.PRODUCTS_WRITE)
    async def product_create(self, info: Info, input: ProductCreateInput) -> ProductPayload | None:
        """Adds a product, owned by the viewer."""
        return ProductPayload(product=await info.context.transact(services.create_product, **given(input)))

    @mutation(Permission.PRODUCTS_WRITE)
    async def product_update(self, info: Info, input: ProductUpdateInput) -> ProductPayload | None:
        """Changes a product."""
        return ProductPayload(product=await info.context.transact(services.update_product, **given(input)))

    @mutation(Permission.PRODUCTS_WRITE)
    async def product_delete(self, info: Info, input: DeleteInput) -> DeletePayload | None:
        """Deletes a product; the orders it is in keep it."""
        return await deleted(info, services.delete_product, "product", input)
