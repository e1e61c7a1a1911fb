"""From a driver's value to the answer's: one expression for each column, chosen once, so that no row is looked at twice."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import orjson
from graphql import (
    GraphQLEnumType,
    GraphQLLeafType,
    GraphQLOutputType,
    get_nullable_type,
    is_leaf_type,
    is_list_type,
)
from graphql import get_named_type as named
from sqlalchemy import JSON, Boolean, ColumnElement, Enum, Integer, String

from db.codecs import instant
from db.engine import Dialect
from db.prepared import reads
from db.types import HUNDREDTH, Amount, UtcDateTime
from schema.kit.scalars import write_instant

Function = Callable[..., Any]
PLAIN_TEXT = frozenset({"String", "ID", "URL", "CurrencyCode"})


@dataclass(frozen=True)
class Writing:
    """An expression with `{0}` for the driver's value, and the functions it names."""

    text: str = "{0}"
    names: tuple[tuple[str, Function], ...] = ()


AS_IT_IS = Writing()
INSTANT = '{0}[:10]+"T"+{0}[11:]+"Z"'
"""SQLite keeps an instant in UTC, with six digits of its second."""
INSTANT_WITH_OFFSET = (
    '({0}[:10]+"T"+{0}[11:26]+"Z" if {0}[26:]=="+00" else'
    ' {0}[:10]+"T"+{0}[11:19]+".000000Z" if {0}[19:]=="+00" else rewritten({0}))'
)
"""PostgreSQL leaves out the noughts at its end, and has the offset of the connection."""


def _text_of_hundredths(value: int) -> str:
    return str(Decimal(value) * HUNDREDTH)


def _rewritten(text: str) -> str:
    return write_instant(instant(text))


def answered(
    column: ColumnElement[Any], type: GraphQLOutputType, dialect: Dialect, name: str, *, nullable: bool
) -> Writing:
    """How a column is written into an answer of that type; `name` is free for a function."""
    written = _known(column.type, type, dialect) or _worked_out(column.type, type, dialect, name)
    if nullable and written is not AS_IT_IS:
        return Writing(f"(None if {{0}} is None else {written.text})", written.names)
    return written


def python_value(column: ColumnElement[Any], dialect: Dialect, name: str) -> Writing:
    """How a column becomes what a service would see; `name` is free for a function."""
    process = reads(column.type, dialect)
    if isinstance(column.type, JSON):
        return Writing(f"(None if {{0}} is None else {name}({{0}}))", ((name, orjson.loads),))
    if process is None:
        return AS_IT_IS
    return Writing(f"(None if {{0}} is None else {name}({{0}}))", ((name, process),))


def _known(kind: Any, type: GraphQLOutputType, dialect: Dialect) -> Writing | None:
    leaf, sqlite = named(type), dialect == "sqlite"
    if is_list_type(get_nullable_type(type)) or not is_leaf_type(leaf):
        return None
    if isinstance(kind, Enum) and isinstance(leaf, GraphQLEnumType):
        # SQLAlchemy keeps the names of an enum's members, and those are its values in the graph.
        return AS_IT_IS if set(kind.enums) <= set(leaf.values) else None
    if isinstance(kind, UtcDateTime) and leaf.name == "DateTime":
        return Writing(INSTANT) if sqlite else Writing(INSTANT_WITH_OFFSET, (("rewritten", _rewritten),))
    if isinstance(kind, Amount) and leaf.name == "Decimal":
        return Writing("hundredths({0})", (("hundredths", _text_of_hundredths),)) if sqlite else AS_IT_IS
    if isinstance(kind, JSON) and leaf.name == "JSON":
        return Writing("loads({0})", (("loads", orjson.loads),))
    if isinstance(kind, Boolean) and leaf.name == "Boolean":
        return Writing("{0} == 1") if sqlite else AS_IT_IS
    plain = (isinstance(kind, Integer) and leaf.name == "Int") or (
        isinstance(kind, String) and not isinstance(kind, Enum) and leaf.name in PLAIN_TEXT
    )
    return AS_IT_IS if plain else None


def _worked_out(kind: Any, type: GraphQLOutputType, dialect: Dialect, name: str) -> Writing:
    """What has no expression of its own: Python's value, serialized as graphql-core would."""
    process = orjson.loads if isinstance(kind, JSON) else reads(kind, dialect) or (lambda value: value)
    leaf: GraphQLLeafType = named(type)  # type: ignore[assignment]
    if is_list_type(get_nullable_type(type)):

        def write(value: Any) -> Any:
            return [leaf.serialize(item) for item in process(value)]
    else:

        def write(value: Any) -> Any:
            return leaf.serialize(process(value))

    return Writing(f"{name}({{0}})", ((name, write),))
