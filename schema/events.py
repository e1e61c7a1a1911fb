"""Events: everything that happens to messages, chats, orders and customers, as one log that can be followed."""

from collections.abc import AsyncGenerator
from datetime import datetime
from typing import Annotated, Any

import strawberry

from db import conversations, customers, orders
from db.events import Change, EventKind
from schema.changes import field_names
from schema.channels import ChannelId
from schema.chats import ChatId
from schema.kit import ids
from schema.kit.context import Context, Info
from schema.kit.docs import publish_enum
from schema.kit.edges import computed, to_row
from schema.kit.inputs import described_input
from schema.kit.node import described_type, interface
from schema.kit.roots import first_query, subscription
from schema.kit.scalars import EventCursor
from schema.refs import ChatRef, CustomerRef, MessageRef, OrderRef
from services.errors import Invalid
from services.logs import Beat, Caught, Told, Wanted, follow_events, newest_cursor

publish_enum(EventKind)
publish_enum(Change)
LISTED_MAX = 100
PREFIXES = {
    EventKind.MESSAGE: "message",
    EventKind.CHAT: "chat",
    EventKind.ORDER: "order",
    EventKind.CUSTOMER: "customer",
}


def changed_fields(told: Told) -> list[str]:
    """The names of the fields that are no longer as they were."""
    return field_names(told.fields)


def node_id(told: Told) -> str:
    """The id of the row."""
    return ids.encode(PREFIXES[told.kind], told.id)


@interface
class Event:
    """Something that the log tells. It has no holes: what comes after a cursor comes whole, or not at all."""

    cursor: EventCursor
    """Follow `after` it to go on from there."""
    at: datetime
    """When it happened."""


@described_type
class ChangeEvent(Event):
    """A message, chat, order or customer changed. The field of its kind holds it as it is now; all are null when REMOVED. What somebody has read is told to that member alone."""

    kind: EventKind
    """What it is about."""
    change: Change
    """What became of it."""
    changed_fields: list[str] = computed(changed_fields, "fields", "change")
    """The fields that were written; none when CREATED or REMOVED."""
    node_id: strawberry.ID = computed(node_id, "kind", "id")
    """Its id, also where it is gone."""
    message: MessageRef | None = to_row(conversations.Message, "message_id")
    """The message, where the kind is MESSAGE."""
    chat: ChatRef | None = to_row(conversations.Conversation, "chat_id", kind="CHAT")
    """The chat, where the kind is CHAT."""
    order: OrderRef | None = to_row(orders.Order, "order_id")
    """The order, where the kind is ORDER."""
    customer: CustomerRef | None = to_row(customers.Customer, "customer_id")
    """The customer, where the kind is CUSTOMER."""

    @classmethod
    def is_type_of(cls, event: Any, _info: Any = None) -> bool:
        """By the class that services use."""
        return isinstance(event, Told)


@described_type
class CaughtUp(Event):
    """Everything before this was replayed; everything after it is live."""

    replayed: int
    """How many events were."""

    @classmethod
    def is_type_of(cls, event: Any, _info: Any = None) -> bool:
        """By the class that services use."""
        return isinstance(event, Caught)


@described_type
class Heartbeat(Event):
    """Sent while nothing happens, so that the client's cursor keeps up."""

    @classmethod
    def is_type_of(cls, event: Any, _info: Any = None) -> bool:
        """By the class that services use."""
        return isinstance(event, Beat)


KINDS_OF_EVENT = (ChangeEvent, CaughtUp, Heartbeat)
"""What implements Event; nothing else leads to them."""


@described_input
class EventFilter:
    """Which events: all that is given has to hold. An empty list matches nothing."""

    conversations: list[ChatId] | None
    """Of these conversations, and of the messages in them."""
    channels: list[ChannelId] | None
    """Of what belongs to these channels."""
    kinds: list[EventKind] | None
    """Of these kinds."""


def read_filter(where: EventFilter | None) -> Wanted:
    """What a filter wants."""
    given = {name: getattr(where, name, None) for name in ("conversations", "channels", "kinds")}
    listed = {name: value for name, value in given.items() if isinstance(value, list)}
    for name, values in listed.items():
        if len(values) > LISTED_MAX:
            raise Invalid(f"At most {LISTED_MAX}.", "where", name)
    wanted: dict[str, Any] = {}
    for name, prefix in (("conversations", "chat"), ("channels", "channel")):
        if name in listed:
            decoded = [ids.decode(prefix, id, "where", name, place) for place, id in enumerate(listed[name])]
            wanted[name] = frozenset(decoded)
    if "kinds" in listed:
        wanted["kinds"] = frozenset(listed["kinds"])
    return Wanted(**wanted)


@strawberry.type(description="")
class EventQuery:
    @first_query()
    async def event_cursor(context: Context) -> EventCursor:  # noqa: N805
        """Newest position of the event log, read before anything else of the document. Load a screen together with it, then follow `events` `after` it: nothing falls between."""
        return EventCursor(await newest_cursor(context.server, context.viewer))


@strawberry.type
class EventSubscription:
    @subscription()
    async def events(
        self,
        info: Info,
        after: Annotated[
            EventCursor | None, strawberry.argument(description="What comes after it.")
        ] = strawberry.UNSET,
        where: Annotated[
            EventFilter | None, strawberry.argument(description="Which events.")
        ] = strawberry.UNSET,
    ) -> AsyncGenerator[Event, None]:
        """Everything that the viewer may see, in the order of commit: replayed from `after`, then `CaughtUp`, then live. Without `after`: live only."""
        context = info.context
        cursor = None if after is strawberry.UNSET else after
        wanted = read_filter(where)
        return context.afresh(await follow_events(context.server, context.viewer_now, cursor, wanted))
