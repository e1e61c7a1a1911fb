"""Conversations, and chats with customers among them."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

import strawberry

from db import channels
from db import conversations as tables
from db.base import Permission
from db.channels import PlatformType
from db.conversations import ChatStatus
from db.orders import Order
from schema.accounts import UserId
from schema.channels import PlatformKey
from schema.customers import CustomerId
from schema.kit.connection import Connection
from schema.kit.context import Info
from schema.kit.docs import publish_enum
from schema.kit.edges import by_key, computed, live, root_page, to_many, to_matching, to_one
from schema.kit.errors import Payload, payload
from schema.kit.filters import filter_input, on
from schema.kit.ids import IdOf
from schema.kit.inputs import described_input, given, one_of
from schema.kit.node import Node, interface, node, root
from schema.kit.operators import DateTimeFilter, IdFilter, IntFilter, SortDirection
from schema.kit.roots import mutation
from schema.payloads import DeleteInput, DeletePayload, deleted
from schema.refs import (
    CHATS,
    MESSAGES,
    ORDERS,
    ChannelRef,
    ChatRef,
    ConversationRef,
    CustomerRef,
    MessageRef,
    OrderRef,
    PresenceRef,
    UserRef,
)
from services import chats as services
from services.server import Server

publish_enum(ChatStatus)
ChatId = Annotated[strawberry.ID, IdOf("chat")]


def unread_count(row: Any) -> int:
    """How many messages come after the last one read."""
    return max(int(row.last_sequence - row.last_read_sequence), 0)


def present_in(server: Server, conversation_id: UUID) -> list[Any]:
    """Who is in a conversation at this moment."""
    return list(server.presences.of(conversation_id))


@interface
class Conversation(Node):
    """Anything with messages: one table, one sequence, one feed. Direct messages between members and talks with an AI model join Chat as further kinds."""

    version: int
    """Counts changes of the conversation itself, beginning at 1; messages and readings do not count."""
    messages: Connection[MessageRef] = to_many(tables.Message.conversation_id, MESSAGES)
    """Ascending by sequence: `last: 50` are the newest, `before` its startCursor those before them."""
    last_message: MessageRef | None = to_matching(
        (tables.Conversation.id, tables.Conversation.last_sequence),
        (tables.Message.conversation_id, tables.Message.sequence),
    )
    """The newest message."""
    last_message_at: datetime
    """When the newest message was sent; its start, while it has no message."""
    last_sequence: int
    """Sequence of the newest message. Message.sequence has no holes inside a conversation."""
    last_read_sequence: int
    """The viewer has read up to here; sending reads."""
    unread_count: int = computed(
        unread_count, tables.Conversation.last_sequence, tables.Conversation.last_read_sequence
    )
    """lastSequence less lastReadSequence."""

    presence: list[PresenceRef] = live(present_in)
    """Who looks at it or types in it right now, at most 100. Not kept."""


@node(tables.Conversation, "chat", Permission.CHATS_READ, kind="CHAT")
class Chat(Conversation):
    """A conversation with a customer on a channel."""

    number: int
    """1, 2, 3 … in the workspace, without holes."""
    customer: CustomerRef = to_one(tables.Conversation.customer_id)
    """Who it is with."""
    channel: ChannelRef = to_one(tables.Conversation.channel_id)
    """Where it takes place."""
    assignee: UserRef | None = to_one(tables.Conversation.assignee_id)
    """The agent who answers it."""
    platform_chat_id: str | None
    """Its id on the platform."""
    status: ChatStatus
    """Whether somebody still has to answer."""
    orders: Connection[OrderRef] = to_many(Order.chat_id, ORDERS)
    """What was ordered in it."""
    started_at: datetime
    """When it began."""
    updated_at: datetime
    """When it last changed, or got a message."""
    deleted_at: datetime | None
    """When it was deleted."""


@filter_input
class ChatFilter:
    """Which chats."""

    number: IntFilter | None
    """By number."""
    channel: IdFilter | None = on("channel_id", of="channel")
    """On these channels."""
    platform_type: list[PlatformType] | None = on(
        "platform_type",
        channels.Channel,
        lambda chat, channel: channel.id == chat.channel_id,
        needs=Permission.CHANNELS_READ,
    )
    """On channels of these platforms."""
    customer: IdFilter | None = on("customer_id", of="customer")
    """With."""
    assignee: IdFilter | None = on("assignee_id", of="user")
    """Answered by; `{isNull: true}` for nobody."""
    status: list[ChatStatus] | None
    """In one of these states."""
    started_at: DateTimeFilter | None
    """By when it began."""
    last_message_at: DateTimeFilter | None
    """By when its newest message was sent."""


@publish_enum
class ChatSortField(StrEnum):
    """What chats can be sorted by."""

    LAST_MESSAGE_AT = "last_message_at"
    """When the newest message was sent."""
    STARTED_AT = "started_at"
    """When it began."""
    NUMBER = "number"
    """Number."""


@described_input
class ChatSort:
    """One thing to sort chats by."""

    field: ChatSortField
    """What to sort by."""
    direction: SortDirection = SortDirection.ASC
    """Which end comes first."""


@one_of
class ChatKey:
    """What finds one chat."""

    id: strawberry.ID | None
    """Its id."""
    number: int | None
    """Its number in the workspace."""
    platform: PlatformKey | None
    """The channel and the platformChatId: the newest chat with it."""


@root
class ChatQuery:
    chat: ChatRef | None = by_key(
        CHATS,
        ChatKey,
        "chat",
        id=tables.Conversation.id,
        number=tables.Conversation.number,
        platform=(tables.Conversation.channel_id, tables.Conversation.platform_chat_id),
    )
    """One chat; null where there is none."""
    chats: Connection[ChatRef] = root_page(CHATS)
    """The chats, those with the newest message first."""


@described_input
class ChatOpenInput:
    """A chat to open with a customer."""

    customer_id: CustomerId
    """With whom."""
    platform_chat_id: str | None
    """Its id on the platform."""
    assignee_id: UserId | None
    """Who answers it."""
    started_at: datetime | None
    """When it began; now, where absent."""


@described_input
class ChatUpdateInput:
    """What to change of a chat: an absent field is kept, null clears it."""

    id: ChatId
    """Which chat."""
    status: ChatStatus | None
    """Any status may follow any other."""
    platform_chat_id: str | None
    """Its id on the platform."""
    expected_version: int | None
    """Refuse with STALE_VERSION where the chat is no longer at this version."""


@described_input
class ChatAssignInput:
    """Who answers a chat."""

    id: ChatId
    """Which chat."""
    assignee_id: UserId | None
    """The agent; null or absent for nobody."""
    expected_version: int | None
    """Refuse with STALE_VERSION where the chat is no longer at this version."""


@described_input
class ConversationMarkReadInput:
    """How far the viewer has read. Never goes back."""

    id: ChatId
    """Which conversation."""
    up_to_sequence: int | None
    """The last sequence read; everything, where absent."""


@payload
class ChatPayload(Payload):
    """A chat, or why not."""

    chat: ChatRef | None = None
    """The chat as it is now."""


@payload
class ConversationPayload(Payload):
    """A conversation, or why not."""

    conversation: ConversationRef | None = None
    """The conversation as it is now."""


@strawberry.type
class ChatMutation:
    @mutation(Permission.CHATS_WRITE)
    async def chat_open(self, info: Info, input: ChatOpenInput) -> ChatPayload | None:
        """Opens a chat. The chat that the customer has open already is returned."""
        return ChatPayload(chat=await info.context.transact(services.open_chat, **given(input)))

    @mutation(Permission.CHATS_WRITE)
    async def chat_update(self, info: Info, input: ChatUpdateInput) -> ChatPayload | None:
        """Changes a chat."""
        return ChatPayload(chat=await info.context.transact(services.update_chat, **given(input)))

    @mutation(Permission.CHATS_ASSIGN)
    async def chat_assign(self, info: Info, input: ChatAssignInput) -> ChatPayload | None:
        """Gives a chat to an agent, or takes it back."""
        return ChatPayload(chat=await info.context.transact(services.assign_chat, **given(input)))

    @mutation(Permission.CHATS_WRITE)
    async def chat_delete(self, info: Info, input: DeleteInput) -> DeletePayload | None:
        """Deletes a chat and erases what was written in it; its orders stay."""
        return await deleted(info, services.delete_chat, "chat", input)

    @mutation(Permission.CHATS_READ)
    async def conversation_mark_read(
        self, info: Info, input: ConversationMarkReadInput
    ) -> ConversationPayload | None:
        """Notes how far the viewer has read."""
        return ConversationPayload(
            conversation=await info.context.transact(services.mark_read, **given(input))
        )
