"""Those who follow a subject. Of those who are told the same, one is woken, and what it is told is handed to all."""

import asyncio
import math
from collections.abc import Callable, Hashable
from typing import Any, Final

from services.sharing import Seat

TOLD_AT_ONCE_MAX: Final = 1_000
"""After how many times that something was told everything else has its turn."""


class Follower:
    """One who follows: a number and a flag, never a queue, so that a slow one costs nothing."""

    def __init__(self, crowds: "Crowds | None" = None, seat: Seat | None = None) -> None:
        self.number = 0
        """Up to where it has been told, while it waits."""
        self.seat = seat
        self.among: Crowd | None = None
        """Where it waits together with others."""
        self._crowds = crowds or Crowds()
        self._flag = asyncio.Event()
        self._key: Hashable | None = None
        """For whom it has looked."""
        self._leads: Crowd | None = None
        """Who relies on it."""

    def wake(self) -> None:
        """There may be something new. Of those who wait together only the first is woken: it leads the others."""
        if self.among is not None:
            if self.among.leader is not None:
                return
            self.among.leader, self._leads = self, self.among
        self.wake_alone()

    def wake_alone(self) -> None:
        """It has to see to it itself."""
        self.among = None
        self._flag.set()

    def clear(self) -> None:
        """Call before looking: what is written meanwhile then wakes again."""
        self._flag.clear()
        self._key = self.key()

    async def wait(self, seconds: float | None = None) -> None:
        """Until there may be something new, or the time is over."""
        try:
            async with asyncio.timeout(seconds):
                await self._flag.wait()
        except TimeoutError:
            pass

    def key(self) -> Hashable | None:
        """Equal for those who are told the same; None for who goes alone."""
        return self.seat.key() if self.seat is not None else None

    def is_led_from(self, number: int) -> bool:
        """Whether another one goes on from just that number for all who are told the same. Where nobody does, this one will."""
        key = self.key()
        crowd = self._crowds.of(key)
        if key is not None and crowd is None:
            self.stop_leading()
            self._leads = self._crowds.begin(key, number, leader=self)
        return crowd is not None and crowd.leader not in (None, self) and crowd.told == number

    async def wait_from(self, number: int) -> int:
        """Until there is something for it to see to past that number; gives up to where it was told meanwhile."""
        if self._flag.is_set() and not self.is_led_from(number):
            return number
        self.number = number
        self.stop_leading(number)
        self.among = crowd = self._crowds.join(self.key(), self)
        if crowd is not None:
            self._flag.clear()
        try:
            await self._flag.wait()
        finally:
            self.among = None
            if crowd is not None:
                self._crowds.leave(crowd, self)
        return self.number

    async def hand_on(self, number: int, told: Any) -> bool:
        """Tells what has that number to all who wait for it, and to itself; False where it has to see to that itself."""
        # Its rights may have changed since it looked: others would be told what nobody has looked at for them.
        if self._key is not None and self._key == self.key():
            await self._crowds.tell(self._key, number, told)
        else:
            self.stop_leading()
        if self.seat is not None and self.seat.take(told):
            return True
        self.stop_leading()
        return False

    def stop_leading(self, seen: float = math.inf) -> None:
        """Nobody relies on it any longer. Another one is woken in its place, where they have not been told all that it has seen."""
        crowd, self._leads = self._leads, None
        if crowd is not None and crowd.leader is self:
            self._crowds.pass_lead(crowd, seen)


class Crowd:
    """Those of one key who wait for what comes after the number that was told last; `leader` sees to it for all of them."""

    def __init__(self, key: Hashable, told: int, leader: Follower | None = None) -> None:
        self.key, self.told, self.leader = key, told, leader
        self.waiting: dict[Follower, None] = {}


class Crowds:
    """The crowds of one subject. `count` is told how many were told something by another one."""

    def __init__(self, count: Callable[[int], None] = lambda _: None) -> None:
        self._crowds: dict[Hashable, Crowd] = {}
        self._count, self._told = count, 0

    def of(self, key: Hashable | None) -> Crowd | None:
        """Those of that key."""
        return self._crowds.get(key)

    def begin(self, key: Hashable, told: int, leader: Follower | None = None) -> Crowd:
        """A new one."""
        crowd = self._crowds[key] = Crowd(key, told, leader)
        return crowd

    def join(self, key: Hashable | None, follower: Follower) -> Crowd | None:
        """Lets it wait with those of that key; None where they stand elsewhere, or it goes alone."""
        if key is None:
            return None
        crowd = self._crowds.get(key) or self.begin(key, follower.number)
        if crowd.told != follower.number:
            return None
        crowd.waiting[follower] = None
        return crowd

    def leave(self, crowd: Crowd, follower: Follower) -> None:
        """It waits there no longer."""
        del crowd.waiting[follower]
        self._forget(crowd)

    def pass_lead(self, crowd: Crowd, seen: float) -> None:
        """Another one leads, where they have not been told all up to that number."""
        crowd.leader = None
        if crowd.told < seen:
            next_one = next((one for one in crowd.waiting if one.among is crowd), None)
            if next_one is not None:
                next_one.wake()
        self._forget(crowd)

    def part(self) -> None:
        """Wakes all of them, each to see for itself."""
        for crowd in self._crowds.values():
            for follower in crowd.waiting:
                follower.wake_alone()

    async def tell(self, key: Hashable, number: int, told: Any) -> None:
        """Tells those of that key what has that number. Whoever cannot take it now, or lacks what comes before, is woken."""
        crowd = self._crowds.get(key)
        if crowd is None or number <= crowd.told:
            return
        is_next, crowd.told, count = number == crowd.told + 1, number, 0
        for follower in [one for one in crowd.waiting if one.among is crowd]:
            if is_next and follower.seat is not None and follower.seat.take(told):
                follower.number = number
                count += 1
            else:
                follower.wake_alone()
        self._count(count)
        self._told += count
        if self._told >= TOLD_AT_ONCE_MAX:
            self._told = 0
            await asyncio.sleep(0)

    def _forget(self, crowd: Crowd) -> None:
        if not crowd.waiting and crowd.leader is None and self._crowds.get(crowd.key) is crowd:
            del self._crowds[crowd.key]
