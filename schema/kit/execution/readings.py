"""What a plan reads of a table: the columns its answers name, in places of their own, here and in rows joined to it."""

from typing import Any

from sqlalchemy import ColumnElement, UniqueConstraint, and_, inspect
from sqlalchemy.orm import aliased

from db.base import ANYONE, Row, column, guarded
from schema.kit.edges import One
from schema.kit.statements import Read

Path = tuple[str, ...]
"""The edges from a row of the table to a row joined to it; empty for the row itself."""
DIALECTS = ("sqlite", "postgresql")
JOINS_MAX = 8
"""More joins than this cost PostgreSQL more to plan than another statement."""


class Reading:
    """Columns by position, of rows of one table. Filled while a plan is compiled, and never after."""

    def __init__(self, table: type[Row]) -> None:
        self.table = table
        self.slots: dict[tuple[Path, str], int] = {}
        self.joins: dict[Path, One] = {}

    def slot(self, name: str, path: Path = ()) -> int:
        """The place of a column."""
        return self.slots.setdefault((path, name), len(self.slots))

    def table_at(self, path: Path) -> type[Row]:
        """The table whose row a path leads to."""
        return self.joins[path].table if path else self.table

    def join(self, path: Path, key: str, edge: One) -> Path | None:
        """Joins the row an edge leads to; None where there would be too many, or it might be several."""
        onward = (*path, key)
        if onward not in self.joins:
            if len(self.joins) >= JOINS_MAX or not is_unique(edge):
                return None
            self.joins[onward] = edge
        return onward

    def read(self, entity: Any) -> Read:
        """The columns of an alias of the table, and of the rows joined to it."""
        entities: dict[Path, Any] = {(): entity}
        joins: list[tuple[Any, ColumnElement[bool]]] = []
        for path, edge in self.joins.items():
            near: Any = entities[path[:-1]]
            far: Any = aliased(edge.table)
            entities[path] = far
            pairs = zip(edge.keys, edge.matches, strict=True)
            tie = [column(far, theirs) == column(near, ours) for ours, theirs in pairs]
            tie.append(guarded(far.visible_to(ANYONE)))
            if edge.kind is not None:
                tie.append(far.kind == edge.kind)
            joins.append((far, and_(*tie)))
        columns = [
            column(entities[path], name).label(f"c{place}") for (path, name), place in self.slots.items()
        ]
        return Read(columns, joins)


def is_unique(edge: One) -> bool:
    """Whether no more than one row can match the keys of an edge."""
    table: Any = inspect(edge.table).local_table
    keys = [set(table.primary_key.columns.keys())]
    keys += [set(c.columns.keys()) for c in table.constraints if isinstance(c, UniqueConstraint)]
    keys += [
        set(index.columns.keys())
        for index in table.indexes
        if index.unique and not any(index.dialect_options[d].get("where") is not None for d in DIALECTS)
    ]
    return any(key <= set(edge.matches) for key in keys)
