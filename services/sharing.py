"""What many want at the same moment is done once, and all of them are given the result."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, Final, Protocol, TypeVar, cast

T = TypeVar("T")

SHARED_SECONDS_MAX: Final = 1.0
"""How long a result is given away: to those who wanted it at that moment, the slower ones among them included."""
RESULTS_MAX: Final = 1_000


class Shared:
    """Results of a moment, by what they are of. The key has to hold everything that they depend on."""

    def __init__(self) -> None:
        self._results: OrderedDict[Hashable, tuple[float, asyncio.Future[Any]]] = OrderedDict()
        self.made = self.given = 0

    async def get(self, key: Hashable, make: Callable[[], Awaitable[T]]) -> T:
        """The result for the key, made by the first who asks. A failure is told to all who wait, and not kept."""
        moment = time.monotonic()
        self._forget(moment)
        known = self._results.get(key)
        if known is None:
            self.made += 1
            # A task of its own: the first who asked may leave, and the others still wait.
            known = self._results[key] = (moment, asyncio.ensure_future(make()))
            known[1].add_done_callback(lambda done: self._drop_failure(key, done))
        else:
            self.given += 1
        if known[1].done():
            return cast("T", known[1].result())
        return cast("T", await asyncio.shield(known[1]))

    def _drop_failure(self, key: Hashable, done: asyncio.Future[Any]) -> None:
        if done.cancelled() or done.exception() is not None:
            known = self._results.get(key)
            if known is not None and known[1] is done:
                del self._results[key]

    def _forget(self, moment: float) -> None:
        while self._results:
            made_at, _ = next(iter(self._results.values()))
            if moment - made_at < SHARED_SECONDS_MAX and len(self._results) < RESULTS_MAX:
                return
            self._results.popitem(last=False)


class Occurrence:
    """One thing that a subscription tells. Whoever is told something with an equal `same` is told just this, now.

    `hand_on` tells what came of it to those who wait for the same, and to this subscriber; it gives False where this
    one has still to be told.
    """

    __slots__ = ("hand_on", "same", "value")

    def __init__(
        self,
        value: Any,
        same: Hashable | None = None,
        hand_on: Callable[[Any], Awaitable[bool]] | None = None,
    ) -> None:
        self.value, self.same, self.hand_on = value, same, hand_on


class Seat(Protocol):
    """Where somebody can be told something without being woken."""

    def key(self) -> Hashable | None:
        """Equal for those who are told the same; None for who has to be woken."""

    def take(self, told: Any) -> bool:
        """Tells it at once; False, with nothing told, where that one has to see to it itself."""
