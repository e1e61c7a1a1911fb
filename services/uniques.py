"""Which unique key a database says is broken, as the name of the field that a caller can change."""

from functools import cache

from sqlalchemy import Index, Table, UniqueConstraint, inspect
from sqlalchemy.exc import IntegrityError

from db.base import Row

SQLITE_PREFIX = "UNIQUE constraint failed: "


def broken_unique(table: type[Row], error: IntegrityError) -> str | None:
    """The last column of the broken key: the others say within what it is unique. None where it is another fault."""
    keys = _keys(table)
    driver = getattr(error.orig, "__cause__", None)
    name = getattr(driver, "constraint_name", None)
    if name is None:
        name = str(error.orig).removeprefix(SQLITE_PREFIX)
    return keys.get(name)


@cache
def _keys(table: type[Row]) -> dict[str, str]:
    described = inspect(table).local_table
    assert isinstance(described, Table)
    attributes = {a.columns[0].name: a.key for a in inspect(table).column_attrs}
    keys: dict[str, str] = {}
    for unique in (*described.constraints, *described.indexes):
        if isinstance(unique, UniqueConstraint) or (isinstance(unique, Index) and unique.unique):
            names = [str(c.name) for c in unique.columns]
            field = attributes[names[-1]]
            keys[str(unique.name)] = field
            keys[", ".join(f"{described.name}.{n}" for n in names)] = field
    return keys
