"""Seals anew, with the first key of the ring, whatever an older one sealed, so that the older one can be taken away."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, inspect, select, update

from db.base import Row
from db.engine import Database
from services.secrets import SEALED_PREFIX, Unsealable, Vault

AT_ONCE: Final = 100
"""Rows that one transaction seals anew: none is locked for long, and what is done stays done."""

Place = tuple[type[Row], str]
"""A column that may hold sealed texts."""


@dataclass(slots=True)
class Rotated:
    """How many texts were sealed anew, and how many no key of the ring opens."""

    sealed: int = 0
    unopened: int = 0


def secret_places() -> list[Place]:
    """Every column that its table marks as secret. What was not sealed there, a hash, is left alone."""
    return [
        (mapper.class_, attribute.key)
        for mapper in Row.registry.mappers
        for attribute in inspect(mapper.class_).column_attrs
        if attribute.columns[0].info.get("secret")
    ]


async def count_outdated(database: Database, vault: Vault) -> int:
    """How many texts are sealed with another key than the first."""
    total = 0
    for table, name in secret_places():
        counted = select(func.count()).select_from(table).where(_outdated(table, name, vault))
        total += (await database.fetch(counted))[0][0]
    return total


async def rotate(database: Database, vault: Vault, advance: Callable[[int], None]) -> Rotated:
    """Seals every such text anew, telling after each transaction how many rows it looked at.

    Broken off, it has done a part; run again, it does the rest. A text that somebody else writes meanwhile is kept.
    """
    done = Rotated()
    for table, name in secret_places():
        after: UUID | None = None
        while rows := await _next(database, vault, table, name, after):
            await _seal(database, vault, table, name, rows, done)
            after = rows[-1].id
            advance(len(rows))
    return done


async def _next(database: Database, vault: Vault, table: Any, name: str, after: UUID | None) -> Any:
    where = _outdated(table, name, vault)
    if after is not None:
        where = and_(where, table.id > after)
    rows = select(table.id, getattr(table, name).label("sealed")).where(where)
    return await database.fetch(rows.order_by(table.id).limit(AT_ONCE))


async def _seal(database: Database, vault: Vault, table: Any, name: str, rows: Any, done: Rotated) -> None:
    place, sealed = (table.__tablename__, name), 0
    async with database.write() as connection:
        for row in rows:
            try:
                text = vault.open(row.sealed, *place, row.id)
            except Unsealable:
                done.unopened += 1
                continue
            # Only where it is still the text that was read: what was written since is newer.
            same = update(table).where(table.id == row.id, getattr(table, name) == row.sealed)
            changed = await connection.execute(same.values({name: vault.seal(text, *place, row.id)}))
            sealed += changed.rowcount
    done.sealed += sealed


def _outdated(table: Any, name: str, vault: Vault) -> ColumnElement[bool]:
    column = getattr(table, name)
    return and_(_begins(column, SEALED_PREFIX), ~_begins(column, vault.prefix))


def _begins(column: Any, prefix: str) -> ColumnElement[bool]:
    # LIKE would take A for a on SQLite, and `_` for anything.
    return func.substr(column, 1, len(prefix)) == prefix
