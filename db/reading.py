"""Reads by position: the driver's own rows, on connections of their own, without SQLAlchemy in between."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol
from uuid import UUID

import asyncpg

from db.base import Viewer
from db.faults import fault_of, read_again
from db.lending import Lender
from db.prepared import Prepared
from db.row_security import SEE, told

Listen = Callable[[str, Sequence[Any]], None]
"""Told of each statement and its arguments, before it runs."""


class Source(Protocol):
    """What readers borrow their connections from, and how one of those runs a statement."""

    lender: Lender
    listeners: list[Listen]

    async def fetch(self, connection: Any, text: str, arguments: Sequence[Any]) -> Sequence[Any]: ...


class Reader:
    """The reads of one operation, one after the other on one connection, borrowed at the first. Close it."""

    __slots__ = ("_connection", "_says_workspace", "_source", "_viewer")

    def __init__(self, source: Source, viewer: Viewer, *, says_workspace: bool = False) -> None:
        self._source, self._viewer, self._says_workspace = source, viewer, says_workspace
        self._connection: Any = None

    async def fetch(self, statement: Prepared, values: Mapping[str, Any]) -> Sequence[Any]:
        """The rows of the statement, each a sequence, in the driver's own values."""
        text, arguments = statement.text(values), statement.arguments(values, self._viewer)
        for listen in self._source.listeners:
            listen(text, arguments)
        return await read_again(lambda: self._fetch(text, arguments))

    async def _fetch(self, text: str, arguments: Sequence[Any]) -> Sequence[Any]:
        source = self._source
        is_new = self._connection is None
        if is_new:
            self._connection = await source.lender.take()
        try:
            if is_new and self._says_workspace:
                await source.fetch(self._connection, SEE, [told(self._viewer.workspace_id)])
            return await source.fetch(self._connection, text, arguments)
        except BaseException:
            # Cancelled or failed in the middle: nobody knows what it would answer next.
            connection, self._connection = self._connection, None
            await source.lender.discard(connection)
            raise

    def close(self) -> None:
        """Gives the connection back."""
        if self._connection is not None:
            self._source.lender.give(self._connection)
            self._connection = None


async def run_alone(
    source: Source, text: str, arguments: Sequence[Any], within: UUID | None
) -> Sequence[Any]:
    """The rows of one statement that is a transaction by itself, on a connection of its own; run once.

    It says first whose rows it sees where `within` does.
    """
    for listen in source.listeners:
        listen(text, arguments)
    begun = False
    try:
        connection = await source.lender.take()
        begun = True
        try:
            if within is not None:
                await source.fetch(connection, SEE, [told(within)])
            rows = await source.fetch(connection, text, arguments)
        except asyncpg.IntegrityConstraintViolationError:
            source.lender.give(connection)
            raise
        except BaseException:
            await source.lender.discard(connection)
            raise
    except Exception as error:
        fault = fault_of(error, committing=begun)
        if fault is None:
            raise
        raise fault from error
    source.lender.give(connection)
    return rows
