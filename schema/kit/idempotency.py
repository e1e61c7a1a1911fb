"""`@idempotent(key:)` on a mutation field: where it may stand, and what it makes of the field's arguments."""

import dataclasses
import hashlib
from typing import Annotated, Any, Final

import orjson
import strawberry
from graphql import DirectiveNode, GraphQLError, GraphQLResolveInfo, ValidationRule, VariableNode
from strawberry.directive import DirectiveLocation
from strawberry.schema.schema_converter import GraphQLCoreConverter

from db.types import UNKEPT
from services.errors import ErrorCode, Invalid
from services.idempotency import Once

NAME: Final = "idempotent"
KEY_LENGTH_MAX: Final = 200
REPEATABLE: Final = "repeatable"
"""The mark of a mutation field that may have a key."""


@strawberry.directive(
    locations=[DirectiveLocation.FIELD],
    name=NAME,
    description="The result is kept under the key for 24 hours; sending the same mutation again returns it instead of doing it twice.",
)
def idempotent(
    key: Annotated[str, strawberry.argument(description="Chosen by the client: 1 to 200 characters.")],
) -> None:
    """Read at the root, where the transaction is opened: see `once_of`."""


class KeysOnMutations(ValidationRule):
    """A key stands on a field of the mutation, and not on one that signs somebody in."""

    def enter_directive(self, node: DirectiveNode, *_: Any) -> None:
        """Refuses a key where it would do nothing, or keep a token."""
        if node.name.value != NAME:
            return
        field = self.context.get_field_def()
        definition = field.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF) if field else None
        if definition is None or not definition.metadata.get(REPEATABLE):
            text = f"`@{NAME}` stands on fields of the mutation, and on none that gives tokens."
            extensions = {"code": ErrorCode.VALIDATION_ERROR.value}
            self.report_error(GraphQLError(text, node, extensions=extensions))


def once_of(info: GraphQLResolveInfo[Any], input: Any) -> Once | None:
    """What a mutation field does once, where it has a key; Invalid for a key that is none."""
    found = [d for node in info.field_nodes for d in node.directives or () if d.name.value == NAME]
    if not found:
        return None
    keys = {_key_of(directive, info.variable_values) for directive in found}
    if len(keys) > 1:
        raise Invalid("One field has one key.")
    key = keys.pop()
    if not 0 < len(key) <= KEY_LENGTH_MAX or UNKEPT.search(key):
        raise Invalid(f"A key has 1 to {KEY_LENGTH_MAX} characters.")
    return Once(info.field_name, key, hash_of(input))


def _key_of(directive: DirectiveNode, variables: Any) -> str:
    """Validation has seen to it that there is one, and that it is a text."""
    (argument,) = directive.arguments or ()
    given: Any = argument.value
    if not isinstance(given, VariableNode):
        return str(given.value)
    # Strawberry hands over the plain values, graphql-core an object around them.
    return str(getattr(variables, "coerced", variables)[given.name.value])


def hash_of(input: Any) -> str:
    """The SHA-256 of an input as it was coerced: the same however it was written down."""
    text = orjson.dumps(_plain(input), default=str, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)
    return hashlib.sha256(text).hexdigest()


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        given = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        return {name: _plain(v) for name, v in given.items() if v is not strawberry.UNSET}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)  # JSON may hold larger ones than orjson writes
    return {k: _plain(v) for k, v in value.items()} if isinstance(value, dict) else value
