"""Whether a document asks something whose answer depends on the very person who asks, and not on its rights alone."""

from functools import cache
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLSchema,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    get_named_type,
    visit,
)
from sqlalchemy.sql import visitors

from db.base import ANYONE, Row, column, column_names
from schema.kit.edges import Computed, Few, Private
from schema.kit.node import NODES
from schema.kit.resolvers import BACKREF, declaration_of

OF_THE_PERSON = frozenset({"viewer_id", "viewer_session_id"})
"""The bound parameters that tell one member from another with the same rights."""


def is_personal(schema: GraphQLSchema, document: DocumentNode) -> bool:
    """Says yes where it cannot be sure: for a field with a resolver of its own."""
    found = False
    types = TypeInfo(schema)

    class Fields(Visitor):
        def enter_field(self, node: FieldNode, *_: Any) -> None:
            nonlocal found
            field, parent = types.get_field_def(), types.get_parent_type()
            # A page is made of its rows.
            is_page = "pageInfo" in getattr(parent, "fields", ())
            if field is not None and parent is not schema.subscription_type and not is_page:
                found = found or _asks_for_the_person(node.name.value, field)

    visit(document, TypeInfoVisitor(types, Fields()))
    return found


def _asks_for_the_person(name: str, field: Any) -> bool:
    if name.startswith("__"):
        return False
    kind = get_named_type(field.type).name
    if any(known.name == kind and _rule_names_the_person(known.table) for known in NODES.values()):
        return True
    declared = declaration_of(field)
    definition = field.extensions.get(BACKREF)
    if isinstance(declared, Private) or (isinstance(declared, Few) and declared.private):
        return True
    if isinstance(declared, Computed):
        return not personal_columns().isdisjoint(declared.needs)
    if declared is None and definition is not None:
        return definition.base_resolver is not None or definition.python_name in personal_columns()
    return False


@cache
def personal_columns() -> frozenset[str]:
    """The columns that the database works out for whoever is asking."""
    found = set()
    for table in {known.table for known in NODES.values()}:
        for name in column_names(table):
            if _names_the_person(column(table, name)):
                found.add(name)
    return frozenset(found)


@cache
def _rule_names_the_person(table: type[Row]) -> bool:
    return _names_the_person(table.visible_to(ANYONE))


def _names_the_person(expression: Any) -> bool:
    return any(
        getattr(part, "key", None) in OF_THE_PERSON
        for part in visitors.iterate(expression)
        if part.__visit_name__ == "bindparam"
    )
