"""Runs a service in a transaction: again where it lost to another one, and announced once it is committed."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from db.base import Viewer
from db.engine import Database
from db.faults import TRY_AGAIN_SECONDS, DatabaseFault, FaultKind, jittered
from db.shields import shielded
from services.errors import Problem
from services.hub import Hub
from services.work import Work

T = TypeVar("T")

TRIES_MAX = 3
"""How often a transaction that did nothing is run before the fault is reported."""


class Again(Exception):
    """A service found that another transaction was faster: roll back and run it once more."""


async def transact(
    database: Database,
    hub: Hub,
    viewer: Viewer | None,
    service: Callable[..., Awaitable[T]],
    *args: Any,
    **kwargs: Any,
) -> T:
    """Runs `service(work, …)` in a transaction, commits it, then announces what it emitted.

    A transaction that lost to another (deadlock, serialization, Again) or broke off before its commit did nothing,
    and is run TRIES_MAX times. It is carried through when the caller leaves meanwhile.
    """
    return await shielded(_transact(database, hub, viewer, lambda work: service(work, *args, **kwargs)))


async def _transact(
    database: Database, hub: Hub, viewer: Viewer | None, run: Callable[[Work], Awaitable[T]]
) -> T:
    for turn in range(TRIES_MAX):
        try:
            async with database.write(viewer.workspace_id if viewer is not None else None) as connection:
                work = Work(connection, viewer)
                result = await run(work)
                await work.finish()
        except (Again, DatabaseFault) as error:
            if turn + 1 == TRIES_MAX or not _did_nothing(error):
                if isinstance(error.__cause__, Problem):
                    # What a service lost to again and again is told as what it met.
                    raise error.__cause__ from None
                raise
            if isinstance(error, DatabaseFault) and error.kind is FaultKind.AWAY:
                await asyncio.sleep(jittered(TRY_AGAIN_SECONDS[turn]))
            continue
        hub.announce(work.hints)
        return result
    raise AssertionError("unreachable")


def _did_nothing(error: Again | DatabaseFault) -> bool:
    return isinstance(error, Again) or (error.undone and error.kind in (FaultKind.RACE, FaultKind.AWAY))
