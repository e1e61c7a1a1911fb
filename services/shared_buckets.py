"""Token buckets that workers share: a worker draws a portion from a store, and spends it without asking anybody."""

import asyncio
import hashlib
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Final, Protocol

import structlog

from services.buckets import BUCKETS_MAX, Buckets

PORTIONS: Final = 20
"""In so many parts a bucket is drawn: few requests wait for the store, and little lies with one worker."""
KEEP_SECONDS: Final = 10.0
"""How long a worker spends from what it has drawn before it gives the rest back; what nobody asks for is forgotten."""
ANSWER_SECONDS: Final = 0.5
"""A store that takes longer is away: a request does not wait for it."""
AWAY_SECONDS: Final = 5.0
"""How long a store that is away is left alone."""

logger = structlog.get_logger("switchboard.limits")


class StoreAway(Exception):
    """The store did not do it. The driver's error is the cause."""


class Store(Protocol):
    """Where all workers have their buckets. A bucket that it does not know is full; time is the store's own."""

    name: str

    async def draw(
        self, key: str, size: int, restore: float, *, least: int, wanted: int, back: int
    ) -> tuple[int, float]:
        """Puts back what a worker has left over, or owes, and takes what is wanted, or what there is of it.

        Nothing is taken where there is not the least that would help. Gives what was taken and what is left then.
        StoreAway where it cannot say.
        """

    async def close(self) -> None:
        """Closes its connections."""


@dataclass(slots=True)
class Portion:
    """What this worker has of a bucket. Below nothing, it is owed to the store."""

    drawn: int = 0
    left: float = math.inf
    """What the store had when it was last asked."""
    asked_at: float = -math.inf
    drawing: asyncio.Lock = field(default_factory=asyncio.Lock)
    """One draws at a time: the others may have enough of what it brings."""


class SharedBuckets:
    """`Buckets` for one of `workers` workers over a store. Where that is away, each worker has its share of each bucket."""

    def __init__(
        self, store: Store, *, workers: int = 1, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._store, self._workers, self._clock = store, workers, clock
        self._portions: OrderedDict[Hashable, Portion] = OrderedDict()
        self._shares = Buckets(clock)
        self._look_at: float | None = None
        """When to ask a store again that is away."""

    async def take(self, key: Hashable, size: int, restore: float, amount: int) -> int:
        """Takes the amount; where there is too little, takes nothing and gives the whole seconds until there is enough."""
        portion = self._portion(key)
        if self._spend(portion, amount):
            return 0
        async with portion.drawing:
            if self._spend(portion, amount):
                return 0
            wait = self._wait(portion, size, restore, amount)
            if wait and self._is_fresh(portion):
                # Nobody puts in more than time does: the store need not be asked.
                return wait
            if self._may_ask() and await self._draw(key, portion, size, restore, amount):
                # What became known meanwhile to be owed may have taken it.
                return (
                    0 if self._spend(portion, amount) else max(1, self._wait(portion, size, restore, amount))
                )
        share = min(size, max(self._share(size), amount))
        return await self._shares.take(key, share, self._share(restore), amount)

    def spend(self, key: Hashable, size: int, restore: float, amount: int) -> bool:
        """Takes the amount from what this worker has; False, with nothing taken, where it has too little."""
        return self._spend(self._portion(key), amount)

    def give_back(self, key: Hashable, size: int, amount: int) -> None:
        """Puts back what was taken too much; a negative amount takes more, into debt if need be, but never more than the size."""
        if self._look_at is not None:
            self._shares.give_back(key, self._share(size), amount)
        elif (portion := self._portions.get(key)) is not None:
            portion.drawn = max(-size, min(size, portion.drawn + amount))

    def available(self, key: Hashable, size: int, restore: float) -> int:
        """What could be taken now, as far as this worker knows."""
        if self._look_at is not None:
            return self._shares.available(key, self._share(size), self._share(restore))
        portion = self._portions.get(key)
        return size if portion is None else max(0, int(self._there(portion, size, restore)))

    async def close(self) -> None:
        """Closes the store."""
        await self._store.close()

    def _portion(self, key: Hashable) -> Portion:
        portion = self._portions.setdefault(key, Portion())
        self._portions.move_to_end(key)
        if len(self._portions) > BUCKETS_MAX:
            self._portions.popitem(last=False)
        return portion

    def _spend(self, portion: Portion, amount: int) -> bool:
        fits = portion.drawn >= amount and (self._look_at is not None or self._is_fresh(portion))
        if fits:
            portion.drawn -= amount
        return fits

    def _is_fresh(self, portion: Portion) -> bool:
        return self._clock() - portion.asked_at < KEEP_SECONDS

    def _there(self, portion: Portion, size: int, restore: float) -> float:
        """What there is in all, unless other workers have drawn meanwhile."""
        restored = (self._clock() - portion.asked_at) * restore
        return min(float(size), portion.left + restored + portion.drawn)

    def _wait(self, portion: Portion, size: int, restore: float, amount: int) -> int:
        return max(0, math.ceil((amount - self._there(portion, size, restore)) / restore))

    def _share(self, whole: float) -> int:
        return max(1, int(whole // self._workers))

    def _may_ask(self) -> bool:
        if self._look_at is None:
            return True
        if self._clock() < self._look_at:
            return False
        # One looks; until it knows, the others do without.
        self._look_at = self._clock() + AWAY_SECONDS
        return True

    async def _draw(self, key: Hashable, portion: Portion, size: int, restore: float, amount: int) -> bool:
        """Whether the store answered."""
        back, portion.drawn = portion.drawn, 0
        wanted = min(size, max(amount, size // PORTIONS))
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                granted, portion.left = await self._store.draw(
                    stored_key(key), size, restore, least=amount, wanted=wanted, back=back
                )
        except BaseException as error:
            # It may have been put back, and nobody knows: what is owed is owed still, the rest restores by itself.
            portion.drawn += min(back, 0)
            if not isinstance(error, StoreAway | TimeoutError):
                raise
            self._be_without(error)
            return False
        portion.drawn += granted
        portion.asked_at = self._clock()
        if self._look_at is not None:
            self._look_at = None
            logger.info("limits shared again", store=self._store.name)
        return True

    def _be_without(self, error: Exception) -> None:
        if self._look_at is None:
            reason = repr(error.__cause__ or error)
            logger.warning(
                "limits not shared; each worker has its share", store=self._store.name, error=reason
            )
        self._look_at = self._clock() + AWAY_SECONDS


def stored_key(key: Hashable) -> str:
    """What a bucket is called in a store, which learns no address of anybody."""
    return hashlib.sha256(str(key).encode(errors="replace")).hexdigest()
