"""`where` and `sort`: what may be asked of a list, column by column, and how it becomes SQL."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, ForwardRef, TypeVar
from uuid import UUID

import strawberry
from sqlalchemy import ColumnElement, String, and_, bindparam, collate, false, func, not_, or_, select
from strawberry.utils.str_converters import to_camel_case

from db.base import ANYONE, Permission, Row, Viewer
from db.engine import Dialect
from db.types import AMOUNT_MAX, HUNDREDTH, UNKEPT
from schema.kit import ids
from schema.kit.docs import attribute_docs, class_doc
from schema.kit.node import NODES
from schema.kit.statements import bind_list, member_of
from services.errors import Forbidden, Invalid

T = TypeVar("T", bound=type)
CONDITIONS_MAX = 50
"""How many conditions one filter may hold, nested ones included."""
DEPTH_MAX = 10
"""How deep and, or, not may be nested; SQLite's parser gives up at a few dozen."""
LIST_SIZE_MAX = 100

RANGED = (datetime, Decimal, int)
"""What has a from and a to: their filters may be empty."""
ANY_TYPE = "*"
"""What a filter field holds ids of, where these may be of any type."""
NOBODY = UUID(int=0)
"""The id of no row: what an id of another type finds."""

Shape = tuple[Any, ...]
"""What a filter asks, without its values: a statement's text depends on it alone."""
Link = Callable[[Any, Any], ColumnElement[bool]]


@dataclass(frozen=True, eq=False)
class On:
    """What one field of a filter looks at: a column, here or (`link`) in rows of another table."""

    name: str
    table: type[Row] | None = None
    link: Link | None = None
    of: str | None = None
    needs: Permission | None = None


def on(
    name: str,
    table: type[Row] | None = None,
    link: Link | None = None,
    *,
    of: str | None = None,
    needs: Permission | None = None,
) -> Any:
    """A filter field that is not named like its column, holds ids (`of` a prefix), or takes a permission."""
    return On(name, table, link, of, needs)


@dataclass(frozen=True)
class Where:
    """A filter as it was asked: its shape, and its values in the order of the shape."""

    shape: Shape = ()
    values: tuple[Any, ...] = ()

    def bound(self, dialect: Dialect) -> dict[str, Any]:
        """The values as bound parameters."""
        named = ((f"where_{i}", v) for i, v in enumerate(self.values))
        return {n: bind_list(v, dialect) if isinstance(v, tuple) else v for n, v in named}


NOTHING = Where()


def filter_input(cls: T) -> T:
    """Makes a class of typed fields the `where` input of a list; and, or, not join by themselves."""
    docs = attribute_docs(cls)
    fields: dict[str, On] = {}
    for name in list(cls.__annotations__):
        given = cls.__dict__.get(name)
        fields[to_camel_case(name)] = given if isinstance(given, On) else On(name)
        setattr(cls, name, strawberry.field(default=strawberry.UNSET, description=docs.get(name)))
    itself = strawberry.lazy(cls.__module__)
    joined: tuple[tuple[str, Any, str], ...] = (
        ("and_", list[_lazy(cls, itself)], "All of these hold."),  # type: ignore[misc]
        ("or_", list[_lazy(cls, itself)], "At least one of these holds."),  # type: ignore[misc]
        ("not_", _lazy(cls, itself), "This does not hold."),
    )
    for name, annotation, description in joined:
        cls.__annotations__[name] = annotation | None
        made = strawberry.field(default=strawberry.UNSET, name=name.rstrip("_"), description=description)
        setattr(cls, name, made)
    made_cls = strawberry.input(cls, description=class_doc(cls))
    made_cls.filter_fields = fields  # type: ignore[attr-defined]
    return made_cls


def _lazy(cls: type, module: Any) -> Any:
    return Annotated[ForwardRef(cls.__name__), module]


class Reader:
    """Reads one `where` argument, checking it, into its shape and values."""

    def __init__(self, table: type[Row], fields: dict[str, On], viewer: Viewer) -> None:
        self.table, self.fields, self.viewer = table, fields, viewer
        self.values: list[Any] = []
        self.count = 0

    def read(self, where: dict[str, Any] | None) -> Where:
        """The whole filter; NOTHING where there is none. Raises Invalid with the path of the fault."""
        if not where:
            return NOTHING
        return Where(self._all(where, ("where",)), tuple(self.values))

    def _all(self, where: dict[str, Any], path: tuple[str | int, ...]) -> Shape:
        parts: list[Shape] = []
        for name, asked in where.items():
            if asked is None:
                continue
            self.count += 1
            if len(path) > 2 * DEPTH_MAX:
                raise Invalid(f"At most {DEPTH_MAX} levels.", *path)
            if self.count > CONDITIONS_MAX:
                raise Invalid(f"A filter has at most {CONDITIONS_MAX} conditions.", *path)
            at = (*path, name)
            if name in ("and", "or"):
                within = [self._all(w, (*at, i)) for i, w in enumerate(_bounded(asked, at))]
                parts.append((name, tuple(within)))
            elif name == "not":
                parts.append(("not", self._all(asked, at)))
            else:
                parts.extend(self._field(name, asked, at))
        return ("and", tuple(parts))

    def _field(self, name: str, asked: Any, path: tuple[str | int, ...]) -> list[Shape]:
        field = self.fields[name]
        one_type = field.of if field.of != ANY_TYPE else None
        needed = field.needs or (NODES[one_type].needs if one_type else None)
        if needed is not None and not self.viewer.can(needed):
            raise Forbidden(f"To filter by {name} needs {needed}.", *path)
        if not isinstance(asked, dict):
            return [self._is(name, field, "in" if isinstance(asked, list) else "eq", asked, path)]
        if not asked and not self._is_range(field):
            raise Invalid("A condition needs an operator.", *path)
        return [self._is(name, field, o, v, (*path, o)) for o, v in asked.items()]

    def _is_range(self, field: On) -> bool:
        # `{gte: $from}` without $from is a range without an end; `{eq: $id}` without $id is a mistake.
        column = getattr(field.table or self.table, field.name)
        return field.of is None and column.type.python_type in RANGED

    def _is(self, name: str, field: On, operator: str, value: Any, path: tuple[str | int, ...]) -> Shape:
        if value is None:
            raise Invalid("null asks for nothing: use isNull.", *path)
        if operator == "isNull":
            return ("is", name, operator, bool(value))
        if operator == "in":
            values = [self._value(field, v, path) for v in _bounded(value, path)]
            if len(values) == 1:
                self.values.append(values[0])
                return ("is", name, "eq", True)
            if values:
                self.values.append(tuple(values))
            return ("is", name, operator, bool(values))
        self.values.append(self._value(field, value, path))
        return ("is", name, operator, True)

    def _value(self, field: On, value: Any, path: tuple[str | int, ...]) -> Any:
        if field.of is not None:
            prefix, id = ids.split(value)
            return id if id and (prefix == field.of or field.of == ANY_TYPE) else NOBODY
        if isinstance(value, Decimal) and (abs(value) > AMOUNT_MAX or value != value.quantize(HUNDREDTH)):
            raise Invalid(f"At most {AMOUNT_MAX}, with at most two decimals.", *path)
        # What no column holds is looked for as the character that stands for the unreadable.
        return UNKEPT.sub("\ufffd", value) if isinstance(value, str) else value


def _bounded(values: list[Any], path: tuple[str | int, ...]) -> list[Any]:
    if len(values) > LIST_SIZE_MAX:
        raise Invalid(f"At most {LIST_SIZE_MAX}.", *path)
    return values


class Writer:
    """Writes the conditions of a shape against one entity, values as bound parameters in the shape's order."""

    def __init__(self, fields: dict[str, On], entity: Any, dialect: Dialect) -> None:
        self.fields, self.entity, self.dialect = fields, entity, dialect
        self.place = 0

    def write(self, shape: Shape) -> list[ColumnElement[bool]]:
        """The conditions; none for no filter."""
        return [self._node(shape)] if shape else []

    def _node(self, shape: Shape) -> ColumnElement[bool]:
        if shape[0] == "not":
            return not_(func.coalesce(self._node(shape[1]), false()))
        if shape[0] == "or":
            return or_(false(), *[self._node(s) for s in shape[1]])
        if shape[0] == "and":
            parts = [self._node(s) for s in shape[1]]
            return and_(*parts) if parts else _true()
        return self._condition(shape)

    def _condition(self, shape: Shape) -> ColumnElement[bool]:
        _, name, operator, flag = shape
        field = self.fields[name]
        if field.table is None:
            return self._compare(getattr(self.entity, field.name), operator, flag)
        assert field.link is not None
        other = field.table
        inner = self._compare(getattr(other, field.name), operator, flag)
        linked = (
            select(1)
            .select_from(other)
            .where(field.link(self.entity, other), other.visible_to(ANYONE), inner)
        )
        return linked.correlate(self.entity).exists()

    def _compare(self, column: Any, operator: str, flag: bool) -> ColumnElement[bool]:
        if operator == "isNull":
            return column.is_(None) if flag else column.is_not(None)  # type: ignore[no-any-return]
        if operator == "in" and not flag:
            return false()
        name = f"where_{self.place}"
        self.place += 1
        if operator == "in":
            return member_of(column, name, self.dialect)
        value = bindparam(name, type_=column.type)
        if operator == "startsWith":
            return self._starts_with(column, name)
        return COMPARISONS[operator](column, value)

    def _starts_with(self, column: Any, name: str) -> ColumnElement[bool]:
        asked: Any = bindparam(name, type_=String())
        for special in ("\\", "%", "_"):
            asked = func.replace(asked, special, "\\" + special)
        if self.dialect == "postgresql":
            # Columns sort by code point; only the database's own collation knows the case of É.
            column, asked = collate(column, "default"), collate(asked, "default")
        return func.lower(column).like(func.lower(asked) + "%", escape="\\")


def _true() -> ColumnElement[bool]:
    return not_(false())


COMPARISONS: dict[str, Callable[[Any, Any], ColumnElement[bool]]] = {
    "eq": lambda column, value: column == value,
    "ne": lambda column, value: column.is_distinct_from(value),
    "gte": lambda column, value: column >= value,
    "gt": lambda column, value: column > value,
    "lte": lambda column, value: column <= value,
    "lt": lambda column, value: column < value,
}
