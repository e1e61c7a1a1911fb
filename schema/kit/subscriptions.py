"""Runs subscriptions: each event executed once for all who ask the same of it with the same rights."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Hashable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, cast

import orjson
from graphql import DocumentNode, GraphQLError, OperationDefinitionNode, VariableNode, Visitor, visit
from graphql import ExecutionResult as CoreResult
from graphql.execution import Executor, create_source_event_stream
from graphql.execution.executor_throwing_on_incremental import ExecutorThrowingOnIncremental
from strawberry.types import ExecutionResult

from db.faults import WAIT_SECONDS_MAX, DatabaseFault, FaultKind, fault_of, jittered
from db.shields import shielded
from schema.kit.context import Context
from schema.kit.execution.plans import Plan
from services.sharing import Occurrence

RESUME_ARGUMENT = "after"
"""Where a subscriber begins: the one argument by which those who follow the same thing differ."""
FIRST_WAIT_SECONDS = 0.1


class EventResult(ExecutionResult):
    """What is told of one event. Its encoding is made once, for however many sockets it goes to."""

    _encoded: bytes | None = None

    def encoded(self) -> bytes:
        """The payload of a `next` message, as JSON."""
        if self._encoded is None:
            payload: dict[str, Any] = {"data": self.data}
            if self.errors:
                payload["errors"] = [error.formatted for error in self.errors]
            self._encoded = orjson.dumps(payload)
        return self._encoded


@dataclass(frozen=True)
class Question:
    """What a subscriber asks of each event, as far as the answer depends on it."""

    text: str
    operation_name: str | None
    variables: bytes
    is_personal: bool

    def key(self, context: Context, same: Hashable) -> Hashable:
        """Equal for two who are told the same."""
        viewer = context.viewer
        person = viewer.id if self.is_personal else None
        return (self.text, self.operation_name, self.variables, viewer.scope, person, same)


async def occurrences(executor: Executor[Any]) -> AsyncIterable[Occurrence] | CoreResult:
    """What the subscription field tells, or why it does not."""
    source: Any = create_source_event_stream(executor)
    return cast(
        "AsyncIterable[Occurrence] | CoreResult", await source if asyncio.iscoroutine(source) else source
    )


def build(
    schema: Any, document: DocumentNode, operation: OperationDefinitionNode, context: Context, given: Any
) -> Executor[Any] | list[GraphQLError]:
    """What executes the events of one subscription; the errors where its variables are no good."""
    name = operation.name.value if operation.name else None
    return ExecutorThrowingOnIncremental.build(schema, document, None, context, given, name)


@dataclass(frozen=True)
class Execution:
    """How the events of one subscription are executed: by its plan, where it has one, or by graphql-core."""

    executor: Executor[Any]
    plan: Plan | None


async def results(
    execution: Execution, source: AsyncIterable[Occurrence], context: Context, question: Question
) -> AsyncGenerator[CoreResult, None]:
    """The result of each event, in their order; without those that were told at once."""
    async with aclosing(cast("AsyncGenerator[Occurrence, None]", source)) as told:
        async for occurrence in told:
            result = await result_of(execution, occurrence, context, question)
            if occurrence.hand_on is None or not await occurrence.hand_on(result):
                yield result


async def result_of(
    execution: Execution, occurrence: Occurrence, context: Context, question: Question
) -> CoreResult:
    """The result of one event: made here, or by somebody else who was told the same at this moment."""
    if occurrence.same is None:
        # A replay is read for one alone; cut short when that one leaves, the read would cost its connection.
        return await shielded(execute(execution, occurrence.value))
    key = question.key(context, occurrence.same)
    result = await context.server.answers.get(key, lambda: execute(execution, occurrence.value))
    # What failed may have failed for the other one alone, and its errors carry the id of its request.
    return await execute(execution, occurrence.value) if result.errors else result


async def execute(execution: Execution, value: Any) -> CoreResult:
    """Executes one event; again, for as long as the database is away: nobody is told half of it."""
    executor, wait = execution.executor, FIRST_WAIT_SECONDS
    if execution.plan is not None:
        data = await execution.plan.event(executor.context_value, executor.variable_values, value)
        if data is not None:
            return EventResult(data=data, errors=None)  # type: ignore[return-value]
    while True:
        result: Any = executor.build_per_event_executor(value).execute_operation(False)
        result = await result if asyncio.iscoroutine(result) or asyncio.isfuture(result) else result
        if not any(map(_is_away, result.errors or ())):
            return EventResult(data=result.data, errors=result.errors)  # type: ignore[return-value]
        cast("Context", executor.context_value).forget()
        await asyncio.sleep(jittered(wait))
        wait = min(wait * 2, WAIT_SECONDS_MAX)


def _is_away(error: GraphQLError) -> bool:
    cause: BaseException | None = error.original_error
    while isinstance(cause, GraphQLError):
        cause = cause.original_error
    fault: DatabaseFault | None = fault_of(cause) if cause is not None else None
    return fault is not None and fault.kind is not FaultKind.TIMEOUT


def resume_variables(document: DocumentNode, operation: OperationDefinitionNode) -> frozenset[str]:
    """The variables that say where to begin and nothing else: what is told of an event does not depend on them."""
    said = {
        argument.value.name.value
        for field in operation.selection_set.selections
        for argument in getattr(field, "arguments", ())
        if argument.name.value == RESUME_ARGUMENT and isinstance(argument.value, VariableNode)
    }
    used: dict[str, int] = {}

    class Uses(Visitor):
        def enter_variable(self, node: VariableNode, *_: Any) -> None:
            used[node.name.value] = used.get(node.name.value, 0) + 1

    visit(document, Uses())
    # Once where it is declared, once as the argument.
    return frozenset(name for name in said if used[name] == 2)
