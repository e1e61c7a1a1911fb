"""Where workers have their buckets together: PostgreSQL; services/redis_store.py has them in Redis."""

from typing import Final

import asyncpg
from sqlalchemy import delete, func

from db.buckets import Bucket
from db.engine import Database
from db.faults import DatabaseFault
from services.shared_buckets import StoreAway

REMEMBERED_SECONDS_MAX: Final = 366 * 24 * 3_600.0
"""A bucket that takes longer to fill is full by then all the same."""

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


def remembered_seconds(size: int, restore: float) -> float:
    """After that a bucket is full, even one that was owed all it holds."""
    return min(2 * size / restore, REMEMBERED_SECONDS_MAX)


async def prune_buckets(database: Database) -> None:
    """Forgets the buckets that are full again."""
    async with database.write() as connection:
        await connection.execute(delete(Bucket).where(Bucket.full_at <= func.now()))
