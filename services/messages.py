"""What may happen to messages: received from a channel, sent by a member, edited, deleted."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, case, or_, update

from db.base import now
from db.channels import Channel
from db.conversations import ChatStatus, Conversation, Message, MessageContentType, MessageSenderType
from db.events import Change
from services.chats import chat_for_inbound, read_up_to
from services.columns import check
from services.customers import see_customer
from services.errors import Conflict, Forbidden, Invalid, InvalidTransition
from services.transactions import Again
from services.work import Work, missing


async def receive_message(
    work: Work,
    channel_id: UUID,
    platform_customer_id: str,
    platform_message_id: str,
    content: str,
    *,
    sender_type: MessageSenderType = MessageSenderType.CUSTOMER,
    platform_chat_id: str | None = None,
    customer_name: str | None = None,
    timestamp: datetime | None = None,
    metadata: Any = None,
    content_type: MessageContentType = MessageContentType.TEXT,
) -> Row[Any]:
    """Takes an inbound message once for each platformMessageId of a channel: a repeat gives back what is there.

    Finds or makes the customer, and the chat that the message belongs to.
    """
    if not platform_message_id:
        raise Invalid("It cannot be empty.", "platform_message_id")
    check(Message, {"platform_message_id": platform_message_id})
    await work.get(Channel, channel_id, "channel_id")
    same = (Message.channel_id == channel_id, Message.platform_message_id == platform_message_id)
    known = await work.find(Message, *same, deleted=True)
    if known is not None:
        return known
    at = timestamp or now()
    customer = await see_customer(work, channel_id, platform_customer_id, customer_name, at)
    chat = await chat_for_inbound(work, customer, platform_chat_id, at)
    from_customer = sender_type is MessageSenderType.CUSTOMER
    return await _append(
        work,
        chat.id,
        at,
        inbound=chat,
        channel_id=channel_id,
        platform_message_id=platform_message_id,
        sender_type=sender_type,
        sender_customer_id=customer.id if from_customer else None,
        content=content,
        content_type=content_type,
        details=metadata,
    )


async def send_message(
    work: Work,
    conversation_id: UUID,
    content: str,
    *,
    content_type: MessageContentType = MessageContentType.TEXT,
    reply_to_id: UUID | None = None,
    client_key: str | None = None,
    metadata: Any = None,
) -> Row[Any]:
    """Writes to a conversation as the viewer: a member has then read all that came before.

    A clientKey that the viewer used here before gives back that message; with other content it is a Conflict.
    """
    if client_key == "":
        raise Invalid("It cannot be empty.", "client_key")
    check(Message, {"client_key": client_key})
    await work.get(Conversation, conversation_id, "conversation_id")
    if client_key is not None:
        known = await _sent_before(work, conversation_id, client_key)
        if known is not None:
            same = (known.content, known.content_type, known.reply_to_id) == (
                content,
                content_type,
                reply_to_id,
            )
            # Edited or deleted since, it no longer says what was sent.
            if not same and known.edited_at is None and known.deleted_at is None:
                raise Conflict("You used this key for another message.", "client_key")
            return known
    if reply_to_id is not None:
        replied = await work.find(
            Message, Message.id == reply_to_id, Message.conversation_id == conversation_id
        )
        if replied is None:
            raise missing(Message, "reply_to_id")
    author: dict[str, Any] = {_author_column(work): work.viewer.id}
    message = await _append(
        work,
        conversation_id,
        now(),
        client_key=client_key,
        sender_type=MessageSenderType.AGENT,
        **author,
        content=content,
        content_type=content_type,
        reply_to_id=reply_to_id,
        details=metadata,
    )
    if not work.viewer.is_service:
        await read_up_to(work, conversation_id, message.sequence)
    return message


async def edit_message(
    work: Work, id: UUID, content: str, *, expected_version: int | None = None
) -> Row[Any]:
    """Changes the text of a message that the viewer wrote; an Administrator's hand reaches every member's."""
    message = await work.get(Message, id, "id")
    if message.sender_user_id is None and message.sender_client_id is None:
        raise InvalidTransition("What came in from outside is never edited.", "id", current=message)
    _check_author(work, message)
    changes = {"content": content, "edited_at": now()}
    return await work.update(Message, id, changes, expected_version=expected_version)


async def delete_message(work: Work, id: UUID, *, expected_version: int | None = None) -> Row[Any]:
    """Empties a message, which keeps its place, its sequence and its sender."""
    _check_author(work, await work.get(Message, id, "id"))
    return await work.erase(Message, id, {"content": "", "details": None}, expected_version=expected_version)


def _check_author(work: Work, message: Row[Any]) -> None:
    viewer = work.viewer
    wrote = viewer.id in (message.sender_user_id, message.sender_client_id)
    if not wrote and not (viewer.is_administrator or viewer.is_superuser):
        raise Forbidden("Only its author or an Administrator may do that.", "id")


def _author_column(work: Work) -> str:
    return "sender_client_id" if work.viewer.is_service else "sender_user_id"


async def _sent_before(work: Work, conversation_id: UUID, client_key: str) -> Row[Any] | None:
    mine = getattr(Message, _author_column(work)) == work.viewer.id
    return await work.find(
        Message,
        Message.conversation_id == conversation_id,
        mine,
        Message.client_key == client_key,
        deleted=True,
    )


async def _append(
    work: Work, conversation_id: UUID, at: datetime, *, inbound: Row[Any] | None = None, **values: Any
) -> Row[Any]:
    """The next message of a conversation, with a number taken from it."""
    sequence = await _next_sequence(work, conversation_id, at, inbound)
    try:
        row = await work.insert(
            Message, conversation_id=conversation_id, sequence=sequence, timestamp=at, **values
        )
    except Conflict as conflict:
        # The same message came at the same time: the other transaction has it, and this one does nothing.
        raise Again from conflict
    work.hint(conversation_id, sequence)
    return row


async def _next_sequence(work: Work, conversation_id: UUID, at: datetime, inbound: Row[Any] | None) -> int:
    """Counts a message; `inbound` is the chat that a customer's joins. The row stays locked: order of commit is order of sequence, and the status seen here holds."""
    newest = case(
        (Conversation.last_sequence == 0, at),
        (Conversation.last_message_at < at, at),
        else_=Conversation.last_message_at,
    )
    values: dict[str, Any] = {
        "last_sequence": Conversation.last_sequence + 1,
        "last_message_at": newest,
        "updated_at": now(),
    }
    if inbound is not None:
        resolved = Conversation.status == ChatStatus.RESOLVED
        values["status"] = case((resolved, ChatStatus.OPEN.value), else_=Conversation.status)
        values["version"] = case((resolved, Conversation.version + 1), else_=Conversation.version)
    open_ones = or_(Conversation.status.is_(None), Conversation.status != ChatStatus.CLOSED)
    counted = update(Conversation).where(
        Conversation.id == conversation_id, open_ones, work.within(Conversation)
    )
    counter = await work.one(
        counted.values(values).returning(Conversation.last_sequence, Conversation.version)
    )
    if counter is not None:
        if inbound is not None and counter.version != inbound.version:
            # It was opened again, or somebody else changed it since it was read: one event too many does no harm.
            work.notes.add(Conversation, inbound, Change.UPDATED, ["status"])
        return int(counter.last_sequence)
    if (
        inbound is not None
    ):  # closed or deleted since it was chosen: the customer's next chat takes the message
        raise Again
    await work.get(Conversation, conversation_id, "conversation_id")
    raise InvalidTransition("The chat is closed.", "conversation_id")
