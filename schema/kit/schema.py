"""Strawberry's schema with our declarations attached: documents cached, permissions checked before anything runs."""

from collections import OrderedDict
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

import orjson
import strawberry
from graphql import (
    DocumentNode,
    GraphQLError,
    OperationDefinitionNode,
    get_operation_ast,
    parse,
    specified_rules,
    validate,
)
from graphql import ExecutionResult as CoreResult
from graphql import OperationType as CoreOperationType
from graphql.error import located_error
from strawberry.types import ExecutionContext, ExecutionResult
from strawberry.types.execution import PreExecutionError
from strawberry.types.graphql import OperationType

from schema.kit import resolvers, subscriptions
from schema.kit.context import Context
from schema.kit.errors import present
from schema.kit.personal import is_personal
from schema.kit.roots import first_fields
from schema.kit.subscriptions import Question
from schema.kit.walk import Needs, walk
from services.errors import Problem

DOCUMENTS_MAX = 1_000
"""How many query texts are kept parsed and checked."""
ERRORS_MAX = 10
MESSAGE_LENGTH_MAX = 500
NESTED = "The document is nested too deeply."
"""How many errors one answer lists."""
UNNAMED = "The document has no operation, or several of which `operationName` names none."
UNKNOWN = "The document has no operation of that name."


@dataclass
class Document:
    """What is known of a query text, whoever sends it."""

    node: DocumentNode | None
    errors: list[GraphQLError]
    needs: dict[str, Needs] = field(default_factory=dict)
    sharing: dict[str, tuple[frozenset[str], bool]] = field(default_factory=dict)
    """By operation: the variables that only say where to begin, and whether it asks for the very person."""


class Schema(strawberry.Schema):
    """The graph. Every operation: parse, look at permissions, validate, execute; the first three once for each text."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._documents: OrderedDict[str, Document] = OrderedDict()
        resolvers.attach(self._schema)

    def document(self, text: str) -> Document:
        """What is known of a text; worked out at first sight."""
        known = self._documents.get(text)
        if known is not None:
            self._documents.move_to_end(text)
            return known
        known = self._documents[text] = self._read(text)
        if len(self._documents) > DOCUMENTS_MAX:
            self._documents.popitem(last=False)
        return known

    def _read(self, text: str) -> Document:
        try:
            node = parse(text)
        except GraphQLError as error:
            return Document(None, [error])
        except RecursionError:
            return Document(None, [GraphQLError(NESTED)])
        try:
            found = validate(self._schema, node, specified_rules, max_errors=ERRORS_MAX)
            return Document(node, [_told(error) for error in found])
        except RecursionError:
            return Document(None, [GraphQLError(NESTED)])

    def operation(self, text: str, name: str | None) -> OperationDefinitionNode | None:
        """The operation of a text that would run; None where it does not parse, or does not say which."""
        node = self.document(text).node
        return get_operation_ast(node, name) if node is not None else None

    def needs(self, document: Document, operation: OperationDefinitionNode) -> Needs:
        """What an operation of a document takes."""
        assert document.node is not None
        name = operation.name.value if operation.name else ""
        if name not in document.needs:
            document.needs[name] = walk(self._schema, document.node, operation)
        return document.needs[name]

    async def _prepare_operation_async(self, context: ExecutionContext, extensions_runner: Any) -> Any:
        """Parse, permissions, validation. Overrides Strawberry's own steps, which would do two of them every time."""
        document = self.document(context.query or "")
        if document.node is None:
            return _refused(context, document.errors)
        # What was asked for. `context.operation_name` is the first operation's where none was named.
        name = context._provided_operation_name
        operation = get_operation_ast(document.node, name)
        if operation is None:
            return _refused(context, [GraphQLError(UNNAMED if name is None else UNKNOWN)])
        if OperationType(operation.operation.value) not in context.allowed_operations:
            return _refused(context, [GraphQLError(f"No {operation.operation.value} can be run here.")])
        context.graphql_document = document.node
        needs, asked_by = self.needs(document, operation), _asked_by(context)
        try:
            await asked_by.identify_again()
        except Problem as over:
            return _refused(context, [GraphQLError(over.message, original_error=over)])
        refusal = needs.refusal(asked_by.asking)
        if refusal is not None:
            problem, (node, path) = refusal
            return _refused(
                context, [GraphQLError(problem.message, [node], path=list(path), original_error=problem)]
            )
        asked_by.refusal = needs.refusal
        if document.errors:
            return _refused(context, document.errors)
        await asked_by.read_first(first_fields(self._schema, document.node, operation))
        return None

    async def _stream(
        self, execution_context: ExecutionContext, extensions_runner: Any, *args: Any, **kwargs: Any
    ) -> Any:
        """Subscriptions by `subscriptions`, which executes what several are told only once; the rest as before."""
        operation = self.operation(execution_context.query or "", execution_context._provided_operation_name)
        if operation is None or operation.operation is not CoreOperationType.SUBSCRIPTION:
            rest = super()._stream(execution_context, extensions_runner, *args, **kwargs)
            async with aclosing(rest):
                async for result in rest:
                    yield result
            return
        try:
            async with aclosing(self._tell(execution_context, extensions_runner, operation)) as told:
                async for result in told:
                    yield await self._handle_execution_result(execution_context, result, extensions_runner)
        except Exception as error:
            failed = ExecutionResult(data=None, errors=[located_error(error)])
            yield await self._handle_execution_result(execution_context, failed, extensions_runner)

    async def _tell(self, context: ExecutionContext, runner: Any, operation: OperationDefinitionNode) -> Any:
        refused = await self._prepare_operation_async(context=context, extensions_runner=runner)
        if refused:
            yield refused
            return
        assert context.graphql_document is not None
        executor = subscriptions.build(self._schema, context.graphql_document, context)
        if isinstance(executor, list):
            yield _refused(context, executor)
            return
        source = await subscriptions.occurrences(executor)
        if isinstance(source, CoreResult):
            yield _refused(context, source.errors or [])
            return
        told = subscriptions.results(executor, source, _asked_by(context), self._question(context, operation))
        async with aclosing(told):
            async for result in told:
                yield result

    def _question(self, context: ExecutionContext, operation: OperationDefinitionNode) -> Question:
        document = self.document(context.query or "")
        assert document.node is not None
        name = operation.name.value if operation.name else ""
        if name not in document.sharing:
            resumed = subscriptions.resume_variables(document.node, operation)
            document.sharing[name] = resumed, is_personal(self._schema, document.node)
        resumed, personal = document.sharing[name]
        variables = {k: v for k, v in (context.variables or {}).items() if k not in resumed}
        text = orjson.dumps(variables, option=orjson.OPT_SORT_KEYS, default=str)
        return Question(context.query or "", name, text, personal)

    def _create_execution_context(self, *args: Any, **kwargs: Any) -> ExecutionContext:
        context = super()._create_execution_context(*args, **kwargs)
        # A socket has one context for all its operations; what one of them has read is not for the next.
        context.context = _asked_by(context).fork()
        return context

    async def _handle_execution_result(
        self, context: ExecutionContext, result: Any, *args: Any, **kwargs: Any
    ) -> Any:
        if isinstance(result, subscriptions.EventResult) and not result.errors:
            return result  # shared with others as it is
        answer = await super()._handle_execution_result(context, result, *args, **kwargs)
        if answer.errors:
            request_id = _asked_by(context).request_id
            answer.errors = [present(e, request_id) for e in answer.errors[:ERRORS_MAX]]
        return answer

    def process_errors(self, errors: list[GraphQLError], execution_context: Any = None) -> None:
        """Logging is `present`'s: what nobody foresaw, once."""


def _asked_by(context: ExecutionContext) -> Context:
    asked_by: Context = context.context
    return asked_by


def _told(error: GraphQLError) -> GraphQLError:
    """A fault of the document as the caller's own, whatever Python raised while looking: a number of 5,000 digits."""
    return GraphQLError(error.message[:MESSAGE_LENGTH_MAX], error.nodes, error.source, error.positions)


def _refused(context: ExecutionContext, errors: list[GraphQLError]) -> PreExecutionError:
    context.pre_execution_errors = errors
    return PreExecutionError(data=None, errors=errors)
