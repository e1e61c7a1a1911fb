"""From a driver's value to the answer's: one expression for each column, chosen once, so that no row is looked at twice."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
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

from db.engine import Dialect
from db.prepared import reads
from db.types import HUNDREDTH, Amount, UtcDateTime

Function = Callable[..., Any]
PLAIN_TEXT = frozenset({"String", "ID", "URL", "CurrencyCode"})


@dataclass(frozen=True)
class Writing:
    """An expression with `{0}` for the driver's value, and the functions it names."""

    text: str = "{0}"
    names: tuple[tuple[str, Function], ...] = ()
    whole: Callable[[list[Any]], list[Any]] | None = None
    """Where it is cheaper: what writes the values of all rows at once, None as None."""


AS_IT_IS = Writing()
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
INSTANT = orjson.OPT_UTC_Z | orjson.OPT_NAIVE_UTC
"""The driver gives the last instant of all without an offset."""
SIX_DIGITS = "1970-01-01T00:00:00.000001Z"
"""How an instant is written; orjson leaves out a fraction of nothing."""


def _text_of_hundredths(value: int) -> str:
    return str(Decimal(value) * HUNDREDTH)


def instants(values: list[datetime | None]) -> list[str | None]:
    """Instants in UTC as `write_instant` writes them: orjson does many of them in a fifth of the time."""
    written = orjson.dumps([value or EPOCH for value in values], option=INSTANT)
    texts = written[2:-2].decode().split('","')
    return [
        None if value is None else text if len(text) == len(SIX_DIGITS) else f"{text[:19]}.000000Z"
        for value, text in zip(values, texts, strict=False)
    ]


def answered(
    column: ColumnElement[Any], type: GraphQLOutputType, dialect: Dialect, name: str, *, nullable: bool
) -> Writing:
    """How a column is written into an answer of that type; `name` is free for a function."""
    written = _known(column.type, type, dialect) or _worked_out(column.type, type, dialect, name)
    if nullable and written is not AS_IT_IS and written.whole is None:
        return Writing(f"(None if {{0}} is None else {written.text})", written.names)
    return written


def python_value(column: ColumnElement[Any], dialect: Dialect, name: str) -> Writing:
    """How a column becomes what a service would see; `name` is free for a function."""
    process = reads(column.type, dialect)
    if isinstance(column.type, JSON):
        return Writing(f"(None if {{0}} is None else {name}({{0}}))", ((name, orjson.loads),))
    if process is None:
        return AS_IT_IS
    return Writing(f"{name}({{0}})", ((name, process),))


def hexadecimal(dialect: Dialect) -> str:
    """An id as 32 digits: SQLite keeps it so."""
    return "{0}" if dialect == "sqlite" else "{0}.hex"


def _known(kind: Any, type: GraphQLOutputType, dialect: Dialect) -> Writing | None:
    leaf, sqlite = named(type), dialect == "sqlite"
    if is_list_type(get_nullable_type(type)) or not is_leaf_type(leaf):
        return None
    if isinstance(kind, Enum) and isinstance(leaf, GraphQLEnumType):
        # SQLAlchemy keeps the names of an enum's members, and those are its values in the graph.
        return AS_IT_IS if set(kind.enums) <= set(leaf.values) else None
    if isinstance(kind, UtcDateTime) and leaf.name == "DateTime":
        return Writing('{0}[:10]+"T"+{0}[11:]+"Z"') if sqlite else Writing(whole=instants)
    if isinstance(kind, Amount) and leaf.name == "Decimal":
        return (
            Writing("hundredths({0})", (("hundredths", _text_of_hundredths),))
            if sqlite
            else Writing("str({0})")
        )
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
