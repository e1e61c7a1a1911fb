"""What the graph says of a column against what the table says, once at the start: plans look at no value again."""

from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    get_named_type,
    get_nullable_type,
    is_list_type,
)
from sqlalchemy import JSON, Boolean, Enum, Integer, String

from db.base import column
from db.types import Amount, UtcDateTime
from schema.kit.edges import Column, Embedded, Private
from schema.kit.node import NODES, NodeType
from schema.kit.resolvers import BACKREF, declaration_of

KINDS: dict[str, type] = {
    "Int": Integer,
    "Boolean": Boolean,
    "String": String,
    "ID": String,
    "URL": String,
    "CurrencyCode": String,
    "DateTime": UtcDateTime,
    "Decimal": Amount,
    "JSON": JSON,
}
"""What a scalar may be read from."""


class Mismatch(Exception):
    """A field of the graph that its column cannot fill."""


def check_columns(schema: GraphQLSchema) -> int:
    """Raises Mismatch for the first field whose column is of another type, or may be NULL where the field is not.

    Gives back how many were looked at. A table shared by several kinds of rows has columns that are NULL for the
    others: those are looked at when a row is read.
    """
    looked_at = 0
    for known in NODES.values():
        kind = schema.type_map[known.name]
        assert isinstance(kind, GraphQLObjectType)
        for name, field in kind.fields.items():
            for attribute, type in _columns(field, name):
                _check(known, name, attribute, type)
                looked_at += 1
    return looked_at


def _columns(field: Any, name: str) -> list[tuple[str, GraphQLOutputType]]:
    declared = declaration_of(field)
    if declared is None:
        return [(field.extensions[BACKREF].python_name, field.type)]
    if isinstance(declared, Column | Private):
        return [(declared.name, field.type)]
    if isinstance(declared, Embedded):
        parts = get_named_type(field.type).fields
        return [(attribute, parts[part].type) for part, attribute in declared.columns.items()]
    return []


def _check(known: NodeType, name: str, attribute: str, type: GraphQLOutputType) -> None:
    stored, leaf = column(known.table, attribute), get_named_type(type)
    if isinstance(leaf, GraphQLEnumType) and isinstance(stored.type, Enum):
        fits = set(stored.type.enums) <= set(leaf.values)
    elif is_list_type(get_nullable_type(type)):
        fits = isinstance(stored.type, JSON)
    else:
        fits = isinstance(stored.type, KINDS.get(leaf.name, ())) and not isinstance(stored.type, Enum)
    if not fits:
        raise Mismatch(f"{known.name}.{name} is {type}, and its column {attribute} is {stored.type!r}.")
    if isinstance(type, GraphQLNonNull) and getattr(stored, "nullable", False) and known.kind is None:
        raise Mismatch(f"{known.name}.{name} is never null, and its column {attribute} may be.")
