"""Reads query texts within the limits, and lets go of what only reading needed."""

from graphql import DocumentNode, GraphQLError, parse
from graphql.language import Node

from services.errors import TooExpensive, TooLarge

DOCUMENT_LENGTH_MAX = 32_768
NESTED = "The document is nested too deeply."
MANY_TOKENS = "tokens. Parsing aborted."
"""How graphql-core says that it has stopped."""


def parsed(text: str, tokens_max: int) -> DocumentNode:
    """A query text as a tree. Raises GraphQLError where it cannot be read, or is more than may be."""
    if len(text) > DOCUMENT_LENGTH_MAX:
        large = TooLarge(f"A document has at most {DOCUMENT_LENGTH_MAX} characters.")
        raise GraphQLError(large.message, original_error=large)
    try:
        return parse(text, max_tokens=tokens_max)
    except GraphQLError as error:
        if not error.message.endswith(MANY_TOKENS):
            raise
        long = TooExpensive(f"The document has more than {tokens_max:,} tokens.")
        raise GraphQLError(long.message, original_error=long) from error
    except RecursionError:
        raise GraphQLError(NESTED) from None


def forget_tokens(document: DocumentNode) -> None:
    """Lets go of the tokens, a third of what a tree takes. Where a node stands in the text is still known."""
    todo: list[Node] = [document]
    while todo:
        node = todo.pop()
        if node.loc is not None:
            node.loc.start_token = node.loc.end_token = None  # type: ignore[assignment]
        for key in node.keys:
            below = getattr(node, key)
            if isinstance(below, Node):
                todo.append(below)
            elif isinstance(below, (list, tuple)):
                todo.extend(below)
