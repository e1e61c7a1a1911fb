"""One run of a plan: who asks, what it reads with, and the edges that are still to be followed."""

import time
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from graphql.execution.values import VariableValues

from db.base import Permission, Viewer
from db.prepared import Prepared
from schema.kit.context import Context

Held = list[tuple[Any, dict[str, Any]]]
"""Where an edge starts: the key it has there, and the object of the answer that waits for what it leads to."""


class Surprise(Exception):
    """Something a plan has no answer to: the stock executor runs the operation again, and says what is wrong."""


class Link(Protocol):
    """An edge that is followed by a statement of its own, for all the objects that wait for it."""

    async def follow(self, run: "Run", held: Held) -> None: ...


class Run:
    """Reads as one viewer, level by level: whatever is found may hold further edges."""

    __slots__ = ("_pending", "_reader", "_viewer", "context", "variables")

    def __init__(self, context: Context, variables: VariableValues) -> None:
        self.context, self.variables = context, variables
        self._pending: dict[Link, Held] = {}
        self._reader: Any = None
        self._viewer: Viewer | None = None

    @property
    def viewer(self) -> Viewer:
        """Who asks; raises Unauthenticated for nobody."""
        if self._viewer is None:
            self._viewer = self.context.viewer
        return self._viewer

    @property
    def own_id(self) -> str:
        """The viewer's id as the drivers give ids."""
        return self.viewer.id.hex

    def can(self, permission: Permission) -> bool:
        """Whether the viewer holds a permission."""
        return self.viewer.can(permission)

    async def fetch(self, statement: Prepared, values: Mapping[str, Any]) -> Sequence[Any]:
        """The rows of a statement, by position."""
        if self._reader is None:
            self._reader = self.context.server.database.reader(self.viewer)
        telling, began = self.context.telling, time.perf_counter()
        rows: Sequence[Any] = await self._reader.fetch(statement, values)
        if telling is not None:
            telling.note(statement.text(values), len(rows), began)
        return rows

    def held(self, link: Link) -> Held:
        """Who waits for a link; what is added is followed in this run."""
        held = self._pending.get(link)
        if held is None:
            held = self._pending[link] = []
        return held

    async def finish(self) -> None:
        """Follows every link, those found on the way as well."""
        while self._pending:
            link = next(iter(self._pending))
            held = self._pending.pop(link)
            if held:
                await link.follow(self, held)

    def close(self) -> None:
        """Gives back what was borrowed."""
        if self._reader is not None:
            self._reader.close()
