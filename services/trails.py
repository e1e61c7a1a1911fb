"""What one transaction changed: rows and the names of their columns, never what these held."""

from collections.abc import Iterable
from uuid import UUID

from db.base import Row
from db.counters import Counter
from db.events import Change, EventLog
from db.sessions import RefreshToken

UNTOLD: frozenset[type[Row]] = frozenset({Counter, EventLog, RefreshToken})
"""Tables that the server keeps for itself: a change there is none that somebody made."""


class Trail:
    """The rows that a transaction changed, in the order of their first change."""

    def __init__(self) -> None:
        self._changed: dict[tuple[type[Row], UUID], list[str]] = {}
        self._whole: set[tuple[type[Row], UUID]] = set()

    def add(self, table: type[Row], id: UUID, fields: Iterable[str], change: Change = Change.UPDATED) -> None:
        """Notes a change. Of a row that came or went no columns are told: all of it did."""
        if table in UNTOLD:
            return
        row = (table, id)
        known = self._changed.setdefault(row, [])
        if change is not Change.UPDATED:
            self._whole.add(row)
            known.clear()
        elif row not in self._whole:
            known += [name for name in fields if name not in known]

    def first(self) -> tuple[type[Row], UUID] | None:
        """The row that was changed first; None where none was."""
        return next(iter(self._changed), None)

    def fields(self, row: tuple[type[Row], UUID]) -> list[str]:
        """The columns of the row that were written."""
        return self._changed.get(row, [])
