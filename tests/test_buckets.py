"""Workers share buckets: together they never spend more than one holds, and each has its share while the store is away."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from db.base import new_id
from db.buckets import Bucket
from db.engine import Database
from db.migrate import migrate
from services import shared_buckets
from services.bucket_stores import PostgresStore, prune_buckets
from services.errors import RateLimited
from services.limits import LEVELS, Level, LevelName, Limits, read_levels
from services.redis_store import RedisStore
from services.shared_buckets import (
    AWAY_SECONDS,
    KEEP_SECONDS,
    SharedBuckets,
    Store,
    StoreAway,
    stored_key,
)
from tests.databases import create_database, drop_database
from tests.test_brokers import SECONDS, free_port, program
from tests.test_limits import Clock

# A store that answers late is none of what is tested here, on a machine that does other things as well.
shared_buckets.ANSWER_SECONDS = float(SECONDS)  # type: ignore[misc]
SLACK_SECONDS = 2
"""What may come back between two looks at the clock, beside what was measured."""
WORKERS = 2
SIZE, COST = 400, 10
LEVEL = read_levels('{"user": {"cost": 400, "bucket": 400, "restore": 1, "at_once": 1000}}')[LevelName.USER]


@pytest.fixture(scope="module")
async def postgres_database(postgres_url: str) -> AsyncIterator[Database]:
    url = await create_database(postgres_url, f"switchboard_{os.getpid()}_buckets")
    database = Database(url)
    await migrate(database)
    yield database
    await database.close()
    await drop_database(url)


@pytest.fixture(scope="module")
async def redis_store(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Store]:
    port = str(free_port())
    folder = str(tmp_path_factory.mktemp("redis"))
    async with program("redis-server", "--port", port, "--save", "", "--dir", folder):
        store = RedisStore(f"redis://127.0.0.1:{port}/0")
        await answering(store)
        yield store
        await store.close()


async def answering(store: Store) -> None:
    """Until the store answers."""
    async with asyncio.timeout(SECONDS):
        while True:
            try:
                await store.draw("ready", 1, 1, least=0, wanted=0, back=0)
                return
            except StoreAway:
                await asyncio.sleep(0.05)


@pytest.fixture(params=["postgresql", "redis"])
def store(request: pytest.FixtureRequest) -> "Watched":
    """Each store in turn, watched."""
    if request.param == "postgresql":
        return Watched(PostgresStore(request.getfixturevalue("postgres_database")))
    return Watched(request.getfixturevalue("redis_store"))


class Watched:
    """A store that counts what it is asked, and can be away."""

    def __init__(self, real: Store) -> None:
        self.name, self._real = real.name, real
        self.is_away, self.is_silent = False, False
        self.draws = self.at_work = self.at_once_most = 0

    async def draw(
        self, key: str, size: int, restore: float, *, least: int, wanted: int, back: int
    ) -> tuple[int, float]:
        self.draws += 1
        self.at_work += 1
        self.at_once_most = max(self.at_once_most, self.at_work)
        try:
            if self.is_silent:
                await asyncio.Event().wait()
            if self.is_away:
                raise StoreAway from ConnectionError("away")
            return await self._real.draw(key, size, restore, least=least, wanted=wanted, back=back)
        finally:
            self.at_work -= 1

    async def close(self) -> None:
        await self._real.close()


class Crew:
    """Workers over one store. Their clock stands still: what comes back is what the store lets come back."""

    def __init__(self, store: Store, level: Level = LEVEL) -> None:
        self.clock, self.level, self.began = Clock(), level, time.monotonic()
        self.workers = [
            Limits(
                dict.fromkeys(LevelName, level),
                buckets=SharedBuckets(store, workers=WORKERS, clock=self.clock),
            )
            for _ in range(WORKERS)
        ]
        self.viewer = new_id()

    async def ask(self, worker: int, cost: int = COST, unused: int = 0) -> bool:
        """Whether an operation was let in; then it is over."""
        limits = self.workers[worker]
        try:
            await limits.enter(self.viewer, self.level, cost)
        except RateLimited:
            return False
        limits.leave(self.viewer, self.level, unused)
        return True

    async def spend(self, worker: int, cost: int = COST) -> int:
        """How many operations are let in until one is not."""
        done = 0
        while await self.ask(worker, cost):
            done += 1
            assert done <= 10 * SIZE
        return done

    def available(self, worker: int) -> int:
        return self.workers[worker].left(self.viewer, self.level).available

    @property
    def restored(self) -> int:
        """How much may have come back by now."""
        return int((time.monotonic() - self.began + SLACK_SECONDS) * self.level.restore)


async def test_workers_together_spend_one_bucket_and_no_more(store: Watched) -> None:
    crew = Crew(store)
    in_turn = [await crew.ask(n % WORKERS) for n in range(2 * SIZE // COST)]
    done = sum(in_turn)
    assert SIZE <= done * COST <= SIZE + crew.restored
    assert all(in_turn[: SIZE // COST])
    # Somebody else's bucket is another, and is full.
    crew.viewer = new_id()
    assert await crew.ask(0, SIZE)


async def test_many_at_once_spend_one_bucket_and_no_more(store: Watched) -> None:
    crew = Crew(store)
    asked = [crew.ask(n % WORKERS) for n in range(3 * SIZE // COST)]
    done = sum(await asyncio.gather(*asked))
    # What one worker has drawn, the other one could not spend.
    done += await crew.spend(0) + await crew.spend(1)
    assert SIZE <= done * COST <= SIZE + crew.restored
    assert store.at_once_most <= WORKERS


async def test_a_worker_alone_may_spend_a_whole_bucket(store: Watched) -> None:
    crew = Crew(store)
    assert SIZE <= await crew.spend(0) * COST <= SIZE + crew.restored
    assert not await crew.ask(1, SIZE // 2)


async def test_a_hundred_operations_ask_the_store_three_times_at_most(store: Watched) -> None:
    crew = Crew(store, LEVELS[LevelName.USER])
    assert await asyncio.gather(*[crew.ask(0) for _ in range(10)]) == [True] * 10
    for _ in range(90):
        assert await crew.ask(0)
    assert 1 <= store.draws <= 3
    assert crew.level.bucket - 1_000 <= crew.available(0) <= crew.level.bucket - 1_000 + crew.restored


async def test_who_is_refused_again_and_again_does_not_trouble_the_store(store: Watched) -> None:
    crew = Crew(store)
    await crew.spend(0)
    draws = store.draws
    for _ in range(50):
        assert not await crew.ask(0)
    assert store.draws == draws
    # Once there should be enough again, it is asked.
    crew.clock.now += COST
    await crew.ask(0)
    assert store.draws == draws + 1


async def test_what_an_operation_did_not_use_is_there_again(store: Watched) -> None:
    crew = Crew(store)
    for _ in range(10):
        assert await crew.ask(0, SIZE - 10, unused=SIZE - 11)
    assert SIZE - 10 <= crew.available(0) <= SIZE - 10 + crew.restored
    # What this worker has and does not spend, it gives back when it next asks.
    assert not await crew.ask(1, SIZE // 2)
    crew.clock.now += KEEP_SECONDS
    assert await crew.ask(0, 1)
    assert await crew.ask(1, SIZE // 2)


async def test_what_an_operation_used_beyond_is_owed_to_all(store: Watched) -> None:
    crew = Crew(store)
    assert await crew.ask(0, COST, unused=-(SIZE // 2))
    assert await crew.ask(0, COST)
    left = SIZE - SIZE // 2 - 2 * COST
    assert crew.available(0) <= left + crew.restored
    assert not await crew.ask(1, SIZE - 2 * COST)
    assert await crew.ask(1, left // 2)


async def test_a_bucket_fills_again_with_time(store: Watched) -> None:
    crew = Crew(store, read_levels('{"user": {"cost": 100, "bucket": 100, "restore": 1000}}')[LevelName.USER])
    assert await crew.ask(0, 100)
    async with asyncio.timeout(SECONDS):
        while not await crew.ask(1, 100):
            crew.clock.now += 1
    assert crew.workers[0].left(crew.viewer, crew.level).maximum == 100


async def test_while_the_store_is_away_each_worker_has_its_share(store: Watched) -> None:
    crew = Crew(store)
    store.is_away = True
    for worker in range(WORKERS):
        assert await crew.spend(worker) == SIZE // WORKERS // COST
        assert crew.available(worker) == 0
    assert store.draws == WORKERS, "it is left alone for a while"
    # Looked for again, in vain.
    crew.clock.now += AWAY_SECONDS
    await crew.ask(0)
    assert store.draws == WORKERS + 1
    store.is_away = False
    crew.clock.now += AWAY_SECONDS
    draws = store.draws
    assert await crew.ask(0)
    assert await crew.ask(1)
    assert store.draws == draws + 2
    spent = 2 * COST + (await crew.spend(0) + await crew.spend(1)) * COST
    assert SIZE <= spent <= SIZE + crew.restored, "it is one bucket again"


async def test_the_smallest_share_is_one_operation(store: Watched) -> None:
    crew = Crew(store)
    store.is_away = True
    assert await crew.ask(0, SIZE)
    assert not await crew.ask(0, SIZE)


async def test_what_was_drawn_is_spent_and_given_back_while_the_store_is_away(store: Watched) -> None:
    crew = Crew(store)
    assert await crew.ask(0)
    store.is_away = True
    done = await crew.spend(0)
    assert done * COST <= SIZE // WORKERS + SIZE // 20
    await crew.workers[0].enter(crew.viewer, crew.level, 0)
    crew.workers[0].leave(crew.viewer, crew.level, COST)
    assert crew.available(0) == COST
    assert await crew.ask(0)


async def test_a_store_that_does_not_answer_is_away(store: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.shared_buckets.ANSWER_SECONDS", 0.1)
    crew = Crew(store)
    store.is_silent = True
    assert await asyncio.gather(*[crew.ask(0) for _ in range(5)]) == [True] * 5
    assert store.draws == 1, "the others waited for the one"
    store.is_silent = False
    crew.clock.now += AWAY_SECONDS
    assert await crew.ask(0)
    assert store.draws == 2


async def test_who_leaves_while_drawing_keeps_nobody_waiting(store: Watched) -> None:
    crew = Crew(store)
    store.is_silent = True
    asking = asyncio.create_task(crew.ask(0))
    async with asyncio.timeout(SECONDS):
        while not store.at_work:
            await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    store.is_silent = False
    assert await crew.ask(0)
    assert store.draws == 2


async def test_a_server_that_comes_later_is_found(tmp_path: Path) -> None:
    port = str(free_port())
    store = RedisStore(f"redis://127.0.0.1:{port}/0")
    crew = Crew(store)
    assert not await crew.ask(0, SIZE + 1)
    assert await crew.ask(0, SIZE // WORKERS)
    assert not await crew.ask(0)
    async with program("redis-server", "--port", port, "--save", "", "--dir", str(tmp_path)):
        await answering(store)
        crew.clock.now += AWAY_SECONDS
        assert await crew.ask(0, SIZE)
        assert not await crew.ask(1, SIZE)
    crew.clock.now += KEEP_SECONDS
    assert await crew.ask(1, SIZE // WORKERS)
    await store.close()


async def test_a_database_that_is_away_leaves_a_share(tmp_path: Path) -> None:
    database = Database(f"postgresql://nobody@/nothing?host={tmp_path}")
    crew = Crew(PostgresStore(database))
    assert await crew.spend(0) == SIZE // WORKERS // COST
    await database.close()


async def test_buckets_that_are_full_again_are_forgotten_and_no_others(postgres_database: Database) -> None:
    store = PostgresStore(postgres_database)
    quick, slow = f"quick {uuid4()}", f"slow {uuid4()}"
    for key, restore in ((quick, 1_000), (slow, 0.001)):
        assert await store.draw(key, 10, restore, least=1, wanted=10, back=0) == (10, 0)
    count = select(func.count()).select_from(Bucket)
    async with asyncio.timeout(SECONDS):
        while (await postgres_database.fetch(count.where(Bucket.key == quick)))[0][0]:
            await prune_buckets(postgres_database)
    assert (await postgres_database.fetch(count.where(Bucket.key == slow)))[0][0] == 1
    granted, left = await store.draw(slow, 10, 0.001, least=1, wanted=10, back=0)
    assert (granted, int(left)) == (0, 0)


async def test_the_store_learns_no_address(postgres_database: Database) -> None:
    crew = Crew(PostgresStore(postgres_database))
    address = "192.0.2.7"
    await crew.workers[0].charge(address, crew.level, COST)
    keys = [row.key for row in await postgres_database.fetch(select(Bucket.key))]
    assert stored_key(address) in keys
    assert not [key for key in keys if address in key]
