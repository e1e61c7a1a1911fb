"""Where workers have their buckets together: PostgreSQL, or Redis."""

from typing import Any, Final

import asyncpg
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from sqlalchemy import delete, func

from db.buckets import Bucket
from db.engine import Database
from db.faults import DatabaseFault
from services import shared_buckets
from services.shared_buckets import StoreAway

REMEMBERED_SECONDS_MAX: Final = 366 * 24 * 3_600.0
"""A bucket that takes longer to fill is full by then all the same."""
CONNECTIONS_MAX: Final = 10
"""Of one worker to Redis."""
PREFIX: Final = "switchboard:bucket:"

# The moment is that of the row's lock, and not of the statement, which may have waited for it.
DRAW: Final = """
INSERT INTO buckets AS known (key, available, granted, full_at, updated_at)
VALUES ($1::text, $2::float8 - $5::float8, $5::float8::integer,
    clock_timestamp() + $7::float8 * interval '1 second', clock_timestamp())
ON CONFLICT (key) DO UPDATE SET (available, granted, full_at, updated_at) = (
    SELECT there - taken, taken, moment + $7::float8 * interval '1 second', moment
    FROM (
        SELECT moment, there, CASE WHEN there < $4::float8 THEN 0 ELSE least($5::float8, floor(there)) END AS taken
        FROM (
            SELECT moment, greatest(-$2::float8, least($2::float8, known.available + $6::float8
                + greatest(0, extract(epoch FROM moment - known.updated_at)::float8) * $3::float8)) AS there
            FROM (SELECT clock_timestamp() AS moment) AS clock
        ) AS filled
    ) AS drawn
)
RETURNING granted, available
"""
SCRIPT: Final = """
local size, restore = tonumber(ARGV[1]), tonumber(ARGV[2])
local least, wanted, back = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local time = redis.call('TIME')
local moment = time[1] + time[2] / 1000000
local known = redis.call('HMGET', KEYS[1], 'available', 'moment')
local there = size
if known[1] then
    local restored = math.max(0, moment - tonumber(known[2])) * restore
    there = math.max(-size, math.min(size, tonumber(known[1]) + back + restored))
end
local taken = 0
if there >= least then taken = math.min(wanted, math.floor(there)) end
local left = string.format('%.6f', there - taken)
redis.call('HSET', KEYS[1], 'available', left, 'moment', string.format('%.6f', moment))
redis.call('PEXPIRE', KEYS[1], ARGV[6])
return {taken, left}
"""


class PostgresStore:
    """One statement for each draw, on the connections that the worker has anyway."""

    name = "postgresql"

    def __init__(self, database: Database) -> None:
        self._database = database

    async def draw(
        self, key: str, size: int, restore: float, *, least: int, wanted: int, back: int
    ) -> tuple[int, float]:
        """What was taken, and what is left."""
        arguments = (key, size, restore, least, wanted, back, remembered_seconds(size, restore))
        try:
            rows = await self._database.at_once(DRAW, arguments)
        except (DatabaseFault, asyncpg.PostgresError) as error:
            raise StoreAway from error
        granted, left = rows[0]
        return granted, left

    async def close(self) -> None:
        """The database is closed by whoever opened it."""


class RedisStore:
    """One script for each draw, on connections of its own."""

    name = "redis"

    def __init__(self, url: str) -> None:
        # The library's way back would keep a request waiting.
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=CONNECTIONS_MAX,
            timeout=shared_buckets.ANSWER_SECONDS,
            socket_timeout=shared_buckets.ANSWER_SECONDS,
            socket_connect_timeout=shared_buckets.ANSWER_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
        self._client: Any = Redis.from_pool(pool)
        self._script = self._client.register_script(SCRIPT)

    async def draw(
        self, key: str, size: int, restore: float, *, least: int, wanted: int, back: int
    ) -> tuple[int, float]:
        """What was taken, and what is left."""
        milliseconds = int(remembered_seconds(size, restore) * 1_000) + 1
        arguments = (size, restore, least, wanted, back, milliseconds)
        try:
            granted, left = await self._script(keys=[PREFIX + key], args=arguments)
        except (RedisError, OSError) as error:
            raise StoreAway from error
        return int(granted), float(left)

    async def close(self) -> None:
        """Closes its connections."""
        await self._client.aclose()


def remembered_seconds(size: int, restore: float) -> float:
    """After that a bucket is full, even one that was owed all it holds."""
    return min(2 * size / restore, REMEMBERED_SECONDS_MAX)


async def prune_buckets(database: Database) -> None:
    """Forgets the buckets that are full again."""
    async with database.write() as connection:
        await connection.execute(delete(Bucket).where(Bucket.full_at <= func.now()))
