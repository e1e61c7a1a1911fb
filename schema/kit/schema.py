"""Strawberry's schema with our declarations attached: operations let in, then run by a plan or by the stock executor."""

import asyncio
import time
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from typing import Any

import orjson
import strawberry
from graphql import ExecutionResult as CoreResult
from graphql import GraphQLError, OperationDefinitionNode, execute
from graphql import OperationType as CoreOperationType
from graphql.error import located_error
from graphql.execution.values import VariableValues
from strawberry.types import ExecutionResult
from strawberry.types.execution import PreExecutionError
from strawberry.types.graphql import OperationType

from schema.kit import resolvers, subscriptions
from schema.kit.admission import Admitted, Asked, Refused, admit, told
from schema.kit.context import Context
from schema.kit.documents import ERRORS_MAX, Documents, Known
from schema.kit.errors import tell
from schema.kit.execution.checks import check_columns
from schema.kit.execution.plans import Plan, plans
from schema.kit.execution.telling import FALLBACK, PLANNED, SURPRISED
from schema.kit.idempotency import idempotent
from schema.kit.lengths import LENGTH_MAX, is_long, may_be_long
from schema.kit.seats import Seat
from schema.kit.subscriptions import Execution, Question
from services.errors import TimedOut, TooLarge

TOO_LONG = "It took longer than one operation may."
LONG = f"An answer has at most {LENGTH_MAX:,} characters: ask for less at a time."
DONE_AND_LONG = f"It was done. {LONG}"
Given = dict[str, Any] | None
"""The variables as they were sent."""


class Schema(strawberry.Schema):
    """The graph. Every operation is let in or refused whole by `admit`; all that is known of a text is known once."""

    def __init__(self, query: type, mutation: type, subscription: type, **options: Any) -> None:
        super().__init__(query, mutation, subscription, directives=[idempotent], **options)
        self.documents = Documents(self._schema)
        resolvers.attach(self._schema)
        check_columns(self._schema)

    def operation(self, text: str, name: str | None, context: Context) -> OperationDefinitionNode | None:
        """The operation of a text that would run; None where it does not parse, or does not say which."""
        level = context.server.limits.level_of(context.asking)
        known = self.documents.operation(self.documents.of(text, level), name)
        return known.node if known is not None else None

    async def execute(
        self,
        query: str | None,
        variable_values: Given = None,
        context_value: Any = None,
        root_value: Any = None,
        operation_name: str | None = None,
        allowed_operation_types: Iterable[OperationType] | None = None,
        operation_extensions: dict[str, Any] | None = None,
    ) -> ExecutionResult:
        """Runs a query or a mutation: by its plan, or by the stock executor, whose errors are the exact ones."""
        context = context_value.fork()
        allowed = allowed_operation_types or (OperationType.QUERY, OperationType.MUTATION)
        try:
            asked = Asked(query or "", variable_values, operation_name, allowed)
            admitted = await admit(self.documents, context, asked)
        except Refused as refused:
            return _refusal(refused, context)
        return await self._answer(admitted, context, variable_values)

    async def stream(
        self,
        query: str | None,
        variable_values: Given = None,
        context_value: Any = None,
        root_value: Any = None,
        operation_name: str | None = None,
        operation_extensions: dict[str, Any] | None = None,
        allowed_operation_types: Iterable[OperationType] | None = None,
    ) -> Any:
        """The answers of any operation, one after the other."""
        allowed = allowed_operation_types or OperationType
        return self._streamed(
            Asked(query or "", variable_values, operation_name, allowed), context_value.fork()
        )

    async def _streamed(self, asked: Asked, context: Context) -> AsyncGenerator[ExecutionResult, None]:
        try:
            admitted = await admit(self.documents, context, asked)
        except Refused as refused:
            yield _refusal(refused, context)
            return
        if not admitted.known.follows:
            yield await self._answer(admitted, context, asked.variables)
            return
        # How many it follows at once is limited by its socket: what runs on has no turn to give back.
        admitted.settle(context)
        try:
            async with aclosing(self._tell(admitted, context, asked)) as told_of:
                async for result in told_of:
                    yield result
        except Exception as error:
            yield _presented(ExecutionResult(None, [located_error(error)]), context)

    async def _answer(self, admitted: Admitted, context: Context, given: Given) -> ExecutionResult:
        """Runs what was let in, for as long as its level gives it."""
        extensions: dict[str, Any] = {}
        seconds = admitted.level.seconds
        context.ends_at = time.monotonic() + seconds
        try:
            # What changes something is not cut short: each of its statements has an end, and no field begins too late.
            changes = admitted.known.node.operation is CoreOperationType.MUTATION
            with context.server.database.deadlines.within(None if changes else seconds):
                result = await self._by_plan(admitted, context, given)
                if result is None:
                    result = _presented(await self._stock(admitted, context, given), context)
        except TimeoutError:
            late = TimedOut(TOO_LONG)
            result = _presented(
                PreExecutionError(None, [GraphQLError(TOO_LONG, original_error=late)]), context
            )
        else:
            if may_be_long(context.objects, admitted.document.shape.aliases) and is_long(result.data):
                long = TooLarge(DONE_AND_LONG if changes else LONG)
                result = _presented(
                    PreExecutionError(None, [GraphQLError(long.message, original_error=long)]), context
                )
        finally:
            extensions["cost"] = admitted.settle(context)
        if context.telling is not None:
            extensions |= context.telling.extensions()
        result.extensions = extensions
        return result

    async def _by_plan(self, admitted: Admitted, context: Context, given: Given) -> ExecutionResult | None:
        """The answer of the operation's plan; None where anything at all is in its way."""
        await context.read_first(admitted.known.first)
        ready = self._plan(admitted, context, given)
        if ready is None:
            return None
        plan, variables = ready
        try:
            data = await plan.execute(context, variables)
        except Exception:
            # What was done is done: the stock executor is given the outcomes of mutations instead of running them.
            plans.counters.surprised += 1
            context.begin_field()
            context.objects = 0
            _note(context, SURPRISED, "something that only the stock executor can answer exactly")
            return None
        plans.counters.planned += 1
        _note(context, PLANNED)
        return ExecutionResult(data, None)

    def _plan(self, admitted: Admitted, context: Context, given: Given) -> tuple[Plan, VariableValues] | None:
        if not plans.enabled:
            return None
        variables = admitted.known.variables.read(given)
        if isinstance(variables, list):
            return None
        plan = self.documents.plan(admitted.known, variables, context.server.database.dialect)
        if plan is None:
            plans.counters.fallback += 1
            _note(context, FALLBACK, admitted.known.unplanned)
            return None
        return plan, variables

    async def _stock(self, admitted: Admitted, context: Context, given: Given) -> ExecutionResult:
        known = admitted.known
        name = known.node.name.value if known.node.name else None
        result: Any = execute(
            self._schema,
            known.document,
            None,
            context,
            variable_values=given,
            operation_name=name,
        )
        if asyncio.iscoroutine(result) or asyncio.isfuture(result):
            result = await result
        return ExecutionResult(result.data, result.errors)

    async def _tell(
        self, admitted: Admitted, context: Context, asked: Asked
    ) -> AsyncGenerator[ExecutionResult, None]:
        """What a subscription tells: executed once for all who are told the same."""
        known = admitted.known
        await context.read_first(known.first)
        executor = subscriptions.build(self._schema, known.document, known.node, context, asked.variables)
        if isinstance(executor, list):
            yield _presented(PreExecutionError(None, executor), context)
            return
        question = _question(known, asked)
        context.seat = seat = Seat(context, question, admitted)
        source = await subscriptions.occurrences(executor)
        if isinstance(source, CoreResult):
            yield _presented(PreExecutionError(None, source.errors), context)
            return
        plan = None
        if plans.enabled:
            plan = self.documents.plan(known, executor.variable_values, context.server.database.dialect)
        execution = Execution(executor, plan)
        async with aclosing(subscriptions.results(execution, source, context, question)) as told_of:
            async for result in told_of:
                await admitted.pay_for_event()
                yield _presented(result, context)
                seat.open()


def _note(context: Context, by: str, why: str | None = None) -> None:
    if context.telling is not None:
        context.telling.by, context.telling.why = by, why


def _question(known: Known, asked: Asked) -> Question:
    variables = {k: v for k, v in (asked.variables or {}).items() if k not in known.sharing.resumed}
    written = orjson.dumps(variables, option=orjson.OPT_SORT_KEYS, default=str)
    name = known.node.name.value if known.node.name else ""
    return Question(asked.text, name, written, known.sharing.is_personal)


def _refusal(refused: Refused, context: Context) -> PreExecutionError:
    result = PreExecutionError(None, refused.errors)
    limits, asking = context.server.limits, context.asking
    cost = told(limits, context.payer, limits.level_of(asking), refused.cost, 0)
    _presented(result, context).extensions = {"cost": cost}
    return result


def _presented(result: Any, context: Context) -> Any:
    """The errors of a result as the caller may see them."""
    if result.errors:
        result.errors = tell(result.errors[:ERRORS_MAX], context)
    return result
