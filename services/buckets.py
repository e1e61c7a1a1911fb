"""Token buckets in this process: what each key has left, restored as time goes by."""

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Final

BUCKETS_MAX: Final = 100_000
"""How many are remembered; the one that was not asked for longest is full again."""


class Buckets:
    """What each key has left. Amounts are whole; a bucket nobody has taken from is full."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._buckets: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()
        """What was left, and when."""

    async def take(self, key: Hashable, size: int, restore: int, amount: int) -> int:
        """Takes the amount; where there is too little, takes nothing and gives the whole seconds until there is enough."""
        if self.spend(key, size, restore, amount):
            return 0
        return max(1, math.ceil((amount - self._left(key, size, restore, self._clock())) / restore))

    def spend(self, key: Hashable, size: int, restore: int, amount: int) -> bool:
        """Takes the amount; False, with nothing taken, where there is too little."""
        moment = self._clock()
        left = self._left(key, size, restore, moment)
        if left < amount:
            return False
        self._keep(key, left - amount, moment)
        return True

    def give_back(self, key: Hashable, size: int, amount: int) -> None:
        """Puts back what was taken too much; a negative amount takes more, into debt if need be, but never more than the size."""
        known = self._buckets.get(key)
        if known is not None and amount:
            self._buckets[key] = max(-float(size), min(float(size), known[0] + amount)), known[1]

    def available(self, key: Hashable, size: int, restore: int) -> int:
        """What could be taken now."""
        return max(0, int(self._left(key, size, restore, self._clock())))

    async def close(self) -> None:
        """There is nothing to close."""

    def _left(self, key: Hashable, size: int, restore: int, moment: float) -> float:
        known = self._buckets.get(key)
        return float(size) if known is None else min(float(size), known[0] + (moment - known[1]) * restore)

    def _keep(self, key: Hashable, left: float, moment: float) -> None:
        self._buckets[key] = left, moment
        self._buckets.move_to_end(key)
        if len(self._buckets) > BUCKETS_MAX:
            self._buckets.popitem(last=False)
