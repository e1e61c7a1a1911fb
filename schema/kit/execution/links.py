"""Edges followed by a statement of their own: to one row, to a short list; for every object that waits, at once."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from db.base import Permission
from db.engine import Dialect
from db.prepared import Prepared
from schema.kit import statements
from schema.kit.edges import AnyNode, Few, One
from schema.kit.execution.run import Held, Run, Surprise
from schema.kit.execution.scopes import Rows
from schema.kit.statements import Selection, bind_keys, bind_parents


class OneLink:
    """To the row that one key, or several together, point at."""

    def __init__(
        self, edge: One, selection: Selection, rows: Rows, dialect: Dialect, name: str, *, required: bool
    ) -> None:
        self.keys, self._dialect, self._name, self._required = edge.keys, dialect, name, required
        self._statement = Prepared(statements.by_ids(selection, edge.matches, dialect), dialect)
        self._rows = rows

    async def follow(self, run: Run, held: Held) -> None:
        """Gives each object the row of its key; null where there is none in sight."""
        several = len(self.keys) > 1
        keys = list(dict.fromkeys(k for k, _ in held if k is not None and not (several and None in k)))
        found: dict[Any, Any] = {}
        if keys:
            bound = bind_keys([k if several else (k,) for k in keys], self._dialect)
            records = await run.fetch(self._statement, bound)
            for record, row in zip(records, self._rows(records, run), strict=True):
                found[keys[record[0] - 1]] = row
        for key, waiting in held:
            row = waiting[self._name] = found.get(key)
            if row is None and self._required:
                raise Surprise


class AnyOneLink:
    """To the row that the first key that is set points at, each key into a table of its own."""

    def __init__(
        self, choices: Sequence[tuple[OneLink, Permission | None]], name: str, *, required: bool
    ) -> None:
        self.keys = tuple(link.keys[0] for link, _ in choices)
        self._choices, self._name, self._required = choices, name, required

    async def follow(self, run: Run, held: Held) -> None:
        """Gives each object its row; null where the viewer may not see the type."""
        for place, (link, needed) in enumerate(self._choices):
            mine = [
                (k[place], o)
                for k, o in held
                if k[place] is not None and not any(v is not None for v in k[:place])
            ]
            if mine and (needed is None or run.can(needed)):
                await link.follow(run, mine)
        if self._required and any(waiting[self._name] is None for _, waiting in held):
            raise Surprise


class AnyNodeLink:
    """To the row whose table is named beside its id: a statement for each table that is named."""

    def __init__(
        self, edge: AnyNode, choices: Mapping[str, tuple[OneLink, Permission | None]], name: str
    ) -> None:
        self.keys = (edge.table_key, edge.id_key)
        self._choices, self._name = choices, name

    async def follow(self, run: Run, held: Held) -> None:
        """Gives each object its row; null where the viewer may not see the type, or there is none in sight."""
        for table, (link, needed) in self._choices.items():
            mine = [(id, waiting) for (named, id), waiting in held if named == table]
            if mine and (needed is None or run.can(needed)):
                await link.follow(run, mine)


class FewLink:
    """To a short list without pages; null where it is another's and private."""

    keys = ("id",)

    def __init__(
        self, edge: Few, statement: Callable[[bool], Any], rows: Rows, dialect: Dialect, name: str
    ) -> None:
        self._edge, self._dialect, self._name, self._rows = edge, dialect, name, rows
        self._prepared = cache(lambda alone: Prepared(statement(alone), dialect))
        """Built at their first use: of several parents, or of one alone."""

    async def follow(self, run: Run, held: Held) -> None:
        """Gives each object its list."""
        private = self._edge.private
        if private is not None and not run.can(private):
            # A key comes from a row, as the driver gives it, or from a service.
            own = run.own_id
            held = [(key, waiting) for key, waiting in held if getattr(key, "hex", key) == own]
        if not held:
            return
        keys = list(dict.fromkeys(key for key, _ in held))
        run.context.objects += len(keys)
        statement = self._prepared(len(keys) == 1)
        bound = {**bind_parents(keys, self._dialect), "limit": self._edge.size}
        records = await run.fetch(statement, bound)
        lists: dict[Any, list[Any]] = {key: [] for key in keys}
        for record, row in zip(records, self._rows(records, run), strict=True):
            lists[keys[record[0] - 1]].append(row)
        for key, waiting in held:
            waiting[self._name] = lists[key]

    async def root(self, run: Run) -> list[Any]:
        """The list that belongs to no row."""
        run.context.objects += 1
        return self._rows(await run.fetch(self._prepared(False), {"limit": self._edge.size}), run)
