"""The one walk over a document before it runs: what the caller has to be allowed."""

from dataclasses import dataclass, field, replace

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentSpreadNode,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
)

from db.base import Permission, Viewer
from schema.kit import access
from schema.kit.merging import fragments_of
from schema.kit.resolvers import BACKREF
from services.errors import Forbidden, Problem, Unauthenticated

INTROSPECTION = frozenset({"__schema", "__type"})
"""Fields that tell the schema. `__typename` tells what the caller knows already."""
Place = tuple[FieldNode, tuple[str, ...]]
"""A field of a document, and the names by which an answer would lead to it."""


@dataclass
class Needs:
    """What one operation takes, each with a field that asks for it.

    `beyond` is a field that needs a permission below one that signs somebody in: it would be read as whoever that
    is, whose permissions nobody knows yet.
    """

    sign_in: Place | None = None
    beyond: Place | None = None
    introspection: Place | None = None
    permissions: dict[Permission, Place] = field(default_factory=dict)

    def refusal(self, viewer: Viewer | None, *, guarded: bool = False) -> tuple[Problem, Place] | None:
        """Why this viewer may not run the operation, and for which field; None when it may.

        `guarded`: nobody is told the schema who is not signed in.
        """
        if viewer is None:
            place = self.sign_in or self.beyond or next(iter(self.permissions.values()), None)
            place = place or (self.introspection if guarded else None)
            return (Unauthenticated("Sign in first."), place) if place is not None else None
        if self.beyond is not None:
            return Forbidden("Sign in first, then ask for this by itself."), self.beyond
        for permission, place in self.permissions.items():
            if not viewer.can(permission):
                return Forbidden(f"`{place[0].name.value}` needs {permission.value}."), place
        return None


@dataclass(frozen=True)
class _Stop:
    """A selection set on the way, of which type, where, and whether a field above it signs somebody in."""

    parent: GraphQLNamedType | None
    selections: SelectionSetNode
    path: tuple[str, ...]
    signed_in_here: bool


def walk(schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode) -> Needs:
    """Visits every selection once, each fragment once for each type it is spread on: linear, and bears unknown fields."""
    fragments = fragments_of(document)
    root = schema.get_root_type(operation.operation)
    needs = Needs()
    seen: set[tuple[str, str, bool]] = set()
    todo = [_Stop(root, operation.selection_set, (), False)]
    while todo:
        stop = todo.pop()
        for selection in stop.selections.selections:
            if isinstance(selection, FragmentSpreadNode):
                fragment = fragments.get(selection.name.value)
                key = (stop.parent.name if stop.parent else "", selection.name.value, stop.signed_in_here)
                if fragment is not None and key not in seen:
                    seen.add(key)
                    on = schema.get_type(fragment.type_condition.name.value)
                    todo.append(replace(stop, parent=on, selections=fragment.selection_set))
            elif isinstance(selection, InlineFragmentNode):
                named = selection.type_condition
                on = schema.get_type(named.name.value) if named else stop.parent
                todo.append(replace(stop, parent=on, selections=selection.selection_set))
            elif isinstance(selection, FieldNode):
                todo.extend(_visit(schema, stop, selection, root, needs))
    return needs


def _visit(
    schema: GraphQLSchema, stop: _Stop, node: FieldNode, root: GraphQLNamedType | None, needs: Needs
) -> list[_Stop]:
    needed, public, kind = _field(schema, stop.parent, node)
    place = (node, (*stop.path, node.alias.value if node.alias else node.name.value))
    if node.name.value in INTROSPECTION:
        needs.introspection = needs.introspection or place
    if stop.parent is root and not public:
        needs.sign_in = needs.sign_in or place
    for permission in needed:
        if stop.signed_in_here:
            needs.beyond = needs.beyond or place
        needs.permissions.setdefault(permission, place)
    if node.selection_set is None:
        return []
    signs_in = public and stop.parent is root and root is schema.mutation_type
    return [_Stop(kind, node.selection_set, place[1], stop.signed_in_here or signs_in)]


def _field(
    schema: GraphQLSchema, parent: GraphQLNamedType | None, node: FieldNode
) -> tuple[list[Permission], bool, GraphQLNamedType | None]:
    """The permissions of a field and of the type it leads to, whether anybody may select it, and that type."""
    name = node.name.value
    if name.startswith("__") or not isinstance(parent, GraphQLObjectType | GraphQLInterfaceType):
        return [], name.startswith("__"), None
    found = parent.fields.get(name)
    if found is None:
        return [], False, None
    definition = found.extensions.get(BACKREF)
    metadata = definition.metadata if definition is not None else {}
    kind = get_named_type(found.type)
    needed = [p for p in (metadata.get(access.NEEDS), type_needs(kind)) if p is not None]
    return needed, bool(metadata.get(access.PUBLIC)), kind


def type_needs(kind: GraphQLNamedType) -> Permission | None:
    """The permission to see a type; a connection and its edges take that of their rows."""
    if isinstance(kind, GraphQLObjectType) and "nodes" in kind.fields and "pageInfo" in kind.fields:
        kind = get_named_type(kind.fields["nodes"].type)
    definition = kind.extensions.get(BACKREF)
    marked = getattr(definition, "directives", None) or ()
    return next((d.permission for d in marked if isinstance(d, access.Requires)), None)
