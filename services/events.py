"""Tells those who follow a conversation that there is something new to read. What it is, they read themselves."""

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from uuid import UUID


class Follower:
    """One who follows one conversation: a flag, never a queue, so that a slow one costs nothing."""

    def __init__(self) -> None:
        self._flag = asyncio.Event()

    def wake(self) -> None:
        """There may be something new."""
        self._flag.set()

    def clear(self) -> None:
        """Call before reading: what is written during the read then wakes again."""
        self._flag.clear()

    async def wait(self) -> None:
        """Until there may be something new."""
        await self._flag.wait()


class Hub:
    """The followers of this process. A hint means only: look in the database."""

    def __init__(self) -> None:
        self._followers: dict[UUID, set[Follower]] = {}

    def announce(self, hints: Iterable[tuple[UUID, int]]) -> None:
        """Wakes whoever follows these conversations. Called after the commit, never before."""
        for conversation_id, _ in hints:
            for follower in self._followers.get(conversation_id, ()):
                follower.wake()

    @contextmanager
    def follow(self, conversation_id: UUID) -> Iterator[Follower]:
        """A follower, for as long as the block runs."""
        follower = Follower()
        followers = self._followers.setdefault(conversation_id, set())
        followers.add(follower)
        try:
            yield follower
        finally:
            followers.discard(follower)
            if not followers:
                self._followers.pop(conversation_id, None)

    def follower_count(self) -> int:
        """How many are following now."""
        return sum(len(f) for f in self._followers.values())
