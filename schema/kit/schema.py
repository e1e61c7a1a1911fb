"""Strawberry's schema with our declarations attached: documents known, permissions checked, plans before the stock executor."""

from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from typing import Any

import orjson
import strawberry
from graphql import ExecutionResult as CoreResult
from graphql import GraphQLError, OperationDefinitionNode
from graphql import OperationType as CoreOperationType
from graphql.error import located_error
from graphql.execution.values import VariableValues
from strawberry.extensions import SchemaExtension
from strawberry.extensions.directives import DirectivesExtension
from strawberry.types import ExecutionContext, ExecutionResult
from strawberry.types.execution import PreExecutionError
from strawberry.types.graphql import OperationType

from db.faults import until_answered
from schema.kit import resolvers, subscriptions
from schema.kit.context import Context
from schema.kit.documents import ERRORS_MAX, Document, Documents, Known
from schema.kit.errors import tell
from schema.kit.execution.checks import check_columns
from schema.kit.execution.plans import Plan, plans
from schema.kit.execution.telling import FALLBACK, PLANNED, SURPRISED
from schema.kit.idempotency import idempotent
from schema.kit.subscriptions import EventResult, Execution, Question
from services.errors import Problem

UNNAMED = "The document has no operation, or several of which `operationName` names none."
UNKNOWN = "The document has no operation of that name."


class Schema(strawberry.Schema):
    """The graph. Every operation: parse, look at permissions, validate, execute; all but the last once for each text."""

    def __init__(self, query: type, mutation: type, subscription: type, **options: Any) -> None:
        super().__init__(query, mutation, subscription, directives=[idempotent], **options)
        self.documents = Documents(self._schema)
        resolvers.attach(self._schema)
        check_columns(self._schema)

    def get_extensions(self, sync: bool = False) -> list[SchemaExtension]:
        """Without the one that looks at every field for directives: ours is read at the root."""
        return [e for e in super().get_extensions(sync) if not isinstance(e, DirectivesExtension)]

    def operation(self, text: str, name: str | None) -> OperationDefinitionNode | None:
        """The operation of a text that would run; None where it does not parse, or does not say which."""
        known = self.documents.operation(self.documents.of(text), name)
        return known.node if known is not None else None

    async def execute(
        self,
        query: str | None,
        variable_values: dict[str, Any] | None = None,
        context_value: Any = None,
        root_value: Any = None,
        operation_name: str | None = None,
        allowed_operation_types: Iterable[OperationType] | None = None,
        operation_extensions: dict[str, Any] | None = None,
    ) -> ExecutionResult:
        """Runs a query or a mutation: by its plan, or by the stock executor, whose errors are the exact ones."""
        context = context_value.fork()
        allowed = allowed_operation_types or OperationType
        planned = await self._by_plan(query, variable_values, context, operation_name, allowed)
        result = planned or await super().execute(
            query,
            variable_values,
            context,
            root_value,
            operation_name,
            allowed_operation_types,
            operation_extensions,
        )
        if context.telling is not None:
            result.extensions = {**(result.extensions or {}), **context.telling.extensions()}
        return result

    async def stream(
        self,
        query: str | None,
        variable_values: dict[str, Any] | None = None,
        context_value: Any = None,
        root_value: Any = None,
        operation_name: str | None = None,
        operation_extensions: dict[str, Any] | None = None,
        allowed_operation_types: Iterable[OperationType] | None = None,
    ) -> Any:
        """The answers of any operation, one after the other."""
        context = context_value.fork()
        allowed = allowed_operation_types or OperationType
        planned = await self._by_plan(query, variable_values, context, operation_name, allowed)
        if planned is not None:
            return _alone(planned)
        return await super().stream(
            query,
            variable_values,
            context,
            root_value,
            operation_name,
            operation_extensions,
            allowed_operation_types,
        )

    async def _ready(
        self,
        query: str | None,
        given: dict[str, Any] | None,
        context: Context,
        name: str | None,
        allowed: Iterable[OperationType],
    ) -> tuple[Plan, VariableValues] | None:
        """The plan of an operation that may run, with its variables; None where anything at all is in its way."""
        document = self.documents.of(query or "")
        known = self.documents.operation(document, name)
        if not plans.enabled or known is None or document.errors or not _may_run(known, allowed):
            return None
        try:
            await context.identify_again()
        except Problem:
            return None
        if known.needs.refusal(context.asking) is not None:
            return None
        context.refusal = known.needs.refusal
        variables = known.variables.read(given)
        if isinstance(variables, list):
            return None
        plan = self.documents.plan(document, known, variables, context.server.database.dialect)
        if plan is None:
            plans.counters.fallback += 1
            _note(context, FALLBACK, known.unplanned)
            return None
        await context.read_first(known.first)
        return plan, variables

    async def _by_plan(
        self,
        query: str | None,
        given: dict[str, Any] | None,
        context: Context,
        name: str | None,
        allowed: Iterable[OperationType],
    ) -> ExecutionResult | None:
        kinds = [kind for kind in allowed if kind is not OperationType.SUBSCRIPTION]
        ready = await self._ready(query, given, context, name, kinds)
        if ready is None:
            return None
        plan, variables = ready
        try:
            data = await plan.execute(context, variables)
        except Exception:
            # What was done is done: the stock executor is given the outcomes of mutations instead of running them.
            plans.counters.surprised += 1
            context.begin_field()
            _note(context, SURPRISED, "something that only the stock executor can answer exactly")
            return None
        plans.counters.planned += 1
        _note(context, PLANNED)
        return ExecutionResult(data, None)

    async def _prepare_operation_async(self, context: ExecutionContext, extensions_runner: Any) -> Any:
        """Parse, permissions, validation. Overrides Strawberry's own steps, which would do two of them every time."""
        document = self.documents.of(context.query or "")
        if document.node is None:
            return _refused(context, document.errors)
        # What was asked for. `context.operation_name` is the first operation's where none was named.
        name = context._provided_operation_name
        known = self.documents.operation(document, name)
        if known is None:
            return _refused(context, [GraphQLError(UNNAMED if name is None else UNKNOWN)])
        if not _may_run(known, context.allowed_operations):
            return _refused(context, [GraphQLError(f"No {known.node.operation.value} can be run here.")])
        context.graphql_document = document.node
        return await self._allowed(context, document, known)

    async def _allowed(self, context: ExecutionContext, document: Document, known: Known) -> Any:
        asked_by = _asked_by(context)
        follows = known.node.operation is CoreOperationType.SUBSCRIPTION
        try:
            # Whoever follows has time, and takes an error for the end of what it follows.
            await (until_answered(asked_by.identify_again) if follows else asked_by.identify_again())
        except Problem as over:
            return _refused(context, [GraphQLError(over.message, original_error=over)])
        refusal = known.needs.refusal(asked_by.asking, guarded=asked_by.server.guards_schema)
        if refusal is not None:
            problem, (node, path) = refusal
            return _refused(
                context, [GraphQLError(problem.message, [node], path=list(path), original_error=problem)]
            )
        asked_by.refusal = known.needs.refusal
        if document.errors:
            return _refused(context, document.errors)
        await asked_by.read_first(known.first)
        return None

    async def _stream(
        self, execution_context: ExecutionContext, extensions_runner: Any, *args: Any, **kwargs: Any
    ) -> Any:
        """Subscriptions by `subscriptions`, which executes what several are told only once; the rest as before."""
        document = self.documents.of(execution_context.query or "")
        known = self.documents.operation(document, execution_context._provided_operation_name)
        if known is None or known.node.operation is not CoreOperationType.SUBSCRIPTION:
            rest = super()._stream(execution_context, extensions_runner, *args, **kwargs)
            async with aclosing(rest):
                async for result in rest:
                    yield result
            return
        try:
            telling = self._tell(execution_context, extensions_runner, document, known)
            async with aclosing(telling) as told:
                async for result in told:
                    if isinstance(result, EventResult) and not result.errors:
                        yield result
                        continue
                    yield await self._handle_execution_result(execution_context, result, extensions_runner)
        except Exception as error:
            failed = ExecutionResult(data=None, errors=[located_error(error)])
            yield await self._handle_execution_result(execution_context, failed, extensions_runner)

    async def _tell(self, context: ExecutionContext, runner: Any, document: Document, known: Known) -> Any:
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
        asked_by, plan = _asked_by(context), None
        if plans.enabled:
            dialect = asked_by.server.database.dialect
            plan = self.documents.plan(document, known, executor.variable_values, dialect)
        told = subscriptions.results(Execution(executor, plan), source, asked_by, _question(context, known))
        async with aclosing(told):
            async for result in told:
                yield result

    async def _handle_execution_result(
        self, context: ExecutionContext, result: Any, *args: Any, **kwargs: Any
    ) -> Any:
        if isinstance(result, subscriptions.EventResult) and not result.errors:
            return result  # shared with others as it is
        answer = await super()._handle_execution_result(context, result, *args, **kwargs)
        if answer.errors:
            answer.errors = tell(answer.errors[:ERRORS_MAX], _asked_by(context))
        return answer

    def process_errors(self, errors: list[GraphQLError], execution_context: Any = None) -> None:
        """Logging is `present`'s: what nobody foresaw, once."""


def _note(context: Context, by: str, why: str | None = None) -> None:
    if context.telling is not None:
        context.telling.by, context.telling.why = by, why


async def _alone(answer: ExecutionResult) -> AsyncGenerator[ExecutionResult, None]:
    yield answer


def _may_run(known: Known, allowed: Iterable[OperationType]) -> bool:
    return OperationType(known.node.operation.value) in allowed


def _question(context: ExecutionContext, known: Known) -> Question:
    assert known.sharing is not None
    variables = {k: v for k, v in (context.variables or {}).items() if k not in known.sharing.resumed}
    text = orjson.dumps(variables, option=orjson.OPT_SORT_KEYS, default=str)
    name = known.node.name.value if known.node.name else ""
    return Question(context.query or "", name, text, known.sharing.is_personal)


def _asked_by(context: ExecutionContext) -> Context:
    asked_by: Context = context.context
    return asked_by


def _refused(context: ExecutionContext, errors: list[GraphQLError]) -> PreExecutionError:
    context.pre_execution_errors = errors
    return PreExecutionError(data=None, errors=errors)
