"""What many want at the same moment is done once, and all of them are given the result."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, Final, TypeVar, cast

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
    """One thing that a subscription tells. Whoever is told something with an equal `same` is told just this, now."""

    __slots__ = ("same", "value")

    def __init__(self, value: Any, same: Hashable | None = None) -> None:
        self.value, self.same = value, same
