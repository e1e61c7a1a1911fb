"""Makes rows as strange as they may be: empty and odd texts, early and late instants, large amounts, deep JSON, deleted."""

from datetime import UTC, datetime
from decimal import Decimal
from random import Random
from typing import Any, Final

from sqlalchemy import JSON, Boolean, Column, Enum, String, Table, UniqueConstraint, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from db.base import Row
from db.engine import Database
from db.types import Amount, UtcDateTime

SHARE: Final = 0.3
"""Of the values of a column that may be strange."""
LEFT_ALONE: Final = frozenset(
    {"workspaces", "roles", "user_roles", "refresh_tokens", "events", "event_logs", "audit_entries"}
)
TIMES_LEFT_ALONE: Final = frozenset({"expires_at"})
TEXTS: Final = ("", "Élodie", "a\u2028b", 'quoted "so" \\ and so', "🙂", "x" * 300, "<script>", "null", " ")
JSONS: Final[tuple[Any, ...]] = (
    {},
    [],
    {"float": 0.1, "small": 1e-7, "large": 1.5e300, "whole": 2.0, "integer": 2**53 + 1},
    {"b": [1, [2, [3, {"c": None}]]], "a": True, "é": "\u2028", "": {"": ""}},
    [None, False, "text", -0.0],
)
INSTANTS: Final = (
    datetime(2026, 1, 1, tzinfo=UTC),
    datetime(2026, 1, 1, 12, 30, 0, 1, tzinfo=UTC),
    datetime(1970, 1, 1, tzinfo=UTC),
    datetime(1001, 2, 3, 4, 5, 6, tzinfo=UTC),
    datetime(9998, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
)
AMOUNTS: Final = (Decimal("0.00"), Decimal("0.05"), Decimal("9999999999.99"), Decimal("100.00"))


async def add(database: Database) -> None:
    """Changes the rows of a database in place; the same for the same rows."""
    random = Random(0)
    async with database.write() as connection:
        for name, table in sorted(Row.metadata.tables.items()):
            if name not in LEFT_ALONE and "id" in table.c:
                await _strange(connection, table, random)
    if database.dialect == "sqlite":
        return
    async with database.write() as connection:
        await connection.execute(text("ANALYZE"))


async def _strange(connection: AsyncConnection, table: Table, random: Random) -> None:
    columns = {column: samples(column) for column in table.c if samples(column)}
    for row in (await connection.execute(select(table.c.id).order_by(table.c.id))).all():
        chosen: dict[str, Any] = {
            column.name: random.choice(found) for column, found in columns.items() if random.random() < SHARE
        }
        if chosen.get("deleted_at") is not None and random.random() < 0.7:
            del chosen["deleted_at"]
        if chosen:
            await connection.execute(update(table).where(table.c.id == row.id).values(**chosen))


def samples(column: Column[Any]) -> list[Any]:
    """Strange values that the column can hold; none where they would say something else, or have to be the only ones."""
    nothing = [None] if column.nullable else []
    if column.foreign_keys or column.info.get("secret") or column.name in TIMES_LEFT_ALONE or _is_key(column):
        return []
    if isinstance(column.type, UtcDateTime):
        return [*INSTANTS, *nothing]
    if isinstance(column.type, Amount):
        return [*AMOUNTS, *nothing]
    if not column.nullable:
        return []
    if isinstance(column.type, JSON):
        return [*JSONS, None]
    if isinstance(column.type, Boolean):
        return [True, False, None]
    if isinstance(column.type, String) and not isinstance(column.type, Enum):
        length = column.type.length or max(map(len, TEXTS))
        return [*[t for t in TEXTS if len(t) <= length], None]
    return []


def _is_key(column: Column[Any]) -> bool:
    keys = [set(index.columns.keys()) for index in column.table.indexes if index.unique]
    keys += [set(c.columns.keys()) for c in column.table.constraints if isinstance(c, UniqueConstraint)]
    return column.primary_key or bool(column.unique) or any(column.name in key for key in keys)
