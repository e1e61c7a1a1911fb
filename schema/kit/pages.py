"""What one list field was asked for: checked once, hashable, and the statements it needs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Select

from db.base import Viewer
from db.engine import Dialect
from db.prepared import LIMIT, LIMIT_OF_SOME
from schema.kit import cursors, filters, keysets, statements
from schema.kit.edges import Few, Listing, Many, Order
from services.errors import Invalid

SIZE_DEFAULT = 20
OFFSET_MAX = 10_000
SORTS_MAX = 5
STATEMENTS_MAX = 100
"""How many shapes of list statements are kept built, of each kind: one takes a tenth of a megabyte, compiled."""


@dataclass(frozen=True)
class PageRequest:
    """One page of a list: which rows, in which order, how many, and from where."""

    order: Order
    size: int
    backwards: bool = False
    cursor: tuple[Any, ...] | None = None
    offset: int = 0
    where: filters.Where = filters.NOTHING

    def values(self, dialect: Dialect, *, looks_on: bool = True) -> dict[str, Any]:
        """The bound parameters; where it `looks_on`, of one row more than was asked for, which says whether there is another page."""
        values = {"limit": self.size + looks_on, **self.where.bound(dialect)}
        if self.offset:
            values["offset"] = self.offset
        for i, value in enumerate(self.cursor or ()):
            if value is not None:
                values[f"cursor_{i}"] = value
        return values

    def shape(self) -> tuple[Any, ...]:
        """What the statement's text depends on."""
        nulls = None if self.cursor is None else tuple(v is None for v in self.cursor)
        return self.order, self.backwards, nulls, self.offset > 0, self.where.shape


def read_page(listing: Listing, arguments: Mapping[str, Any], viewer: Viewer, size_max: int) -> PageRequest:
    """The page that a connection's arguments ask for; Invalid with the argument's name for what does not fit together."""
    first, last = arguments.get("first"), arguments.get("last")
    after, before = arguments.get("after"), arguments.get("before")
    offset = arguments.get("offset")
    _refuse_pairs(first, last, after, before, offset)
    size = _size(first, "first", size_max) if last is None else _size(last, "last", size_max)
    if offset is not None and not 0 <= offset <= OFFSET_MAX:
        raise Invalid(f"From 0 to {OFFSET_MAX}; go on with cursors.", "offset")
    order = _order(listing, arguments.get("sort"))
    text, name = (after, "after") if after is not None else (before, "before")
    cursor = None if text is None else cursors.decode(listing.table, order, text, name)
    fields = listing.filters() if listing.filter_by is not None else {}
    where = filters.Reader(listing.table, fields, viewer).read(arguments.get("where"))
    backwards = last is not None or before is not None
    return PageRequest(order, size, backwards, cursor, offset or 0, where)


def _refuse_pairs(first: Any, last: Any, after: Any, before: Any, offset: Any) -> None:
    given = {"first": first, "last": last, "after": after, "before": before, "offset": offset}
    for one, other in (("first", "last"), ("after", "before"), ("offset", "last"), ("offset", "after"), ("offset", "before"), ("first", "before"), ("last", "after")):  # fmt: skip
        if given[one] is not None and given[other] is not None:
            raise Invalid(f"It does not go with `{other}`.", one)


def _size(asked: int | None, argument: str, size_max: int) -> int:
    if asked is None:
        return min(SIZE_DEFAULT, size_max)
    if not 1 <= asked <= size_max:
        raise Invalid(f"From 1 to {size_max}.", argument)
    return asked


def _order(listing: Listing, sort: Sequence[Mapping[str, Any]] | None) -> Order:
    if not sort:
        chosen = listing.order
        if listing.is_total:
            return chosen
    else:
        if len(sort) > SORTS_MAX:
            raise Invalid(f"At most {SORTS_MAX}.", "sort")
        chosen = tuple((str(s["field"].value), s["direction"].value == "DESC") for s in sort)
        if len({name for name, _ in chosen}) < len(chosen):
            raise Invalid("Each field once.", "sort")
    if chosen[-1][0] == "id":
        return chosen
    return (*chosen, ("id", chosen[-1][1]))


@dataclass(frozen=True)
class Page:
    """The rows of one page, in order, and whether there are others on either side."""

    rows: Sequence[Any]
    order: Order
    has_next: bool
    has_previous: bool


def cut(rows: Sequence[Any], request: PageRequest) -> Page:
    """A page out of the rows that were read for it."""
    more = len(rows) > request.size
    kept = list(rows[: request.size])
    passed = request.cursor is not None or request.offset > 0
    if request.backwards:
        kept.reverse()
        return Page(kept, request.order, passed, more)
    return Page(kept, request.order, more, passed)


def always(
    conditions: Callable[[Any], tuple[ColumnElement[bool], ...]] | None, entity: Any
) -> list[ColumnElement[bool]]:
    """What a declaration asks of every row, whatever else is asked."""
    return list(conditions(entity)) if conditions is not None else []


@lru_cache(maxsize=STATEMENTS_MAX)
def page_statement(edge: Many, shape: tuple[Any, ...], dialect: Dialect) -> Select[Any]:
    """The statement for pages of that shape, with whole rows."""
    return page_select(edge, shape, dialect)


def page_select(
    edge: Many,
    shape: tuple[Any, ...],
    dialect: Dialect,
    columns: statements.Columns | None = None,
    *,
    alone: bool = False,
) -> Select[Any]:
    """The statement for pages of that shape: of every row, of each parent's, or of one that is `alone`."""
    order, backwards, nulls, offset, where = shape
    listing = edge.listing

    def conditions(entity: Any) -> list[ColumnElement[bool]]:
        found = always(listing.conditions, entity)
        found += filters.Writer(listing.filters(), entity, dialect).write(where)
        if nulls is not None:
            found.append(keysets.beyond(entity, order, nulls, backwards=backwards))
        return found

    limit = LIMIT if where == filters.NOTHING.shape else LIMIT_OF_SOME
    selection = replace(selection_of(edge, columns), limit=limit)
    if edge.key is None:
        return statements.root_page(selection, conditions, order, backwards=backwards, offset=offset)
    if alone:
        return statements.page_of_one(selection, edge.key, conditions, order, dialect, backwards=backwards)
    return statements.page_of_each(selection, edge.key, conditions, order, dialect, backwards=backwards)


@lru_cache(maxsize=STATEMENTS_MAX)
def count_statement(edge: Many, where: tuple[Any, ...], dialect: Dialect) -> Select[Any]:
    """The statement that counts what all pages hold together."""

    def conditions(entity: Any) -> list[ColumnElement[bool]]:
        asked = filters.Writer(edge.listing.filters(), entity, dialect).write(where)
        return always(edge.listing.conditions, entity) + asked

    selection = selection_of(edge)
    if edge.key is None:
        return statements.count(selection, conditions)
    return statements.count_of_each(selection, edge.key, conditions, dialect)


@lru_cache(maxsize=STATEMENTS_MAX)
def few_statement(edge: Few, dialect: Dialect) -> Select[Any]:
    """The statement for a short list, with whole rows."""
    return few_select(edge, dialect)


def few_select(
    edge: Few, dialect: Dialect, columns: statements.Columns | None = None, *, alone: bool = False
) -> Select[Any]:
    """The statement for a short list: of every row, of each parent's, or of one that is `alone`."""
    selection = statements.Selection(edge.table, alive=True, through=edge.through, columns=columns)

    def conditions(entity: Any) -> list[ColumnElement[bool]]:
        return always(edge.conditions, entity)

    order = edge.order if edge.order[-1][0] == "id" else (*edge.order, ("id", edge.order[-1][1]))
    if edge.key is None:
        return statements.root_page(selection, conditions, order, backwards=False, offset=False)
    if alone:
        return statements.page_of_one(selection, edge.key, conditions, order, dialect, backwards=False)
    return statements.page_of_each(selection, edge.key, conditions, order, dialect, backwards=False)


def selection_of(edge: Many, columns: statements.Columns | None = None) -> statements.Selection:
    """Lists leave out what is deleted."""
    listing = edge.listing
    return statements.Selection(listing.table, alive=True, kind=listing.kind, columns=columns)
