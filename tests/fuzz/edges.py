"""Fields that lead to rows: as what they are counted, and how many statements they may take."""

from collections.abc import Mapping
from typing import Final

from graphql import GraphQLField, GraphQLObjectType, get_named_type, is_leaf_type

from schema.kit.edges import AnyNode, AnyOne, ByKey, Few, Many, One
from schema.kit.resolvers import declaration_of

NODE_TYPES: Final = 12
CONSTRUCTS: Final[Mapping[type, str]] = {
    One: "joined row",
    AnyOne: "row of one of several types",
    AnyNode: "row of one of several types",
    ByKey: "row by key",
    Few: "list of rows",
    Many: "page",
}


def constructs_of(declared: GraphQLField) -> set[str]:
    """As what a field of the schema is counted."""
    name = CONSTRUCTS.get(type(declaration_of(declared)))
    return set() if name is None else {name}


def statements_of(declared: GraphQLField, name: str) -> int:
    """What following a field may cost: a page and its count, a row of each of several types, one row."""
    kind, edge = get_named_type(declared.type), declaration_of(declared)
    if is_leaf_type(kind):
        return 1 if name == "eventCursor" else 0
    if isinstance(edge, AnyNode) or name in ("node", "nodes"):
        return NODE_TYPES
    if isinstance(edge, AnyOne):
        return len(edge.choices)
    return 1 if isinstance(kind, GraphQLObjectType) and not kind.name.endswith("Connection") else 2
