"""The one walk over a document before it runs: what the caller has to be allowed."""

from dataclasses import dataclass

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
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
from schema.kit.resolvers import BACKREF
from services.errors import Forbidden, Problem, Unauthenticated


@dataclass(frozen=True)
class Needs:
    """What one operation takes: whether somebody has to be signed in, and each permission with a field that needs it."""

    sign_in: FieldNode | None
    permissions: dict[Permission, FieldNode]

    def refusal(self, viewer: Viewer | None) -> tuple[Problem, FieldNode] | None:
        """Why this viewer may not run the operation, and for which field; None when it may."""
        if viewer is None:
            field = self.sign_in or next(iter(self.permissions.values()), None)
            return (Unauthenticated("Sign in first."), field) if field is not None else None
        for permission, field in self.permissions.items():
            if not viewer.can(permission):
                return Forbidden(f"`{field.name.value}` needs {permission.value}."), field
        return None


def walk(schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode) -> Needs:
    """Visits every selection once, each fragment once for each type it is spread on: linear, and bears unknown fields."""
    fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
    root = schema.get_root_type(operation.operation)
    sign_in: FieldNode | None = None
    permissions: dict[Permission, FieldNode] = {}
    seen: set[tuple[str, str]] = set()
    todo: list[tuple[GraphQLNamedType | None, SelectionSetNode]] = [(root, operation.selection_set)]
    while todo:
        parent, selections = todo.pop()
        for selection in selections.selections:
            if isinstance(selection, FragmentSpreadNode):
                fragment = fragments.get(selection.name.value)
                key = (parent.name if parent else "", selection.name.value)
                if fragment is not None and key not in seen:
                    seen.add(key)
                    on = schema.get_type(fragment.type_condition.name.value)
                    todo.append((on, fragment.selection_set))
            elif isinstance(selection, InlineFragmentNode):
                named = selection.type_condition
                todo.append((schema.get_type(named.name.value) if named else parent, selection.selection_set))
            elif isinstance(selection, FieldNode):
                needed, public, kind = _field(schema, parent, selection)
                if parent is root and not public:
                    sign_in = sign_in or selection
                for permission in needed:
                    permissions.setdefault(permission, selection)
                if selection.selection_set is not None:
                    todo.append((kind, selection.selection_set))
    return Needs(sign_in, permissions)


def _field(
    schema: GraphQLSchema, parent: GraphQLNamedType | None, node: FieldNode
) -> tuple[list[Permission], bool, GraphQLNamedType | None]:
    """The permissions of a field and of the type it leads to, whether anybody may select it, and that type."""
    name = node.name.value
    if name.startswith("__") or not isinstance(parent, GraphQLObjectType | GraphQLInterfaceType):
        return [], name.startswith("__"), None
    field = parent.fields.get(name)
    if field is None:
        return [], False, None
    definition = field.extensions.get(BACKREF)
    metadata = definition.metadata if definition is not None else {}
    kind = get_named_type(field.type)
    needed = [p for p in (metadata.get(access.NEEDS), type_needs(kind)) if p is not None]
    return needed, bool(metadata.get(access.PUBLIC)), kind


def type_needs(kind: GraphQLNamedType) -> Permission | None:
    """The permission to see a type; a connection and its edges take that of their rows."""
    if isinstance(kind, GraphQLObjectType) and "nodes" in kind.fields and "pageInfo" in kind.fields:
        kind = get_named_type(kind.fields["nodes"].type)
    definition = kind.extensions.get(BACKREF)
    marked = getattr(definition, "directives", None) or ()
    return next((d.permission for d in marked if isinstance(d, access.Requires)), None)
