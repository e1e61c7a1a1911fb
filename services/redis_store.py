"""Where workers have their buckets together: Redis."""

from typing import Any, Final

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from services import shared_buckets
from services.bucket_stores import remembered_seconds
from services.shared_buckets import StoreAway

CONNECTIONS_MAX: Final = 10
"""Of one worker to Redis."""
PREFIX: Final = "switchboard:bucket:"

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
