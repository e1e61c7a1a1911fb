"""What one operation reads: every edge once for all its parents, through aiodataloader."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Coroutine, Hashable, Sequence
from functools import lru_cache
from typing import Any
from uuid import UUID

from aiodataloader import DataLoader
from sqlalchemy import Row as Record
from sqlalchemy import Select

from db.base import Viewer
from db.engine import Database, Dialect
from schema.kit import statements
from schema.kit.costs import COUNT_WEIGHT
from schema.kit.edges import ByKey, Few, Many, One
from schema.kit.pages import Page, PageRequest, count_statement, cut, few_statement, page_statement
from schema.kit.statements import PLACE

Key = tuple[Any, ...]
Batch = Callable[[list[Key]], Coroutine[Any, Any, list[Any]]]


class Load:
    """Reads as one viewer, and remembers. Made anew for every operation and for every event of a subscription."""

    def __init__(
        self, database: Database, viewer: Viewer, count: Callable[[int], None] = lambda _: None
    ) -> None:
        self._database, self._viewer, self._count = database, viewer, count
        self._loaders: dict[Hashable, DataLoader[Key, Any]] = {}

    async def one(self, edge: One, key: Key) -> Record[Any] | None:
        """The row an edge leads to; None where there is none in sight."""

        async def batch(keys: list[Key]) -> list[Any]:
            statement = one_statement(edge, self._database.dialect)
            found = await self._each(statement, keys, {})
            self._count(sum(1 for rows in found if rows))
            return [rows[0] if rows else None for rows in found]

        row: Record[Any] | None = await self._load(edge, batch, key)
        return row

    async def page(self, edge: Many, request: PageRequest, parent: UUID | None) -> Page:
        """One page of a list."""
        statement = page_statement(edge, request.shape(), self._database.dialect)
        values = request.values(self._database.dialect)

        async def batch(keys: list[Key]) -> list[Any]:
            if edge.key is None:
                pages = [cut(await self._fetch(statement, values), request)]
            else:
                pages = [cut(rows, request) for rows in await self._each(statement, keys, values)]
            self._count(sum(1 + len(page.rows) for page in pages))
            return pages

        page: Page = await self._load((edge, request), batch, (parent,))
        return page

    async def total(self, edge: Many, request: PageRequest, parent: UUID | None) -> int:
        """How many rows all pages of a list hold together."""
        where = request.where
        statement = count_statement(edge, where.shape, self._database.dialect)
        values = where.bound(self._database.dialect)

        async def batch(keys: list[Key]) -> list[Any]:
            self._count(COUNT_WEIGHT * len(keys))
            if edge.key is None:
                return [(await self._fetch(statement, values))[0].total]
            return [rows[0].total if rows else 0 for rows in await self._each(statement, keys, values)]

        total: int = await self._load((edge, "total", where), batch, (parent,))
        return total

    async def few(self, edge: Few, parent: UUID | None) -> Sequence[Record[Any]]:
        """A short list, whole."""
        statement = few_statement(edge, self._database.dialect)
        values = {"limit": edge.size}

        async def batch(keys: list[Key]) -> list[Any]:
            if edge.key is None:
                lists: list[Any] = [await self._fetch(statement, values)]
            else:
                lists = list(await self._each(statement, keys, values))
            self._count(sum(1 + len(rows) for rows in lists))
            return lists

        rows: Sequence[Record[Any]] = await self._load(edge, batch, (parent,))
        return rows

    async def by_key(self, edge: ByKey, name: str, key: Key) -> Record[Any] | None:
        """The row with that key, unless it is deleted."""
        statement = key_statement(edge, name)
        rows = await self._fetch(statement, {f"key_{i}": v for i, v in enumerate(key)})
        self._count(len(rows))
        return rows[0] if rows else None

    async def _fetch(self, statement: Select[Any], values: dict[str, Any]) -> Sequence[Record[Any]]:
        return await self._database.fetch(statement, {**self._viewer.values(), **values})

    async def _each(
        self, statement: Select[Any], keys: list[Key], values: dict[str, Any]
    ) -> list[list[Record[Any]]]:
        rows = await self._fetch(statement, {**values, **statements.bind_keys(keys, self._database.dialect)})
        groups: dict[int, list[Record[Any]]] = defaultdict(list)
        for row in rows:
            groups[row._mapping[PLACE] - 1].append(row)
        return [groups.get(i, []) for i in range(len(keys))]

    async def _load(self, name: Hashable, batch: Batch, key: Key) -> Any:
        loader = self._loaders.get(name)
        if loader is None:
            loader = self._loaders[name] = DataLoader(batch)
        # When a sibling fails, graphql-core cancels what it waits for; the batch is shared with innocent fields.
        return await asyncio.shield(loader.load(key))


@lru_cache(maxsize=1_000)
def one_statement(edge: One, dialect: Dialect) -> Select[Any]:
    """The statement of an edge to one row; deleted rows stay for who points at them."""
    selection = statements.Selection(edge.table, kind=edge.kind, type_name=edge.type_name)
    return statements.by_ids(selection, edge.matches, dialect)


@lru_cache(maxsize=1_000)
def key_statement(edge: ByKey, name: str, columns: statements.Columns | None = None) -> Select[Any]:
    """The statement of a lookup by one of several keys; what is deleted is gone for who looks."""
    listing = edge.listing
    selection = statements.Selection(listing.table, alive=True, kind=listing.kind, columns=columns)
    return statements.by_id(selection, edge.keys[name], newest=True)
