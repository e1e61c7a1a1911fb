"""Tells those who follow a conversation or a log that there is something new, and reads it once for all of them."""

import asyncio
import struct
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import Row

from services.brokers.wires import Wire
from services.followers import Crowds, Follower
from services.sharing import Seat

RING_SIZE: Final = 256
"""The newest rows of a subject that are kept for those who follow it."""
RING_SECONDS_MAX: Final = 10.0
"""How long a row is given away as it was read. A change of it empties the ring at once, unless its hint is lost."""
ROWS_KEPT_MAX: Final = 50_000
"""The rows kept for all subjects together: the ring that was read longest ago goes first."""
READ_AT_ONCE_MAX: Final = 100
"""Rows that one follower is given at once, and holds in memory."""
HINTS: Final = "h"
"""What hints are sent under between workers."""
PACKED: Final = struct.Struct(">c16sq")

CONVERSATION: Final = "c"
"""A conversation, numbered by the sequence of its messages."""
LOG: Final = "w"
"""The log of a workspace, numbered by the position of its events."""


class Subject(NamedTuple):
    """What can be followed: CONVERSATION or LOG, and its id."""

    room: str
    id: UUID


Hint = tuple[Subject, int]
"""That a subject has come to a number; 0 where nothing new came, and yet it has to be looked at again."""
Read = Callable[[int, int], Awaitable[Sequence[Row[Any]]]]
"""Reads at most so many rows (second) past a number (first), in order and without holes."""


class Feed:
    """One subject, for all its followers in this process: how far it has come, and its newest rows."""

    def __init__(self, hub: "Hub", subject: Subject, number: Callable[[Row[Any]], int]) -> None:
        self.subject, self.followers, self.crowds = subject, set[Follower](), Crowds(hub.count_handed)
        self.known = 0
        self.looked_at = 0
        """Counts the hints that ask to look again though no number grew."""
        self.rows: deque[Row[Any]] = deque(maxlen=RING_SIZE)
        self._read_at: deque[float] = deque(maxlen=RING_SIZE)
        self._hub, self._number, self._end = hub, number, 0
        self._reading = asyncio.Lock()

    def note(self, number: int) -> bool:
        """It has come to that number; whoever follows it is woken, unless that is no news. Says whether it was."""
        if number and number <= self.known:
            return False
        self.known = max(self.known, number)
        if not number:
            self.looked_at += 1
            self.drop()
            self.crowds.part()
        for follower in self.followers:
            follower.wake()
        return True

    def begin(self, number: int) -> None:
        """It stands at that number, as was just read: newer rows will be kept from there on."""
        if not self._end:
            self._end = number
        if number:
            # Whoever looks finds what the others were not told of, where its hint was lost.
            self.note(number)

    async def after(self, cursor: int, read: Read) -> list[Row[Any]]:
        """The next rows past a number, at most READ_AT_ONCE_MAX: from the ring where it reaches back that far."""
        self._drop_old()
        if cursor < self._end - len(self.rows):
            self._hub.reads += 1
            return list(await read(cursor, READ_AT_ONCE_MAX))
        if cursor >= self._end and self.known > self._end:
            async with self._reading:
                # Another follower has read meanwhile, or it is for us to do for all.
                if cursor >= self._end and self.known > self._end:
                    self._keep(await read(self._end, RING_SIZE))
        missed = len(self.rows) - (self._end - cursor)
        return list(islice(self.rows, max(missed, 0), max(missed, 0) + READ_AT_ONCE_MAX))

    def drop(self) -> None:
        """Forgets the rows; they can be read again."""
        self.rows.clear()
        self._read_at.clear()

    def _drop_old(self) -> None:
        oldest = time.monotonic() - RING_SECONDS_MAX
        while self._read_at and self._read_at[0] < oldest:
            self.rows.popleft()
            self._read_at.popleft()

    def _keep(self, rows: Sequence[Row[Any]]) -> None:
        self._hub.reads += 1
        if rows:
            if self._number(rows[0]) != self._end + 1:
                self.drop()  # what lies between is no longer there
            self.rows.extend(rows)
            self._read_at.extend([time.monotonic()] * len(rows))
            self._end = self._number(rows[-1])
            self.note(self._end)
            self._hub.kept(self)


@dataclass
class Figures:
    """What the hub is doing, for those who run the server."""

    followers: int
    subjects: int
    hints_heard: int
    rows_kept: int
    reads: int
    looks: int
    handed: int
    """How often one who follows was told something by another one."""


class Hub:
    """The followers of this process. A hint means only: look in the database."""

    def __init__(self, wire: Wire | None = None) -> None:
        self._feeds: dict[Subject, Feed] = {}
        self._kept: OrderedDict[Subject, int] = OrderedDict()
        self._rows_kept = 0
        self._wire = wire
        self.reads = self.looks = self.hints_heard = self.handed = 0
        self.begun: Counter[tuple[str, bool]] = Counter()
        """What was followed since the start: the room, and whether from where somebody had been before."""
        if wire is not None:
            wire.on(HINTS, self._hear)

    def announce(self, hints: Iterable[Hint]) -> None:
        """Wakes whoever follows, here and in the other workers. Called after the commit, never before."""
        for subject, number in hints:
            self.note(subject, number)
            if self._wire is not None:
                packed = PACKED.pack(subject.room.encode(), subject.id.bytes, number)
                # The later of two hints may hold the smaller number: commits are announced in any order.
                self._wire.send(HINTS, packed, key=packed[:17] if number else packed, pick=max)

    def note(self, subject: Subject, number: int) -> bool:
        """A subject has come to a number. Says whether that was news to somebody here."""
        feed = self._feeds.get(subject)
        return feed is not None and feed.note(number)

    @contextmanager
    def follow(
        self, subject: Subject, number: Callable[[Row[Any]], int], seat: Seat | None = None
    ) -> Iterator[tuple[Feed, Follower]]:
        """A follower and what it shares with the others, for as long as the block runs."""
        feed = self._feeds.get(subject)
        if feed is None:
            feed = self._feeds[subject] = Feed(self, subject, number)
        follower = Follower(feed.crowds, seat)
        feed.followers.add(follower)
        try:
            yield feed, follower
        finally:
            feed.followers.discard(follower)
            follower.stop_leading()
            if not feed.followers and self._feeds.get(subject) is feed:
                del self._feeds[subject]
                self._rows_kept -= self._kept.pop(subject, 0)

    def followed(self, room: str) -> list[UUID]:
        """The ids of what is followed of one kind."""
        return [subject.id for subject in self._feeds if subject.room == room]

    def kept(self, feed: Feed) -> None:
        """A ring has grown: the oldest ones make room where there are too many rows."""
        if self._feeds.get(feed.subject) is not feed:
            return  # its last follower left during the read
        self._rows_kept += len(feed.rows) - self._kept.get(feed.subject, 0)
        self._kept[feed.subject] = len(feed.rows)
        self._kept.move_to_end(feed.subject)
        while self._rows_kept > ROWS_KEPT_MAX:
            subject, rows = self._kept.popitem(last=False)
            self._rows_kept -= rows
            self._feeds[subject].drop()

    def count_handed(self, count: int) -> None:
        """So many were told something by another one."""
        self.handed += count

    def follower_count(self) -> int:
        """How many are following now."""
        return sum(len(feed.followers) for feed in self._feeds.values())

    def figures(self) -> Figures:
        """What it is doing."""
        return Figures(
            self.follower_count(),
            len(self._feeds),
            self.hints_heard,
            self._rows_kept,
            self.reads,
            self.looks,
            self.handed,
        )

    def _hear(self, payload: bytes) -> None:
        try:
            room, id, number = PACKED.unpack(payload)
        except struct.error:
            return  # of another version
        self.hints_heard += 1
        self.note(Subject(room.decode(), UUID(bytes=id)), number)
