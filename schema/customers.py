"""Customers: the people a business talks to."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

import strawberry

from db import customers as tables
from db.base import Permission
from db.conversations import Conversation
from db.orders import Order
from schema.actors import Actor
from schema.channels import ChannelId, PlatformKey
from schema.kit.connection import Connection
from schema.kit.context import Info
from schema.kit.docs import publish_enum
from schema.kit.edges import by_key, column, computed, root_page, to_many, to_one
from schema.kit.errors import Payload, payload
from schema.kit.filters import filter_input, on
from schema.kit.ids import IdOf
from schema.kit.inputs import described_input, given, one_of
from schema.kit.node import node, root
from schema.kit.operators import DateTimeFilter, IdFilter, SortDirection, StringFilter
from schema.kit.roots import mutation
from schema.kit.scalars import JSON, URL
from schema.payloads import DeleteInput, DeletePayload, deleted
from schema.refs import CHATS, CUSTOMERS, ORDERS, ChannelRef, ChatRef, CustomerRef, OrderRef
from services import customers as services

CustomerId = Annotated[strawberry.ID, IdOf("customer")]


def display_name(row: Any) -> str:
    """fullName, else e-mail, phone or platformCustomerId."""
    return str(row.full_name or row.email or row.phone or row.platform_customer_id)


@node(tables.Customer, "customer", Permission.CUSTOMERS_READ)
class Customer(Actor):
    """One person as one channel knows them. (channel, platformCustomerId) is unique."""

    version: int
    """Counts changes of the customer itself, beginning at 1."""
    channel: ChannelRef = to_one(tables.Customer.channel_id)
    """Where the person was met."""
    platform_customer_id: str
    """The person's id on the platform."""
    display_name: str = computed(
        display_name,
        tables.Customer.full_name,
        tables.Customer.email,
        tables.Customer.phone,
        tables.Customer.platform_customer_id,
    )
    """fullName, else e-mail, phone or platformCustomerId."""
    full_name: str | None
    """The person's name."""
    email: str | None
    """The person's e-mail address."""
    phone: str | None
    """The person's telephone number."""
    avatar_url: URL | None
    """The person's picture."""
    first_seen_at: datetime
    """When the person was first met."""
    last_seen_at: datetime
    """When the person last wrote."""
    deleted_at: datetime | None
    """When the person was erased."""
    metadata: JSON | None = column(tables.Customer.details)
    """Anything else, at most 16 KB."""
    orders: Connection[OrderRef] = to_many(Order.customer_id, ORDERS)
    """What the person ordered."""
    chats: Connection[ChatRef] = to_many(Conversation.customer_id, CHATS)
    """What the person talked about."""


@filter_input
class CustomerFilter:
    """Which customers."""

    channel: IdFilter | None = on("channel_id", of="channel")
    """Met on."""
    platform_customer_id: StringFilter | None
    """By the id on the platform."""
    full_name: StringFilter | None
    """By name."""
    email: StringFilter | None
    """By e-mail address."""
    phone: StringFilter | None
    """By telephone number."""
    first_seen_at: DateTimeFilter | None
    """By when the person was first met."""
    last_seen_at: DateTimeFilter | None
    """By when the person last wrote."""


@publish_enum
class CustomerSortField(StrEnum):
    """What customers can be sorted by."""

    FIRST_SEEN_AT = "first_seen_at"
    """When the person was first met."""
    LAST_SEEN_AT = "last_seen_at"
    """When the person last wrote."""
    FULL_NAME = "full_name"
    """Name."""


@described_input
class CustomerSort:
    """One thing to sort customers by."""

    field: CustomerSortField
    """What to sort by."""
    direction: SortDirection = SortDirection.ASC
    """Which end comes first."""


@one_of
class CustomerKey:
    """What finds one customer."""

    id: strawberry.ID | None
    """The id."""
    platform: PlatformKey | None
    """The channel and the platformCustomerId."""


@root
class CustomerQuery:
    customer: CustomerRef | None = by_key(
        CUSTOMERS,
        CustomerKey,
        "customer",
        id=tables.Customer.id,
        platform=(tables.Customer.channel_id, tables.Customer.platform_customer_id),
    )
    """One customer; null where there is none."""
    customers: Connection[CustomerRef] = root_page(CUSTOMERS)
    """The customers, those met last first."""


@described_input
class CustomerUpsertInput:
    """A customer by the platform's id: made, or changed where it is known. Absent fields are kept."""

    channel_id: ChannelId
    """Where the person is met."""
    platform_customer_id: str
    """The person's id on the platform."""
    full_name: str | None
    """The person's name."""
    email: str | None
    """The person's e-mail address, kept in lower case."""
    phone: str | None
    """The person's telephone number."""
    avatar_url: URL | None
    """The person's picture."""
    metadata: JSON | None
    """Anything else, replaced whole, at most 16 KB."""


@described_input
class CustomerUpdateInput:
    """What to change of a customer: an absent field is kept, null clears it."""

    id: CustomerId
    """Which customer."""
    full_name: str | None
    """The person's name."""
    email: str | None
    """The person's e-mail address, kept in lower case."""
    phone: str | None
    """The person's telephone number."""
    avatar_url: URL | None
    """The person's picture."""
    metadata: JSON | None
    """Anything else, replaced whole, at most 16 KB."""
    expected_version: int | None
    """Refuse with STALE_VERSION where the customer is no longer at this version."""


@payload
class CustomerPayload(Payload):
    """A customer, or why not."""

    customer: CustomerRef | None = None
    """The customer as it is now."""


@strawberry.type
class CustomerMutation:
    @mutation(Permission.CUSTOMERS_WRITE)
    async def customer_upsert(self, info: Info, input: CustomerUpsertInput) -> CustomerPayload | None:
        """Makes a customer, or changes the one that the channel knows by that id."""
        return CustomerPayload(customer=await info.context.transact(services.upsert_customer, **given(input)))

    @mutation(Permission.CUSTOMERS_WRITE)
    async def customer_update(self, info: Info, input: CustomerUpdateInput) -> CustomerPayload | None:
        """Changes a customer."""
        return CustomerPayload(customer=await info.context.transact(services.update_customer, **given(input)))

    @mutation(Permission.CUSTOMERS_WRITE)
    async def customer_delete(self, info: Info, input: DeleteInput) -> DeletePayload | None:
        """Erases the person, in what it wrote too; orders and chats stay."""
        return await deleted(info, services.delete_customer, "customer", input)
