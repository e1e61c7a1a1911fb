"""Mutation fields at which somebody can guess: one of them in an operation, so that a request is one attempt."""

from typing import Any, Final

from graphql import GraphQLError, OperationDefinitionNode, ValidationRule
from strawberry.schema.schema_converter import GraphQLCoreConverter

from schema.kit.selections import root_fields
from services.errors import ErrorCode

ATTEMPT: Final = "attempt"
"""The mark of such a field."""


class OneAttempt(ValidationRule):
    """An operation has one field at most that is marked as an attempt, under one name."""

    def enter_operation_definition(self, node: OperationDefinitionNode, *_: Any) -> None:
        """Refuses the second one."""
        attempts: dict[str, Any] = {}
        for selected, field in root_fields(self.context.schema, self.context.document, node):
            definition = field.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
            if definition is not None and definition.metadata.get(ATTEMPT):
                attempts[selected.alias.value if selected.alias else selected.name.value] = selected
        if len(attempts) > 1:
            second = list(attempts.values())[1]
            text = f"One attempt to sign in at a time: `{second.name.value}` is another."
            extensions = {"code": ErrorCode.VALIDATION_ERROR.value}
            self.report_error(GraphQLError(text, second, extensions=extensions))
