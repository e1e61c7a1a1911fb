"""Who looks at a conversation or types in it right now: in the memory of every worker, told over the wire, never stored."""

import struct
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, Select, Uuid, bindparam, select

from db.base import ANYONE, Viewer, columns_of, now
from db.conversations import Conversation
from db.engine import Database
from db.faults import until_answered
from services.brokers.wires import Wire
from services.followers import Follower
from services.sharing import Occurrence
from services.work import missing

LAPSE_SECONDS: Final = 30.0
"""How long somebody is taken for present who has not said so again."""
KEPT_MAX: Final = 50_000
"""Presences that one worker remembers; a newer one beyond is not taken."""
SHOWN_MAX: Final = 100
"""Members that one conversation shows: those who came first."""
TOPIC: Final = "p"
PACKED: Final = struct.Struct(">16s16s16sBdf")
ASKED: Final = b"?"
"""Sent by a worker that has just connected: the others tell what they know."""


class PresenceState(StrEnum):
    """What somebody does in a conversation."""

    VIEWING = "VIEWING"
    """Looks at it."""
    TYPING = "TYPING"
    """Types in it."""


STATES: Final = (None, *PresenceState)


@dataclass(frozen=True, slots=True)
class Present:
    """A member in a conversation, and since when it does that."""

    user_id: UUID
    state: PresenceState
    since: datetime


@dataclass(frozen=True, slots=True)
class Said:
    """What one source (a socket, or a member without one) said last of a conversation, and until when it holds."""

    user_id: UUID
    state: PresenceState
    since: datetime
    until: float


class Presences:
    """What this worker knows of all workers' members. Small, quick, and gone with the process."""

    def __init__(self, wire: Wire, clock: Callable[[], float] = time.monotonic) -> None:
        self._wire, self._clock = wire, clock
        self._said: dict[UUID, dict[UUID, Said]] = {}
        self._followers: dict[UUID, set[Follower]] = {}
        self._own: dict[UUID, set[UUID]] = {}
        """The sources of this worker, each with the conversations it is in."""
        self._count, self._swept_at = 0, clock()
        wire.on(TOPIC, self._hear)
        wire.on_connected(self._ask)

    def of(self, conversation_id: UUID) -> tuple[Present, ...]:
        """Who is there, each once with what it does most, in the order they began."""
        said = sorted(self._alive(conversation_id), key=lambda s: (s.state is PresenceState.VIEWING, s.since))
        found: dict[UUID, Present] = {}
        for each in said:
            found.setdefault(each.user_id, Present(each.user_id, each.state, each.since))
        ordered = sorted(found.values(), key=lambda present: (present.since, present.user_id))
        return tuple(ordered[:SHOWN_MAX])

    def seconds_to_lapse(self, conversation_id: UUID) -> float | None:
        """When somebody will be gone who says nothing more; None where nobody is there."""
        ends = [said.until for said in self._alive(conversation_id)]
        return max(min(ends) - self._clock(), 0) if ends else None

    def say(self, conversation_id: UUID, user_id: UUID, source: UUID, state: PresenceState | None) -> None:
        """A member of this worker looks, types, or is gone (None); all workers hear of it."""
        known = self._said.get(conversation_id, {}).get(source)
        since = known.since if known is not None and known.state is state else now()
        said = Said(user_id, state, since, self._clock() + LAPSE_SECONDS) if state is not None else None
        self._take(conversation_id, source, said)
        mine = self._own.setdefault(source, set())
        mine.discard(conversation_id)
        if source in self._said.get(conversation_id, {}):
            mine.add(conversation_id)
        if not mine:
            del self._own[source]
        self._send(conversation_id, source, user_id, said)

    def leave(self, source: UUID) -> None:
        """A socket is closed: it is nowhere any more."""
        for conversation_id in list(self._own.get(source, ())):
            said = self._said.get(conversation_id, {}).get(source)
            if said is not None:
                self.say(conversation_id, said.user_id, source, None)
        self._own.pop(source, None)

    @contextmanager
    def follow(self, conversation_id: UUID) -> Iterator[Follower]:
        """One who is woken when somebody comes, goes or does something else, while the block runs."""
        follower = Follower()
        self._followers.setdefault(conversation_id, set()).add(follower)
        try:
            yield follower
        finally:
            followers = self._followers[conversation_id]
            followers.discard(follower)
            if not followers:
                del self._followers[conversation_id]

    def _alive(self, conversation_id: UUID) -> list[Said]:
        moment = self._clock()
        return [said for said in self._said.get(conversation_id, {}).values() if said.until > moment]

    def _take(self, conversation_id: UUID, source: UUID, said: Said | None) -> None:
        self._sweep()
        sources = self._said.setdefault(conversation_id, {})
        before = self.of(conversation_id)
        if sources.pop(source, None) is not None:
            self._count -= 1
        if said is not None and self._count < KEPT_MAX:
            sources[source] = said
            self._count += 1
        if not sources:
            del self._said[conversation_id]
        if self.of(conversation_id) != before:
            for follower in self._followers.get(conversation_id, ()):
                follower.wake()

    def _sweep(self) -> None:
        """Forgets who has lapsed, now and then."""
        moment = self._clock()
        if moment - self._swept_at < LAPSE_SECONDS:
            return
        self._swept_at = moment
        for conversation_id, sources in list(self._said.items()):
            alive = {source: said for source, said in sources.items() if said.until > moment}
            for source in sources.keys() - alive.keys():
                self._own.get(source, set()).discard(conversation_id)
            self._count -= len(sources) - len(alive)
            self._said[conversation_id] = alive
            if not alive:
                del self._said[conversation_id]
        self._own = {source: rooms for source, rooms in self._own.items() if rooms}

    def _send(self, conversation_id: UUID, source: UUID, user_id: UUID, said: Said | None) -> None:
        state = STATES.index(said.state if said is not None else None)
        since = said.since.timestamp() if said is not None else 0.0
        left = said.until - self._clock() if said is not None else 0.0
        packed = PACKED.pack(conversation_id.bytes, source.bytes, user_id.bytes, state, since, left)
        self._wire.send(TOPIC, packed, key=conversation_id.bytes + source.bytes)

    def _hear(self, payload: bytes) -> None:
        if payload == ASKED:
            self._tell_all()
            return
        conversation, source, user, state, since, left = PACKED.unpack(payload)
        conversation_id, source_id = UUID(bytes=conversation), UUID(bytes=source)
        if source_id in self._own:
            return  # said here, and known better here
        known = STATES[state] if state < len(STATES) else None
        said = None
        if known is not None:
            began = datetime.fromtimestamp(since, tz=UTC)
            until = self._clock() + min(left, LAPSE_SECONDS)
            said = Said(UUID(bytes=user), known, began, until)
        self._take(conversation_id, source_id, said)

    def _ask(self) -> None:
        self._wire.send(TOPIC, ASKED, key=ASKED)

    def _tell_all(self) -> None:
        for source, rooms in self._own.items():
            for conversation_id in rooms:
                said = self._said.get(conversation_id, {}).get(source)
                if said is not None and said.until > self._clock():
                    self._send(conversation_id, source, said.user_id, said)


async def conversation_seen(database: Database, viewer: Viewer, conversation_id: UUID) -> Row[Any] | None:
    """The conversation, where the viewer sees it and it is not deleted."""
    rows = await database.fetch(CONVERSATION, {**viewer.values(), "id": conversation_id})
    return rows[0] if rows else None


async def set_presence(
    database: Database,
    presences: Presences,
    viewer: Viewer,
    source: UUID,
    conversation_id: UUID,
    *,
    state: PresenceState | None = None,
) -> Row[Any]:
    """Says what the viewer does in a conversation that it sees; gives that back."""
    row = await conversation_seen(database, viewer, conversation_id)
    if row is None:
        raise missing(Conversation, "conversation_id")
    presences.say(conversation_id, viewer.id, source, state)
    return row


async def follow_presence(
    database: Database, presences: Presences, viewer: Callable[[], Viewer], conversation_id: UUID
) -> AsyncGenerator[Occurrence, None]:
    """The conversation at once, and again whenever somebody comes, goes or does something else there.

    Ends when it is deleted or leaves the viewer's sight; NotFound where it is out of sight already.
    """
    if await conversation_seen(database, viewer(), conversation_id) is None:
        raise missing(Conversation, "conversation_id")
    return _follow(database, presences, viewer, conversation_id)


async def _follow(
    database: Database, presences: Presences, viewer: Callable[[], Viewer], conversation_id: UUID
) -> AsyncGenerator[Occurrence, None]:
    told: tuple[Present, ...] | None = None
    with presences.follow(conversation_id) as follower:
        while True:
            # Cleared before anything is looked at: what happens meanwhile wakes us again.
            follower.clear()
            there = presences.of(conversation_id)
            if there != told:
                row = await until_answered(lambda: conversation_seen(database, viewer(), conversation_id))
                if row is None:
                    return
                told = there
                yield Occurrence(row)
            else:
                await follower.wait(presences.seconds_to_lapse(conversation_id))


def _conversation_statement() -> Select[Any]:
    here = Conversation.id == bindparam("id", type_=Uuid())
    alive = Conversation.deleted_at.is_(None)
    columns = columns_of(Conversation, Conversation)
    return select(*columns).where(here, alive, Conversation.visible_to(ANYONE))


CONVERSATION = _conversation_statement()
