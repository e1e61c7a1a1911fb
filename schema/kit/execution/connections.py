"""Connections: one page for every object that waits, and of it only the parts that are selected."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

from graphql import GraphQLObjectType, get_named_type

from db.base import column
from db.engine import Dialect
from db.prepared import Prepared, reads
from schema.kit import cursors
from schema.kit.costs import COUNT_WEIGHT
from schema.kit.edges import Many
from schema.kit.execution.arguments import Arguments
from schema.kit.execution.readings import Reading
from schema.kit.execution.rows import write_rows
from schema.kit.execution.run import Held, Run
from schema.kit.execution.scopes import Rows
from schema.kit.execution.selected import Selected
from schema.kit.pages import Page, PageRequest, count_statement, cut, page_select, read_page
from schema.kit.statements import bind_keys, bind_parents

SHAPES_MAX = 50
"""How many statements of pages one plan keeps, and of counts: shapes of filters come from variables, without end."""


@dataclass
class Part:
    """One selected field of a connection: `write(page)` is its value."""

    key: str
    write: Callable[["PlannedPage", Run], Any]


@dataclass(slots=True)
class PlannedPage:
    """A page of records, and what its parts are made of."""

    page: Page
    total: int | None = None
    made: dict[int, list[Any]] = field(default_factory=dict)
    """The objects of the rows, once for each selection of them."""

    @property
    def records(self) -> Sequence[Any]:
        """The driver's rows, in order."""
        return self.page.rows


class PageLink:
    """The rows of a listing that point at each object, in pages; every row of the workspace where there is no key."""

    keys = ("id",)

    def __init__(
        self, edge: Many, f: Selected, arguments: Arguments, compiler: Any, dialect: Dialect
    ) -> None:
        self._edge, self._dialect, self._name, self._arguments = edge, dialect, f.key, arguments
        self._offset = 0 if edge.key is None else 1
        self._reading = Reading(edge.listing.table)
        self._pages: dict[Any, Prepared] = {}
        self._counts: dict[Any, Prepared] = {}
        self._views: list[tuple[GraphQLObjectType, list[Selected]]] = []
        self._rows: list[Rows] = []
        self._reads_page = self._counts_rows = self._looks_on = False
        self._is_sorted = any(a.name.value == "sort" for node in f.nodes for a in node.arguments or ())
        kind = get_named_type(f.type)
        assert isinstance(kind, GraphQLObjectType)
        selected = compiler.operation.below(f.details, kind)
        self._parts = [self._part(part, compiler) for part in selected]
        self._nodes = selected[0].key if [part.name for part in selected] == ["nodes"] else None
        """The key of `nodes`, where nothing else is selected: then nothing but the objects is made of a page."""
        origin = compiler.origin(f, edge.key)
        builders = [
            write_rows(
                kind, fields, self._reading, dialect, compiler, placed=bool(self._offset), origin=origin
            )
            for kind, fields in self._views
        ]
        self._reading.slot("id")
        self._rows = [build() for build in builders]
        self._readers = {
            name: reads(column(edge.listing.table, name).type, dialect)
            for path, name in self._reading.slots
            if not path
        }

    def _part(self, part: Selected, compiler: Any) -> Part:
        kind = part.parent
        if part.field is None:
            return Part(part.key, lambda page, run: kind.name)
        if part.name == "totalCount":
            self._counts_rows = True
            return Part(part.key, lambda page, run: page.total)
        self._reads_page = True
        if part.name == "nodes":
            view = self._view(part, compiler)
            return Part(part.key, lambda page, run: page.made[view])
        below = get_named_type(part.type)
        assert isinstance(below, GraphQLObjectType)
        inner = compiler.operation.below(part.details, below)
        if part.name == "pageInfo":
            members = [self._info_member(f) for f in inner]
            return Part(part.key, lambda page, run: {m.key: m.write(page, run) for m in members})
        placed = [self._edge_member(f, compiler) for f in inner]

        def edges(page: PlannedPage, run: Run) -> list[dict[str, Any]]:
            columns = [(m.key, m.write(page, run)) for m in placed]
            return [{key: values[i] for key, values in columns} for i in range(len(page.records))]

        return Part(part.key, edges)

    def _info_member(self, f: Selected) -> Part:
        kind = f.parent
        if f.field is None:
            return Part(f.key, lambda page, run: kind.name)
        if f.name in ("startCursor", "endCursor"):
            self._need_cursors()
            place = 0 if f.name == "startCursor" else -1
            return Part(f.key, lambda page, run: self._cursor(page, place) if page.records else None)
        self._looks_on = True
        attribute = {"hasNextPage": "has_next", "hasPreviousPage": "has_previous"}[f.name]
        return Part(f.key, lambda page, run: getattr(page.page, attribute))

    def _edge_member(self, f: Selected, compiler: Any) -> Part:
        kind = f.parent
        if f.field is None:
            return Part(f.key, lambda page, run: [kind.name] * len(page.records))
        if f.name == "cursor":
            self._need_cursors()
            return Part(f.key, lambda page, run: [self._cursor(page, i) for i in range(len(page.records))])
        view = self._view(f, compiler)
        return Part(f.key, lambda page, run: page.made[view])

    def _view(self, part: Selected, compiler: Any) -> int:
        kind = compiler.target(part.type, None)
        self._views.append((kind, compiler.operation.below(part.details, kind)))
        return len(self._views) - 1

    def _need_cursors(self) -> None:
        listing = self._edge.listing
        names = [name for name, _ in listing.order]
        if self._is_sorted:
            names += listing.sorts()
        for name in (*names, "id"):
            self._reading.slot(name)

    def _cursor(self, page: PlannedPage, place: int) -> str:
        record, values = page.records[place], []
        for name, _ in page.page.order:
            value = record[self._offset + self._reading.slots[(), name]]
            read = self._readers[name]
            values.append(value if read is None or value is None else read(value))
        return cursors.write(values, page.page.order)

    def _request(self, run: Run) -> PageRequest:
        size_max = run.context.server.page_size_max
        return read_page(self._edge.listing, self._arguments(run), run.viewer, size_max)

    async def _read_page(self, run: Run, request: PageRequest, keys: Sequence[Any] = ()) -> Sequence[Any]:
        alone = len(keys) == 1
        statement = _kept(
            self._pages,
            (request.shape(), alone),
            lambda kind: page_select(self._edge, kind[0], self._dialect, self._reading, alone=kind[1]),
            self._dialect,
        )
        values = request.values(self._dialect, looks_on=self._looks_on)
        return await run.fetch(statement, values | bind_parents(keys, self._dialect))

    def _count_statement(self, request: PageRequest) -> Prepared:
        return _kept(
            self._counts,
            request.where.shape,
            lambda shape: count_statement(self._edge, shape, self._dialect),
            self._dialect,
        )

    async def root(self, run: Run) -> dict[str, Any]:
        """The connection that belongs to no row."""
        request = self._request(run)
        records: Sequence[Any] = ()
        if self._reads_page:
            records = await self._read_page(run, request)
        run.context.objects += 1
        page = PlannedPage(cut(records, request))
        if self._counts_rows:
            run.context.objects += COUNT_WEIGHT
            counted = await run.fetch(self._count_statement(request), request.where.bound(self._dialect))
            page.total = counted[0][0]
        self._make([page], run)
        return {part.key: part.write(page, run) for part in self._parts}

    async def follow(self, run: Run, held: Held) -> None:
        """Gives each object its connection."""
        request = self._request(run)
        keys = list(dict.fromkeys(key for key, _ in held))
        groups: list[list[Any]] = [[] for _ in keys]
        if self._reads_page:
            records = await self._read_page(run, request, keys)
            if len(keys) == 1:
                groups = [list(records)]
            else:
                for record in records:
                    groups[record[0] - 1].append(record)
        run.context.objects += len(keys)
        if self._nodes is not None:
            nodes = dict(zip(keys, self._objects(groups, request, run), strict=True))
            for key, waiting in held:
                waiting[self._name] = {self._nodes: nodes[key]}
            return
        pages = [PlannedPage(cut(records, request)) for records in groups]
        if self._counts_rows:
            run.context.objects += COUNT_WEIGHT * len(keys)
            for page in pages:
                page.total = 0
            bound = bind_keys([(k,) for k in keys], self._dialect)
            values = {**request.where.bound(self._dialect), **bound}
            for place, total in await run.fetch(self._count_statement(request), values):
                pages[place - 1].total = total
        self._make(pages, run)
        made = dict(zip(keys, pages, strict=True))
        for key, waiting in held:
            page = made[key]
            waiting[self._name] = {part.key: part.write(page, run) for part in self._parts}

    def _objects(self, groups: list[list[Any]], request: PageRequest, run: Run) -> list[list[Any]]:
        for records in groups:
            del records[request.size :]
            if request.backwards:
                records.reverse()
        made = self._rows[0]([record for records in groups for record in records], run)
        ends = list(accumulate(len(records) for records in groups))
        return [made[start:end] for start, end in zip([0, *ends], ends, strict=False)]

    def _make(self, pages: Sequence[PlannedPage], run: Run) -> None:
        """The objects of all pages at once, then each page its own."""
        for view, rows in enumerate(self._rows):
            if len(pages) == 1:
                pages[0].made[view] = rows(pages[0].records, run)
                continue
            made = rows([record for page in pages for record in page.records], run)
            start = 0
            for page in pages:
                end = start + len(page.records)
                page.made[view] = made[start:end]
                start = end


def _kept(kept: dict[Any, Prepared], shape: Any, build: Callable[[Any], Any], dialect: Dialect) -> Prepared:
    statement = kept.get(shape)
    if statement is None:
        if len(kept) >= SHAPES_MAX:
            kept.clear()
        statement = kept[shape] = Prepared(build(shape), dialect)
    return statement
