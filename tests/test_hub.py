"""The hub: a hint wakes, one read serves all, and nothing rests on a hint having come."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from services import hub as hubs
from services.brokers.local import LocalBroker
from services.brokers.wires import MESSAGE_BYTES_MAX, Wire
from services.hub import CONVERSATION, LOG, RING_SIZE, Feed, Hub, Subject
from services.sharing import Shared
from services.sweeps import Sweep
from tests.make import Make

HERE = Subject(CONVERSATION, UUID(int=1))


@dataclass(frozen=True)
class Numbered:
    """A row of a subject."""

    number: int


class Table:
    """Rows 1, 2, 3 … up to `last`, and how often they were read."""

    def __init__(self, last: int = 0) -> None:
        self.last, self.reads = last, 0

    async def read(self, after: int, limit: int) -> Sequence[Any]:
        self.reads += 1
        await asyncio.sleep(0)
        return [Numbered(n) for n in range(after + 1, min(self.last, after + limit) + 1)]


def numbers(rows: Sequence[Any]) -> list[int]:
    return [row.number for row in rows]


def followed(hub: Hub) -> Any:
    return hub.follow(HERE, lambda row: row.number)


async def test_a_hint_wakes_those_who_follow_and_nobody_else() -> None:
    hub = Hub()
    with followed(hub) as (feed, follower), hub.follow(Subject(LOG, HERE.id), lambda _: 0) as (_, other):
        assert hub.note(HERE, 3)
        async with asyncio.timeout(10):
            await follower.wait()
        assert not other._flag.is_set()
        assert (feed.known, hub.follower_count()) == (3, 2)
        follower.clear()
        assert not hub.note(HERE, 3), "a repeated hint is no news"
        assert not hub.note(HERE, 2), "nor is one that comes late"
        assert not follower._flag.is_set()
        assert hub.note(HERE, 0), "one without a number always is"
    assert (hub.follower_count(), hub.note(HERE, 9)) == (0, False)


async def test_one_read_serves_all_who_follow() -> None:
    hub, table = Hub(), Table(5)
    with followed(hub) as (feed, _):
        feed.begin(5)
        assert await feed.after(5, table.read) == []
        assert table.reads == 0, "there is nothing to read before a hint"
        table.last = 8
        hub.note(HERE, 8)
        served = await asyncio.gather(*[feed.after(5, table.read) for _ in range(50)])
        assert [numbers(rows) for rows in served] == [[6, 7, 8]] * 50
        assert numbers(await feed.after(7, table.read)) == [8]
        assert table.reads == 1
        assert numbers(await feed.after(2, table.read)) == [3, 4, 5, 6, 7, 8], "older rows are read apart"
        assert table.reads == 2


async def read_on(feed: Feed, table: Table, cursor: int) -> list[int]:
    """What one receives who reads until there is nothing more."""
    received: list[int] = []
    while rows := numbers(await feed.after(cursor, table.read)):
        received += rows
        cursor = rows[-1]
    return received


async def test_more_than_a_ring_is_read_without_a_gap() -> None:
    hub, table = Hub(), Table(0)
    with followed(hub) as (feed, _):
        feed.begin(0)
        table.last = 3 * RING_SIZE + 7
        hub.note(HERE, table.last)
        readers = await asyncio.gather(*[read_on(feed, table, start) for start in (0, 0, 5)])
        whole = list(range(1, table.last + 1))
        assert readers == [whole, whole, whole[5:]]
        assert len(feed.rows) <= RING_SIZE
        assert hub.figures().rows_kept == len(feed.rows)


async def test_a_changed_row_is_read_again() -> None:
    hub, table = Hub(), Table(0)
    with followed(hub) as (feed, _):
        feed.begin(0)
        table.last = 2
        hub.note(HERE, 2)
        assert numbers(await feed.after(0, table.read)) == [1, 2]
        hub.note(HERE, 0)
        assert numbers(await feed.after(0, table.read)) == [1, 2]
        assert table.reads == 2


async def test_all_rings_together_keep_so_many_rows(monkeypatch: Any) -> None:
    monkeypatch.setattr(hubs, "ROWS_KEPT_MAX", 10)
    hub = Hub()
    first, second = Subject(CONVERSATION, UUID(int=1)), Subject(CONVERSATION, UUID(int=2))
    with (
        hub.follow(first, lambda row: row.number) as (one, _),
        hub.follow(second, lambda row: row.number) as (two, _),
    ):
        for feed in (one, two):
            feed.begin(0)
            hub.note(feed.subject, 8)
            assert numbers(await feed.after(0, Table(8).read)) == list(range(1, 9))
        assert (len(one.rows), len(two.rows), hub.figures().rows_kept) == (0, 8, 8)
        assert numbers(await one.after(0, Table(8).read)) == list(range(1, 9))
    assert hub.figures().rows_kept == 0


async def test_the_sweep_finds_what_no_hint_told(make: Make) -> None:
    owner = await make.owner()
    chat, quiet = await make.chat(owner), await make.chat(owner)
    hub = Hub()
    sweep = Sweep(make.server.database, hub)
    subjects = [
        Subject(CONVERSATION, chat.id),
        Subject(LOG, owner.workspace_id),
        Subject(CONVERSATION, quiet.id),
    ]
    with (
        hub.follow(subjects[0], lambda row: row.sequence) as (feed, follower),
        hub.follow(subjects[1], lambda row: row.position) as (log, reader),
        hub.follow(subjects[2], lambda row: row.sequence) as (_, other),
    ):
        await make.outbound(owner, chat)  # the hub of this test hears nothing of it
        await sweep.look()
        assert (feed.known, sweep.found) == (1, 2)
        assert log.known > 0
        assert follower._flag.is_set()
        assert reader._flag.is_set()
        assert not other._flag.is_set()
        await sweep.look()
        assert sweep.found == 2


async def test_what_one_finds_by_itself_wakes_the_others() -> None:
    """Its hint was lost. The sweep would call it no news later, since somebody knows of it already."""
    hub, table = Hub(), Table(2)
    with followed(hub) as (feed, follower), followed(hub):
        feed.begin(2)
        follower.clear()
        feed.begin(3)  # as another one does who joins
        assert follower._flag.is_set()
        follower.clear()
        hub.note(HERE, 4)
        follower.clear()
        table.last = 5
        assert numbers(await feed.after(2, table.read)) == [3, 4, 5]
        assert follower._flag.is_set(), "there is more than any hint had told"


class Deaf(LocalBroker):
    """A broker that notes what is published."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[bytes] = []

    async def publish(self, message: bytes) -> None:
        self.messages.append(message)
        await super().publish(message)


async def test_many_hints_leave_in_few_messages_and_arrive() -> None:
    broker = Deaf()
    wire, heard = Wire(broker), Wire(LocalBroker())
    hub, other = Hub(wire), Hub(heard)
    subjects = [Subject(CONVERSATION, UUID(int=n)) for n in range(1, 501)]
    with other.follow(subjects[-1], lambda _: 0) as (feed, follower):
        for number in (2, 1):
            hub.announce((subject, number) for subject in subjects)
        running = asyncio.create_task(wire.run())
        try:
            async with asyncio.timeout(10):
                while wire.unsent or len(broker.messages) < 3:
                    await asyncio.sleep(0.001)
        finally:
            running.cancel()
        assert len(broker.messages) == 3
        assert max(map(len, broker.messages)) <= MESSAGE_BYTES_MAX
        for message in broker.messages:
            heard.hear(message)
        assert (feed.known, follower._flag.is_set()) == (2, True)
    assert hub.figures().hints_heard == other.figures().hints_heard == 500


async def test_a_message_that_nobody_understands_is_passed_over() -> None:
    wire = Wire(LocalBroker())
    hub = Hub(wire)
    seen: list[bytes] = []
    wire.on("typing", seen.append)
    wire.hear(b"nonsense\nh !!!\nh aGVsbG8=\nlater aGVsbG8=\ntyping aGVsbG8=")
    assert (seen, hub.figures().hints_heard) == ([b"hello"], 0)


async def test_what_many_want_is_done_once_and_a_failure_is_not_kept() -> None:
    shared, made = Shared(), 0

    async def make() -> int:
        nonlocal made
        made += 1
        await asyncio.sleep(0)
        if made == 1:
            raise OSError
        return made

    first = await asyncio.gather(*[shared.get("a", make) for _ in range(3)], return_exceptions=True)
    assert [type(error) for error in first] == [OSError] * 3
    assert await asyncio.gather(*[shared.get("a", make) for _ in range(3)]) == [2, 2, 2]
    assert await shared.get("b", make) == 3
