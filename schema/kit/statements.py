"""The six statements that every edge and list is read with: by_id, by_ids, root_page, page_of_each, page_of_one, count.

Viewer, keys, cursor and filter values are bound parameters: a statement depends on what is asked for, never on who asks
or for how many, so that each is built and compiled once. The limit of rows that nothing filters is put into its text.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol
from uuid import UUID

import orjson
from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Integer,
    Select,
    String,
    any_,
    bindparam,
    column,
    func,
    literal,
    literal_column,
    select,
    true,
)
from sqlalchemy.orm import aliased, join, outerjoin

from db.base import ANYONE, Row, columns_of, guarded
from db.engine import Dialect
from db.prepared import LIMIT
from schema.kit.edges import Order

OFFSET: ColumnElement[int] = bindparam("offset", type_=Integer())
PLACE = "parent_place"
"""In rows read for several keys: which of the keys a row belongs to, counted from 1."""
FIRST: ColumnElement[int] = literal_column("1", Integer)
TYPE_NAME = "type_name"

Conditions = Callable[[Any], Sequence[ColumnElement[bool]]]
"""What else has to hold of an alias of the table."""


@dataclass(frozen=True)
class Read:
    """What one statement takes of each row: columns, of the row itself or of rows joined to it."""

    columns: Sequence[ColumnElement[Any]]
    joins: Sequence[tuple[Any, ColumnElement[bool]]] = ()
    """Aliases and what ties each to the row; a row without its partner stays."""

    def joined(self, source: Any) -> Any:
        """The source with what is joined to it."""
        for other, tie in self.joins:
            source = outerjoin(source, other, tie)
        return source

    def with_(self, *more: ColumnElement[Any]) -> "Read":
        """The same with other columns before its own."""
        return replace(self, columns=[*more, *self.columns])


class Columns(Protocol):
    """A choice of columns."""

    def read(self, entity: Any) -> Read: ...


@dataclass(frozen=True)
class Selection:
    """What is read of one table.

    `alive` leaves deleted rows out, `kind` those of another kind; `type_name` is selected with each row where it is
    given; `through` is the table between, and its column that points onward, for many-to-many; `limit` is that of pages.
    """

    table: type[Row]
    alive: bool = False
    kind: str | None = None
    type_name: str | None = None
    through: tuple[type[Row], str] | None = None
    columns: Columns | None = None
    limit: ColumnElement[int] = LIMIT

    def read(self, entity: Any) -> Read:
        """What is read of an alias of the table: every readable column, unless others were chosen."""
        if self.columns is not None:
            return self.columns.read(entity)
        columns = columns_of(entity, self.table)
        if self.type_name is not None:
            columns = [*columns, literal(self.type_name).label(TYPE_NAME)]
        return Read(columns)

    def rows(
        self,
        entity: Any,
        read: Read,
        *conditions: ColumnElement[bool],
        by_key: bool = False,
        keys: Any = None,
    ) -> Select[Any]:
        """What is read of the visible rows that fulfil the conditions; `by_key`, where those find them by a key.

        `keys` is the table of those keys: it comes first, since of many joins a planner keeps the order.
        """
        visible = entity.visible_to(ANYONE)
        where = [*conditions, guarded(visible) if by_key else visible]
        if self.alive and hasattr(self.table, "deleted_at"):
            where.append(entity.deleted_at.is_(None))
        if self.kind is not None:
            where.append(entity.kind == self.kind)
        source = entity if keys is None else join(keys, entity, true())
        if self.through is not None:
            between, onward = self.through
            source = join(source, between, getattr(between, onward) == entity.id)
            where.append(between.visible_to(ANYONE))
        return select(*read.columns).select_from(read.joined(source)).where(*where)

    def pointing(self, entity: Any, key: str) -> ColumnElement[Any]:
        """The column that points at a parent, here or in the table between."""
        owner = entity if self.through is None else self.through[0]
        column: ColumnElement[Any] = getattr(owner, key)
        return column


def by_id(selection: Selection, columns: Sequence[str], *, newest: bool = False) -> Select[Any]:
    """The row whose columns equal key_0, key_1 …; the newest of them where there may be several."""
    entity: Any = aliased(selection.table)
    named = [(getattr(entity, c), f"key_{i}") for i, c in enumerate(columns)]
    same = [c == bindparam(name, type_=c.type) for c, name in named]
    rows = selection.rows(entity, selection.read(entity), *same)
    return rows.order_by(entity.id.desc()).limit(1) if newest else rows


def by_ids(selection: Selection, columns: Sequence[str], dialect: Dialect) -> Select[Any]:
    """The rows whose columns equal one of the keys, each with the place of its key."""
    entity: Any = aliased(selection.table)
    matched = [getattr(entity, c) for c in columns]
    keys = _Keys([c.type for c in matched], dialect)
    same = [c == value for c, value in zip(matched, keys.values, strict=True)]
    read = selection.read(entity).with_(keys.place)
    return selection.rows(entity, read, *same, by_key=True, keys=keys.table)


def root_page(
    selection: Selection, conditions: Conditions, order: Order, *, backwards: bool, offset: bool
) -> Select[Any]:
    """The first `limit` rows in order, after `offset` others where that is asked for."""
    entity: Any = aliased(selection.table)
    rows = selection.rows(entity, selection.read(entity), *conditions(entity))
    rows = rows.order_by(*ordered(entity, order, backwards)).limit(selection.limit)
    return rows.offset(OFFSET) if offset else rows


def page_of_each(
    selection: Selection, key: str, conditions: Conditions, order: Order, dialect: Dialect, *, backwards: bool
) -> Select[Any]:
    """The first `limit` rows of each of the keys, in order, each with the place of its key."""
    entity: Any = aliased(selection.table)
    pointing = selection.pointing(entity, key)
    keys = _Keys([pointing.type], dialect)
    where = (pointing == keys.values[0], *conditions(entity))
    if dialect == "postgresql":
        # What is joined is joined to the rows of the pages: within each page a planner would rather sort the whole list.
        chosen = selection.rows(entity, Read([entity]), *where, by_key=True)
        chosen = (
            chosen.order_by(*ordered(entity, order, backwards)).limit(selection.limit).correlate(keys.table)
        )
        each: Any = aliased(selection.table, chosen.lateral("each"))
        read = selection.read(each)
        rows = select(keys.place, *read.columns).select_from(read.joined(join(keys.table, each, true())))
        return rows.order_by(keys.place, *ordered(each, order, backwards))
    # SQLite has no lateral join: each key chooses its ids along the index, then the rows are read by id.
    chosen = selection.rows(entity, Read([entity.id]), *where, by_key=True)
    chosen = chosen.order_by(*ordered(entity, order, backwards)).limit(selection.limit).correlate(keys.table)
    outer: Any = aliased(selection.table)
    read = selection.read(outer)
    source = read.joined(join(keys.table, outer, outer.id.in_(chosen)))
    rows = select(keys.place, *read.columns).select_from(source).where(keys.place.is_not(None))
    return rows.order_by(keys.place, *ordered(outer, order, backwards))


def page_of_one(
    selection: Selection, key: str, conditions: Conditions, order: Order, dialect: Dialect, *, backwards: bool
) -> Select[Any]:
    """The same for one key, key_0: the index gives its rows in order, where those of several have to be sorted."""
    entity: Any = aliased(selection.table)
    pointing = selection.pointing(entity, key)
    kind = pointing.type if dialect == "postgresql" else String()  # as bind_parents gives it
    where = (pointing == bindparam("key_0", type_=kind), *conditions(entity))

    def page(read: Read) -> Select[Any]:
        rows = selection.rows(entity, read, *where, by_key=True)
        return rows.order_by(*ordered(entity, order, backwards)).limit(selection.limit)

    own = selection.read(entity)
    if not own.joins:
        return page(own.with_(FIRST.label(PLACE)))
    # As above: what is joined is joined to the rows of the page.
    each: Any = aliased(selection.table, page(Read([entity])).subquery("each"))
    read = selection.read(each)
    rows = select(FIRST.label(PLACE), *read.columns).select_from(read.joined(each))
    return rows.order_by(*ordered(each, order, backwards))


def count(selection: Selection, conditions: Conditions) -> Select[Any]:
    """How many rows fulfil the conditions."""
    entity: Any = aliased(selection.table)
    return selection.rows(entity, Read([func.count().label("total")]), *conditions(entity))


def count_of_each(selection: Selection, key: str, conditions: Conditions, dialect: Dialect) -> Select[Any]:
    """The same for each of the keys; a key without rows is left out."""
    entity: Any = aliased(selection.table)
    pointing = selection.pointing(entity, key)
    keys = _Keys([pointing.type], dialect)
    where = (pointing == keys.values[0], *conditions(entity))
    read = Read([keys.place, func.count().label("total")])
    return selection.rows(entity, read, *where, by_key=True, keys=keys.table).group_by(keys.place)


def ordered(entity: Any, order: Order, backwards: bool) -> list[Any]:
    """ORDER BY: NULL comes last both ways, and so first where the list is read backwards."""
    terms = []
    for name, descending in order:
        column = getattr(entity, name)
        term = column.desc() if descending is not backwards else column.asc()
        if is_nullable(entity, name):
            term = term.nulls_first() if backwards else term.nulls_last()
        terms.append(term)
    return terms


def is_nullable(entity: Any, name: str) -> bool:
    """Whether the column may hold NULL."""
    return bool(getattr(entity, name).property.columns[0].nullable)


class _Keys:
    """The bound keys as a table: keys_0, keys_1 … are arrays on PostgreSQL, one JSON array on SQLite."""

    def __init__(self, types: Sequence[Any], dialect: Dialect) -> None:
        names = [f"key_{i}" for i in range(len(types))]
        if dialect == "postgresql":
            arrays = [bindparam(f"keys_{i}", type_=ARRAY(t)) for i, t in enumerate(types)]
            columns = [column(n, t) for n, t in zip(names, types, strict=True)]
            unnested = func.unnest(*arrays).table_valued(*columns, with_ordinality="place", name="given")
            self.table: Any = unnested.render_derived()
            self.values: list[Any] = [self.table.c[n] for n in names]
            self.place: Any = self.table.c.place.label(PLACE)
            return
        self.table = func.json_each(bindparam("keys", type_=String())).table_valued(
            "key", "value", name="given"
        )
        self.place = (self.table.c.key + 1).label(PLACE)
        value = self.table.c.value
        parts = [func.json_extract(value, f"$[{i}]") for i in range(len(types))]
        self.values = [value] if len(types) == 1 else parts


def bind_keys(keys: Sequence[tuple[Any, ...]], dialect: Dialect) -> dict[str, Any]:
    """The keys as the parameters of a statement for several; each key is a tuple, of one value or more."""
    if dialect == "postgresql":
        return {f"keys_{i}": list(values) for i, values in enumerate(zip(*keys, strict=True))}
    plain = [[_json(v) for v in key] for key in keys]
    return {"keys": orjson.dumps(plain if len(keys[0]) > 1 else [k[0] for k in plain]).decode()}


def bind_parents(keys: Sequence[Any], dialect: Dialect) -> dict[str, Any]:
    """The keys of page_of_each; the one of page_of_one, where there is but one; nothing where there is none."""
    if len(keys) == 1:
        return {"key_0": keys[0] if dialect == "postgresql" else _json(keys[0])}
    return bind_keys([(key,) for key in keys], dialect) if keys else {}


def member_of(attribute: Any, name: str, dialect: Dialect) -> ColumnElement[bool]:
    """That the column is one of a bound list of values."""
    if dialect == "postgresql":
        return attribute == any_(bindparam(name, type_=ARRAY(attribute.type)))  # type: ignore[no-any-return]
    listed = func.json_each(bindparam(name, type_=String())).table_valued("value")
    return attribute.in_(select(listed.c.value))  # type: ignore[no-any-return]


def bind_list(values: Sequence[Any], dialect: Dialect) -> Any:
    """A list of values as the parameter of `member_of`."""
    return list(values) if dialect == "postgresql" else orjson.dumps([_json(v) for v in values]).decode()


def _json(value: Any) -> Any:
    return value.hex if isinstance(value, UUID) else value
