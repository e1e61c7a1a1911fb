"""What an operation selects at its root, in fragments too."""

from collections.abc import Iterator
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLSchema,
    OperationDefinitionNode,
)

from schema.kit.merging import fragments_of


def root_fields(
    schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode
) -> Iterator[tuple[FieldNode, GraphQLField]]:
    """The root fields that the operation names, each fragment looked at once; unknown ones are passed over."""
    root = schema.get_root_type(operation.operation)
    fragments = fragments_of(document)
    todo: list[Any] = [operation]
    while todo:
        for selection in todo.pop().selection_set.selections:
            if isinstance(selection, FragmentSpreadNode):
                todo += [f] if (f := fragments.pop(selection.name.value, None)) else []
            elif not isinstance(selection, FieldNode):
                todo.append(selection)
            elif root is not None and (named := root.fields.get(selection.name.value)) is not None:
                yield selection, named
