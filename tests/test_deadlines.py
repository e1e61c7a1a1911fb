"""Blocks with an end, which one timer keeps for all of them."""

import asyncio

import pytest

from db import deadlines as module
from db.deadlines import Deadlines

NEVER = 60.0


@pytest.fixture(autouse=True, params=[0.0, module.SHORT_SECONDS], ids=["looked at", "timed"])
def kept(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The short ones of these tests are kept as long ones are, and as short ones."""
    monkeypatch.setattr(module, "SHORT_SECONDS", request.param)


async def endless() -> None:
    await asyncio.Event().wait()


async def test_what_takes_too_long_is_ended_and_nothing_else() -> None:
    deadlines, ended = Deadlines(), []
    going_on = asyncio.Event()

    async def late(number: int) -> None:
        with pytest.raises(TimeoutError), deadlines.within(0.01 * number):
            await endless()
        ended.append(number)

    async def in_time(seconds: float | None) -> str:
        with deadlines.within(seconds):
            await going_on.wait()
        return "done"

    others = [asyncio.create_task(in_time(seconds)) for seconds in (NEVER, None)]
    await asyncio.gather(*[late(number) for number in range(3)])
    assert sorted(ended) == [0, 1, 2]
    going_on.set()
    assert await asyncio.gather(*others) == ["done", "done"]


async def test_the_outer_one_ends_what_is_inside() -> None:
    deadlines = Deadlines()

    async def inside() -> None:
        with deadlines.within(NEVER):
            await endless()

    with pytest.raises(TimeoutError), deadlines.within(0.01):
        await inside()


async def test_an_inner_one_is_an_exception_like_any_other() -> None:
    deadlines = Deadlines()
    with deadlines.within(NEVER):
        with pytest.raises(TimeoutError), deadlines.within(0.0):
            await endless()
        await asyncio.sleep(0)


async def test_a_cancelled_block_is_cancelled() -> None:
    deadlines = Deadlines()

    async def work() -> None:
        with deadlines.within(NEVER):
            await endless()

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_who_is_cancelled_when_the_time_is_over_is_cancelled() -> None:
    deadlines = Deadlines()

    async def work() -> None:
        with deadlines.within(0.01):
            try:
                await endless()
            except asyncio.CancelledError:
                task.cancel()
                raise

    task = asyncio.create_task(work())
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_what_has_another_error_when_the_time_is_over_has_that() -> None:
    deadlines = Deadlines()

    async def fail() -> None:
        with deadlines.within(0.01):
            try:
                await endless()
            finally:
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    await asyncio.sleep(0)
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


def test_it_keeps_time_in_one_loop_after_another() -> None:
    deadlines = Deadlines()

    async def begin() -> None:
        with deadlines.within(NEVER):
            await asyncio.sleep(0)

    async def late() -> None:
        with deadlines.within(0.01):
            await endless()

    asyncio.run(begin())  # its loop ends while the timer runs
    with pytest.raises(TimeoutError):
        asyncio.run(late())


async def test_two_of_one_task_that_are_over_together_end_the_outer_one() -> None:
    deadlines = Deadlines()
    with pytest.raises(TimeoutError), deadlines.within(0.01), deadlines.within(0.01):
        await endless()
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0
    with deadlines.within(NEVER):
        await asyncio.sleep(0)
