"""How much may be asked: levels, what each viewer has left of its own, and how many operations it has at once."""

import json
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Final
from uuid import UUID

from db.base import Viewer
from services.buckets import Buckets
from services.errors import RateLimited
from services.shared_buckets import SharedBuckets

WAIT_FOR_A_TURN_SECONDS: Final = 1
"""When to come back for who has too many operations at once."""


class LevelName(StrEnum):
    """Who gets how much: by whom it is that asks."""

    ANONYMOUS = "anonymous"
    USER = "user"
    PREMIUM = "premium"
    ADMIN = "admin"
    SERVICE = "service"


@dataclass(frozen=True, slots=True)
class Level:
    """What one operation may ask for at most, and how much its viewer may ask for altogether.

    `bucket` is what a viewer can spend at once, of which `restore` comes back each second. `sockets` are those of one
    viewer in one worker, `subscriptions` the operations on each; `aliases` limits directives as well.
    """

    cost: int
    bucket: int
    restore: int
    at_once: int
    sockets: int
    subscriptions: int
    depth: int
    aliases: int
    tokens: int
    seconds: float


NAMES: Final = tuple(f.name for f in fields(Level))
LIMIT_MAX: Final = 10**9
LEVELS: Final[Mapping[LevelName, Level]] = {
    LevelName.ANONYMOUS: Level(100, 200, 5, 2, 2, 2, 6, 5, 500, 3),
    LevelName.USER: Level(3_000, 15_000, 500, 10, 10, 20, 10, 30, 1_500, 10),
    LevelName.PREMIUM: Level(6_000, 30_000, 1_000, 40, 50, 50, 12, 60, 3_000, 20),
    LevelName.ADMIN: Level(12_000, 100_000, 5_000, 100, 100, 100, 15, 100, 5_000, 30),
    LevelName.SERVICE: Level(12_000, 100_000, 5_000, 100, 100, 100, 15, 100, 5_000, 30),
}


def read_levels(text: str) -> Mapping[LevelName, Level]:
    """The levels with the changes that JSON text gives, level by level; ValueError says what is wrong with it."""
    try:
        changes = json.loads(text)
    except ValueError as error:
        raise ValueError(f"should be JSON: {error}") from None
    if not isinstance(changes, dict) or not all(isinstance(c, dict) for c in changes.values()):
        raise ValueError('should be an object of objects, such as {"user": {"cost": 5000}}')
    unknown = {*changes} - {*LEVELS} or {name for c in changes.values() for name in c} - {*NAMES}
    if unknown:
        raise ValueError(f"{min(unknown)!r} is neither of {', '.join(LEVELS)} nor of {', '.join(NAMES)}")
    numbers = [number for c in changes.values() for number in c.values()]
    if not all(type(n) in (int, float) and 0 <= n <= LIMIT_MAX for n in numbers):
        raise ValueError(f"every limit should be a number from 0 to {LIMIT_MAX:,}")
    levels = {name: replace(level, **changes.get(name, {})) for name, level in LEVELS.items()}
    for name, level in levels.items():
        if level.cost > level.bucket or level.restore <= 0:
            raise ValueError(f"{name}: a bucket should hold the cost of one operation, and be restored")
    return levels


Key = UUID | str
"""Whose bucket: a member's or client's id, or the network of who is nobody."""


@dataclass(frozen=True, slots=True)
class Left:
    """What there is of a bucket."""

    maximum: int
    available: int
    restore_per_second: int


class Limits:
    """What every viewer may ask for, and has asked for by now. `enabled` counts; what one operation may be stays limited."""

    def __init__(
        self,
        levels: Mapping[LevelName, Level] = LEVELS,
        *,
        enabled: bool = True,
        buckets: Buckets | SharedBuckets | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.enabled, self._levels = enabled, levels
        self._buckets = buckets or Buckets(clock)
        self._at_once: Counter[Key] = Counter()

    def level_of(self, viewer: Viewer | None) -> Level:
        """The level of a viewer; None is nobody."""
        return self._levels[level_name(viewer)]

    async def enter(self, key: Key, level: Level, cost: int) -> None:
        """Takes the cost of an operation from a viewer's bucket. RateLimited, with nothing taken, where it has too little left.

        Every operation that has entered leaves again.
        """
        if not self.enabled:
            return
        if self._at_once[key] >= level.at_once:
            raise RateLimited("Too many operations at once.", retry_after=WAIT_FOR_A_TURN_SECONDS)
        self._at_once[key] += 1
        try:
            wait = await self._buckets.take(key, level.bucket, level.restore, cost)
        except BaseException:
            self._leave(key)
            raise
        if wait:
            self._leave(key)
            raise RateLimited("You have asked for too much in a short time.", retry_after=wait)

    def leave(self, key: Key, level: Level, unused: int) -> None:
        """The operation is over: what it did not use is given back; what it used beyond is charged."""
        if self.enabled:
            self._leave(key)
            self._buckets.give_back(key, level.bucket, unused)

    async def charge(self, key: Key, level: Level, cost: int) -> float:
        """Takes the cost of an event from a bucket; the seconds to wait, with nothing taken, where it has too little left."""
        return await self._buckets.take(key, level.bucket, level.restore, cost) if self.enabled else 0.0

    def charge_at_once(self, key: Key, level: Level, cost: int) -> bool:
        """Takes the cost of an event from what this worker has of a bucket; False, with nothing taken, where it has too little."""
        return not self.enabled or self._buckets.spend(key, level.bucket, level.restore, cost)

    def left(self, key: Key, level: Level) -> Left:
        """What a viewer can spend now."""
        available = (
            self._buckets.available(key, level.bucket, level.restore) if self.enabled else level.bucket
        )
        return Left(level.bucket, available, level.restore)

    async def close(self) -> None:
        """Closes what workers share."""
        await self._buckets.close()

    def _leave(self, key: Key) -> None:
        self._at_once[key] -= 1
        if not self._at_once[key]:
            del self._at_once[key]


def level_name(viewer: Viewer | None) -> LevelName:
    """By what a viewer is: nobody, a member, one who administers, one of a workspace that pays for more."""
    if viewer is None:
        return LevelName.ANONYMOUS
    if viewer.is_service:
        return LevelName.SERVICE
    if viewer.is_administrator or viewer.is_superuser:
        return LevelName.ADMIN
    return LevelName.PREMIUM if viewer.is_premium else LevelName.USER
