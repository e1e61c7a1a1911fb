"""What can be wrong with a database, whichever it is: one exception, which says whether anything was done."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import Any, Final, TypeVar

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

T = TypeVar("T")


class FaultKind(StrEnum):
    """What is wrong, for the log and for whoever decides whether to try again."""

    AWAY = "AWAY"
    """It does not answer, or the connection to it broke."""
    BUSY = "BUSY"
    """No connection, or no lock, within the time that one may wait for it."""
    RACE = "RACE"
    """The transaction lost to another one: a deadlock, or a serialization failure."""
    TIMEOUT = "TIMEOUT"
    """A statement took longer than one may."""
    FULL = "FULL"
    """There is no room to write."""
    READ_ONLY = "READ_ONLY"
    """It takes no writes: a standby, or a file that may not be written."""
    DAMAGED = "DAMAGED"
    """The disk fails, or what is on it makes no sense."""


RETRY_AFTER_SECONDS: Final = {
    FaultKind.AWAY: 1,
    FaultKind.BUSY: 1,
    FaultKind.RACE: 1,
    FaultKind.FULL: 30,
    FaultKind.READ_ONLY: 10,
    FaultKind.DAMAGED: 30,
}
"""When it is worth asking again. A statement that takes too long will take too long again."""
TRY_AGAIN_SECONDS: Final = (0.05, 0.25)
"""Waits before what broke off with its connection is tried again: for one that died unseen, and for a quick restart."""
WAIT_SECONDS_MAX: Final = 2.0
"""The longest wait of one who keeps asking until the database is back."""

# By SQLSTATE, whole or its class.
POSTGRES: Final = {
    "08": FaultKind.AWAY,
    "57P01": FaultKind.AWAY,
    "57P02": FaultKind.AWAY,
    "57P03": FaultKind.AWAY,
    "57P05": FaultKind.AWAY,
    "25P03": FaultKind.AWAY,
    "28": FaultKind.AWAY,
    "3D": FaultKind.AWAY,
    "53": FaultKind.BUSY,
    "53100": FaultKind.FULL,
    "55P03": FaultKind.BUSY,
    "57014": FaultKind.TIMEOUT,
    "40001": FaultKind.RACE,
    "40P01": FaultKind.RACE,
    "25006": FaultKind.READ_ONLY,
    "58": FaultKind.DAMAGED,
    "XX001": FaultKind.DAMAGED,
    "XX002": FaultKind.DAMAGED,
}
# By primary result code.
SQLITE: Final = {
    5: FaultKind.BUSY,  # BUSY
    6: FaultKind.BUSY,  # LOCKED
    7: FaultKind.BUSY,  # NOMEM
    8: FaultKind.READ_ONLY,  # READONLY
    9: FaultKind.TIMEOUT,  # INTERRUPT
    10: FaultKind.DAMAGED,  # IOERR
    11: FaultKind.DAMAGED,  # CORRUPT
    13: FaultKind.FULL,  # FULL
    14: FaultKind.AWAY,  # CANTOPEN
    15: FaultKind.BUSY,  # PROTOCOL
    26: FaultKind.DAMAGED,  # NOTADB
}


class DatabaseFault(Exception):
    """The database did not do it, through no fault of the statement. The driver's error is the cause, for the log.

    `undone` says that nothing was changed; else it broke off in the commit, and nobody knows.
    """

    def __init__(self, kind: FaultKind, *, undone: bool = True) -> None:
        super().__init__(kind.value)
        self.kind, self.undone = kind, undone

    @property
    def retry_after(self) -> int | None:
        """Seconds after which asking again makes sense; None where it does not."""
        return RETRY_AFTER_SECONDS.get(self.kind)


def fault_of(error: BaseException, *, committing: bool = False) -> DatabaseFault | None:
    """The fault that an exception of a driver or a pool stands for; None where it is the statement's own."""
    if isinstance(error, DatabaseFault):
        return error
    kind = kind_of(error)
    if kind is None:
        return None
    # A commit that the server answered, with whatever refusal, has done nothing; one without an answer may have.
    return DatabaseFault(kind, undone=not (committing and kind in (FaultKind.AWAY, FaultKind.DAMAGED)))


def kind_of(error: BaseException) -> FaultKind | None:
    """What is wrong with the database, by an exception of a driver or a pool."""
    if isinstance(error, PoolTimeout):
        return FaultKind.BUSY
    if isinstance(error, OSError):  # also a TimeoutError: the other side said nothing at all
        return FaultKind.AWAY
    driver: Any = error.orig if isinstance(error, DBAPIError) else error
    state = getattr(driver, "sqlstate", None)
    if isinstance(state, str):
        found = POSTGRES.get(state) or POSTGRES.get(state[:2])
    else:
        found = SQLITE.get(getattr(driver, "sqlite_errorcode", 0) & 0xFF)
    if found is None and _lost_its_connection(error):
        return FaultKind.AWAY
    return found


def _lost_its_connection(error: BaseException) -> bool:
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or _lost_its_connection(error.orig or Exception())
    if isinstance(error, asyncpg.InternalClientError):
        # What a backend that was shut down leaves of its connection: the protocol has lost its place.
        return True
    # Values that do not fit are the driver's InterfaceError as well.
    return isinstance(error, asyncpg.InterfaceError) and "connection" in str(error)


async def read_again(read: Callable[[], Awaitable[T]]) -> T:
    """The result of a read, tried again where its connection broke; raises DatabaseFault where the database fails."""
    for wait in (*TRY_AGAIN_SECONDS, None):
        try:
            return await read()
        except Exception as error:
            fault = fault_of(error)
            if fault is None:
                raise
            if wait is None or fault.kind is not FaultKind.AWAY:
                raise fault from error
        await asyncio.sleep(jittered(wait))
    raise AssertionError("unreachable")


async def until_answered(read: Callable[[], Awaitable[T]]) -> T:
    """The result of a read, asked for until the database answers: for who follows, and has all the time in the world."""
    wait = TRY_AGAIN_SECONDS[-1]
    while True:
        try:
            return await read()
        except DatabaseFault as fault:
            if fault.kind is FaultKind.TIMEOUT:
                raise
        await asyncio.sleep(jittered(wait))
        wait = min(wait * 2, WAIT_SECONDS_MAX)


def jittered(seconds: float) -> float:
    """About that long: all who lost the same database do not come back at one moment."""
    return seconds * random.uniform(0.5, 1.5)
