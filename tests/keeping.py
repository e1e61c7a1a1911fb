"""What each database has one of for the whole session, though the tests of a file go from one to the other."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import TypeVar

T = TypeVar("T")


@asynccontextmanager
async def keep(
    make: Callable[[str], AbstractAsyncContextManager[T]],
) -> AsyncIterator[Callable[[str], Awaitable[T]]]:
    """Gives what `make` makes of a dialect: made when it is first asked for, and ended with the block.

    A fixture with a parameter is made anew whenever the parameter changes, which is twice in every file.
    """
    made: dict[str, T] = {}
    async with AsyncExitStack() as stack:

        async def one(dialect: str) -> T:
            if dialect not in made:
                made[dialect] = await stack.enter_async_context(make(dialect))
            return made[dialect]

        yield one
