"""The log of a workspace: what a transaction changed is noted meanwhile, and written as the last thing before its commit."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Uuid, bindparam, func, insert, select, update
from sqlalchemy import Row as Record
from sqlalchemy.ext.asyncio import AsyncConnection

from db.base import Row, now
from db.conversations import Conversation, ConversationKind, Message
from db.customers import Customer
from db.events import Change, Event, EventKind, EventLog
from db.metadata import METADATA
from db.orders import Order
from db.types import UtcDateTime

KINDS: Mapping[type[Row], EventKind] = {
    Message: EventKind.MESSAGE,
    Conversation: EventKind.CHAT,
    Order: EventKind.ORDER,
    Customer: EventKind.CUSTOMER,
}
"""The tables whose changes are told, and as what."""
TOLD_OF = ("id", "kind", "conversation_id", "channel_id")
"""What a note needs of a row, where its table has it."""


@dataclass(slots=True)
class Note:
    """That one row changed, and how."""

    kind: EventKind
    change: Change
    node_id: UUID
    conversation_id: UUID | None
    channel_id: UUID | None
    reader_id: UUID | None
    fields: list[str]


class Notes:
    """What one transaction changed: each row once, in the order of the first change."""

    def __init__(self) -> None:
        self._notes: dict[tuple[EventKind, UUID, UUID | None], Note] = {}

    def __len__(self) -> int:
        return len(self._notes)

    def add(
        self,
        table: type[Row],
        row: Record[Any],
        change: Change,
        fields: Iterable[str] = (),
        *,
        reader_id: UUID | None = None,
    ) -> None:
        """Notes a change of a row, where its table is one whose changes are told. `reader_id` alone will hear of it."""
        kind = KINDS.get(table)
        if kind is None or getattr(row, "kind", ConversationKind.CHAT) != ConversationKind.CHAT:
            return
        key = (kind, row.id, reader_id)
        known = self._notes.get(key)
        if known is None:
            conversation_id = row.id if kind is EventKind.CHAT else getattr(row, "conversation_id", None)
            told = [] if change is not Change.UPDATED else list(fields)
            self._notes[key] = Note(kind, change, row.id, conversation_id, row.channel_id, reader_id, told)
        elif change is Change.REMOVED:
            known.change, known.fields = change, []
        elif known.change is Change.UPDATED:
            known.fields += [name for name in fields if name not in known.fields]

    def conversations_changed(self) -> set[UUID]:
        """The conversations of which a message is no longer as it was."""
        notes = self._notes.values()
        changed = [n for n in notes if n.kind is EventKind.MESSAGE and n.change is not Change.CREATED]
        return {note.conversation_id for note in changed if note.conversation_id is not None}

    async def write(self, connection: AsyncConnection, workspace_id: UUID) -> int:
        """Writes the events and gives back the newest position. Nothing may come after it but the commit.

        The row of the log is the last that a transaction locks, so that two can never wait for each other there,
        and is held for as short as can be.
        """
        moment, notes = now(), list(self._notes.values())
        rows = [_values(note, workspace_id, moment) for note in notes]
        if len(rows) == 1 and connection.dialect.name == "postgresql":
            written = (await connection.execute(COUNTED_INSERT, rows[0])).first()
            assert written is not None, "the workspace has no log"
            return int(written.position)
        counted = {"new_workspace_id": workspace_id, "taken": len(rows), "new_at": moment}
        log = (await connection.execute(COUNT, counted)).first()
        assert log is not None, "the workspace has no log"
        first = int(log.last_position) - len(rows) + 1
        numbered = [{**row, "new_position": first + place} for place, row in enumerate(rows)]
        await connection.execute(INSERT, numbered[0] if len(numbered) == 1 else numbered)
        return int(log.last_position)


def _values(note: Note, workspace_id: UUID, moment: Any) -> dict[str, Any]:
    return {
        "new_workspace_id": workspace_id,
        "new_kind": note.kind,
        "new_change": note.change,
        "new_node_id": note.node_id,
        "new_conversation_id": note.conversation_id,
        "new_channel_id": note.channel_id,
        "new_reader_id": note.reader_id,
        "new_changed_fields": note.fields,
        "new_at": moment,
        "taken": 1,
    }


def _count() -> Any:
    log = update(EventLog).where(EventLog.workspace_id == bindparam("new_workspace_id", type_=Uuid()))
    taken = EventLog.last_position + bindparam("taken", type_=BigInteger())
    at = bindparam("new_at", type_=UtcDateTime())
    return log.values(last_position=taken, updated_at=at).returning(EventLog.last_position)


def _insert(position: Any) -> Any:
    """An event whose channel, where it is not given, is that of its conversation."""
    channel = select(Conversation.channel_id).where(
        Conversation.id == bindparam("new_conversation_id", type_=Uuid())
    )
    # A column that points at another table has its type only once that table is known: of all tables together.
    types = METADATA.tables[Event.__tablename__].columns
    plain = (
        "workspace_id",
        "kind",
        "change",
        "node_id",
        "conversation_id",
        "reader_id",
        "changed_fields",
        "at",
    )
    values: dict[str, Any] = {n: bindparam(f"new_{n}", type_=types[n].type) for n in plain}
    values["channel_id"] = func.coalesce(
        bindparam("new_channel_id", type_=Uuid()), channel.scalar_subquery(), type_=Uuid()
    )
    values["position"] = position
    return insert(Event).from_select(list(values), select(*[v.label(n) for n, v in values.items()]))


def _counted_insert() -> Any:
    """Position and event in one statement, which spares the wait for the log's row a round trip."""
    counted = _count().cte("counted")
    return _insert(counted.c.last_position).returning(Event.position)


COUNT = _count()
INSERT = _insert(bindparam("new_position", type_=BigInteger()))
COUNTED_INSERT = _counted_insert()
