"""Lets an operation in or refuses it whole, in this order: parsed, who asks, size, permissions, cost, the bucket, validity."""

import asyncio
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLError
from strawberry.types.graphql import OperationType

from db.base import Permission
from db.faults import until_answered
from schema.kit.context import Context
from schema.kit.documents import Document, Documents, Known
from schema.kit.merging import TooWide
from schema.kit.parsing import NESTED
from schema.kit.pricing import BASES, Endless, Measure
from services.errors import Invalid, Problem, RateLimited, TooExpensive, TooLarge
from services.limits import Level, Limits

UNNAMED = "The document has no operation, or several of which `operationName` names none."
UNKNOWN = "The document has no operation of that name."
NESTING_MAX = 32
"""How deep variables may be nested."""
VARIABLES_LENGTH_MAX = 131_072
"""How long their texts are together, each value that is no text counted as 1: room for four of the longest messages."""
TOO_MUCH = "You have asked for too much in a short time."
REFUSED_COST = 1
"""What an operation costs that is refused."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A document, and which operation of which kinds of it is to be run with what, as they were sent."""

    text: str
    variables: dict[str, Any] | None = None
    name: str | None = None
    allowed: Iterable[OperationType] = tuple(OperationType)


@dataclass(frozen=True, slots=True)
class Explained:
    """What an operation would cost."""

    cost: int
    depth: int
    fits: bool
    """Whether it is within what one operation may ask for."""
    missing: list[Permission]


class Refused(Exception):
    """The operation does not run; `errors` says why."""

    def __init__(self, *errors: GraphQLError, cost: int = 0) -> None:
        super().__init__(*errors)
        self.errors, self.cost = list(errors), cost


@dataclass(slots=True)
class Admitted:
    """An operation that may run. Whoever was given one settles it when it is over."""

    document: Document
    known: Known
    level: Level
    payer: Any
    cost: int
    fixed_cost: int
    """What of it there is whatever the operation finds."""
    limits: Limits

    @property
    def event_cost(self) -> int:
        """What each event of a subscription costs."""
        return max(1, self.cost - BASES[self.known.node.operation])

    async def pay_for_event(self) -> None:
        """Waits until the viewer can pay for one more event: it is told late, and not left out."""
        while True:
            wait = await self.limits.charge(self.payer, self.level, self.event_cost)
            if not wait:
                return
            await asyncio.sleep(wait)

    def settle(self, context: Context) -> dict[str, Any]:
        """What it cost, as `extensions.cost` tells it; what it did not use is given back."""
        actual = self.fixed_cost + context.objects
        self.limits.leave(self.payer, self.level, self.cost - actual)
        return told(self.limits, self.payer, self.level, self.cost, actual)


def told(limits: Limits, payer: Any, level: Level, requested: int, actual: int) -> dict[str, Any]:
    """`extensions.cost`."""
    left = limits.left(payer, level)
    throttle = {
        "maximum": left.maximum,
        "available": left.available,
        "restorePerSecond": left.restore_per_second,
    }
    return {"requested": requested, "actual": actual, "throttle": throttle}


async def admit(documents: Documents, context: Context, asked: Asked) -> Admitted:
    """The operation, for whoever asks; Refused with nothing done."""
    limits = context.server.limits
    try:
        admitted = await _look(documents, context, asked)
    except Refused:
        wait = await limits.charge(context.payer, limits.level_of(context.asking), REFUSED_COST)
        if wait:
            raise _refused(RateLimited(TOO_MUCH, retry_after=math.ceil(wait))) from None
        raise
    try:
        await limits.enter(admitted.payer, admitted.level, admitted.cost)
    except RateLimited as limited:
        raise _refused(limited, admitted.cost) from limited
    try:
        # Last: it takes the longest, and who has nothing left does not get it done.
        if admitted.document.errors:
            raise Refused(*admitted.document.errors)
    except BaseException:
        limits.leave(admitted.payer, admitted.level, admitted.cost - REFUSED_COST)
        raise
    return admitted


def explain(documents: Documents, context: Context, asked: Asked) -> Explained:
    """What an operation would cost whoever asks. Refused where it cannot be told; whether it is valid is not looked at."""
    limits, viewer = context.server.limits, context.asking
    level = limits.level_of(viewer)
    document, known = _found(documents, level, asked)
    measure = _measured(known, asked.variables, context.server.page_size_max)
    cost = _cost(measure, context)
    fits = cost <= level.cost and not known.excess(document.shape, level, measure.depth)
    missing = [p for p in known.needs.permissions if viewer is None or not viewer.can(p)]
    return Explained(cost, measure.depth, fits, missing)


def _check_variables(variables: Mapping[str, Any] | None) -> None:
    """Refused where the variables are larger, or nested deeper, than anything that takes them."""
    level: list[Any] = [variables] if variables else []
    size = 0
    for _ in range(NESTING_MAX):
        values = [v for held in level for v in (held.values() if type(held) is dict else held)]
        size += len(values) + sum([len(value) for value in values if type(value) is str])
        if size > VARIABLES_LENGTH_MAX:
            raise _refused(TooLarge(f"Variables have at most {VARIABLES_LENGTH_MAX:,} characters."))
        level = [value for value in values if type(value) in (dict, list)]
        if not level:
            return
    raise _refused(Invalid(f"Variables are nested {NESTING_MAX} deep at most."))


def _found(documents: Documents, level: Level, asked: Asked) -> tuple[Document, Known]:
    document = documents.of(asked.text, level)
    if document.node is None:
        raise Refused(*document.errors)
    known = documents.operation(document, asked.name)
    if known is None:
        raise Refused(GraphQLError(UNNAMED if asked.name is None else UNKNOWN))
    return document, known


async def _look(documents: Documents, context: Context, asked: Asked) -> Admitted:
    limits = context.server.limits
    _check_variables(asked.variables)
    document, known = _found(documents, limits.level_of(context.asking), asked)
    if OperationType(known.node.operation.value) not in asked.allowed:
        raise Refused(GraphQLError(f"No {known.node.operation.value} can be run here."))
    try:
        if known.follows:
            # Whoever follows has time, and takes an error for the end of what it follows.
            await until_answered(context.identify_again)
        elif context.line_id is not None:
            # A socket has said who it is a while ago; a request just now.
            await context.identify_again()
    except Problem as over:
        raise _refused(over) from over
    level = limits.level_of(context.asking)
    measure = _measured(known, asked.variables, context.server.page_size_max)
    excess = known.excess(document.shape, level, measure.depth)
    if excess:
        raise _refused(TooExpensive(f"The document is too large: {excess}."))
    refusal = known.needs.refusal(context.asking, guarded=context.server.guards_schema)
    if refusal is not None:
        problem, (node, path) = refusal
        raise Refused(GraphQLError(problem.message, [node], path=list(path), original_error=problem))
    context.refusal = known.needs.refusal
    cost = _cost(measure, context)
    if cost > level.cost:
        raise _refused(TooExpensive(f"It costs {cost:,}; one operation may cost {level.cost:,}."), cost)
    return Admitted(document, known, level, context.payer, cost, measure.weight, limits)


def _measured(known: Known, given: Mapping[str, Any] | None, page_max: int) -> Measure:
    try:
        return known.measure(given, page_max)
    except TooWide:
        raise _refused(TooExpensive("The fragments of the document multiply each other.")) from None
    except Endless:
        raise Refused(GraphQLError("A fragment cannot be spread within itself.")) from None
    except RecursionError:
        raise Refused(GraphQLError(NESTED)) from None


def _cost(measure: Measure, context: Context) -> int:
    """Where anybody may see the schema, that is free: tools look at it before anybody signs in."""
    return measure.cost + (measure.introspection if context.server.guards_schema else 0)


def _refused(problem: Problem, cost: int = 0) -> Refused:
    return Refused(GraphQLError(problem.message, original_error=problem), cost=cost)
