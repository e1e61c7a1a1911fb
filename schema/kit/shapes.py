"""How large a document is, counted in one pass over what was parsed."""

from dataclasses import dataclass
from typing import Any

from graphql import DocumentNode, FieldNode, GraphQLSchema, TokenKind

from schema.kit.merging import widest


@dataclass(frozen=True, slots=True)
class Shape:
    """Counts of a whole document, each place in the text once."""

    tokens: int = 0
    aliases: int = 0
    directives: int = 0
    widest: int = 0
    """How often one response name is selected, or how many fragments are spread, in one place, at most."""


def shape_of(schema: GraphQLSchema, document: DocumentNode) -> Shape:
    """The counts of a document that was just parsed."""
    tokens = directives = 0
    token: Any = document.loc.start_token if document.loc is not None else None
    while token is not None:
        tokens += 1
        directives += token.kind is TokenKind.AT
        token = token.next
    # Beside the document the parser makes a token for its start and one for its end.
    return Shape(max(0, tokens - 2), _aliases(document), directives, widest(schema, document))


def _aliases(document: DocumentNode) -> int:
    count = 0
    todo: list[Any] = [d.selection_set for d in document.definitions if hasattr(d, "selection_set")]
    while todo:
        for selection in todo.pop().selections:
            if isinstance(selection, FieldNode) and selection.alias is not None:
                count += 1
            below = getattr(selection, "selection_set", None)
            if below is not None:
                todo.append(below)
    return count
