"""Connected channels: the accounts on outside platforms."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

import strawberry

from db import channels as tables
from db.base import Permission
from db.channels import PlatformType
from db.conversations import Conversation
from db.customers import Customer
from db.orders import Order
from schema.kit.connection import Connection
from schema.kit.context import Info
from schema.kit.docs import publish_enum
from schema.kit.edges import by_key, column, root_page, to_many, to_one
from schema.kit.errors import Payload, payload
from schema.kit.filters import filter_input, on
from schema.kit.ids import IdOf
from schema.kit.inputs import described_input, given, one_of
from schema.kit.node import Node, node, root
from schema.kit.operators import DateTimeFilter, IdFilter, SortDirection, StringFilter
from schema.kit.roots import mutation
from schema.kit.scalars import JSON
from schema.payloads import DeleteInput, DeletePayload, deleted
from schema.refs import (
    CHANNELS,
    CHATS,
    CUSTOMERS,
    ORDERS,
    ChannelRef,
    ChatRef,
    CustomerRef,
    OrderRef,
    UserRef,
)
from services import channels as services

publish_enum(PlatformType)
ChannelId = Annotated[strawberry.ID, IdOf("channel")]


@node(tables.Channel, "channel", Permission.CHANNELS_READ)
class Channel(Node):
    """A connected account on an outside platform. (platformType, platformSpecificId) is unique where it is given."""

    version: int
    """Counts changes of the channel itself, beginning at 1."""
    owner: UserRef = to_one(tables.Channel.owner_id)
    """The member who connected it."""
    platform_type: PlatformType
    """Where it lives."""
    platform_specific_id: str | None
    """Its id on the platform."""
    name: str | None
    """What the business calls it."""
    is_active: bool
    """Whether it is in use."""
    has_access_token: bool
    """Whether an access token is kept. Tokens can be written, never read."""
    has_refresh_token: bool
    """Whether a refresh token is kept."""
    token_expires_at: datetime | None
    """When the access token expires."""
    scopes: list[str]
    """What the platform lets the token do."""
    metadata: JSON | None = column(tables.Channel.details)
    """Anything else, at most 16 KB; no place for secrets."""
    customers: Connection[CustomerRef] = to_many(Customer.channel_id, CUSTOMERS)
    """The people met here."""
    orders: Connection[OrderRef] = to_many(Order.channel_id, ORDERS)
    """What was ordered here."""
    chats: Connection[ChatRef] = to_many(Conversation.channel_id, CHATS)
    """What was talked about here."""
    created_at: datetime
    """When it was connected."""
    updated_at: datetime
    """When it last changed."""
    deleted_at: datetime | None
    """When it was disconnected for good."""


@filter_input
class ChannelFilter:
    """Which channels."""

    platform_type: list[PlatformType] | None
    """On one of these platforms."""
    name: StringFilter | None
    """By name."""
    is_active: bool | None
    """In use, or not."""
    owner: IdFilter | None = on("owner_id", of="user")
    """Connected by."""
    created_at: DateTimeFilter | None
    """By when it was connected."""


@publish_enum
class ChannelSortField(StrEnum):
    """What channels can be sorted by."""

    CREATED_AT = "created_at"
    """When it was connected."""
    NAME = "name"
    """Name."""


@described_input
class ChannelSort:
    """One thing to sort channels by."""

    field: ChannelSortField
    """What to sort by."""
    direction: SortDirection = SortDirection.ASC
    """Which end comes first."""


@described_input
class ChannelOnPlatform:
    """A channel by its id on its platform."""

    platform_type: PlatformType
    """The platform."""
    platform_specific_id: str
    """The channel's id there."""


@described_input
class PlatformKey:
    """platformCustomerId, platformOrderId, platformChatId or platformMessageId: unique in its channel."""

    channel_id: ChannelId
    """The channel."""
    platform_id: str
    """The id there."""


@one_of
class ChannelKey:
    """What finds one channel."""

    id: strawberry.ID | None
    """Its id."""
    platform: ChannelOnPlatform | None
    """Its id on its platform."""


@root
class ChannelQuery:
    channel: ChannelRef | None = by_key(
        CHANNELS,
        ChannelKey,
        "channel",
        id=tables.Channel.id,
        platform=(tables.Channel.platform_type, tables.Channel.platform_specific_id),
    )
    """One channel; null where there is none."""
    channels: Connection[ChannelRef] = root_page(CHANNELS)
    """The connected channels, newest first."""


@described_input
class ChannelConnectInput:
    """A new channel. Its tokens are sealed before they are kept."""

    platform_type: PlatformType
    """Where it lives."""
    platform_specific_id: str | None
    """Its id on the platform; unique for the platform where it is given."""
    name: str | None
    """What the business calls it."""
    access_token: str | None
    """The platform's access token: kept sealed, never shown again."""
    refresh_token: str | None
    """The platform's refresh token: kept sealed, never shown again."""
    token_expires_at: datetime | None
    """When the access token expires."""
    scopes: list[str] | None
    """What the platform lets the token do."""
    metadata: JSON | None
    """Anything else, at most 16 KB; no place for secrets."""


@described_input
class ChannelUpdateInput:
    """What to change of a channel: an absent field is kept, null clears it."""

    id: ChannelId
    """Which channel."""
    name: str | None
    """What the business calls it."""
    access_token: str | None
    """A new access token; null destroys the kept one."""
    refresh_token: str | None
    """A new refresh token; null destroys the kept one."""
    token_expires_at: datetime | None
    """When the access token expires."""
    scopes: list[str] | None
    """What the platform lets the token do, replaced whole."""
    metadata: JSON | None
    """Anything else, replaced whole."""
    is_active: bool | None
    """Whether it is in use."""
    expected_version: int | None
    """Refuse with STALE_VERSION where the channel is no longer at this version."""


@payload
class ChannelPayload(Payload):
    """A channel, or why not."""

    channel: ChannelRef | None = None
    """The channel as it is now."""


@strawberry.type
class ChannelMutation:
    @mutation(Permission.CHANNELS_WRITE)
    async def channel_connect(self, info: Info, input: ChannelConnectInput) -> ChannelPayload | None:
        """Connects a channel, owned by the viewer."""
        vault = info.context.server.vault
        return ChannelPayload(
            channel=await info.context.transact(services.connect_channel, vault, **given(input))
        )

    @mutation(Permission.CHANNELS_WRITE)
    async def channel_update(self, info: Info, input: ChannelUpdateInput) -> ChannelPayload | None:
        """Changes a channel."""
        vault = info.context.server.vault
        return ChannelPayload(
            channel=await info.context.transact(services.update_channel, vault, **given(input))
        )

    @mutation(Permission.CHANNELS_WRITE)
    async def channel_delete(self, info: Info, input: DeleteInput) -> DeletePayload | None:
        """Destroys its tokens; customers, orders and chats stay."""
        return await deleted(info, services.delete_channel, "channel", input)
