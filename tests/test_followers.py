"""Crowds: one of those who are told the same is woken, and what it is told is handed to all who can take it."""

import asyncio
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager

import pytest

from services import followers
from services.followers import Crowds, Follower


class Place:
    """A seat that can be taken away, and one's own loop over the numbers of a subject."""

    def __init__(self, subject: "Subject", key: Hashable = "same") -> None:
        self.subject, self._key, self.is_free = subject, key, True
        self.follower = Follower(subject.crowds, self)
        self.told: list[int] = []
        self.woken = 0
        """How often it saw to something itself."""

    def key(self) -> Hashable | None:
        return self._key

    def take(self, told: int) -> bool:
        if self.is_free:
            self.told.append(told)
        return self.is_free

    async def run(self) -> None:
        number = 0
        try:
            while True:
                self.follower.clear()
                await self.subject.look()
                rows = range(number + 1, self.subject.known + 1)
                for number in rows:
                    self.woken += 1
                    if not await self.follower.hand_on(number, number):
                        await self.subject.slowly()
                        self.told.append(number)
                if not rows or self.follower.is_led_from(number):
                    number = await self.follower.wait_from(number)
        finally:
            self.subject.places.remove(self)
            self.follower.stop_leading()


class Subject:
    """Numbers that are announced, and those who follow them."""

    def __init__(self) -> None:
        self.crowds, self.known, self.places = Crowds(), 0, list[Place]()
        self.may_look, self.may_go_on = asyncio.Event(), asyncio.Event()
        self.may_look.set()
        self.may_go_on.set()

    async def look(self) -> None:
        await asyncio.sleep(0)
        await self.may_look.wait()

    async def slowly(self) -> None:
        """A client that is waited for."""
        await self.may_go_on.wait()

    def announce(self) -> None:
        self.known += 1
        for place in self.places:
            place.follower.wake()


async def rest() -> None:
    """Until nobody has anything to do."""
    for _ in range(50):
        await asyncio.sleep(0)


@asynccontextmanager
async def crowd_of(*places: Place) -> AsyncIterator[list["asyncio.Task[None]"]]:
    tasks = []
    for place in places:
        place.subject.places.append(place)
        tasks.append(asyncio.create_task(place.run()))
    await rest()
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_one_sees_to_it_for_all() -> None:
    subject = Subject()
    places = [Place(subject) for _ in range(20)]
    async with crowd_of(*places):
        for count in (1, 2, 3):
            subject.announce()
            await rest()
            assert [place.told for place in places] == [list(range(1, count + 1))] * 20
            assert sum(place.woken for place in places) == count


async def test_other_questions_have_crowds_of_their_own() -> None:
    subject = Subject()
    places = [Place(subject, key) for key in ("one", "another", None, None)]
    async with crowd_of(*places):
        subject.announce()
        await rest()
        assert [place.told for place in places] == [[1]] * 4
        assert [place.woken for place in places] == [1] * 4


async def test_one_that_cannot_take_it_goes_alone_and_comes_back() -> None:
    subject = Subject()
    places = [Place(subject) for _ in range(5)]
    slow = places[3]
    async with crowd_of(*places):
        subject.announce()
        await rest()
        slow.is_free = False
        subject.may_go_on.clear()
        subject.announce()
        subject.announce()
        await rest()
        assert [place.told for place in places] == [[1, 2, 3]] * 3 + [[1]] + [[1, 2, 3]], (
            "nobody waits for it"
        )
        slow.is_free = True
        subject.may_go_on.set()
        await rest()
        assert slow.told == [1, 2, 3]
        before = sum(place.woken for place in places)
        subject.announce()
        subject.announce()
        await rest()
        assert [place.told for place in places] == [[1, 2, 3, 4, 5]] * 5
        assert sum(place.woken for place in places) == before + 2, "it is one of them again"


async def test_a_leader_that_is_slow_holds_nobody_up() -> None:
    subject = Subject()
    places = [Place(subject) for _ in range(5)]
    async with crowd_of(*places):
        subject.may_look.clear()
        subject.announce()
        (leader,) = [place for place in places if place.follower._flag.is_set()]
        leader.is_free = False
        subject.may_go_on.clear()
        subject.announce()
        subject.may_look.set()
        await rest()
        assert leader.told == []
        assert [place.told for place in places if place is not leader] == [[1, 2]] * 4
        subject.may_go_on.set()
        await rest()
        assert leader.told == [1, 2]


async def test_a_leader_that_leaves_is_replaced() -> None:
    subject = Subject()
    places = [Place(subject) for _ in range(5)]
    async with crowd_of(*places) as tasks:
        subject.may_look.clear()
        subject.announce()
        await rest()
        (leader,) = [place for place in places if place.follower._leads is not None]
        tasks[places.index(leader)].cancel()
        subject.may_look.set()
        await rest()
        assert leader.told == []
        assert [place.told for place in subject.places] == [[1]] * 4
        assert sum(place.woken for place in places) == 1


async def test_the_control_loses_what_a_leader_leaves_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody takes the place of a leader that is gone, the others are told nothing."""
    monkeypatch.setattr(Crowds, "pass_lead", lambda *_: None)
    subject = Subject()
    places = [Place(subject) for _ in range(5)]
    async with crowd_of(*places) as tasks:
        subject.may_look.clear()
        subject.announce()
        await rest()
        (leader,) = [place for place in places if place.follower._leads is not None]
        tasks[places.index(leader)].cancel()
        subject.may_look.set()
        await rest()
        assert [place.told for place in subject.places] == [[]] * 4


async def test_all_look_for_themselves_when_they_have_to() -> None:
    subject = Subject()
    places = [Place(subject) for _ in range(5)]
    async with crowd_of(*places):
        subject.known += 1
        subject.crowds.part()
        await rest()
        assert [(place.told, place.woken) for place in places] == [([1], 1)] * 5


async def test_rights_that_change_after_the_look_tell_nobody_else() -> None:
    subject = Subject()
    places = [Place(subject) for _ in range(3)]
    other = Place(subject, "other rights")
    async with crowd_of(*places, other):
        subject.may_look.clear()
        for place in places:
            place.follower.wake_alone()
        await rest()
        for place in places:
            place._key = "other rights"
        subject.known += 1
        subject.may_look.set()
        await rest()
        assert [place.told for place in places] == [[1]] * 3
        assert other.told == [], "what others looked at is not told to it"
        other.follower.wake()
        await rest()
        assert (other.told, other.woken) == ([1], 1)


async def test_those_who_fall_behind_together_find_together() -> None:
    """Where something is always new nobody comes to rest, and they have to meet under way."""
    subject = Subject()
    places = [Place(subject) for _ in range(10)]
    async with crowd_of(*places):
        subject.may_look.clear()
        subject.crowds.part()
        await rest()
        subject.known += 3
        subject.may_look.set()
        for _ in range(30):
            subject.announce()
            await asyncio.sleep(0)
        await rest()
        assert [place.told for place in places] == [list(range(1, 34))] * 10
        assert sum(place.woken for place in places) < 33 * 10 / 2


async def test_everything_else_has_its_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """However much there is to tell at once, what is ready to run does not wait for all of it."""
    monkeypatch.setattr(followers, "TOLD_AT_ONCE_MAX", 10)
    subject = Subject()
    places = [Place(subject) for _ in range(10)]
    async with crowd_of(*places):
        subject.may_look.clear()
        for _ in range(50):
            subject.announce()
        await rest()
        subject.may_look.set()
        while not places[0].told:
            await asyncio.sleep(0)
        assert len(places[0].told) < 50
        await rest()
        await rest()
        assert [place.told for place in places] == [list(range(1, 51))] * 10
