"""What may happen to customers: seen on a channel, made or changed by members, erased."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, case, or_

from db.base import now
from db.channels import Channel
from db.conversations import Conversation, Message
from db.customers import Customer
from db.orders import Order
from services.chats import erase_messages
from services.columns import as_columns, check, check_filled
from services.emails import read_email
from services.errors import Conflict, Invalid, NotFound
from services.transactions import Again
from services.work import Work

ERASED = "deleted:"
"""What stands before the id of an erased person: no caller can take it, and so keep another from being erased."""


async def upsert_customer(work: Work, channel_id: UUID, platform_customer_id: str, **values: Any) -> Row[Any]:
    """The channel's customer with that id, made where there is none; what is given is written, the rest kept."""
    await work.get(Channel, channel_id, "channel_id")
    changes = _columns(values)
    known = await _known(work, channel_id, platform_customer_id)
    if known is None:
        return await _add(work, channel_id, platform_customer_id, now(), changes)
    differing = {name: value for name, value in changes.items() if getattr(known, name) != value}
    return await _change(work, known.id, differing) if differing else known


async def update_customer(
    work: Work, id: UUID, *, expected_version: int | None = None, **values: Any
) -> Row[Any]:
    """Changes what is given."""
    return await work.update(Customer, id, _columns(values), expected_version=expected_version)


async def delete_customer(work: Work, id: UUID, *, expected_version: int | None = None) -> Row[Any]:
    """Erases the person, in what it wrote and in where its orders went too; orders and chats stay."""
    blanks = {
        "platform_customer_id": f"{ERASED}{id.hex}",
        "full_name": None,
        "email": None,
        "phone": None,
        "avatar_url": None,
        "details": None,
    }
    row = await work.erase(Customer, id, blanks, expected_version=expected_version)
    await erase_messages(work, Message.sender_customer_id == id)
    named = (Conversation.platform_chat_id.is_not(None), Conversation.deleted_at.is_(None))
    await work.update_all(Conversation, {"platform_chat_id": None}, Conversation.customer_id == id, *named)
    addressed = or_(Order.shipping_address.is_not(None), Order.billing_address.is_not(None))
    blank = {"shipping_address": None, "billing_address": None}
    await work.update_all(Order, blank, Order.customer_id == id, addressed)
    return row


async def see_customer(
    work: Work, channel_id: UUID, platform_customer_id: str, customer_name: str | None, at: datetime
) -> Row[Any]:
    """The customer a message came from, made at its first. Locks it: its messages come in one after the other."""
    try:
        check(Customer, {"full_name": customer_name})
    except Invalid as fault:
        raise Invalid(fault.message, "customer_name") from fault
    known = await _known(work, channel_id, platform_customer_id)
    if known is None:
        return await _add(work, channel_id, platform_customer_id, at, {"full_name": customer_name})
    later = case((Customer.last_seen_at < at, at), else_=Customer.last_seen_at)
    earlier = case((Customer.first_seen_at > at, at), else_=Customer.first_seen_at)
    changes: dict[str, Any] = {"last_seen_at": later, "first_seen_at": earlier}
    if customer_name is not None and known.full_name is None:
        changes["full_name"] = customer_name
    return await _change(work, known.id, changes, counts="full_name" in changes)


async def _known(work: Work, channel_id: UUID, platform_customer_id: str) -> Row[Any] | None:
    asked = {"platform_customer_id": platform_customer_id}
    check_filled(asked, *asked)
    # Before it is looked for: PostgreSQL fails on a text that it could not keep.
    check(Customer, asked)
    if platform_customer_id.startswith(ERASED):
        raise Invalid(f"It cannot begin with {ERASED}", "platform_customer_id")
    same = Customer.platform_customer_id == platform_customer_id
    return await work.find(Customer, Customer.channel_id == channel_id, same)


async def _change(work: Work, id: UUID, changes: dict[str, Any], *, counts: bool = True) -> Row[Any]:
    try:
        return await work.update(Customer, id, changes, counts=counts)
    except NotFound as gone:
        # Erased since it was found: whoever comes under that id now is another customer.
        raise Again from gone


async def _add(
    work: Work, channel_id: UUID, platform_customer_id: str, at: datetime, values: dict[str, Any]
) -> Row[Any]:
    try:
        return await work.insert(
            Customer,
            channel_id=channel_id,
            platform_customer_id=platform_customer_id,
            first_seen_at=at,
            last_seen_at=at,
            **values,
        )
    except Conflict as conflict:
        # Another transaction made the same customer a moment ago.
        raise Again from conflict


def _columns(values: dict[str, Any]) -> dict[str, Any]:
    columns = as_columns(values)
    if columns.get("email") is not None:
        columns["email"] = read_email(columns["email"])
    return columns
