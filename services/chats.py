"""What may happen to chats: opened, given a status, assigned, deleted; and how far each member has read."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, case, update

from db.accounts import User
from db.base import now
from db.conversations import ChatStatus, Conversation, ConversationKind, Message, Participant
from db.customers import Customer
from db.events import Change
from services.columns import check
from services.counters import CHATS, next_number
from services.errors import Invalid
from services.members import check_member
from services.work import Work

IS_CHAT = Conversation.kind == ConversationKind.CHAT


async def open_chat(
    work: Work,
    customer_id: UUID,
    *,
    platform_chat_id: str | None = None,
    assignee_id: UUID | None = None,
    started_at: datetime | None = None,
) -> Row[Any]:
    """The chat that the customer has open already, else a new one."""
    customer = await work.get(Customer, customer_id, "customer_id")
    await _lock(work, customer)
    known = await _newest_chat(work, customer, platform_chat_id)
    if known is not None:
        return known
    if assignee_id is not None:
        await _get_member(work, assignee_id)
    at = started_at or now()
    return await _add_chat(work, customer, platform_chat_id, at, assignee_id=assignee_id)


async def update_chat(
    work: Work, id: UUID, *, expected_version: int | None = None, **changes: Any
) -> Row[Any]:
    """Changes what is given; any status may follow any other."""
    if "status" in changes and changes["status"] is None:
        raise Invalid("It cannot be null.", "status")
    return await work.update(Conversation, id, changes, IS_CHAT, expected_version=expected_version)


async def assign_chat(
    work: Work, id: UUID, *, assignee_id: UUID | None = None, expected_version: int | None = None
) -> Row[Any]:
    """Gives the chat to a member; to nobody without one."""
    if assignee_id is not None:
        await _get_member(work, assignee_id)
    changes = {"assignee_id": assignee_id}
    return await work.update(Conversation, id, changes, IS_CHAT, expected_version=expected_version)


async def delete_chat(work: Work, id: UUID, *, expected_version: int | None = None) -> Row[Any]:
    """Erases what was written in it; its orders stay, and so do the places of its messages."""
    blanks = {"platform_chat_id": None}
    row = await work.erase(Conversation, id, blanks, IS_CHAT, expected_version=expected_version)
    await erase_messages(work, Message.conversation_id == id)
    work.hint(id)
    return row


async def erase_messages(work: Work, *conditions: ColumnElement[bool]) -> None:
    """Empties messages, which keep their places, their sequences and their senders."""
    blanks = {"content": "", "details": None, "deleted_at": now()}
    kept = Message.deleted_at.is_(None)
    await work.update_all(Message, blanks, kept, *conditions, change=Change.REMOVED)


async def mark_read(work: Work, id: UUID, *, up_to_sequence: int | None = None) -> Row[Any]:
    """The viewer has read up to there; without a number, everything. Never goes back."""
    check_member(work.viewer)
    conversation = await work.get(Conversation, id, "id")
    if up_to_sequence is not None and not 0 <= up_to_sequence <= conversation.last_sequence:
        raise Invalid(f"From 0 to {conversation.last_sequence}.", "up_to_sequence")
    read = conversation.last_sequence if up_to_sequence is None else up_to_sequence
    await read_up_to(work, id, read)
    if read > conversation.last_read_sequence:
        reader = work.viewer.id
        work.notes.add(Conversation, conversation, Change.UPDATED, ["last_read_sequence"], reader_id=reader)
    return await work.get(Conversation, id, "id")


async def read_up_to(work: Work, conversation_id: UUID, sequence: int) -> None:
    """Keeps the larger of what the viewer had read and this."""
    key = {"conversation_id": conversation_id, "user_id": work.viewer.id}
    kept = Participant.last_read_sequence
    await work.upsert(
        Participant,
        key,
        {"last_read_sequence": sequence},
        {"last_read_sequence": case((kept < sequence, sequence), else_=kept)},
    )


async def chat_for_inbound(
    work: Work, customer: Row[Any], platform_chat_id: str | None, at: datetime
) -> Row[Any]:
    """The chat an inbound message joins: the customer's newest that is not closed, else a new one.

    Where a platformChatId is given, the newest with that one. The caller holds the customer's lock.
    """
    known = await _newest_chat(work, customer, platform_chat_id)
    return known if known is not None else await _add_chat(work, customer, platform_chat_id, at)


async def _newest_chat(work: Work, customer: Row[Any], platform_chat_id: str | None) -> Row[Any] | None:
    # Before it is looked for: PostgreSQL fails on a text that it could not keep.
    check(Conversation, {"platform_chat_id": platform_chat_id})
    conditions = [
        IS_CHAT,
        Conversation.customer_id == customer.id,
        Conversation.channel_id == customer.channel_id,
        Conversation.status != ChatStatus.CLOSED,
    ]
    if platform_chat_id is not None:
        conditions.append(Conversation.platform_chat_id == platform_chat_id)
    return await work.find(Conversation, *conditions, newest=True)


async def _add_chat(
    work: Work, customer: Row[Any], platform_chat_id: str | None, at: datetime, **values: Any
) -> Row[Any]:
    return await work.insert(
        Conversation,
        kind=ConversationKind.CHAT,
        customer_id=customer.id,
        channel_id=customer.channel_id,
        platform_chat_id=platform_chat_id,
        status=ChatStatus.OPEN,
        number=await next_number(work, CHATS),
        last_sequence=0,
        last_message_at=at,
        started_at=at,
        **values,
    )


async def _lock(work: Work, customer: Row[Any]) -> None:
    # Two that open a chat for one customer at the same time get the same chat.
    await work.execute(update(Customer).where(Customer.id == customer.id).values(version=Customer.version))


async def _get_member(work: Work, id: UUID) -> Row[Any]:
    # Locked until the commit: whoever removes the member takes this chat from it too.
    member = await work.get(User, id, "assignee_id", locked=True)
    if not member.is_active:
        raise Invalid("The member is not active.", "assignee_id")
    return member
