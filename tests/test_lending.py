"""Connections lent to readers: bounded, in the order of asking, and none that is dead or too old."""

import asyncio
from typing import Any

import pytest

from db.deadlines import Deadlines
from db.faults import DatabaseFault, FaultKind
from db.lending import Lender


class Line:
    """A connection of these tests."""

    def __init__(self) -> None:
        self.is_open = True


def lender(*, size_max: int = 1, wait_seconds: float = 60, idle_seconds: float = 60) -> Lender:
    async def connect() -> Line:
        return Line()

    async def close(line: Any) -> None:
        line.is_open = False

    return Lender(
        connect,
        close,
        lambda line: line.is_open,
        size_max=size_max,
        wait_seconds=wait_seconds,
        idle_seconds=idle_seconds,
        deadlines=Deadlines(),
    )


async def test_who_asked_first_is_given_first() -> None:
    lent, served = lender(), []
    line = await lent.take()

    async def wait(number: int) -> None:
        taken = await lent.take()
        served.append(number)
        lent.give(taken)

    waiting = [asyncio.create_task(wait(number)) for number in range(5)]
    await asyncio.sleep(0)
    lent.give(line)
    # Whoever comes now finds the place given away already.
    await wait(5)
    await asyncio.gather(*waiting)
    assert served == [0, 1, 2, 3, 4, 5]
    assert lent.figures == (0, 1)


async def test_who_gets_none_in_time_is_told_that_it_is_busy() -> None:
    lent = lender(wait_seconds=0.01)
    line = await lent.take()
    with pytest.raises(DatabaseFault) as told:
        await lent.take()
    assert (told.value.kind, told.value.undone) == (FaultKind.BUSY, True)
    lent.give(line)
    assert await lent.take() is line


async def test_who_is_cancelled_with_the_place_in_hand_passes_it_on() -> None:
    lent = lender()
    line = await lent.take()
    first, second = asyncio.create_task(lent.take()), asyncio.create_task(lent.take())
    await asyncio.sleep(0)
    lent.give(line)
    first.cancel()
    assert await second is line
    assert first.cancelled()
    assert lent.figures == (1, 0)


async def test_a_dead_connection_is_lent_to_nobody() -> None:
    lent = lender(size_max=3)
    lines = [await lent.take() for _ in range(3)]
    for line in lines:
        lent.give(line)
    lines[1].is_open = lines[2].is_open = False
    assert await lent.take() is lines[0]
    another = await lent.take()
    assert another not in lines
    assert lent.figures == (2, 0)


async def test_what_waited_too_long_is_closed() -> None:
    for idle_seconds, closed in ((-1, True), (60, False)):
        lent = lender(idle_seconds=idle_seconds)
        line = await lent.take()
        lent.give(line)
        await lent.retire()
        assert line.is_open is not closed
        assert lent.figures == (0, 0 if closed else 1)


async def test_a_connection_that_cannot_be_opened_takes_no_place() -> None:
    lent = lender()

    async def refuse() -> Any:
        raise OSError("no route")

    opens, lent._connect = lent._connect, refuse
    for _ in range(2):
        with pytest.raises(OSError, match="no route"):
            await lent.take()
    lent._connect = opens
    assert (await lent.take()).is_open
