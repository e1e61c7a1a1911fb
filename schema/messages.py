"""Messages: what is said in conversations, and the subscription that follows it."""

from collections.abc import AsyncGenerator
from datetime import datetime
from typing import Annotated, Any

import strawberry

from db import conversations as tables
from db.base import Permission
from db.conversations import MessageContentType, MessageSenderType
from schema.channels import ChannelId, PlatformKey
from schema.chats import ChatId
from schema.kit import ids
from schema.kit.connection import Connection
from schema.kit.context import Info
from schema.kit.docs import publish_enum
from schema.kit.edges import by_key, column, root_page, to_any, to_one
from schema.kit.errors import Payload, payload
from schema.kit.filters import filter_input
from schema.kit.ids import IdOf
from schema.kit.inputs import described_input, given, one_of
from schema.kit.node import Node, node, root
from schema.kit.operators import DateTimeFilter, IntFilter
from schema.kit.roots import mutation, subscription
from schema.kit.scalars import JSON
from schema.payloads import DeleteInput
from schema.refs import ALL_MESSAGES, ActorRef, ChatRef, ConversationRef, MessageRef
from services import messages as services
from services.follow import follow_messages
from services.sending import send_at_once

publish_enum(MessageSenderType)
publish_enum(MessageContentType)
MessageId = Annotated[strawberry.ID, IdOf("message")]


@node(tables.Message, "message", Permission.CHATS_READ)
class Message(Node):
    """One thing said in a conversation."""

    version: int
    """Counts changes of the message itself, beginning at 1."""
    conversation: ConversationRef = to_one(tables.Message.conversation_id)
    """Where it was said."""
    chat: ChatRef | None = to_one(tables.Message.conversation_id, kind="CHAT")
    """The conversation, where it is a chat."""
    sequence: int
    """1, 2, 3 … inside its conversation, in the order of commit, without holes."""
    platform_message_id: str | None
    """Its id on the platform: taken once for each channel."""
    client_key: str | None
    """Chosen by the sender, unique among its messages in the conversation: the same again returns this message, other content is a CONFLICT."""
    sender: ActorRef | None = to_any(
        User=tables.Message.sender_user_id,
        Customer=tables.Message.sender_customer_id,
        ServiceClient=tables.Message.sender_client_id,
    )
    """Who said it. Null for SYSTEM, and where nobody is known."""
    sender_type: MessageSenderType
    """Which side said it."""
    content_type: MessageContentType
    """What `content` holds."""
    content: str
    """Text, or the URL of the medium. Empty once deleted."""
    metadata: JSON | None = column(tables.Message.details)
    """Anything else, at most 16 KB."""
    reply_to: MessageRef | None = to_one(tables.Message.reply_to_id)
    """The message it answers."""
    edited_at: datetime | None
    """When its content was last changed."""
    deleted_at: datetime | None
    """When it was deleted. A deleted message keeps its place, its sequence and its sender."""
    timestamp: datetime
    """When it was sent on the platform; may lie in the past for imported history."""
    created_at: datetime
    """When it was taken in."""


@filter_input
class MessageFilter:
    """Which messages."""

    sender_type: list[MessageSenderType] | None
    """Said by one of these sides."""
    content_type: list[MessageContentType] | None
    """Holding one of these."""
    sequence: IntFilter | None
    """By sequence."""
    timestamp: DateTimeFilter | None
    """By when it was sent."""


@one_of
class MessageKey:
    """What finds one message."""

    id: strawberry.ID | None
    """Its id."""
    platform: PlatformKey | None
    """The channel and the platformMessageId."""


@root
class MessageQuery:
    message: MessageRef | None = by_key(
        ALL_MESSAGES,
        MessageKey,
        "message",
        id=tables.Message.id,
        platform=(tables.Message.channel_id, tables.Message.platform_message_id),
    )
    """One message; null where there is none."""
    messages: Connection[MessageRef] = root_page(ALL_MESSAGES)
    """The messages of all conversations, in the order they were taken in."""


@described_input
class MessageSendInput:
    """A message from the viewer."""

    conversation_id: ChatId
    """Where to."""
    content: str
    """Text, or the URL of a medium; at most 32,768 characters, and may be empty."""
    content_type: MessageContentType = MessageContentType.TEXT
    """What `content` holds."""
    reply_to_id: MessageId | None
    """The message it answers, in the same conversation."""
    metadata: JSON | None
    """Anything else, at most 16 KB."""
    client_key: str | None
    """Makes a retry safe: the same key again returns the message that was sent."""


@described_input
class MessageReceiveInput:
    """The way in for channel adapters and history imports: finds or makes the customer and the chat; the same platformMessageId on the same channel is taken once."""

    channel_id: ChannelId
    """Where it came in."""
    platform_customer_id: str
    """The customer's id on the platform."""
    platform_chat_id: str | None
    """The chat's id on the platform, where it has one."""
    platform_message_id: str
    """The message's id on the platform."""
    customer_name: str | None
    """The customer's name, noted where none is known."""
    sender_type: MessageSenderType = MessageSenderType.CUSTOMER
    """Which side said it: AGENT and SYSTEM in imported history."""
    content_type: MessageContentType = MessageContentType.TEXT
    """What `content` holds."""
    content: str
    """Text, or the URL of a medium; at most 32,768 characters, and may be empty."""
    metadata: JSON | None
    """Anything else, at most 16 KB."""
    timestamp: datetime | None
    """When it was sent on the platform; now, where absent."""


@described_input
class MessageEditInput:
    """A new text for a message."""

    id: MessageId
    """Which message."""
    content: str
    """The text from now on."""
    expected_version: int | None
    """Refuse with STALE_VERSION where the message is no longer at this version."""


@payload
class MessagePayload(Payload):
    """A message, or why not."""

    message: MessageRef | None = None
    """The message as it is now."""


SENDING = 5
"""What a message costs beside the mutation: everybody who follows is told."""


@strawberry.type
class MessageMutation:
    @mutation(Permission.MESSAGES_SEND, weight=SENDING)
    async def message_send(self, info: Info, input: MessageSendInput) -> MessagePayload | None:
        """Writes to a conversation; what came before counts as read."""
        context, values = info.context, given(input)
        message: Any = None
        if not context.is_kept:
            message = await send_at_once(context.server, context.viewer, context.origin, **values)
        if message is None:
            message = await context.transact(services.send_message, **values)
        return MessagePayload(message=message)

    @mutation(Permission.MESSAGES_RECEIVE)
    async def message_receive(self, info: Info, input: MessageReceiveInput) -> MessagePayload | None:
        """Takes in what came over a channel, once."""
        return MessagePayload(message=await info.context.transact(services.receive_message, **given(input)))

    @mutation(Permission.MESSAGES_SEND)
    async def message_edit(self, info: Info, input: MessageEditInput) -> MessagePayload | None:
        """Changes the text of one's own message; an Administrator's hand reaches every member's."""
        return MessagePayload(message=await info.context.transact(services.edit_message, **given(input)))

    @mutation(Permission.MESSAGES_SEND)
    async def message_delete(self, info: Info, input: DeleteInput) -> MessagePayload | None:
        """Empties a message; its place, its sequence and its sender stay."""
        values = given(input) | {"id": ids.decode("message", input.id, "id")}
        return MessagePayload(message=await info.context.transact(services.delete_message, **values))


@strawberry.type
class MessageSubscription:
    @subscription(Permission.CHATS_READ)
    async def message_added(
        self,
        info: Info,
        conversation_id: Annotated[ChatId, strawberry.argument(description="Which conversation.")],
        after: Annotated[
            int | None, strawberry.argument(description="The last sequence that is known already.")
        ] = strawberry.UNSET,
    ) -> AsyncGenerator[MessageRef, None]:
        """Messages of one conversation: from the one after sequence `after` on, in order, each exactly once on this connection, then live. Without `after`: live only."""
        context = info.context
        id = ids.decode("chat", conversation_id, "conversationId")
        known = None if after is strawberry.UNSET else after
        followed = await follow_messages(context.server, context.viewer_now, id, known, context.seat)
        return context.afresh(followed)
